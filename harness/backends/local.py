"""The worker in this process."""

from __future__ import annotations

from harness.artifacts import Store
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources
from harness.worker import run_stage


def run(planned: PlannedStage, store: Store, resources: Resources, progress: Progress) -> bool:
    """Run the stage here; True where it was made now. Raises what `worker.run_stage` raises."""
    return run_stage(planned, store, resources, progress)
