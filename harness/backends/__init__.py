"""Where the worker runs. A backend is a context: inside it, a function that runs one stage."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from harness.artifacts import Store
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

Backend = Callable[[PlannedStage, Store, Resources, Progress], bool]
Opened = Callable[[Mapping[str, Any]], contextlib.AbstractContextManager[Backend]]

# "module:function", imported on use: one takes the command line's options and gives the context.
BACKENDS = {
    "local": "harness.backends.local:opened",
    "container": "harness.backends.container:opened",
}


def opened(given: Mapping[str, Any]) -> contextlib.AbstractContextManager[Backend]:
    """The backend that `--backend` names."""
    module, _, function = BACKENDS[given.get("backend") or "local"].partition(":")
    found: Opened = getattr(importlib.import_module(module), function)
    return found(given)
