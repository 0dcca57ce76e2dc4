"""Multiple choice: endings (HellaSwag), answers to a text (CosmosQA), to none (CommonsenseQA)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.sources.mini.draws import cycle, of, one, pool, rivals, shuffled
from harness.sources.mini.facts import facts as all_facts
from harness.sources.mini.outlines import SENTENCE_PHRASINGS, seeded
from harness.sources.mini.passages import ask, named, phrasings, say
from harness.sources.mini.sizes import Rows
from harness.sources.mini.values import RELATIONS, Fact, Value

LETTERS = "ABCDE"
# What is known of a country without looking it up, and may be guessed from its name.
KNOWLEDGE = ("capital", "currency", "language", "neighbour")
# What a text is asked about: weeks begin on too few days to choose between.
TOLD = tuple(relation for relation in RELATIONS if relation != "week_start")
_QUESTION_PHRASINGS = 4

Row = dict[str, Any]


def hellaswag(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """Two facts, then a sentence that begins to say one of them again; four ways to end it."""
    rng = seeded(f"mini: endings of {purpose}")
    facts = of(pool(recipe.group), TOLD)
    rows = []
    for i, fact in enumerate(cycle(rng, facts, recipe.rows)):
        phrasing, begin, rest = _unfinished(fact, language)
        told = (phrasing + int(rng.integers(1, SENTENCE_PHRASINGS))) % SENTENCE_PHRASINGS
        context = _context(rng, facts, fact, told, language)
        values, label = _choices(rng, fact, facts, 4, language)
        rows.append(
            {
                "ind": i,
                "activity_label": named(Value("country", fact.subject), language),
                "ctx_a": context,
                "ctx_b": begin,
                "ctx": f"{context} {begin}",
                "endings": [value + rest for value in values],
                "source_id": f"mini~{purpose.split()[-1]}_{i}",
                "split": {"train": "train", "validation": "val"}[purpose.split()[-1]],
                "split_type": "indomain",
                "label": str(label),
            }
        )
    return rows


def cosmosqa(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """A text of three facts, a question about one of them, four answers."""
    rng = seeded(f"mini: answers of {purpose}")
    facts = of(pool(recipe.group), TOLD)
    rows = []
    for i, fact in enumerate(cycle(rng, facts, recipe.rows)):
        told = int(rng.integers(SENTENCE_PHRASINGS))
        values, label = _choices(rng, fact, facts, 4, language)
        rows.append(
            {
                "id": f"{_hash(purpose, i, 40).upper()}",
                "context": _context(rng, facts, fact, told, language),
                "question": ask(fact, int(rng.integers(_QUESTION_PHRASINGS)), language),
                **{f"answer{k}": value for k, value in enumerate(values)},
                "label": label,
            }
        )
    return rows


def commonsenseqa(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """A question that only knowledge answers, five answers under letters."""
    rng = seeded(f"mini: knowledge of {purpose}")
    facts = of(pool(recipe.group), KNOWLEDGE)
    rows = []
    for i, fact in enumerate(cycle(rng, facts, recipe.rows)):
        values, label = _choices(rng, fact, facts, len(LETTERS), language)
        rows.append(
            {
                "id": _hash(purpose, i, 32),
                "question": ask(fact, int(rng.integers(_QUESTION_PHRASINGS)), language),
                "question_concept": named(Value("country", fact.subject), language),
                "choices": {"label": list(LETTERS), "text": values},
                "answerKey": LETTERS[label],
            }
        )
    return rows


def _hash(purpose: str, number: int, digits: int) -> str:
    return hashlib.sha256(f"mini: {purpose} {number}".encode()).hexdigest()[:digits]


def _unfinished(fact: Fact, language: str) -> tuple[int, str, str]:
    """A phrasing that ends with the value: its index, the words before, and what ends it."""
    for i, template in enumerate(phrasings(language)[fact.relation]["sentences"]):
        begin, rest = template.split("{value}")
        if "{subject}" in begin:
            country = named(Value("country", fact.subject), language)
            return i, begin.replace("{subject}", country).strip(), rest
    raise AssertionError(f"{fact.relation}: a phrasing whose value comes after the country")


def _context(
    rng: np.random.Generator, facts: Sequence[Fact], fact: Fact, phrasing: int, language: str
) -> str:
    """The fact, the same of another country and, of one of the two, something else."""
    rival = one(rng, rivals(fact, facts))
    more = one(
        rng,
        [
            other
            for other in facts
            if other.subject in (fact.subject, rival.subject) and other not in (fact, rival)
        ],
    )
    told = [(fact, phrasing)]
    told += [(other, int(rng.integers(SENTENCE_PHRASINGS))) for other in (rival, more)]
    return " ".join(say(f, words, language) for f, words in shuffled(rng, told))


def _choices(
    rng: np.random.Generator, fact: Fact, facts: Sequence[Fact], count: int, language: str
) -> tuple[list[str], int]:
    """`count` values of one kind, one of them true of the country, and where that stands."""
    true = {f.value for f in all_facts()[fact.subject] if f.relation == fact.relation}
    own = Value("country", fact.subject)
    others = sorted({f.value for f in facts if f.relation == fact.relation} - true - {own})
    values = shuffled(rng, [fact.value, *shuffled(rng, others)[: count - 1]])
    return [named(value, language) for value in values], values.index(fact.value)
