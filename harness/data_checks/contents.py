"""What of an example is compared with another's: a context, a question, its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.models import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An example as texts, whatever its family."""

    id: str
    language: str
    document: str
    context: str
    """What several examples may share."""
    question: str
    """What makes it this example; empty where the context is all there is."""
    answers: tuple[str, ...]


def items(examples: Iterable[Any], family: Family) -> Iterator[Item]:
    """The examples as texts; of running text one item for each paragraph.

    Equal texts are one object, so that half a million pairs fit into memory.
    """
    shared: dict[Any, Any] = {}
    for one in examples:
        for context, question, answers in _CONTENTS[family](one):
            yield Item(
                id=one.id,
                language=shared.setdefault(one.language, one.language),
                document=shared.setdefault(one.document, one.document),
                context=shared.setdefault(context, context),
                question=question,
                answers=shared.setdefault(answers, answers),
            )


def length(example: Any, family: Family) -> int:
    """Characters of an example's context; of running text, of all of it."""
    if family == "masked_lm":
        return len(example.text)
    context, _, _ = next(_CONTENTS[family](example))
    return len(context)


_Contents = tuple[str, str, tuple[str, ...]]


def _answered(one: Any) -> Iterator[_Contents]:
    yield one.context, one.question, one.answers


def _pair(one: Any) -> Iterator[_Contents]:
    yield one.first, one.second, (one.label,)


def _choice(one: Any) -> Iterator[_Contents]:
    """A question without a context is one, and its right answer what is asked."""
    right = one.choices[one.label]
    if one.context:
        yield one.context, f"{one.question} {right}".strip(), (right,)
    else:
        yield one.question, right, (right,)


def _sentence(one: Any) -> Iterator[_Contents]:
    yield " ".join(one.words), "", (" ".join(one.tags),)


def _paragraphs(one: Any) -> Iterator[_Contents]:
    for text in one.text.split("\n"):
        if text.strip():
            yield text, "", ()


_CONTENTS: dict[Family, Callable[[Any], Iterator[_Contents]]] = {
    "extractive_qa": _answered,
    "classification": _pair,
    "multiple_choice": _choice,
    "tagging": _sentence,
    "masked_lm": _paragraphs,
}
