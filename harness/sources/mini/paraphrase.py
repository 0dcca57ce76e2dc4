"""Paraphrases: pairs of questions (QQP) and of sentences with the same words (PAWS)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from harness.sources.mini.draws import FUNCTIONAL, cycle, of, one, pool, rivals, shuffled
from harness.sources.mini.outlines import SENTENCE_PHRASINGS, Statement, seeded
from harness.sources.mini.passages import ask, say
from harness.sources.mini.sizes import Rows
from harness.sources.mini.values import RELATIONS, Fact

QUESTION_PHRASINGS = 4

# One pair in so many has two facts a side, whose values may be exchanged: the hard ones. With
# nothing but those, a small encoder learns nothing from a few hundred pairs.
_PAIRS_ONE_IN = 4

Row = dict[str, Any]
Texts = tuple[Statement, ...]
Pair = tuple[Texts, Texts, int]
"""Two texts of one statement or more, and 1 where they say the same."""


def qqp(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """Rows {question1, question2, label, idx}; half are duplicates."""
    rows = []
    for i, (first, second, label) in enumerate(_questions(purpose, recipe)):
        texts = [ask(one.fact, one.phrasing, language) for one in (first[0], second[0])]
        rows.append({"question1": texts[0], "question2": texts[1], "label": label, "idx": i})
    return rows


def pawsx(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """Rows {id, sentence1, sentence2, label}, parallel over languages; half are paraphrases."""
    rows = []
    for i, (first, second, label) in enumerate(_sentences(purpose, recipe), start=1):
        texts = [
            " ".join(say(s.fact, s.phrasing, language) for s in one) for one in (first, second)
        ]
        rows.append({"id": i, "sentence1": texts[0], "sentence2": texts[1], "label": label})
    return rows


@cache
def _questions(purpose: str, recipe: Rows) -> tuple[Pair, ...]:
    rng = seeded(f"mini: duplicate questions of {purpose}")
    facts = pool(recipe.group)
    made = []
    for i, fact in enumerate(cycle(rng, facts, recipe.rows)):
        label = _label(i, len(RELATIONS))
        other = fact if label else _unlike(rng, fact, facts)
        phrasings = rng.permutation(QUESTION_PHRASINGS)[:2].tolist()
        first, second = (
            Statement(fact=f, phrasing=p) for f, p in zip((fact, other), phrasings, strict=True)
        )
        made.append(((first,), (second,), label))
    return tuple(shuffled(rng, made))


def _label(number: int, relations: int) -> int:
    """0 and 1 in turn, the other way round in the next turn of the relations."""
    return (number + number // relations) % 2


def _unlike(rng: np.random.Generator, fact: Fact, facts: Sequence[Fact]) -> Fact:
    """The same of another country, or something else of the same one."""
    same_country = [f for f in facts if f.subject == fact.subject and f.relation != fact.relation]
    choices = same_country if int(rng.integers(2)) and same_country else rivals(fact, facts)
    return one(rng, choices)


@cache
def _sentences(purpose: str, recipe: Rows) -> tuple[Pair, ...]:
    rng = seeded(f"mini: paraphrases of {purpose}")
    facts = of(pool(recipe.group), FUNCTIONAL)
    made = []
    for i, fact in enumerate(cycle(rng, facts, recipe.rows)):
        label = _label(i, len(FUNCTIONAL))
        form = _pair if i % _PAIRS_ONE_IN == 0 else _single
        made.append(form(rng, facts, fact, label))
    return tuple(shuffled(rng, made))


def _single(rng: np.random.Generator, facts: Sequence[Fact], fact: Fact, label: int) -> Pair:
    """A fact and the same in other words; or with another country's value or name."""
    first, second = rng.permutation(SENTENCE_PHRASINGS)[:2].tolist()
    other = one(rng, rivals(fact, facts))
    ways = (
        Fact(fact.subject, fact.relation, other.value),
        Fact(other.subject, fact.relation, fact.value),
    )
    told = fact if label else one(rng, ways)
    return (
        (Statement(fact=fact, phrasing=first),),
        (Statement(fact=told, phrasing=second),),
        label,
    )


def _pair(rng: np.random.Generator, facts: Sequence[Fact], fact: Fact, label: int) -> Pair:
    """Two facts of one kind, and the same again in other words or order; or nearly the same."""
    other = one(rng, rivals(fact, facts))
    words = [int(rng.integers(SENTENCE_PHRASINGS)) for _ in range(2)]
    first = tuple(Statement(fact=f, phrasing=p) for f, p in zip((fact, other), words, strict=True))
    told = first if label else _altered(rng, facts, first)
    return first, told[::-1] if int(rng.integers(2)) else _rephrased(rng, told), label


def _altered(rng: np.random.Generator, facts: Sequence[Fact], told: Texts) -> Texts:
    """The two values exchanged, as PAWS does it, or a third country's name or value in one."""
    a, b = (statement.fact for statement in told)
    thirds = [fact for fact in rivals(a, facts) if fact in rivals(b, facts)]
    third = one(rng, thirds or rivals(a, facts))
    ways = (
        (Fact(a.subject, a.relation, b.value), Fact(b.subject, b.relation, a.value)),
        (Fact(a.subject, a.relation, third.value), b),
        (a, Fact(third.subject, b.relation, b.value)),
    )
    return tuple(
        Statement(fact=fact, phrasing=statement.phrasing)
        for fact, statement in zip(one(rng, ways), told, strict=True)
    )


def _rephrased(rng: np.random.Generator, told: Texts) -> Texts:
    shift = int(rng.integers(1, SENTENCE_PHRASINGS))
    changed = Statement(fact=told[0].fact, phrasing=(told[0].phrasing + shift) % SENTENCE_PHRASINGS)
    return (changed, *told[1:])
