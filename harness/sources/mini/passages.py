"""Outlines -> text in one language, with the place of every name in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import yaml12
from harness.sources.mini.names import name
from harness.sources.mini.outlines import Outline, Statement
from harness.sources.mini.values import Fact, Value

_SLOT = re.compile(r"\{(subject|value)\}")

Phrasings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Relation -> "sentences" and "questions" -> templates with the slots {subject} and {value}."""


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Where the text names a value: code points, `end` exclusive."""

    value: Value
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One statement in words; `subject` and `value` are places in the passage's text."""

    text: str
    subject: Mention
    value: Mention


@cache
def phrasings(language: str) -> Phrasings:
    """The templates of `language`, as its file in `phrasings/` has them."""
    table: dict[str, Any] = yaml12.load(Path(__file__).parent / "phrasings" / f"{language}.yaml")[0]
    return {
        relation: {use: tuple(templates) for use, templates in uses.items()}
        for relation, uses in table.items()
    }


@cache
def memberships(language: str) -> tuple[str, ...]:
    """The sentences that say that a country belongs to an organisation; slots as in `Phrasings`."""
    table: dict[str, Any] = yaml12.load(Path(__file__).parent / "phrasings" / "membership.yaml")[0]
    return tuple(table[language])


def render(outline: Outline, language: str) -> tuple[str, tuple[Sentence, ...]]:
    """The passage and its sentences, which stand in it one space apart."""
    sentences: list[Sentence] = []
    start = 0
    for statement in outline.statements:
        sentences.append(_sentence(statement, language, start))
        start += len(sentences[-1].text) + 1
    return " ".join(sentence.text for sentence in sentences), tuple(sentences)


def say(fact: Fact, phrasing: int, language: str) -> str:
    """One sentence in `language` that states `fact`."""
    return state(fact, phrasing, language).text


def state(fact: Fact, phrasing: int, language: str) -> Sentence:
    """As `say`, with the places of its names in the sentence."""
    return _sentence(Statement(fact=fact, phrasing=phrasing), language, 0)


def ask(fact: Fact, phrasing: int, language: str) -> str:
    """The question in `language` whose answer is the value of `fact`."""
    template = phrasings(language)[fact.relation]["questions"][phrasing]
    return template.replace("{subject}", named(Value("country", fact.subject), language))


def named(value: Value, language: str) -> str:
    """As `names.name`, of a value in the fact base, which every language can name."""
    found = name(value, language)
    assert found is not None
    return found


def _sentence(statement: Statement, language: str, start: int) -> Sentence:
    template = phrasings(language)[statement.fact.relation]["sentences"][statement.phrasing]
    return fill(template, statement.fact, language, start)


def fill(template: str, fact: Fact, language: str, start: int = 0) -> Sentence:
    """The template with the names of a fact in its two slots, as a text that begins at `start`."""
    values = {"subject": Value("country", fact.subject), "value": fact.value}
    text, mentions = "", {}
    # Odd parts are the slots' names; the offset is known because the text is built, not searched.
    for i, part in enumerate(_SLOT.split(template)):
        if i % 2 == 0:
            text += part
            continue
        at = start + len(text)
        text += named(values[part], language)
        mentions[part] = Mention(value=values[part], start=at, end=start + len(text))
    return Sentence(text=text, **mentions)
