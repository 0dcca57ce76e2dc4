"""What a stage would look for in vain: a mirror, or data that the user brings. Told before any work."""

from __future__ import annotations

from harness.errors import DataError
from harness.graph import PlannedStage
from harness.sources import files
from harness.stages.contract import Resources


def lacks(planned: PlannedStage, resources: Resources, fetch: str) -> DataError | None:
    """Why `planned` can't run with what was given; `fetch` is the command that makes a mirror."""
    source = {"encoder": "pin", "dataset": "source"}.get(planned.stage)
    if source is None:
        return None
    pin = planned.config[source]
    if pin["kind"] == "hub" and resources.mirror is None:
        return DataError(
            where=f"{planned.stage} {planned.label}",
            got="no mirror",
            expected=f"a mirror that holds {pin['repo']}",
            fix=f"Run `{fetch}` once, then add `--mirror DIR` (or set $HARNESS_MIRROR).",
        )
    if pin["kind"] == "files":
        return _not_brought(planned, resources)
    return None


def _not_brought(planned: PlannedStage, resources: Resources) -> DataError | None:
    source = planned.config["source"]
    try:
        for file in source["files"].values():
            files.find(resources.files, source["name"], file["file"])
    except DataError as error:
        return error
    return None
