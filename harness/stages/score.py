"""Stage `score`: predictions and gold answers -> scores of every question and language."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.metrics import load_scorer, signature
from harness.metrics.answers import LanguageScore
from harness.records import QaExample, read_examples, read_predictions, write_rows
from harness.stages.contract import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A line of items.jsonl; scores in points: 0-100."""

    id: str
    language: str
    document: str
    em: float
    f1: float


def run(context: StageContext) -> None:
    """Score inputs `examples` (examples.jsonl) and `predictions` (predictions/<language>.jsonl).

    Writes items.jsonl, in the order of the examples, and scores.json: the scorer with its version
    and for each language the number of items and the means, in points.

    Raises:
        DataError: questions and predictions don't match one to one, or there are none.
    """
    name: str = context.config["scorer"]
    examples = read_examples(context.inputs["examples"] / "examples.jsonl")
    folder = context.inputs["predictions"] / "predictions"
    by_language: dict[str, list[QaExample]] = {}
    for example in examples:
        by_language.setdefault(example.language, []).append(example)
    _check_languages(by_language, folder)
    scored = {
        language: _score(name, language, some, folder) for language, some in by_language.items()
    }
    write_rows(context.out / "items.jsonl", [_row(one, scored) for one in examples])
    languages = {language: _summary(one) for language, one in sorted(scored.items())}
    text = json.dumps({"scorer": signature(name), "languages": languages}, indent=2, sort_keys=True)
    (context.out / "scores.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _check_languages(by_language: dict[str, list[QaExample]], folder: Path) -> None:
    found = {path.stem for path in folder.glob("*.jsonl")}
    if not by_language or found != set(by_language):
        raise DataError(
            where=str(folder),
            got=f"predictions in {', '.join(sorted(found)) or 'no language'}",
            expected=f"in {', '.join(sorted(by_language)) or 'any, but there are no examples'}",
            fix="Predictions and examples must be of the same set.",
        )


def _score(name: str, language: str, examples: list[QaExample], folder: Path) -> LanguageScore:
    predictions = read_predictions(folder / f"{language}.jsonl")
    _refuse_twice((one.id for one in examples), f"examples, language {language}")
    _refuse_twice((one.id for one in predictions), f"predictions, language {language}")
    gold = {one.id: one.answers for one in examples}
    return load_scorer(name)(gold, {one.id: one.text for one in predictions}, language)


def _refuse_twice(ids: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for id_ in ids:
        if id_ in seen:
            raise DataError(
                where=where,
                got=f"id {id_} twice",
                expected="each id once",
                fix="The file is not what its stage wrote: run `harness store verify`.",
            )
        seen.add(id_)


def _row(example: QaExample, scored: dict[str, LanguageScore]) -> ItemRow:
    item = scored[example.language].items[example.id]
    return ItemRow(
        id=example.id,
        language=example.language,
        document=example.document,
        em=100 * item.em,
        f1=100 * item.f1,
    )


def _summary(score: LanguageScore) -> dict[str, Any]:
    return {"items": len(score.items), "em": score.em, "f1": score.f1}
