"""Parallel sentences: each among all the others (Tatoeba), some among many without one (BUCC)."""

from __future__ import annotations

from functools import cache
from typing import Any

from harness.sources.mini.draws import pool, shuffled
from harness.sources.mini.outlines import SENTENCE_PHRASINGS, Statement, seeded
from harness.sources.mini.passages import say
from harness.sources.mini.sizes import Mining, Rows

# ISO 639-3, with which the configs are named.
ISO3 = {
    "ar": "ara",
    "bn": "ben",
    "fi": "fin",
    "id": "ind",
    "ko": "kor",
    "ru": "rus",
    "sw": "swh",
    "te": "tel",
}

Row = dict[str, Any]


def tatoeba(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """Rows {source_sentence, target_sentence, source_lang, target_lang}; the target is English.

    Sentences end in a newline, as the real ones do. Row i is the same in all languages.
    """
    return [
        {
            "source_sentence": _say(one, language) + "\n",
            "target_sentence": _say(one, "en") + "\n",
            "source_lang": ISO3[language],
            "target_lang": "eng",
        }
        for one in _statements(purpose, (recipe.group,), recipe.rows)
    ]


def bucc(purpose: str, recipe: Mining, language: str) -> list[Row]:
    """One row {sentence1, sentence2, gold}: both sides, and the 1-based pairs of places in them.

    No two sentences state the same fact, translations apart.
    """
    total = recipe.foreign + recipe.english - recipe.pairs
    drawn = _statements(purpose, recipe.groups, total)
    rng = seeded(f"mini: order of {purpose}")
    foreign = shuffled(rng, drawn[: recipe.foreign])
    english = shuffled(rng, drawn[recipe.foreign - recipe.pairs :])
    places = {one: place for place, one in enumerate(english, start=1)}
    gold = [[i, places[one]] for i, one in enumerate(foreign, start=1) if one in places]
    return [
        {
            "sentence1": [_say(one, language) for one in foreign],
            "sentence2": [_say(one, "en") for one in english],
            "gold": gold,
        }
    ]


@cache
def _statements(purpose: str, groups: tuple[str, ...], count: int) -> tuple[Statement, ...]:
    """`count` statements of different facts."""
    rng = seeded(f"mini: sentences of {purpose}")
    facts = pool(*groups)
    drawn = [
        Statement(fact=fact, phrasing=int(rng.integers(SENTENCE_PHRASINGS)))
        for fact in shuffled(rng, facts)[:count]
    ]
    assert len(drawn) == count, f"{count} different facts, not {len(drawn)}"
    return tuple(drawn)


def _say(statement: Statement, language: str) -> str:
    return say(statement.fact, statement.phrasing, language)
