"""Sentences in words, as treebanks divide them, each with the template's tag for it.

Punctuation stands apart; a clitic, particle or number's grouping doesn't (XTREME, too, keeps words
of several syntactic units whole).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness import yaml12
from harness.sources.mini.passages import Sentence

_OPENING = "(«"
_CLOSING = ".,:)»।"
# Full stops that belong to the word before them.
_ABBREVIATED = {"кв.", "г."}  # noqa: RUF001 (Russian: square, year)
_ORDINAL = re.compile(r"\d+\.")
# A no-break space divides words too, except the groups of a number.
_SPACE = re.compile(r" +|(?<!\d)[\xa0\u202f]|[\xa0\u202f](?!\d)")

Tags = Mapping[str, Sequence[str]]
"""Relation -> for each phrasing the tags of its words, with the slots in their places."""


@cache
def templates(scheme: str, language: str) -> Tags:
    """The tags of `language`'s phrasings in one scheme ("upos", "ccg")."""
    path = Path(__file__).parent / "phrasings" / scheme / f"{language}.yaml"
    table: dict[str, Any] = yaml12.load(path)[0]
    return {relation: tuple(tags) for relation, tags in table.items()}


def words(text: str) -> list[tuple[str, int]]:
    """The words of a sentence, each with its offset in code points."""
    found: list[tuple[str, int]] = []
    start = 0
    for space in [*_SPACE.finditer(text), None]:
        end = space.start() if space else len(text)
        if end > start:
            found += _divided(text[start:end], start, last=space is None)
        start = space.end() if space else end
    return found


def _divided(word: str, start: int, *, last: bool) -> list[tuple[str, int]]:
    """A word and the punctuation around it."""
    before: list[tuple[str, int]] = []
    while len(word) > 1 and word[0] in _OPENING:
        before.append((word[0], start))
        word, start = word[1:], start + 1
    after: list[tuple[str, int]] = []
    while len(word) > 1 and word[-1] in _CLOSING:
        if _whole(word) and (after or not last):
            break
        after.insert(0, (word[-1], start + len(word) - 1))
        word = word[:-1]
    return [*before, (word, start), *after]


def _whole(word: str) -> bool:
    return word in _ABBREVIATED or _ORDINAL.fullmatch(word) is not None


def slots(sentence: Sentence, divided: Sequence[tuple[str, int]]) -> list[str | None]:
    """For each word the slot ("subject", "value") that it stands in, or None."""
    spans = {"subject": sentence.subject, "value": sentence.value}
    return [
        next((slot for slot, place in spans.items() if place.start <= at < place.end), None)
        for _, at in divided
    ]
