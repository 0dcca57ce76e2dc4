"""Stage `examples`: checked rows -> examples, after what the pin lets be mended or left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow.parquet as pq

from harness.data_checks.offsets import nearest, stands_at
from harness.errors import DataError
from harness.records import Example, QaExample, write_rows
from harness.sources.readers import Row, UnlabelledError, read
from harness.sources.schemas import columns_of
from harness.stages.contract import StageContext

_BATCH = 1024
_UNLABELLED, _UNFOUND = "no label", "answer not found"


@dataclass(kw_only=True)
class _Repairs:
    """What was changed or left out on the way."""

    examples: int = 0
    realigned: int = 0
    """Answers that were moved to their nearest occurrence."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""


def run(context: StageContext) -> None:
    """Write `examples.jsonl` (the family's records) and `repairs.json`.

    `repairs.json` is {examples, realigned, dropped: {reason: rows}}. Answers that don't stand at
    their offset are moved to the nearest occurrence, where the pin allows it.

    Raises:
        DataError: a row that isn't one of its family; one without a label, or with an answer that
            occurs nowhere, where the pin doesn't say that such are dropped; more answers to move
            than it allows; two rows of a language with one id; or nothing is left.
    """
    repairs = _Repairs()
    write_rows(context.out / "examples.jsonl", _examples(context, repairs))
    allowed = context.config["realign"]["max"]
    if repairs.realigned > allowed:
        raise DataError(
            where="realigning answers",
            got=f"{repairs.realigned} answers that stand elsewhere than their offset says",
            expected=f"at most {allowed}, as the pin declares",
            fix="Fetch the pinned data again, or declare the repair in the pin (realign.max).",
        )
    if not repairs.examples:
        raise DataError(
            where="examples",
            got=f"none ({', '.join(f'{n} rows: {why}' for why, n in repairs.dropped.items())})",
            expected="at least one",
            fix="A split whose labels are withheld can't be used: name another.",
        )
    told = {
        "examples": repairs.examples,
        "realigned": repairs.realigned,
        "dropped": dict(sorted(repairs.dropped.items())),
    }
    (context.out / "repairs.json").write_text(json.dumps(told) + "\n", encoding="utf-8")


def _examples(context: StageContext, repairs: _Repairs) -> Iterator[Example]:
    config = context.config
    seen: dict[str, set[str]] = {}
    for row in _rows(context):
        try:
            for example in read(config["reader"]["name"], row):
                kept = _realigned(example, config["realign"], repairs)
                if kept is None:
                    continue
                _once(kept, seen)
                repairs.examples += 1
                yield kept
        except UnlabelledError as error:
            if config["reader"]["unlabelled"] != "drop":
                raise _unlabelled(row) from error
            repairs.dropped[_UNLABELLED] += 1


def _rows(context: StageContext) -> Iterator[Row]:
    folder, reader = context.inputs["dataset"], context.config["reader"]
    facts = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    columns = columns_of(reader)
    numbers: Counter[str] = Counter()
    # A part at a time: as Python objects half a million rows would take gigabytes.
    with pq.ParquetFile(folder / "rows.parquet") as file:
        context.progress.start(file.metadata.num_rows, "rows")
        for batch in file.iter_batches(batch_size=_BATCH):
            for values in batch.to_pylist():
                config = values["config"]
                yield Row(
                    id=f"{config}-{facts['split']}-{numbers[config]}",
                    language=values["language"],
                    values={n: values[column] for n, column in columns.items() if column in values},
                    labels=facts["labels"],
                )
                numbers[config] += 1
            context.progress.advance(batch.num_rows)


def _realigned(example: Example, rule: Mapping[str, Any], repairs: _Repairs) -> Example | None:
    """The example with its answers where they stand; None where one stands nowhere and may go."""
    if not isinstance(example, QaExample):
        return example
    pairs = list(zip(example.answers, example.answer_starts, strict=True))
    starts = [_start(example.context, text, start) for text, start in pairs]
    lost = [text for text, start in zip(example.answers, starts, strict=True) if start is None]
    if lost and rule["unfound"] == "drop":
        repairs.dropped[_UNFOUND] += 1
        return None
    if lost:
        raise _unfound(example, lost[0])
    found = tuple(start for start in starts if start is not None)
    repairs.realigned += sum(
        new != old for new, old in zip(found, example.answer_starts, strict=True)
    )
    return replace(example, answer_starts=found)


def _start(context: str, text: str, start: int) -> int | None:
    return start if stands_at(context, text, start) else nearest(context, text, start)


def _once(example: Example, seen: dict[str, set[str]]) -> None:
    ids = seen.setdefault(example.language, set())
    if example.id in ids:
        raise DataError(
            where=f"row {example.id}",
            got=f"a second row of that id in language {example.language}",
            expected="each id once in a language",
            fix="Two configs, or two copies of the rows, were joined: name each only once.",
        )
    ids.add(example.id)


def _unlabelled(row: Row) -> DataError:
    return DataError(
        where=f"row {row.own_id()}",
        got="no label (-1, or an empty key)",
        expected="one of the data set's labels",
        fix="Name a split with labels, or let the pin drop such rows (`unlabelled: drop`).",
    )


def _unfound(example: QaExample, text: str) -> DataError:
    return DataError(
        where=f"row {example.id}",
        got=f"answer {text[:60]!r}, which occurs nowhere in its context",
        expected="an answer that is a part of the context",
        fix="Fetch the pinned data again; of translations, the pin may drop such rows"
        " (`realign: {unfound: drop}`).",
    )
