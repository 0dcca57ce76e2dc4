"""Stage `score`: predictions and gold -> scores of every item and language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.metrics import signature
from harness.metrics.families import Language, Scored, score_language
from harness.models import Family
from harness.records import read_examples, read_predictions, write_rows
from harness.stages.contract import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A line of items.jsonl."""

    id: str
    language: str
    document: str
    values: dict[str, float]
    """Metric -> points; linearised values may lie outside 0-100 (harness/metrics/linear.py)."""


def run(context: StageContext) -> None:
    """Score inputs `examples` (examples.jsonl) and `predictions` (predictions/<language>.jsonl).

    Writes items.jsonl, language by language and in each in the order of the examples, and
    scores.json: the scorer with its version and for each language the number of items and the
    scores in points, each the mean over its items; of mined pairs the `threshold` too.

    Raises:
        DataError: items and predictions don't match, a label that there isn't, or no items.
    """
    family: Family = context.config["family"]
    name: str = context.config["scorer"]
    labels = context.config["labels"]
    by_language: dict[str, list[Any]] = {}
    for example in read_examples(context.inputs["examples"] / "examples.jsonl", family):
        by_language.setdefault(example.language, []).append(example)
    folder = context.inputs["predictions"] / "predictions"
    _check_languages(by_language, folder)
    scored = {}
    for language, examples in by_language.items():
        one = Language(
            scorer=name,
            # "index" and "data": what there may be isn't listed.
            labels=() if isinstance(labels, str) else labels,
            language=language,
            examples=examples,
            predictions=read_predictions(folder / f"{language}.jsonl", family),
        )
        scored[language] = score_language(family, one)
    write_rows(context.out / "items.jsonl", _rows(scored))
    languages = {
        language: {"items": len(one.items), **one.figures}
        for language, one in sorted(scored.items())
    }
    text = json.dumps({"scorer": signature(name), "languages": languages}, indent=2, sort_keys=True)
    (context.out / "scores.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _rows(scored: Mapping[str, Scored]) -> Iterator[ItemRow]:
    for language, one in scored.items():
        for i, example in enumerate(one.items):
            values = {metric: points[i] for metric, points in one.values.items()}
            document = example.document
            yield ItemRow(id=example.id, language=language, document=document, values=values)


def _check_languages(by_language: Mapping[str, Sequence[Any]], folder: Path) -> None:
    found = {path.stem for path in folder.glob("*.jsonl")}
    if not by_language or found != set(by_language):
        raise DataError(
            where=str(folder),
            got=f"predictions in {', '.join(sorted(found)) or 'no language'}",
            expected=f"in {', '.join(sorted(by_language)) or 'any, but there are no examples'}",
            fix="Predictions and examples must be of the same set.",
        )
