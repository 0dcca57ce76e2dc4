"""The worker in this process; in one of its own where memory or time are limited."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.artifacts import Store
from harness.backends import Backend
from harness.containers.limits import memory_bytes, read_limits, refuse_limits
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources
from harness.worker import run_stage


def run(planned: PlannedStage, store: Store, resources: Resources, progress: Progress) -> bool:
    """Run the stage here; True where it was made now. Raises what `worker.run_stage` raises."""
    return run_stage(planned, store, resources, progress)


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """`run`, or the same within limits.

    Raises:
        UsageError: an option of containers was given, or an amount that isn't one.
    """
    refuse_limits(given)
    limits = read_limits(given)
    if limits.memory is None and limits.timeout is None:
        yield run
        return
    # Imported here: most runs have no limits.
    from harness.backends import apart

    with apart.opened(memory_bytes(limits), limits.timeout) as limited:
        yield limited
