"""Stage `checks`: the data checks on the rows before any repair; a failed one ends the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from harness.data_checks.engine import run_plan
from harness.data_checks.suites import Plan, plan_checks
from harness.errors import DataError
from harness.sources.schemas import columns_of
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
    plan = planned(config, facts)
    results = run_plan(pq.read_table(folder / "rows.parquet"), plan)
    failed = [one for one in results if one["level"] == "error" and not one["passed"]]
    if failed:
        raise _refusal(f"data set {facts['name']}, split {facts['split']}", failed)
    text = json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True)
    (context.out / "checks.json").write_text(text + "\n", encoding="utf-8")


def planned(config: Mapping[str, Any], facts: Mapping[str, Any]) -> Plan:
    """What is checked of the rows that the stage `dataset` describes by `facts` (dataset.json).

    Raises:
        UsageError, ManifestError: as `plan_checks`.
    """
    reader, labels = config["reader"], facts["labels"]
    given = {
        # The reader's name of each column stands for the data set's.
        **columns_of(reader),
        "rows": config["expected"]["rows"],
        "languages": config["expected"]["languages"],
        "no_answer": config["no_answer"],
        "realign": config["realign"]["max"],
        "labels": labels,
        "label_numbers": list(range(len(labels))),
        # A withheld label, -1, has a check of its own.
        "stored_labels": list(range(-1, len(labels))),
        "drops_unlabelled": reader["unlabelled"] == "drop",
        "drops_unfound": config["realign"]["unfound"] == "drop",
    }
    return plan_checks(config["suite"], facts["name"], given, reader=reader["name"])


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
