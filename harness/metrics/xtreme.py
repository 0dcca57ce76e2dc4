"""The XTREME score: nine tasks in one number.

Hu et al. 2020 (arXiv 2003.11080); reference implementation: `evaluate` of XTREME's `evaluate.py`
@838c13b. A task's metric is averaged over its languages, each of which weighs the same; question
answering takes the mean of exact match and F1; the score is the mean of the nine tasks. Departures:
a task or language that is missing is an error, there a task is left out and the score not given;
means without English, which papers on transfer report, stand beside the others.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.errors import DataError

# The mean of these is a task's score.
METRICS: dict[str, tuple[str, ...]] = {
    "xnli": ("accuracy",),
    "pawsx": ("accuracy",),
    "udpos": ("f1",),
    "panx": ("f1",),
    "xquad": ("em", "f1"),
    "mlqa": ("em", "f1"),
    "tydiqa": ("em", "f1"),
    "bucc": ("f1",),
    "tatoeba": ("accuracy",),
}

Figures = Mapping[str, float]
"""Metric -> points (0-100)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """A mean over all languages, and one over all but English; in points (0-100)."""

    all: float
    without_english: float
    """Equal to `all` for the retrieval tasks, whose languages are paired with English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XtremeScore:
    """The score and the nine that it is the mean of."""

    overall: Average
    tasks: dict[str, Average]


def aggregate(
    scores: Mapping[str, Mapping[str, Figures]], languages: Mapping[str, Collection[str]]
) -> XtremeScore:
    """The XTREME score.

    Args:
        scores: task -> language -> figures, which hold at least the metrics of `METRICS`.
        languages: task -> exactly the languages that it is averaged over.

    Raises:
        DataError: a task, language or metric is missing or unknown, or no figure in points.
    """
    _check_names(scores, METRICS, "XTREME", "task")
    tasks = {name: _task(name, scores[name], languages[name]) for name in METRICS}
    overall = Average(
        all=_mean(one.all for one in tasks.values()),
        without_english=_mean(one.without_english for one in tasks.values()),
    )
    return XtremeScore(overall=overall, tasks=tasks)


def _task(name: str, scores: Mapping[str, Figures], languages: Collection[str]) -> Average:
    _check_names(scores, languages, name, "language")
    found = {
        language: _mean(_points(figures, metric, f"{name}, {language}") for metric in METRICS[name])
        for language, figures in scores.items()
    }
    return Average(
        all=_mean(found.values()),
        without_english=_mean(value for language, value in found.items() if language != "en"),
    )


def _points(figures: Figures, metric: str, where: str) -> float:
    value = figures.get(metric, math.nan)
    if not 0 <= value <= 100:
        got = f"{metric} {value}" if metric in figures else f"no {metric}"
        raise _problem(where, got, f"{metric} in points, 0 to 100")
    return value


def _check_names(found: Collection[str], expected: Collection[str], where: str, kind: str) -> None:
    missing = [name for name in expected if name not in found]
    if missing:
        raise _problem(where, f"no {kind} {', '.join(missing)}", f"all {len(expected)} of them")
    unknown = [name for name in found if name not in expected]
    if unknown:
        raise _problem(where, f"{kind} {', '.join(unknown)}", f"only {', '.join(expected)}")


def _problem(where: str, got: str, expected: str) -> DataError:
    fix = "The score is defined for all nine tasks with all their languages."
    return DataError(where=where, got=got, expected=expected, fix=fix)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
