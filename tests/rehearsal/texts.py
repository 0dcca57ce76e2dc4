"""Sentences in any language that CLDR knows: places, languages and dates by their local names.

A `Statement` is the same in all languages; its renderings are translations of each other. Where
it is drawn depends on the words of its seed alone, so that equal seeds give parallel rows and
different ones unrelated rows.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np
from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.lists import format_list

# Language codes of the data sets that CLDR files under another name.
LOCALES = {"tl": "fil"}
# Codes for no place: test locales, the unknown, unions.
_NO_PLACE = {"XA", "XB", "ZZ", "QO", "EU", "EZ", "UN"}
FIRST_DAY = datetime.date(1901, 1, 1).toordinal()
DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Places, languages, a day and a span of days."""

    places: tuple[str, ...]
    """Three ISO 3166 codes."""
    tongues: tuple[str, ...]
    """Three ISO 639-1 codes."""
    day: datetime.date
    span: int


@dataclass(frozen=True, slots=True)
class Word:
    """A token and what it is: "name" (B or I of one), "number", "noun", "and" or "mark"."""

    text: str
    kind: str
    inside: bool = False
    """Not the first word of its name."""


def drawn(*seed: object) -> Statement:
    """The statement of a seed."""
    rng = generator(*seed)
    places, tongues = _codes()
    return Statement(
        places=tuple(rng.choice(places, 3, replace=False).tolist()),
        tongues=tuple(rng.choice(tongues, 3, replace=False).tolist()),
        day=datetime.date.fromordinal(FIRST_DAY + int(rng.integers(DAYS))),
        span=int(rng.integers(2, 30)),
    )


def generator(*seed: object) -> np.random.Generator:
    """A generator for the words of a seed."""
    words = "/".join(map(str, seed)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(words).digest()[:8]))


def topic(one: Statement, language: str) -> str:
    """Where and when: what a question names."""
    at = locale(language)
    when = format_date(one.day, "full", locale=at)
    return f"{_joined([places(at)[code] for code in one.places], at)}, {when}"


def answer(one: Statement, language: str) -> str:
    """The first of the statement's languages, as the sentence has it."""
    return str(locale(language).languages[one.tongues[0]])


def sentence(one: Statement, language: str) -> str:
    """All of the statement, with a full stop."""
    at = locale(language)
    tongues = _joined([at.languages[code] for code in one.tongues], at)
    after = format_timedelta(
        datetime.timedelta(days=one.span),
        add_direction=True,
        granularity="day",
        threshold=100,
        locale=at,
    )
    return f"{topic(one, language)}: {tongues}, {after}."


def words(one: Statement, language: str) -> list[Word]:
    """The statement's places and day, in words; languages without spaces are split at names."""
    at = locale(language)
    found: list[Word] = []
    for number, code in enumerate(one.places):
        if number:
            last = number == len(one.places) - 1
            found += _between(at) if last else [Word(",", "mark")]
        name = places(at)[code].split()
        found += [Word(part, "name", inside=place > 0) for place, part in enumerate(name)]
    found.append(Word(",", "mark"))
    for part in format_date(one.day, "long", locale=at).replace(",", " ").split():
        found.append(Word(part, "number" if any(c.isdigit() for c in part) else "noun"))
    return [*found, Word(".", "mark")]


@cache
def locale(language: str) -> Locale:
    """CLDR's locale of a language code."""
    return Locale.parse(LOCALES.get(language, language))


@cache
def places(at: Locale) -> dict[str, str]:
    """Names of countries and the like by their codes."""
    return {
        code: name
        for code, name in at.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_PLACE
    }


@cache
def _codes() -> tuple[list[str], list[str]]:
    """Places that every locale names, and languages that all of them do."""
    named, spoken = set(places(locale("en"))), set(locale("en").languages)
    for poor in ("af", "de", "eu", "jv", "kk", "ms", "my", "sw", "tl", "ur", "yo"):
        named &= set(places(locale(poor)))
        spoken &= set(locale(poor).languages)
    return sorted(named), sorted(code for code in spoken if len(code) == 2)


def _joined(names: list[str], at: Locale) -> str:
    return str(format_list(names, locale=at))


def _between(at: Locale) -> list[Word]:
    """What stands before the last of several: CLDR's pattern of a list's end, in words."""
    pattern = at.list_patterns["standard"]["end"].replace("{0}", " ").replace("{1}", " ")
    parts = pattern.replace(",", " , ").split()
    return [Word(part, "and" if part[0].isalpha() else "mark") for part in parts]
