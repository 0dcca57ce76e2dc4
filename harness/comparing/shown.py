"""How an item of each family is shown: its texts, what counts as right, what a system said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.models import Family
from harness.records import (
    ChoiceExample,
    LabelPrediction,
    PairExample,
    PairPrediction,
    QaExample,
    Sentence,
    TagExample,
    TagPrediction,
)

AROUND = 160
"""Characters of the context that are shown on either side of the answer."""
_LONG, _SHORT, _FEW = 320, 120, 4
_MOST_WORDS = 10
_CUT = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, kw_only=True)
class Card:
    """An item as it is shown."""

    texts: dict[str, str]
    gold: tuple[str, ...]
    answer: Callable[[Any], str]
    """A prediction in words."""
    mark: tuple[int, int] | None = None
    """Place of the reference in the last of the texts."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One family's way."""

    card: Callable[[Any, Sequence[Any], Mapping[str, Any]], Card]
    """(example, every prediction for it, examples by id) -> the item."""
    matches: Callable[[Any, Any], bool] | None
    """(example, prediction) -> exactly right; None: the scorer's to say."""


def cut(text: str, limit: int = _SHORT) -> str:
    """`text` in at most `limit` characters, on one line."""
    text = " ".join(text[: 4 * limit].split())
    return text if len(text) <= limit else text[: limit - 1] + _CUT


def excerpt(context: str, start: int, end: int) -> tuple[str, tuple[int, int]]:
    """The piece of `context` around [start, end), and where those lie in it."""
    end = min(end, start + _SHORT)
    first, last = max(0, start - AROUND), min(len(context), end + AROUND)
    before, after = _CUT if first else "", _CUT if last < len(context) else ""
    piece = f"{before}{context[first:last]}{after}"
    shift = len(before) - first
    return piece, (start + shift, end + shift)


def _question(example: QaExample, rows: Sequence[Any], others: Mapping[str, Any]) -> Card:
    """The context around the first answer; its beginning where there is none."""
    del rows, others
    if example.answers:
        start = example.answer_starts[0]
        context, mark = excerpt(example.context, start, start + len(example.answers[0]))
    else:
        (context, _), mark = excerpt(example.context, 0, 0), None
    gold = tuple(dict.fromkeys(cut(one) for one in example.answers))[:_FEW]
    return Card(
        texts={"Question": cut(example.question, _LONG), "Context": context},
        gold=gold or ("(no answer)",),
        answer=lambda row: cut(row.text) or "(no answer)",
        mark=mark,
    )


def _pair(example: PairExample, rows: Sequence[Any], others: Mapping[str, Any]) -> Card:
    del rows, others
    texts = {"First text": cut(example.first, _LONG)}
    texts |= {"Second text": cut(example.second, _LONG)} if example.second else {}
    return Card(texts=texts, gold=(example.label,), answer=lambda row: cut(row.label))


def _choice(example: ChoiceExample, rows: Sequence[Any], others: Mapping[str, Any]) -> Card:
    del rows, others
    texts = {"Context": example.context, "Question": example.question}
    texts |= {f"Choice {place + 1}": text for place, text in enumerate(example.choices)}
    return Card(
        texts={name: cut(text, _LONG) for name, text in texts.items() if text},
        gold=(f"Choice {example.label + 1}",),
        answer=lambda row: f"Choice {int(row.label) + 1}",
    )


def _tags(example: TagExample, rows: Sequence[Any], others: Mapping[str, Any]) -> Card:
    """The words that some run tags otherwise, with their tags."""
    del others
    places = [
        place
        for place, tag in enumerate(example.tags)
        if any(row.tags[place] != tag for row in rows)
    ][:_MOST_WORDS]

    def tagged(tags: Sequence[str]) -> str:
        words = (f"{cut(example.words[place], 40)} {cut(tags[place], 40)}" for place in places)
        return " \N{MIDDLE DOT} ".join(words)

    return Card(
        texts={"Sentence": cut(" ".join(example.words), 2 * _LONG)},
        gold=(tagged(example.tags),),
        answer=lambda row: tagged(row.tags),
    )


def _sentence(example: Sentence, rows: Sequence[Any], others: Mapping[str, Any]) -> Card:
    del rows

    def text(mate: str) -> str:
        return cut(others[mate].text, _LONG) if mate in others else mate

    return Card(
        texts={"Sentence": cut(example.text, _LONG)},
        gold=tuple(text(mate) for mate in example.mates[:_FEW]) or ("(no translation)",),
        answer=lambda row: text(row.mate),
    )


def _same_label(example: PairExample, row: LabelPrediction) -> bool:
    return example.label == row.label


def _same_choice(example: ChoiceExample, row: LabelPrediction) -> bool:
    return str(example.label) == row.label


def _same_tags(example: TagExample, row: TagPrediction) -> bool:
    return example.tags == row.tags


def _is_mate(example: Sentence, row: PairPrediction) -> bool:
    return row.mate in example.mates


FAMILIES: dict[Family, Shown] = {
    "extractive_qa": Shown(card=_question, matches=None),
    "classification": Shown(card=_pair, matches=_same_label),
    "multiple_choice": Shown(card=_choice, matches=_same_choice),
    "tagging": Shown(card=_tags, matches=_same_tags),
    "retrieval": Shown(card=_sentence, matches=_is_mate),
}
