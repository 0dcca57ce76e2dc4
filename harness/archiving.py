"""A run beside an archive: what it has isn't made again, what the run makes is copied there."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from harness.artifacts import Store
from harness.backends import Backend, Ended
from harness.graph import PlannedStage
from harness.plan import Plan
from harness.run import wanted
from harness.stages.contract import Progress, Resources

if TYPE_CHECKING:
    from harness.archive import Archive


class _Copying:
    """A backend whose finished stages are copied to an archive."""

    def __init__(self, backend: Backend, archive: Archive) -> None:
        """`backend` does the work."""
        self._backend, self._archive = backend, archive
        self._stores: dict[str, Store] = {}

    def takes(self, planned: PlannedStage, /) -> bool:
        """Whether the backend does."""
        return self._backend.takes(planned)

    def submit(
        self,
        planned: PlannedStage,
        store: Store,
        resources: Resources,
        watch: Callable[[], Progress],
    ) -> None:
        """Hand the stage on."""
        self._stores[planned.key] = store
        self._backend.submit(planned, store, resources, watch)

    def wait(self) -> Ended:
        """Copy what has ended well, here and not where it was made."""
        ended = self._backend.wait()
        store = self._stores.pop(ended.planned.key)
        if ended.error is None:
            self._archive.put(store, ended.planned.key)
        return ended


@contextlib.contextmanager
def archived(url: str | None, plan: Plan, store: Store, backend: Backend) -> Iterator[Backend]:
    """Take what the plan needs and the store lacks; copy what the store has and what is made.

    Args:
        url: `--archive`; else $HARNESS_ARCHIVE, else there is none.
        plan: whose artifacts they are.
        store: of the run.
        backend: of the run.

    Raises:
        UsageError: no address.
        MachineError: its driver is missing, nobody answers there, or the store can't be written.
    """
    chosen = url or os.environ.get("HARNESS_ARCHIVE")
    if not chosen:
        yield backend
        return
    # Imported here: a third of a second that most runs don't need.
    from harness.archive import open_archive

    archive = open_archive(chosen)
    stages = plan.by_key()
    wanted(
        plan,
        lambda key: store.has(key) or archive.take(store, key, stages[key].description()),
    )
    for planned in plan.stages:
        if store.has(planned.key):
            archive.put(store, planned.key)
    yield _Copying(backend, archive)
    sys.stderr.write(archive.summary())
