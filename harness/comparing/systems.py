"""The scores of each system of a claim, item by item, and which stands for a best-of."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.comparing.source import Source
from harness.errors import DataError
from harness.models import Claim, Metric
from harness.records import Score
from harness.statistics import ItemScores, best, combined

OWN_METRICS: tuple[Metric, ...] = ("em", "f1", "accuracy")

# Target -> metric -> scores of its items, whose cells are languages.
PerTarget = Mapping[str, Mapping[Metric, ItemScores]]


@dataclass(frozen=True)
class Systems:
    """The systems that a claim runs, a best-of among them."""

    items: Mapping[str, PerTarget]
    """System -> its scores."""
    chosen: Mapping[str, Mapping[str, str]]
    """Best-of -> target -> the system that stands for it there."""
    metrics: tuple[Metric, ...]
    """The claim's first."""

    def scores(
        self, system: str, groups: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    ) -> dict[Metric, ItemScores]:
        """Metric -> scores over the claim's targets, or over those of two groups."""
        found = self.items[system]
        if groups is None and len(found) == 1:
            (only,) = found.values()
            return {metric: only[metric] for metric in self.metrics}
        targets = tuple(found) if groups is None else groups[0] + groups[1]
        return {
            metric: combined({name: found[name][metric] for name in targets}, groups)
            for metric in self.metrics
        }


def read_systems(source: Source) -> Systems:
    """Read the scores of every system and settle what each best-of is.

    Raises:
        DataError: a target's scorer doesn't give the claim's metric, or items lack a value.
    """
    claim = source.claim
    documents: dict[str, dict[str, list[str]]] = {}
    items: dict[str, dict[str, dict[Metric, ItemScores]]] = {
        system: {
            target: _read_items(source, system, target, documents.setdefault(target, {}))
            for target in claim.targets
        }
        for system in source.trained
    }
    chosen = {}
    for name, parts in source.best_of.items():
        chosen[name] = {
            target: best({part: items[part][target][claim.metric] for part in parts})
            for target in claim.targets
        }
        items[name] = {target: items[part][target] for target, part in chosen[name].items()}
    any_system = next(iter(items.values()))
    metrics = _metrics(claim, [tuple(found) for found in any_system.values()])
    return Systems(items=items, chosen=chosen, metrics=metrics)


def score_records(source: Source, systems: Systems, system: str) -> Iterator[Score]:
    """Each score of a system, with the predictions that it comes from."""
    for target in source.claim.targets:
        component = systems.chosen.get(system, {}).get(target, system)
        split = source.evaluation(target)["split"]
        for seed in source.facts["seeds"]:
            found = source.json(f"score/{component}/{seed}/{target}", "scores.json")
            for language in source.facts["languages"][target]:
                values = found["languages"][language]
                for metric in systems.metrics:
                    yield Score(
                        system=system,
                        seed=seed,
                        task=target,
                        language=language,
                        split=split,
                        metric=metric,
                        scorer=found["scorer"],
                        value=values[metric],
                        items=values["items"],
                        predictions=source.keys[f"predict/{component}/{seed}/{target}"],
                    )


def _metrics(claim: Claim, given: Sequence[tuple[Metric, ...]]) -> tuple[Metric, ...]:
    """The claim's metric; of one target also the others of its scorer, where it has several."""
    own = [metric for metric in OWN_METRICS if metric in given[0]]
    if len(given) > 1 or len(own) == 1:
        return (claim.metric,)
    return (claim.metric, *(metric for metric in own if metric != claim.metric))


def _read_items(
    source: Source, system: str, target: str, documents: dict[str, list[str]]
) -> dict[Metric, ItemScores]:
    """Metric -> scores of every item; cells are languages.

    Documents that equal those in `documents` are taken from there and new ones put there: the
    lists of large test sets are held once, not once a system.
    """
    seeds = [
        _read_seed(source.inputs[f"score/{system}/{seed}/{target}"])
        for seed in source.facts["seeds"]
    ]
    for name, ours in seeds[0].documents.items():
        if documents.setdefault(name, ours) == ours:
            seeds[0].documents[name] = documents[name]
    metrics, claim = seeds[0].values, source.claim
    if claim.metric not in metrics:
        raise DataError(
            where=f"scores of {target}",
            got=f"metrics {', '.join(metrics)}",
            expected=f"the claim's metric `{claim.metric}`",
            fix="Name a metric that the target's scorer gives.",
        )
    # Of several targets only the claim's metric has a mean.
    kept = metrics if len(claim.targets) == 1 else (claim.metric,)
    return {
        metric: ItemScores(
            values={
                language: _stacked([one.values[metric].get(language, ()) for one in seeds])
                for language in metrics[metric]
            },
            documents=seeds[0].documents,
        )
        for metric in kept
    }


@dataclass(frozen=True)
class _Seed:
    values: dict[Metric, dict[str, array[float]]]
    documents: dict[str, list[str]]


def _read_seed(folder: Path) -> _Seed:
    """Items of a score artifact, in the order of the examples, which all systems share."""
    found = _Seed({}, {})
    with (folder / "items.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            found.documents.setdefault(row["language"], []).append(row["document"])
            for metric, value in row["values"].items():
                languages = found.values.setdefault(metric, {})
                languages.setdefault(row["language"], array("d")).append(value)
    return found


def _stacked(seeds: Sequence[Sequence[float]]) -> np.ndarray:
    """(num_seeds, num_items); a seed that lacks items is refused by ItemScores as empty."""
    if len({len(one) for one in seeds}) > 1:
        return np.empty((len(seeds), 0))
    return np.array(seeds, dtype=np.float64)
