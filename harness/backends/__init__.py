"""Where the worker runs. A backend is a context: inside it, what takes stages and gives them back.

The walk (`run.execute`) hands over stages whose inputs are there and waits until one has ended; a
backend that takes one at a time makes it a walk in the plan's order.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.artifacts import Store
from harness.errors import HarnessError, MachineError, UsageError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a stage ended."""

    planned: PlannedStage
    made: bool = False
    """False where it failed, and where another run made it meanwhile."""
    error: HarnessError | None = None
    """What the stage said is wrong."""


class Backend(Protocol):
    """Runs stages, one at a time or side by side."""

    def takes(self, planned: PlannedStage, /) -> bool:
        """Whether it takes this stage now; True where it has none."""

    def submit(
        self,
        planned: PlannedStage,
        store: Store,
        resources: Resources,
        watch: Callable[[], Progress],
    ) -> None:
        """Take a stage whose inputs are in the store; `watch` is called when it starts."""

    def wait(self) -> Ended:
        """Wait until a stage that was submitted has ended; raises what isn't a HarnessError."""


Opened = Callable[[Mapping[str, Any]], contextlib.AbstractContextManager[Backend]]
RunStage = Callable[[PlannedStage, Store, Resources, Progress], bool]


def ended(planned: PlannedStage, run: Callable[[], bool]) -> Ended:
    """Run the stage by `run`, True where it made it now; raises what isn't a HarnessError."""
    try:
        return Ended(planned=planned, made=run())
    except HarnessError as error:
        return Ended(planned=planned, error=error)


class OneAtATime:
    """A backend of a function that runs a stage and returns True where it was made now."""

    def __init__(self, run: RunStage) -> None:
        """Nothing runs before `wait`."""
        self._run = run
        self._next: Callable[[], Ended] | None = None

    def takes(self, _: PlannedStage, /) -> bool:
        """Whether there is none."""
        return self._next is None

    def submit(
        self,
        planned: PlannedStage,
        store: Store,
        resources: Resources,
        watch: Callable[[], Progress],
    ) -> None:
        """Keep the stage."""
        self._next = lambda: ended(planned, lambda: self._run(planned, store, resources, watch()))

    def wait(self) -> Ended:
        """Run the stage."""
        assert self._next is not None
        run, self._next = self._next, None
        return run()


# "module:function", imported on use: one takes the command line's options and gives the context.
BACKENDS = {
    "local": "harness.backends.local:opened",
    "container": "harness.backends.container:opened",
    "ray": "harness.backends.ray:opened",
}
# Options that not every backend knows -> those that do.
_OPTIONS = {
    "image": ("container",),
    "cpus": ("container",),
    "memory": ("container", "local"),
    "timeout": ("container", "local"),
    "ray_address": ("ray",),
    "devices": ("local",),
    "jobs": ("local",),
}


def opened(given: Mapping[str, Any]) -> contextlib.AbstractContextManager[Backend]:
    """The backend that `--backend` names.

    Raises:
        UsageError: an option of another backend.
        MachineError: the backend's package isn't installed.
    """
    name = given.get("backend") or "local"
    _refuse_options_of_others(name, given)
    module, _, function = BACKENDS[name].partition(":")
    try:
        found: Opened = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MachineError(
            where=f"--backend {name}",
            got=f"no package {name}",
            expected=f"{name} as requirements/{name}.txt locks it",
            fix=f"Install it on every machine: `requirements/install.sh {name} .venv` in a "
            f"checkout, else `pip install 'reproduction-harness[{name}]'`.",
        ) from error
    return found(given)


def _refuse_options_of_others(name: str, given: Mapping[str, Any]) -> None:
    for option, knowing in _OPTIONS.items():
        if name not in knowing and given.get(option) is not None:
            raise UsageError(
                where=f"--{option.replace('_', '-')}",
                got=f"an option of --backend {' and '.join(knowing)}",
                expected=f"--backend {' or '.join(knowing)}",
                fix=f"Leave it out, or add --backend {knowing[0]}.",
            )
