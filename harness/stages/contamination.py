"""Stage `contamination`: do training sets hold what the claim is judged by? Also text lengths."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data_checks.contamination import Finding, survey
from harness.data_checks.contents import length
from harness.data_checks.parts import Part
from harness.errors import DataError
from harness.models import Family
from harness.records import iterate_examples
from harness.stages.contract import StageContext

# Lower ends of the bins in which the report shows lengths, in characters; narrow where texts are.
EDGES = (0, 125, 250, 375, 500, 750, 1000, 1500, 2000, 3000, 5000, 10_000)
_WHAT = {
    "example": "test rows that stand in the training data with their context",
    "context": "test rows whose context stands in the training data",
    "document": "test rows from documents of the training data",
    "question": "test rows whose question stands in the training data with another context",
    "id": "test rows whose id stands in the training data",
    "language": "training rows in a language that wasn't declared",
}


def run(context: StageContext) -> None:
    """Write `contamination.json` (harness/data_checks/contamination.py) and `lengths.json`.

    `lengths.json` is role -> {edges, counts}: characters of the contexts, row by row; of running
    text, of its articles.

    Raises:
        DataError: a finding of level "error"; names both data sets, rows and the likely cause.
    """
    sets = context.config["sets"]
    context.progress.start(len(sets), "data sets")
    parts: dict[str, Part] = {}
    lengths: dict[str, Counter[int]] = {}
    # The evaluation data first: running text is only kept where it could be like them.
    for role in sorted(sets, key=lambda name: name != "evaluation"):
        one, lengths[role] = sets[role], Counter()
        parts[role] = Part.of(
            name=one["name"],
            languages=one["languages"],
            family=one["family"],
            examples=_counted(context.inputs[role], one["family"], lengths[role]),
            against=parts.get("evaluation"),
        )
        context.progress.advance(1)
    findings = survey({role: parts[role] for role in sets}, context.config["rule"])
    failed = [one for one in findings if one["level"] == "error" and not one["passed"]]
    if failed:
        raise _refusal(parts, failed)
    _write(context.out / "contamination.json", findings)
    told = {
        role: {"edges": list(EDGES), "counts": [counts[place] for place in range(len(EDGES))]}
        for role, counts in lengths.items()
    }
    _write(context.out / "lengths.json", told)


def _counted(folder: Path, family: Family, counts: Counter[int]) -> Iterator[Any]:
    """The examples of a stage, each counted by its length."""
    for one in iterate_examples(folder / "examples.jsonl", family):
        counts[bisect_right(EDGES, length(one, family)) - 1] += 1
        yield one


def _refusal(parts: Mapping[str, Part], failed: Sequence[Finding]) -> DataError:
    first = failed[0]
    training, against = (parts[first[name]].name for name in ("training", "against"))
    where = training if training == against else f"{training} against {against}"
    shown = "; ".join(_row(one) for one in first["examples"][:3])
    others = ", ".join(f"{one['by']} ({parts[one['training']].name})" for one in failed[1:])
    return DataError(
        where=f"contamination: {where}",
        got=f"{first['exact'] + first['near']:,} of {first['of']:,} {_WHAT[first['by']]}"
        f" ({first['exact']:,} exactly, {first['near']:,} nearly; e.g. {shown})",
        expected="none",
        fix=f"Likely cause: {first['cause'].rstrip('?')}."
        + (f" Also: {others}." if others else "")
        + " Fetch the pinned data again, or let the claim say what it accepts (`contamination`).",
    )


def _row(one: Mapping[str, Any]) -> str:
    ids = " = ".join(filter(None, (one["training_id"], one["id"])))
    return f"{ids}: {one['training_text'][:60]}"


def _write(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
