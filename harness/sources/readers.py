"""Rows of a data set -> the examples of its task's family; a function for each reader.

A row's document is what makes examples dependent: resampling takes or leaves it as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.records import (
    ChoiceExample,
    Example,
    PairExample,
    QaExample,
    Sentence,
    TagExample,
    TextExample,
)
from harness.sources.schemas import SCHEMAS

_HASH = 16
_WITHHELD = -1
# Reader -> columns that hold nothing where a label is withheld.
_WITHHELD_COLUMNS = {"hellaswag": ("label",), "commonsenseqa": ("answerKey",)}


class UnlabelledError(Exception):
    """The row says that it has no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as a reader gets it."""

    id: str
    """A stable one, for data sets that have none: config, split and number."""
    language: str
    values: Mapping[str, Any]
    """By the reader's names; optional columns may be missing."""
    labels: Sequence[str]
    """Names of the numbers in the labelled column."""

    def own_id(self) -> str:
        """The data set's id of the row, where it has one."""
        return str(self.values.get("id") or self.id)

    def title(self, column: str, text: str) -> str:
        """What the data set calls the document, in `column`; else a hash of `text`."""
        return (self.values.get(column) or "").strip() or hashed(text)


def read(name: str, row: Row) -> Iterator[Example]:
    """The examples of one row, one as a rule.

    Args:
        name: models.Reader.
        row: of a checked table.

    Raises:
        UnlabelledError: the row has no label (-1, or an empty key).
        DataError: nothing where there must be a value, a label outside the label set, as many tags
            as tokens not, ...
    """
    for column in SCHEMAS[name].columns:
        value = row.values.get(column)
        withheld = value is None and column in _WITHHELD_COLUMNS.get(name, ())
        if _holds_null(value) and not withheld:
            raise _refused(row, f"nothing in column `{column}`", "a value")
    return READERS[name](row)


def hashed(text: str) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_HASH]


def _squad(row: Row) -> Iterator[Example]:
    """Document: the article by its title, else the context, which several questions are about."""
    answers = row.values["answers"]
    texts, starts = answers["text"] or [], answers["answer_start"] or []
    if len(texts) != len(starts):
        raise _refused(row, f"{len(texts)} answers, {len(starts)} starts", "as many starts")
    yield QaExample(
        id=row.own_id(),
        language=row.language,
        document=row.title("title", row.values["context"]),
        context=row.values["context"],
        question=row.values["question"],
        answers=tuple(texts),
        answer_starts=tuple(starts),
    )


def _pair(row: Row) -> Iterator[Example]:
    """Document: the first text.

    Hypotheses were written three to a premise (SNLI, MNLI, XNLI); PAWS-X and QQP pair one sentence
    with several.
    """
    first = row.values["first"]
    yield PairExample(
        id=row.id,
        language=row.language,
        document=hashed(first),
        first=first,
        second=row.values["second"],
        label=_named(row, row.values["label"]),
    )


def _hellaswag(row: Row) -> Iterator[Example]:
    """Document: the video or article that the story is from; several stories share one."""
    begun, endings = row.values["ctx_b"], row.values["endings"]
    stated = (row.values["label"] or "").strip()
    if stated in ("", str(_WITHHELD)):
        raise UnlabelledError
    yield _choice(
        row,
        id=row.id,
        document=row.title("source_id", row.values["ctx_a"]),
        context=row.values["ctx_a"],
        choices=[f"{begun} {ending}".strip() for ending in endings],
        label=int(stated) if stated.isdecimal() else stated,
    )


def _cosmosqa(row: Row) -> Iterator[Example]:
    """Document: the context, which several questions are about."""
    yield _choice(
        row,
        id=row.own_id(),
        document=hashed(row.values["context"]),
        context=row.values["context"],
        question=row.values["question"],
        choices=[row.values[f"answer{place}"] for place in range(4)],
        label=row.values["label"],
    )


def _commonsenseqa(row: Row) -> Iterator[Example]:
    """Document: the concept that the question was written about, with two others."""
    keys, stated = row.values["choices"]["label"], (row.values["answerKey"] or "").strip()
    if not stated:
        raise UnlabelledError
    yield _choice(
        row,
        id=row.own_id(),
        document=row.title("question_concept", row.values["question"]),
        context="",
        question=row.values["question"],
        choices=row.values["choices"]["text"],
        label=keys.index(stated) if keys.count(stated) == 1 else stated,
    )


def _tags(row: Row) -> Iterator[Example]:
    """Document: the sentence itself; equal ones, of which treebanks hold some, are one document."""
    words = row.values["tokens"]
    yield _tagged(
        row, row.id, hashed(" ".join(words)), [_named(row, tag) for tag in row.values["tags"]]
    )


def _ccgbank(row: Row) -> Iterator[Example]:
    """Document: the newspaper article."""
    yield _tagged(row, row.own_id(), row.values["document"], row.values["tags"])


def _tatoeba(row: Row) -> Iterator[Example]:
    """Document: the pair.

    source_sentence is foreign, target_sentence English; both keep the line break of their file.
    """
    for side, other, column in (
        ("foreign", "english", "source_sentence"),
        ("english", "foreign", "target_sentence"),
    ):
        yield Sentence(
            id=f"{row.id}-{side}",
            language=row.language,
            document=row.id,
            side=side,  # type: ignore[arg-type]
            text=row.values[column].rstrip("\r\n"),
            mates=(f"{row.id}-{other}",),
        )


def _bucc(row: Row) -> Iterator[Example]:
    """Document: the sentence; where they are from is withheld. One row holds a whole language."""
    texts = {"foreign": row.values["sentence1"], "english": row.values["sentence2"]}
    mates: dict[str, dict[int, list[int]]] = {side: {} for side in texts}
    for pair in row.values["gold"]:
        both = len(pair) == len(texts)
        if not both or not all(
            0 < place <= len(some) for place, some in zip(pair, texts.values(), strict=True)
        ):
            raise _refused(row, f"gold pair {pair}", "two places of sentences, counted from 1")
        mates["foreign"].setdefault(pair[0], []).append(pair[1])
        mates["english"].setdefault(pair[1], []).append(pair[0])
    for side, other in (("foreign", "english"), ("english", "foreign")):
        for number, text in enumerate(texts[side], start=1):
            one = f"{row.id}-{side}-{number}"
            yield Sentence(
                id=one,
                language=row.language,
                document=one,
                side=side,  # type: ignore[arg-type]
                text=text.rstrip("\r\n"),
                mates=tuple(f"{row.id}-{other}-{its}" for its in mates[side].get(number, ())),
            )


def _text(row: Row) -> Iterator[Example]:
    """Document: the article."""
    yield TextExample(
        id=row.own_id(),
        language=row.language,
        document=row.title("title", row.values["text"]),
        text=row.values["text"],
    )


READERS: dict[str, Callable[[Row], Iterator[Example]]] = {
    "squad": _squad,
    "pair": _pair,
    "hellaswag": _hellaswag,
    "cosmosqa": _cosmosqa,
    "commonsenseqa": _commonsenseqa,
    "tags": _tags,
    "ccgbank": _ccgbank,
    "tatoeba": _tatoeba,
    "bucc": _bucc,
    "text": _text,
}


def _holds_null(value: Any) -> bool:
    """A list that is absent in a structure counts as empty."""
    if isinstance(value, list):
        nested = [one for one in value if isinstance(one, list | dict)]
        return None in value or any(map(_holds_null, nested))
    if isinstance(value, dict):
        return any(_holds_null(one) for one in value.values() if one is not None)
    return value is None


def _named(row: Row, number: int) -> str:
    """The name of a label that is stored as a number."""
    if number == _WITHHELD:
        raise UnlabelledError
    if not 0 <= number < len(row.labels):
        expected = ", ".join(f"{n} {name}" for n, name in enumerate(row.labels))
        raise _refused(row, f"label {number}", f"one of {expected}")
    return row.labels[number]


def _choice(
    row: Row,
    *,
    id: str,
    document: str,
    context: str,
    choices: Sequence[str],
    label: int | str,
    question: str = "",
) -> ChoiceExample:
    if label == _WITHHELD:
        raise UnlabelledError
    if not isinstance(label, int) or not 0 <= label < len(choices):
        raise _refused(row, f"label {label!r}", f"the place of one of {len(choices)} choices")
    return ChoiceExample(
        id=id,
        language=row.language,
        document=document,
        context=context,
        question=question,
        choices=tuple(choices),
        label=label,
    )


def _tagged(row: Row, one: str, document: str, tags: Sequence[str]) -> TagExample:
    words = row.values["tokens"]
    if len(words) != len(tags) or not words:
        raise _refused(row, f"{len(words)} tokens, {len(tags)} tags", "as many tags as tokens")
    return TagExample(
        id=one, language=row.language, document=document, words=tuple(words), tags=tuple(tags)
    )


def _refused(row: Row, got: str, expected: str) -> DataError:
    return DataError(
        where=f"row {row.own_id()}",
        got=got,
        expected=expected,
        fix="The data checks refuse such rows: fetch the pinned data again, or mend the pin.",
    )
