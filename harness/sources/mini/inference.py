"""Inference: a premise of one or more facts, and a sentence that follows, contradicts or neither.

Entailment is the same fact in other words, contradiction another value where there can be but one,
neutral what the premise doesn't say: the same of another country, or something else of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from harness.sources.mini.draws import FUNCTIONAL, cycle, of, one, pool, rivals, shuffled
from harness.sources.mini.outlines import SENTENCE_PHRASINGS, Statement, seeded
from harness.sources.mini.passages import say
from harness.sources.mini.schemas import NLI
from harness.sources.mini.sizes import Inferences
from harness.sources.mini.values import Fact

ENTAILMENT, NEUTRAL, CONTRADICTION = range(len(NLI))
UNLABELLED = -1

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Inference:
    """A premise, a hypothesis and how they relate, before any language has a word for it."""

    premise: tuple[Statement, ...]
    hypothesis: Statement
    label: int
    """Index into `NLI`."""


@cache
def draw(purpose: str, recipe: Inferences) -> tuple[Inference, ...]:
    """`recipe.rows` inferences, each label as often as the others (a remainder apart)."""
    rng = seeded(f"mini: inferences of {purpose}")
    facts = of(pool(recipe.group), FUNCTIONAL)
    subjects = cycle(rng, facts, recipe.rows)
    made = [_one(rng, facts, fact, i % len(NLI), recipe) for i, fact in enumerate(subjects)]
    return tuple(shuffled(rng, made))


def _one(
    rng: np.random.Generator, facts: Sequence[Fact], fact: Fact, label: int, recipe: Inferences
) -> Inference:
    phrasing = int(rng.integers(SENTENCE_PHRASINGS))
    # The first companion is the same of another country, so that a premise of several sentences
    # has to be read.
    companions = [one(rng, rivals(fact, facts))] if recipe.sentences > 1 else []
    others = [
        other
        for other in facts
        if other.subject in {fact.subject, *(c.subject for c in companions)}
        and other not in (fact, *companions)
    ]
    companions += shuffled(rng, others)[: recipe.sentences - 1 - len(companions)]
    stated = [(fact, phrasing)]
    stated += [(other, int(rng.integers(SENTENCE_PHRASINGS))) for other in companions]
    claimed = _claimed(rng, facts, fact, companions, label)
    # Never the premise's own words, whatever the label: they would tell it.
    words = (phrasing + int(rng.integers(1, SENTENCE_PHRASINGS))) % SENTENCE_PHRASINGS
    return Inference(
        premise=tuple(Statement(fact=f, phrasing=p) for f, p in shuffled(rng, stated)),
        hypothesis=Statement(fact=claimed, phrasing=words),
        label=label,
    )


def _claimed(
    rng: np.random.Generator,
    facts: Sequence[Fact],
    fact: Fact,
    companions: Sequence[Fact],
    label: int,
) -> Fact:
    if label == ENTAILMENT:
        return fact
    if label == CONTRADICTION:
        near = [other for other in companions if other in rivals(fact, companions)]
        return Fact(fact.subject, fact.relation, one(rng, near or rivals(fact, facts)).value)
    unsaid = [
        other
        for other in facts
        if other not in (fact, *companions)
        and (other.subject == fact.subject or other.relation == fact.relation)
    ]
    same = [other for other in unsaid if other.subject == fact.subject]
    return one(rng, same if int(rng.integers(2)) and same else unsaid)


def _texts(inference: Inference, language: str) -> dict[str, str]:
    return {
        "premise": " ".join(say(s.fact, s.phrasing, language) for s in inference.premise),
        "hypothesis": say(inference.hypothesis.fact, inference.hypothesis.phrasing, language),
    }


def pairs(purpose: str, recipe: Inferences, language: str) -> list[Row]:
    """Rows {premise, hypothesis, label}, parallel over languages (XNLI)."""
    return [{**_texts(one, language), "label": one.label} for one in draw(purpose, recipe)]


def mnli(purpose: str, recipe: Inferences, language: str) -> list[Row]:
    """As `pairs`, and the number of the row (GLUE)."""
    return [{**row, "idx": i} for i, row in enumerate(pairs(purpose, recipe, language))]


def snli(purpose: str, recipe: Inferences, language: str) -> list[Row]:
    """As `pairs`; on every twenty-fifth row no majority agreed, so its label is -1."""
    rows = pairs(purpose, recipe, language)
    return [{**row, "label": UNLABELLED} if i % 25 == 24 else row for i, row in enumerate(rows)]


def anli(purpose: str, recipe: Inferences, language: str) -> list[Row]:
    """As `pairs`, and the columns of a round of ANLI; nobody gave a reason."""
    rows = pairs(purpose, recipe, language)
    stem = purpose.replace(" ", "-")
    return [{"uid": f"{stem}-{i}", **row, "reason": ""} for i, row in enumerate(rows)]
