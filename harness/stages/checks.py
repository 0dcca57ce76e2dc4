"""Stage `checks`: the data checks on the rows before any repair; a failed one ends the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from harness.data_checks.engine import run_plan
from harness.data_checks.suites import plan_checks
from harness.errors import DataError
from harness.stages.contract import StageContext


def run(context: StageContext) -> None:
    """Write `checks.json`, the list of all outcomes.

    Raises:
        ManifestError: the suite breaks a rule.
        DataError: a check of level "error" failed; names the data set, the check, rows and the
            likely cause.
    """
    folder, config = context.inputs["dataset"], context.config
    facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    plan = plan_checks(config["suite"], facts["name"], parameters(config))
    results = run_plan(pq.read_table(folder / "rows.parquet"), plan)
    failed = [one for one in results if one["level"] == "error" and not one["passed"]]
    if failed:
        raise _refusal(f"data set {facts['name']}, split {facts['split']}", failed)
    text = json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True)
    (context.out / "checks.json").write_text(text + "\n", encoding="utf-8")


def parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a suite's "$name" stands for in this run."""
    return {
        "rows": config["expected"]["rows"],
        "languages": config["expected"]["languages"],
        "no_answer": config["no_answer"],
        "realign": config["realign"]["max"],
    }


def _refusal(where: str, failed: Sequence[Mapping[str, Any]]) -> DataError:
    first = failed[0]
    rows = "; ".join(f"{row['id']}: {row['text'][:60]}" for row in first["rows"][:3])
    others = ", ".join(one["name"] for one in failed[1:])
    return DataError(
        where=f"{where}, check {first['name']}",
        got=f"{first['observed']}" + (f" (e.g. {rows})" if rows else ""),
        expected=str(first["expected"]),
        fix=f"Likely cause: {first['cause'].rstrip('?')}."
        + (f" Also failed: {others}." if others else "")
        + " Fetch the pinned data again, or mend the pin.",
    )
