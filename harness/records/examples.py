"""Examples and predictions: high-volume rows, slotted dataclasses, stored as JSON lines."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AllowInfNan, TypeAdapter, ValidationError

from harness.errors import DataError
from harness.models import Family

Finite = Annotated[float, AllowInfNan(False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class QaExample:
    """A question about a context. No answers: the question has none in this context."""

    id: str
    language: str
    document: str
    """Questions with the same document are not independent (resampling unit)."""
    context: str
    question: str
    answers: tuple[str, ...]
    answer_starts: tuple[int, ...]
    """Offset of each answer in `context`, in code points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExample:
    """One or two texts and the name of their label."""

    id: str
    language: str
    document: str
    first: str
    second: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceExample:
    """A context and the texts that may follow or answer it."""

    id: str
    language: str
    document: str
    context: str
    """What stands before every choice: a prompt, or a passage."""
    question: str
    """Between context and choice; empty where the data set has none."""
    choices: tuple[str, ...]
    label: int
    """Place of the right one in `choices`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagExample:
    """A sentence in words and a tag for each."""

    id: str
    language: str
    document: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a bitext, whose translations are looked for among the other side's."""

    id: str
    language: str
    """Of the set: the language that isn't English, for both sides."""
    document: str
    side: Literal["foreign", "english"]
    text: str
    mates: tuple[str, ...]
    """Ids of its translations on the other side; empty for most sentences of a mining task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextExample:
    """Running text without a label."""

    id: str
    language: str
    document: str
    text: str


Example = QaExample | PairExample | ChoiceExample | TagExample | Sentence | TextExample
EXAMPLES: dict[Family, type[Any]] = {
    "extractive_qa": QaExample,
    "classification": PairExample,
    "multiple_choice": ChoiceExample,
    "tagging": TagExample,
    "retrieval": Sentence,
    "masked_lm": TextExample,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer that a system gives to one question."""

    id: str
    text: str
    """Empty: the system says that the context holds no answer."""
    score: Finite
    """Sum of the start and end logits of the span."""
    start: int
    end: int
    """context[start:end] == text, in code points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPrediction:
    """The label, or the place of the choice, that a system gives to one example."""

    id: str
    label: str
    logits: tuple[Finite, ...]
    """One for each label or choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPrediction:
    """The tags that a system gives to one sentence."""

    id: str
    tags: tuple[str, ...]
    """One for each word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPrediction:
    """A sentence and the translation that was found for it."""

    id: str
    """Of the sentence that was looked up."""
    mate: str
    score: Finite
    """Cosine, or margin where pairs are mined."""


PREDICTIONS: dict[Family, type[Any]] = {
    "extractive_qa": Prediction,
    "classification": LabelPrediction,
    "multiple_choice": LabelPrediction,
    "tagging": TagPrediction,
    "retrieval": PairPrediction,
}


def write_rows(path: Path, rows: Iterable[Any]) -> None:
    """Dataclass rows as JSON lines, one object a line, UTF-8."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(row_text(row) + "\n")


def row_text(row: Any) -> str:
    """A dataclass row as a line, without its end."""
    # Records hold no records: `asdict`, which looks for them, takes most of the time.
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def read_examples(path: Path, family: Family = "extractive_qa") -> list[Any]:
    """The examples that `write_rows` wrote, as the family's record.

    Raises:
        DataError: a line isn't such a record.
    """
    return list(_read_rows(path, EXAMPLES[family]))


def iterate_examples(path: Path, family: Family) -> Iterator[Any]:
    """As `read_examples`, one at a time: half a million of them at once take a gigabyte."""
    return _read_rows(path, EXAMPLES[family])


def read_predictions(path: Path, family: Family = "extractive_qa") -> list[Any]:
    """The predictions that `write_rows` wrote, as the family's record; raises likewise."""
    return list(_read_rows(path, PREDICTIONS[family]))


def _read_rows(path: Path, record: type[Any]) -> Iterator[Any]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                yield parse_row(line, record)
            except ValidationError as error:
                raise _not_a_row(path, number, record, error) from error


def parse_row(line: bytes, record: Any) -> Any:
    """The record of a line; ValidationError where it is none."""
    return _validator(record).validate_json(line, strict=True, extra="forbid")


@functools.cache
def _validator(record: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(record)


def _not_a_row(path: Path, line: int, record: type[Any], error: ValidationError) -> DataError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return DataError(
        where=f"{path}, line {line}{f': {place}' if place else ''}",
        got=f"a line that is no {record.__name__}: {first['msg']}",
        expected=f"an object with {', '.join(record.__dataclass_fields__)}",
        fix="The file is not what its stage wrote: run `harness store verify`.",
    )
