"""A data set as its distinct texts, to be compared with another's."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from harness.data_checks.contents import Item, items
from harness.data_checks.near import CONTEXT, QUESTION, Grain, Index, normalise
from harness.models import Family

# Paragraphs that are looked up at once.
_BATCH = 4096
# Of an article, for telling its language.
_BEGINNING = 500


@dataclass(frozen=True, kw_only=True)
class Part:
    """A data set that the claim reads."""

    name: str
    """Data set and split, for people."""
    languages: Sequence[str]
    """Declared; empty where nobody says."""
    family: Family
    items: Sequence[Item]

    @classmethod
    def of(
        cls,
        *,
        name: str,
        languages: Sequence[str],
        examples: Iterable[Any],
        family: Family = "extractive_qa",
        against: Part | None = None,
    ) -> Part:
        """A data set, read once.

        Args:
            name: data set and split.
            languages: declared; empty where nobody says.
            examples: the family's records.
            family: of the data set.
            against: what running text is compared with: it is too much to be held whole, and only
                paragraphs that could be nearly a context of these are, with each text's first.
        """
        found = items(examples, family)
        if family == "masked_lm" and against is not None:
            found = _relevant(found, against)
        return cls(name=name, languages=languages, family=family, items=list(found))

    @cached_property
    def questions(self) -> Texts:
        """Every distinct question."""
        return Texts.of((one.question for one in self.items), QUESTION)

    @cached_property
    def contexts(self) -> Texts:
        """Every distinct context."""
        return Texts.of((one.context for one in self.items), CONTEXT)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Distinct normalised texts, and which of them each row has."""

    distinct: Sequence[str]
    places: Mapping[str, int]
    of_row: Sequence[int]
    grain: Grain

    @classmethod
    def of(cls, texts: Iterable[str], grain: Grain) -> Texts:
        """The texts, row by row."""
        raw: dict[str, int] = {}
        places: dict[str, int] = {}
        of_row = array("l")
        for text in texts:
            if text not in raw:
                raw[text] = places.setdefault(normalise(text), len(places))
            of_row.append(raw[text])
        return cls(distinct=list(places), places=places, of_row=of_row, grain=grain)

    @cached_property
    def index(self) -> Index:
        """Their n-grams."""
        return Index(self.distinct, self.grain)

    def rows(self) -> dict[int, list[int]]:
        """Distinct text -> the rows that have it."""
        found: dict[int, list[int]] = {}
        for row, place in enumerate(self.of_row):
            found.setdefault(place, []).append(row)
        return found


def alike(training: Texts, other: Texts, *, nearly: bool) -> dict[int, dict[int, float]]:
    """Distinct text of `other` -> the training texts like it, each with its similarity."""
    found: dict[int, dict[int, float]] = {}
    for text, place in other.places.items():
        # An empty text equals every empty text; the data checks refuse it.
        if text and text in training.places:
            found[place] = {training.places[text]: 1.0}
    for mine, its, similarity in other.index.like(training.distinct) if nearly else ():
        # n-grams of unequal texts can be the same: "aaaaaa" and "aaaaaaa".
        found.setdefault(its, {})[mine] = min(similarity, 0.999)
    return found


def _relevant(found: Iterator[Item], against: Part) -> Iterator[Item]:
    """Paragraphs that could be nearly a context, and of each text the beginning of the first."""
    last = ""
    while batch := list(islice(found, _BATCH)):
        texts = [normalise(one.context) for one in batch]
        kept = set(against.contexts.index.may_be_like(texts))
        for place, (one, text) in enumerate(zip(batch, texts, strict=True)):
            if place in kept or text in against.contexts.places:
                yield one
            elif one.id != last:
                yield replace(one, context=one.context[:_BEGINNING])
            last = one.id
