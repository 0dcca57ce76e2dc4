"""The items that one system of a compared pair gets and the other misses: counts and a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.canonical import bytes_sha256
from harness.comparing.shown import FAMILIES, Shown
from harness.comparing.source import Source
from harness.comparing.systems import Systems
from harness.models import Family
from harness.records import (
    Answer,
    ItemChanges,
    ShownItem,
    iterate_examples,
    read_predictions,
)

MOST = 5
"""Items shown of one pair, target and language: so many gained and so many lost."""
ALL = 400
"""Items shown in one comparison, at most."""

Pair = tuple[str, str]


def changes(source: Source, systems: Systems) -> tuple[ItemChanges, ...]:
    """For each pair, target and language how many items each system gets, and a few of them.

    Of many languages and pairs fewer items are shown, and where one a language is still too many,
    those of the first pairs only.
    """
    pairs = list(_pairs(source, systems))
    cells = sum(len(codes) for codes in source.facts["languages"].values())
    pairs = pairs[: max(1, ALL // (2 * cells))]
    most = max(1, min(MOST, ALL // (2 * cells * len(pairs))))
    return tuple(
        one
        for target in source.claim.targets
        for one in _target_changes(source, systems, target, pairs, most)
    )


@dataclass(frozen=True)
class _Runs:
    """The predictions of a system for one language, seed by seed: id -> record."""

    seeds: tuple[Mapping[str, Any], ...]
    right: tuple[Mapping[str, bool], ...]

    def gets(self, id_: str) -> bool:
        return 2 * sum(one.get(id_, False) for one in self.right) > len(self.right)


def _pairs(source: Source, systems: Systems) -> Iterator[Pair]:
    """Each pair once: the claim's own, then its variants'."""
    own = source.claim.compare.pairs()
    variants = [(name, own[-1][1]) for name in source.claim.variants if name in systems.items]
    yield from dict.fromkeys((*own, *variants))


def _target_changes(
    source: Source, systems: Systems, target: str, pairs: list[Pair], most: int
) -> Iterator[ItemChanges]:
    """One for each pair and language."""
    family: Family = source.facts["families"][target]
    found: dict[Pair, list[ItemChanges]] = {pair: [] for pair in pairs}
    examples = _examples(source, target, family)
    names = dict.fromkeys(name for pair in pairs for name in pair)
    readers = {
        # A best-of answers with the system that stands for it.
        name: _reader(source, family, systems.chosen.get(name, {}).get(target, name), target)
        for name in names
    }
    for language in source.facts["languages"][target]:
        runs = {name: read(language, examples[language]) for name, read in readers.items()}
        for pair in pairs:
            both = (runs[pair[0]], runs[pair[1]])
            counts, ids = _drawn(*both, most)
            items = [_item(FAMILIES[family], one, examples[language], both) for one in ids]
            withheld = target in source.withheld
            found[pair].append(
                ItemChanges(
                    treatment=pair[0],
                    baseline=pair[1],
                    target=target,
                    language=language,
                    **counts,
                    shown=tuple(_without_text(one) if withheld else one for one in items),
                    withheld=withheld,
                )
            )
    yield from (one for pair in pairs for one in found[pair])


def _examples(source: Source, target: str, family: Family) -> dict[str, dict[str, Any]]:
    """Language -> id -> example."""
    path = source.inputs[f"examples/{source.evaluation_use(target)}"] / "examples.jsonl"
    found: dict[str, dict[str, Any]] = {}
    for one in iterate_examples(path, family):
        found.setdefault(one.language, {})[one.id] = one
    return found


def _reader(
    source: Source, family: Family, system: str, target: str
) -> Callable[[str, Mapping[str, Any]], _Runs]:
    """Reads what a system predicted for the examples of a language."""
    matches = FAMILIES[family].matches
    roles = [f"{system}/{seed}/{target}" for seed in source.facts["seeds"]]
    exact = [] if matches else [_exact(source, f"score/{role}") for role in roles]

    def read(language: str, examples: Mapping[str, Any]) -> _Runs:
        seeds = [_predictions(source, f"predict/{role}", language, family) for role in roles]
        if matches is None:
            right = [one[language] for one in exact]
        else:
            right = [{id_: matches(examples[id_], row) for id_, row in s.items()} for s in seeds]
        return _Runs(tuple(seeds), tuple(right))

    return read


def _predictions(source: Source, role: str, language: str, family: Family) -> dict[str, Any]:
    file = source.inputs[role] / "predictions" / f"{language}.jsonl"
    return {one.id: one for one in read_predictions(file, family)}


def _exact(source: Source, role: str) -> dict[str, dict[str, bool]]:
    """Language -> id -> whether the scorer found an exact match."""
    found: dict[str, dict[str, bool]] = {}
    for row in source.rows(role, "items.jsonl"):
        found.setdefault(row["language"], {})[row["id"]] = row["values"]["em"] == 100
    return found


def _drawn(first: _Runs, second: _Runs, most: int) -> tuple[dict[str, int], list[tuple[str, bool]]]:
    """How many items each gets, and (id, gained) of those that are shown."""
    # Of sentences that are looked up only some have a prediction, not the same of each system.
    ids = sorted({id_ for runs in (first, second) for one in runs.right for id_ in one}, key=_draw)
    got = {id_: (first.gets(id_), second.gets(id_)) for id_ in ids}
    counts = Counter(got.values())
    gained = [(id_, True) for id_ in ids if got[id_] == (True, False)]
    lost = [(id_, False) for id_ in ids if got[id_] == (False, True)]
    named = {
        "both": counts[True, True],
        "gained": len(gained),
        "lost": len(lost),
        "neither": counts[False, False],
    }
    return named, gained[:most] + lost[:most]


def _draw(id_: str) -> str:
    return bytes_sha256(id_.encode())


def _item(
    shown: Shown, drawn: tuple[str, bool], examples: Mapping[str, Any], runs: tuple[_Runs, _Runs]
) -> ShownItem:
    id_, gained = drawn
    rows = [[seed.get(id_) for seed in one.seeds] for one in runs]
    card = shown.card(examples[id_], [row for one in rows for row in one if row], examples)
    answers = [
        tuple(
            Answer(text=card.answer(row) if row else "", right=right.get(id_, False))
            for row, right in zip(found, one.right, strict=True)
        )
        for found, one in zip(rows, runs, strict=True)
    ]
    return ShownItem(
        id=id_,
        gained=gained,
        texts=card.texts,
        mark=card.mark,
        gold=card.gold,
        treatment=answers[0],
        baseline=answers[1],
    )


def _without_text(item: ShownItem) -> ShownItem:
    """Its id and who was right; an answer's text may be a piece of the data's."""
    treatment, baseline = (
        tuple(Answer(text="", right=one.right) for one in answers)
        for answers in (item.treatment, item.baseline)
    )
    return ShownItem(
        id=item.id,
        gained=item.gained,
        texts={},
        gold=(),
        treatment=treatment,
        baseline=baseline,
    )
