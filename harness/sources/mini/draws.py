"""Facts drawn for a purpose: what all tasks but question answering are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from harness.sources.mini.outlines import known
from harness.sources.mini.values import Fact

# Relations of which a country has one value: another value contradicts it.
FUNCTIONAL = (
    "capital",
    "capital_population",
    "population",
    "area",
    "currency",
    "currency_since",
    "calling_code",
    "week_start",
)
_T = TypeVar("_T")


def pool(*groups: str) -> tuple[Fact, ...]:
    """The facts that may be stated about the countries of `groups`, in the order of their codes.

    Of two countries that are each other's neighbour, only the first says so: the other would say
    the same.
    """
    found: list[Fact] = []
    mutual: set[frozenset[str]] = set()
    for group in groups:
        for facts in known(group).values():
            for fact in facts.values():
                if fact.relation == "neighbour":
                    pair = frozenset((fact.subject, fact.value.key))
                    if pair in mutual:
                        continue
                    mutual.add(pair)
                found.append(fact)
    return tuple(found)


def of(facts: Iterable[Fact], relations: Sequence[str]) -> tuple[Fact, ...]:
    """Those of `facts` that have one of `relations`."""
    return tuple(fact for fact in facts if fact.relation in relations)


def shuffled(rng: np.random.Generator, items: Sequence[_T]) -> list[_T]:
    """`items` in an order drawn from `rng`."""
    return [items[int(i)] for i in rng.permutation(len(items))]


def one(rng: np.random.Generator, items: Sequence[_T]) -> _T:
    """One of `items`."""
    return items[int(rng.integers(len(items)))]


def cycle(rng: np.random.Generator, facts: Sequence[Fact], count: int) -> list[Fact]:
    """`count` facts: each relation as often as the others, none twice before all its were drawn."""
    relations = sorted({fact.relation for fact in facts})
    queues: dict[str, list[Fact]] = {relation: [] for relation in relations}
    drawn = []
    for i in range(count):
        relation = relations[i % len(relations)]
        if not queues[relation]:
            queues[relation] = shuffled(rng, of(facts, (relation,)))
        drawn.append(queues[relation].pop())
    return drawn


def rivals(fact: Fact, facts: Iterable[Fact]) -> list[Fact]:
    """What `facts` say of other countries in the same respect, and it is something else."""
    return [
        other
        for other in facts
        if other.relation == fact.relation
        and other.subject != fact.subject
        and other.value != fact.value
    ]
