"""What the suites expect of a data set as its pin describes it."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.data_checks.suites import Plan
from harness.manifest import load_manifests
from harness.models import DatasetPin
from harness.stages.checks import planned


@cache
def pins() -> dict[str, DatasetPin]:
    """The project's own."""
    return dict(load_manifests().pins.datasets)


def plan(family: str, dataset: str, **run: Any) -> Plan:
    """The checks of a pinned data set; `run` are the stage's other settings."""
    pin = pins()[dataset]
    config = {
        "suite": family,
        "reader": {
            "name": pin.reader,
            "columns": pin.columns,
            "labels": list(pin.labels),
            "unlabelled": pin.unlabelled,
        },
        "expected": {"rows": run.pop("rows", None), "languages": run.pop("languages", {})},
        "no_answer": pin.no_answer,
        "realign": {"max": 0, "unfound": "error"},
    }
    return planned({**config, **run}, {"name": dataset, "labels": list(pin.labels)})
