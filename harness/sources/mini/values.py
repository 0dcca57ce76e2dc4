"""The words of the fact base: values, facts, and the relations that there are.

Nothing here has a language. A task that isn't question answering (inference, tagging, multiple
choice, parallel sentences) starts from the same facts and the same statements of them.
"""

from __future__ import annotations

from dataclasses import dataclass

# Relation -> kind of its value. A decoy is another value of the same kind.
RELATIONS = {
    "capital": "city",
    "capital_population": "number",
    "population": "number",
    "area": "number",
    "currency": "currency",
    "currency_since": "date",
    "language": "language",
    "neighbour": "country",
    "calling_code": "code",
    "week_start": "weekday",
}


@dataclass(frozen=True, order=True)
class Value:
    """Something that a fact says, by a key that no language owns."""

    kind: str
    key: str
    """city: time zone; country: ISO 3166; currency: ISO 4217; language: CLDR code; number:
    decimal digits; date: ISO 8601; weekday: 0 is Monday; code: as it is dialled;
    organisation: CLDR territory."""


@dataclass(frozen=True, order=True)
class Fact:
    """`relation` of the country `subject` is `value`."""

    subject: str
    relation: str
    value: Value
