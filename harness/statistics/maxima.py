"""The best of several systems, and how much of its lead is luck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

from harness.records import Effect
from harness.statistics.findings import points
from harness.statistics.items import ItemScores, averaged
from harness.statistics.rungs import chance_lift


def best(candidates: Mapping[str, ItemScores]) -> str:
    """The candidate with the highest mean over seeds and languages; of equals the first.

    It is chosen on the very scores that it is then judged by, as in papers that report the best of
    several models: a maximum, which `maxima` says.
    """
    levels = {name: _level(one) for name, one in candidates.items()}
    return max(levels, key=lambda name: levels[name])


def _level(scores: ItemScores) -> float:
    values = {cell: scores.values[cell] for cell in scores.cells}
    return float(averaged(values, scores.weights)[1].mean())


def maxima(effects: Sequence[Effect], best_of: Mapping[str, int]) -> Iterator[str]:
    """A reason for each compared system that is the best of several."""
    for system in dict.fromkeys(name for one in effects for name in (one.treatment, one.baseline)):
        if best_of.get(system, 1) > 1:
            yield _maximum(system, best_of[system], effects)


def _maximum(system: str, candidates: int, effects: Sequence[Effect]) -> str:
    # A difference of two equal systems spreads sqrt(2) times as much as what is one system's own.
    lift = chance_lift(candidates) / sqrt(2)
    said = (
        f"{system} is for each target the best of {candidates} systems, chosen on these scores: of"
        f" equal ones the best would look about {lift:.2f} standard errors of a target's difference"
        " too good"
    )
    first = next(one for one in effects if system in (one.treatment, one.baseline))
    if not first.same_items.per_task:
        said += f", {points(lift * first.same_items.standard_error)} points"
    if first.reported is not None:
        return f"{said}; the paper's number is such a maximum too, so nothing is subtracted"
    return f"{said}; nothing is subtracted"
