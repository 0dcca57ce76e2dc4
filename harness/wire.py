"""Between a backend and a worker elsewhere: a job in, events out, each a line of JSON.

{"format", "planned", "store", "resources"}                    one stage to run
{"start": [total, unit]}, {"advance": [done, figures]}         its progress
{"made": true or false} or {"error": {"class", "where", ...}}  how it ended
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import errors
from harness.artifacts import Store
from harness.costs import Cost
from harness.errors import HarnessError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

_PARTS = ("where", "got", "expected", "fix")


def write_job(planned: PlannedStage, store: Store, resources: Resources) -> bytes:
    """The line that `read_job` reads."""
    files = {name: str(folder) for name, folder in resources.files.items()}
    mirror = str(resources.mirror) if resources.mirror else None
    job = {
        "format": 1,
        "planned": asdict(planned),
        "store": str(store.root),
        "resources": {**asdict(resources), "mirror": mirror, "files": files},
    }
    return json.dumps(job).encode() + b"\n"


def read_job(line: bytes) -> tuple[PlannedStage, Store, Resources]:
    """What the other side is to run, and on what."""
    job = json.loads(line)
    planned, given = job["planned"], job["resources"]
    given["mirror"] = Path(given["mirror"]) if given["mirror"] else None
    given["files"] = {name: Path(folder) for name, folder in given["files"].items()}
    resources = Resources(**given)
    stage = PlannedStage(**{**planned, "cost": Cost(**planned["cost"])})
    return stage, Store(Path(job["store"])), resources


def write_event(event: Mapping[str, Any]) -> str:
    """One line."""
    return json.dumps(event) + "\n"


def error_event(error: HarnessError) -> dict[str, Any]:
    """An expected failure, by its class in `harness.errors`."""
    known = (one.__name__ for one in type(error).__mro__ if one.__module__ == errors.__name__)
    return {"error": {"class": next(known), **{name: getattr(error, name) for name in _PARTS}}}


def follow(event: Mapping[str, Any], progress: Progress) -> bool | None:
    """Show progress; True or False where the stage ended, None where it goes on.

    Raises:
        HarnessError: what the stage said is wrong.
    """
    if "start" in event:
        progress.start(*event["start"])
    elif "advance" in event:
        done, figures = event["advance"]
        progress.advance(done, **figures)
    elif "error" in event:
        parts = dict(event["error"])
        raise getattr(errors, parts.pop("class"))(**parts)
    else:
        return bool(event["made"])
    return None
