"""The worker in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.artifacts import Store
from harness.backends import Backend
from harness.containers.limits import refuse_limits
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources
from harness.worker import run_stage


def run(planned: PlannedStage, store: Store, resources: Resources, progress: Progress) -> bool:
    """Run the stage here; True where it was made now. Raises what `worker.run_stage` raises."""
    return run_stage(planned, store, resources, progress)


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """`run`; UsageError where an option of containers was given."""
    refuse_limits(given)
    yield run
