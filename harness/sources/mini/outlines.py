"""What a passage says and what is asked about it, before any language has a word for it.

Outlines are drawn from Generators that each purpose seeds for itself, so a set doesn't change
when another one does. One outline in several languages is a set of parallel passages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from harness.sources.mini.facts import facts
from harness.sources.mini.sizes import ALONE_TENTHS, GROUPS, SENTENCES, Recipe
from harness.sources.mini.values import RELATIONS, Fact

SENTENCE_PHRASINGS = 3

Known = Mapping[str, Mapping[str, Fact]]
"""Country -> relation -> the one fact that a passage may state."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A fact, and which of a language's sentences for its relation says it."""

    fact: Fact
    phrasing: int


@dataclass(frozen=True, kw_only=True)
class Question:
    """Asks for the value of one of the passage's statements."""

    statement: int
    phrasing: int


@dataclass(frozen=True, kw_only=True)
class Outline:
    """One passage and its questions; the first question's subject is the passage's title."""

    statements: tuple[Statement, ...]
    questions: tuple[Question, ...]


def seeded(purpose: str) -> np.random.Generator:
    """A Generator that depends on the text of `purpose` and on nothing else."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(purpose.encode()).digest()))


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """Group -> its countries, disjoint, by the shares of `GROUPS`."""
    order = seeded("mini: groups of countries").permutation(sorted(facts())).tolist()
    total, start, parts = sum(GROUPS.values()), 0, {}
    for group, share in GROUPS.items():
        end = start + share
        chosen = order[start * len(order) // total : end * len(order) // total]
        parts[group], start = tuple(sorted(chosen)), end
    return parts


@cache
def known(group: str) -> Known:
    """The facts that passages of `group` may state: of a country's neighbours, one in the group."""
    inside = groups()[group]
    return {
        iso: {
            fact.relation: fact
            for fact in facts()[iso]
            if fact.value.kind != "country" or fact.value.key in inside
        }
        for iso in inside
    }


def draw_outlines(purpose: str, recipe: Recipe) -> list[Outline]:
    """`recipe.passages` outlines, their relations in turn so that each is asked equally often."""
    rng = seeded(f"mini: {purpose}")
    relations = tuple(RELATIONS)
    return [_draw(rng, recipe, relations[i % len(relations)]) for i in range(recipe.passages)]


def _draw(rng: np.random.Generator, recipe: Recipe, relation: str) -> Outline:
    facts_of = known(recipe.group)
    alone = RELATIONS[relation] == "number" and int(rng.integers(10)) < ALONE_TENTHS
    pair = _alone(rng, facts_of, relation) if alone else _pair(rng, facts_of, relation)
    others = sorted(
        fact
        for subject in sorted({fact.subject for fact in pair})
        for fact in facts_of[subject].values()
        if fact not in pair
    )
    wanted = min(int(rng.integers(SENTENCES[0], SENTENCES[1] + 1)) - len(pair), len(others))
    picked = [others[int(i)] for i in rng.permutation(len(others))[:wanted]]
    stated = [*pair, *picked]
    stated = [stated[int(i)] for i in rng.permutation(len(stated))]
    return Outline(
        statements=tuple(
            Statement(fact=fact, phrasing=int(rng.integers(SENTENCE_PHRASINGS))) for fact in stated
        ),
        questions=tuple(
            Question(statement=stated.index(fact), phrasing=int(rng.choice(recipe.phrasings)))
            for fact in pair[: recipe.questions]
        ),
    )


def _pair(rng: np.random.Generator, facts_of: Known, relation: str) -> Sequence[Fact]:
    """The same relation of two countries, with different values: each is the other's decoy."""
    having = [iso for iso in sorted(facts_of) if relation in facts_of[iso]]
    while True:
        first, second = (having[int(i)] for i in rng.permutation(len(having))[:2])
        pair = (facts_of[first][relation], facts_of[second][relation])
        values = {fact.value for fact in pair}
        # A neighbour that the passage is about would stand in it more than once.
        if len(values) == 2 and not {value.key for value in values} & {first, second}:
            return pair


def _alone(rng: np.random.Generator, facts_of: Known, relation: str) -> Sequence[Fact]:
    """Two relations of one country with values of the same kind."""
    rivals = [other for other, kind in RELATIONS.items() if kind == RELATIONS[relation]]
    having = [iso for iso in sorted(facts_of) if all(r in facts_of[iso] for r in rivals)]
    subject = having[int(rng.integers(len(having)))]
    rival = rivals[(rivals.index(relation) + 1) % len(rivals)]
    return facts_of[subject][relation], facts_of[subject][rival]
