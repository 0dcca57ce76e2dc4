"""What a stage would look for in vain: a mirror, data that the user brings; told beforehand."""

from __future__ import annotations

from harness.errors import DataError
from harness.graph import PlannedStage
from harness.sources import files
from harness.stages.contract import Resources


def lacks(planned: PlannedStage, resources: Resources, fetch: str) -> DataError | None:
    """Why `planned` can't run with what was given; `fetch` is the command that makes a mirror."""
    if planned.stage not in ("encoder", "dataset"):
        return None
    pin = planned.config["pin" if planned.stage == "encoder" else "source"]
    if pin["kind"] == "hub" and resources.mirror is None:
        return DataError(
            where=f"{planned.stage} {planned.label}",
            got="no mirror",
            expected=f"a mirror that holds {pin['repo']}",
            fix=f"Run `{fetch}` once, then add `--mirror DIR` (or set $HARNESS_MIRROR).",
        )
    if pin["kind"] == "files":
        wanted = [one["file"] for one in pin["files"].values()]
        try:
            files.require(resources.files, pin["name"], wanted)
        except DataError as error:
            return error
    return None
