"""Runs one data stage on a configuration, as the worker would."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.stages.contract import Progress, Resources, Silent, StageContext, stage
from harness.training import recorded

# The tests of training and prediction hold on a GPU too: HARNESS_TEST_DEVICE=cuda.
DEVICE = os.environ.get("HARNESS_TEST_DEVICE", "cpu")
if DEVICE != "cpu":
    recorded.FEWEST_STEPS = 0  # trainings as short as a test's
REALIGN: dict[str, Any] = {"max": 0, "unfound": "error"}


def reader(name: str = "squad", **changes: Any) -> dict[str, Any]:
    """A stage's `reader`."""
    return {"name": name, "columns": {}, "labels": [], "unlabelled": "error", **changes}


def run_stage(
    name: str,
    out: Path,
    config: Mapping[str, Any],
    inputs: Mapping[str, Path] | None = None,
    resources: Resources | None = None,
    *,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Run the stage called `name` into `out`, with exactly the keys that it declares to read."""
    declared = stage(name)
    assert set(config) == set(declared.reads)
    module, function = declared.run.split(":")
    out.mkdir(parents=True)
    context = StageContext(
        config=config,
        inputs=inputs or {},
        input_keys=dict.fromkeys(inputs or {}, "0" * 64),
        out=out,
        scratch=scratch or out.with_name(f"{out.name}-scratch"),
        resources=replace(resources or Resources(), device=DEVICE),
        progress=progress or Silent(),
    )
    getattr(importlib.import_module(module), function)(context)
    return out


def read_json(path: Path) -> Any:
    """The JSON document in `path`."""
    return json.loads(path.read_text("utf-8"))
