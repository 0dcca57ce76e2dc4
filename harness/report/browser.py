"""The browser of items that one system gets and the other misses, as the template prints it.

It works without a script: the choices are radio buttons, and the style sheet hides what isn't
chosen. A reader's program that knows no `:has()` shows everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.models.base import LANGUAGE
from harness.records import Answer, Comparison, ItemChanges, ShownItem
from harness.report.sentences import label
from harness.report.shape import several, short_title
from harness.report.tables import Column, Row, Table, figure, table, text
from harness.report.words import count, in_words, language, listing

# Fewer items than this need no choice of a language to begin with.
_ALL_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A language that can be chosen; `place` ties it to its cards."""

    place: int
    name: str
    amount: int
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Said:
    """The same answer of one or more training runs."""

    text: str
    right: bool
    seeds: str


@dataclass(frozen=True, kw_only=True)
class CardText:
    """One text of an item, its reference marked where it holds it."""

    name: str
    before: str
    marked: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ItemCard:
    """An item, what counts as right, and what each system said."""

    place: int
    language: str
    code: str
    """For `lang`; empty where the code is none."""
    gained: bool
    id: str
    texts: tuple[CardText, ...]
    gold: tuple[str, ...]
    answers: tuple[tuple[str, tuple[Said, ...]], ...]
    """(system, what its runs said)"""


@dataclass(frozen=True, kw_only=True)
class Browser:
    """The items of one pair of systems and one target."""

    ident: str
    title: str
    sentence: str
    counts: Table
    choices: tuple[Choice, ...]
    cards: tuple[ItemCard, ...]
    note: str


def browsers(comparison: Comparison, ident: str, most: int) -> tuple[Browser, ...]:
    """One for each pair of systems and target, in the comparison's order.

    Args:
        comparison: the claim and what was found.
        ident: prefix of every id.
        most: items to show, at most; where there are more, of each language the first.
    """
    groups = [list(found) for _, found in groupby(comparison.items, key=_pair_and_target)]
    kept = _kept(comparison.items, most)
    return tuple(
        _browser(comparison, f"{ident}-items-{number}", group, kept)
        for number, group in enumerate(groups, start=1)
    )


def _pair_and_target(one: ItemChanges) -> tuple[str, str, str]:
    return (one.treatment, one.baseline, one.target)


def _kept(changes: Sequence[ItemChanges], most: int) -> int:
    """How many gained and how many lost items of each language are shown."""
    longest = max((len(one.shown) for one in changes), default=0)
    for kept in range(longest, 1, -1):
        if sum(len(_first(one, kept)) for one in changes) <= most:
            return kept
    return 1 if sum(len(_first(one, 1)) for one in changes) <= most else 0


def _first(one: ItemChanges, kept: int) -> list[ShownItem]:
    gained = [item for item in one.shown if item.gained]
    lost = [item for item in one.shown if not item.gained]
    return gained[:kept] + lost[:kept]


def _browser(
    comparison: Comparison, ident: str, group: Sequence[ItemChanges], kept: int
) -> Browser:
    names = (label(comparison, group[0].treatment), label(comparison, group[0].baseline))
    shown = {place: _first(one, kept) for place, one in enumerate(group, start=1)}
    cards = tuple(
        _card(comparison, place, one, item, names)
        for place, one in enumerate(group, start=1)
        for item in shown[place]
    )
    first = next((place for place, items in shown.items() if items), 0)
    choices = tuple(
        Choice(
            place=place,
            name=language(one.language),
            amount=len(shown[place]),
            chosen=place == first and len(cards) > _ALL_AT_ONCE,
        )
        for place, one in enumerate(group, start=1)
        if shown[place]
    )
    title = f"{names[0]} beside {names[1]}"
    if several(comparison):
        title = f"{short_title(comparison, group[0].target)}: {title}"
    return Browser(
        ident=ident,
        title=title,
        sentence=_sentence(group, names),
        counts=_counts(group, names),
        choices=choices,
        cards=cards,
        note=_note(group, len(cards)),
    )


def _sentence(group: Sequence[ItemChanges], names: tuple[str, str]) -> str:
    gained, lost = sum(one.gained for one in group), sum(one.lost for one in group)
    total = sum(one.both + one.neither for one in group) + gained + lost
    return (
        f"Of {count(total, 'item')}, “{names[0]}” alone gets {_amount(gained)}, and "
        f"“{names[1]}” alone {_amount(lost)}."
    )


def _amount(items: int) -> str:
    return in_words(items) if items else "none"


def _note(group: Sequence[ItemChanges], cards: int) -> str:
    if any(one.withheld for one in group):
        return "The data’s licence forbids copies: ids and who was right, but no text."
    differing = sum(one.gained + one.lost for one in group)
    if cards < differing:
        return (
            f"{cards:,} of the {differing:,} are shown, drawn by the sha256 of their ids, "
            "whatever the answers."
        )
    return ""


def _counts(group: Sequence[ItemChanges], names: tuple[str, str]) -> Table:
    heads = ("Both", f"Only {names[0]}", f"Only {names[1]}", "Neither")
    columns = [Column(label="Language"), *(Column(label=one, numeric=True) for one in heads)]
    amounts = [(one.both, one.gained, one.lost, one.neither) for one in group]
    rows = [
        Row(cells=(text(language(one.language)), *(figure(f"{n:,}") for n in found)))
        for one, found in zip(group, amounts, strict=True)
    ]
    if len(group) > 1:
        sums = (sum(column) for column in zip(*amounts, strict=True))
        rows.append(Row(cells=(text("All"), *(figure(f"{n:,}") for n in sums)), strong=True))
    caption = (
        "How many items each system gets: those that more than half of its training runs answer "
        "exactly right."
    )
    return table(caption, columns, rows)


def _card(
    comparison: Comparison,
    place: int,
    one: ItemChanges,
    item: ShownItem,
    names: tuple[str, str],
) -> ItemCard:
    seeds = [str(seed) for seed in comparison.seeds]
    answers = (item.treatment, item.baseline)
    return ItemCard(
        place=place,
        language=language(one.language),
        code=one.language if re.search(LANGUAGE, one.language) else "",
        gained=item.gained,
        id=item.id,
        texts=tuple(_texts(item)),
        gold=item.gold,
        answers=tuple(
            (name, tuple(_said(found, seeds))) for name, found in zip(names, answers, strict=True)
        ),
    )


def _texts(item: ShownItem) -> Iterator[CardText]:
    last = len(item.texts) - 1
    for place, (name, words) in enumerate(item.texts.items()):
        start, end = item.mark if item.mark and place == last else (len(words), len(words))
        yield CardText(name=name, before=words[:start], marked=words[start:end], after=words[end:])


def _said(answers: Sequence[Answer], seeds: Sequence[str]) -> Iterator[Said]:
    """Each different answer once, with the seeds that gave it."""
    found: dict[tuple[str, bool], list[str]] = {}
    for place, one in enumerate(answers):
        seed = seeds[place] if place < len(seeds) else str(place)
        found.setdefault((one.text, one.right), []).append(seed)
    for (words, right), which in found.items():
        named = f"{'seed' if len(which) == 1 else 'seeds'} {listing(which)}"
        yield Said(text=words, right=right, seeds=named)
