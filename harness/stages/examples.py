"""Stage `examples`: checked rows -> examples, after the repair that the pin declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

from harness.data_checks.offsets import nearest, stands_at
from harness.errors import DataError
from harness.records import QaExample, write_rows
from harness.stages.contract import StageContext

_CONTEXT_HASH = 16


def run(context: StageContext) -> None:
    """Write `examples.jsonl` (QaExample) and `repairs.json` {realigned, examples}.

    `realigned` counts answers. Answers that don't stand at their offset are moved to the nearest
    occurrence, where the pin allows it.

    Raises:
        DataError: more answers than the pin allows would have to be moved, or one occurs nowhere.
    """
    allowed = context.config["realign"]["max"]
    rows = pq.read_table(context.inputs["dataset"] / "rows.parquet").to_pylist()
    context.progress.start(len(rows), "examples")
    examples, moved = [], 0
    for row in rows:
        example, changed = _example(row)
        examples.append(example)
        moved += changed
    if moved > allowed:
        raise DataError(
            where="realigning answers",
            got=f"{moved} answers that stand elsewhere than their offset says",
            expected=f"at most {allowed}, as the pin declares",
            fix="Fetch the pinned data again, or declare the repair in the pin (realign.max).",
        )
    write_rows(context.out / "examples.jsonl", examples)
    repairs = {"examples": len(examples), "realigned": moved}
    (context.out / "repairs.json").write_text(json.dumps(repairs) + "\n", encoding="utf-8")
    context.progress.advance(len(examples))


def _example(row: Mapping[str, Any]) -> tuple[QaExample, int]:
    texts, stated = row["answers"]["text"] or [], row["answers"]["answer_start"] or []
    starts = [_start(row, text, start) for text, start in zip(texts, stated, strict=True)]
    example = QaExample(
        id=row["id"],
        language=row["language"],
        document=_document(row),
        context=row["context"],
        question=row["question"],
        answers=tuple(texts),
        answer_starts=tuple(starts),
    )
    return example, sum(new != old for new, old in zip(starts, stated, strict=True))


def _start(row: Mapping[str, Any], text: str, start: int) -> int:
    if stands_at(row["context"], text, start):
        return start
    found = nearest(row["context"], text, start)
    if found is None:
        raise DataError(
            where=f"row {row['id']}",
            got=f"answer {text[:60]!r}, which occurs nowhere in its context",
            expected="an answer that is a part of the context",
            fix="The data checks refuse such rows: fetch the pinned data again.",
        )
    return found


def _document(row: Mapping[str, Any]) -> str:
    """The article: its title where the rows have one, else the context itself."""
    title = (row.get("title") or "").strip()
    return title or hashlib.sha256(row["context"].encode("utf-8")).hexdigest()[:_CONTEXT_HASH]
