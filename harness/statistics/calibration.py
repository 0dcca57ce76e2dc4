"""How often the rule errs: runs with a known truth, judged by the rule's own inequalities.

Simulated after TyDi QA GoldP: nine languages of its sizes, whose items stay the same from run to
run. In each language 40 % of the items are unsure: a run answers each of them rightly with a
probability that the gain and the run's seed move; the others never change. So a score is a count
of right answers, and tau, the standard deviation over seeds of the paired difference, is part
seed, part chance. Three quarters of the seed's variance are common to all languages. Not
simulated: runs that diverge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.models import Rung, VerdictRule
from harness.statistics.rungs import (
    CONFIDENCE,
    FloatArray,
    Numbers,
    gain_tests,
    levels_agree,
    moderated_variance,
    quantile,
    size_of,
)

TYDIQA_SIZES: Mapping[str, int] = {
    "ar": 921,
    "bn": 113,
    "en": 440,
    "fi": 782,
    "id": 565,
    "ko": 276,
    "ru": 812,
    "sw": 499,
    "te": 669,
}
BASELINE_LEVEL = 45.0
"""Exact match of XLM-R in the claim that this is modelled on, in points."""
RUNGS: tuple[Rung, ...] = (
    "QUANTITATIVE",
    "SUBSTANTIAL",
    "CONTRADICTED",
    "DIRECTION",
    "INCONCLUSIVE",
)
_UNSURE = 0.4
_BASELINE_CHANCE = 0.3
_COMMON = 0.75


@dataclass(frozen=True)
class Runs:
    """Simulated runs; each array is (num_runs, num_seeds), in points."""

    treatment: FloatArray
    baseline: FloatArray

    @property
    def differences(self) -> FloatArray:
        """Treatment minus baseline, paired by seed."""
        return self.treatment - self.baseline


@dataclass(frozen=True)
class Paper:
    """What the paper prints: one number, or (num_runs,) if every run has a paper of its own."""

    treatment: Numbers
    baseline: Numbers

    @property
    def gain(self) -> Numbers:
        """Treatment minus baseline."""
        return self.treatment - self.baseline


def printed_truth(gain: float) -> Paper:
    """A paper whose numbers are the true means."""
    return Paper(BASELINE_LEVEL + gain, BASELINE_LEVEL)


def printed_run(gain: float, tau: float, num_runs: int, generator: np.random.Generator) -> Paper:
    """Papers whose numbers are one run of the very systems that are re-run."""
    runs = simulate(gain, tau, (num_runs, 1), generator)
    return Paper(runs.treatment[:, 0], runs.baseline[:, 0])


def simulate(
    gain: float, tau: float, shape: tuple[int, int], generator: np.random.Generator
) -> Runs:
    """Runs in which the treatment is truly `gain` points better, in every language alike.

    Args:
        gain: 0-20 points.
        tau: standard deviation of the differences over seeds, in points.
        shape: (num_runs, num_seeds).
        generator: the only source of randomness.

    Raises:
        ValueError: tau is smaller than what the chance of single items makes (about 0.75).
    """
    baseline, treatment = simulate_systems((0.0, gain), tau, shape, generator)
    return Runs(treatment=treatment, baseline=baseline)


def simulate_systems(
    gains: Sequence[float],
    tau: float,
    shape: tuple[int, int],
    generator: np.random.Generator,
    common: Sequence[FloatArray | None] = (),
) -> list[FloatArray]:
    """The levels of systems on the same items, each (num_runs, num_seeds), in points.

    Args:
        gains: of each system over one of `BASELINE_LEVEL`, 0-20 points.
        tau: standard deviation over seeds of the difference of two of them, in points.
        shape: (num_runs, num_seeds).
        generator: the only source of randomness.
        common: of each system the part of a seed's luck that all languages share, standard normal
            (num_runs, num_seeds); given where several tasks share it too, else drawn.

    Raises:
        ValueError: tau is smaller than what the chance of single items makes (about 0.75).
    """
    sizes = np.array(list(TYDIQA_SIZES.values()), dtype=np.float64)
    unsure = np.round(_UNSURE * sizes)
    # Points that a language's level gains when all of its unsure items turn from wrong to right.
    weight = 100 * unsure / sizes
    chances = [_BASELINE_CHANCE + gain / weight for gain in gains]
    each = [(weight**2 * p * (1 - p) / unsure).sum() / len(sizes) ** 2 for p in chances]
    by_chance = 2 * sum(each) / len(each)
    if tau**2 <= by_chance:
        raise ValueError(f"tau {tau} is below {by_chance**0.5:.2f}, which chance alone makes")
    spread = float(np.sqrt((tau**2 - by_chance) / 2))
    levels = []
    for chance, shared in zip(chances, common or (None,) * len(chances), strict=True):
        shift = spread * _seed_shifts(shape, len(sizes), generator, shared)
        right = generator.binomial(unsure.astype(int), np.clip(chance + shift / weight, 0, 1))
        moved = weight * (right / unsure - _BASELINE_CHANCE)
        levels.append(BASELINE_LEVEL + moved.mean(axis=-1))
    return levels


def covers(runs: Runs, truth: float, rule: VerdictRule) -> float:
    """Share of runs whose two-sided 95 % interval holds the truth."""
    variance, freedom = moderated_variance(runs.differences, rule)
    reach = quantile(1 - (1 - CONFIDENCE) / 2, freedom) * _error(runs, variance)
    return float((np.abs(runs.differences.mean(axis=1) - truth) <= reach).mean())


def rung_rates(
    runs: Runs, paper: Paper | None, rule: VerdictRule, confidence: float = CONFIDENCE
) -> dict[Rung, float]:
    """Rung -> share of the runs whose verdict it is.

    Args:
        runs: one or more seeds each.
        paper: what they are judged against; None: the sign alone.
        rule: prior, retention and margin.
        confidence: of each one-sided bound.
    """
    verdicts = rungs_of(runs, paper, rule, confidence)
    return {rung: float((verdicts == rung).mean()) for rung in RUNGS}


def rungs_of(
    runs: Runs, paper: Paper | None, rule: VerdictRule, confidence: float = CONFIDENCE
) -> NDArray[np.str_]:
    """The rung of each run, (num_runs,)."""
    variance, freedom = moderated_variance(runs.differences, rule)
    reach = quantile(confidence, freedom) * _error(runs, variance)
    value, size, exact = runs.differences.mean(axis=1), None, False
    if paper is not None:
        size = size_of(paper.gain, rule)
        value = value * np.sign(paper.gain)
        exact = _levels_agree(runs, paper, rule) & (runs.differences.shape[1] > 1)
    tests = gain_tests(value, reach, size, exact)
    held = [np.broadcast_to(holds, value.shape) for holds in tests.values()]
    return np.select(held, list(tests), "INCONCLUSIVE")


def levels_differ(runs: Runs, paper: Paper, rule: VerdictRule) -> float:
    """Share of runs with the flag LEVELS_DIFFER."""
    return float(1 - _levels_agree(runs, paper, rule).mean())


def false_direction_with_looks(
    runs: Runs, looks: Sequence[int], rule: VerdictRule, confidences: Sequence[float]
) -> float:
    """Share of runs that show a direction at any look, seeds being added until they do.

    Args:
        runs: without a true difference; at least as many seeds as the last look has.
        looks: seeds at each look, rising.
        rule: the prior.
        confidences: of the one-sided bound at each look.
    """
    shown = np.zeros(len(runs.baseline), dtype=bool)
    for seeds, confidence in zip(looks, confidences, strict=True):
        seen = Runs(runs.treatment[:, :seeds], runs.baseline[:, :seeds])
        shown |= rungs_of(seen, None, rule, confidence) == "DIRECTION"
    return float(shown.mean())


def _levels_agree(runs: Runs, paper: Paper, rule: VerdictRule) -> NDArray[np.bool_]:
    pairs = (runs.treatment, paper.treatment), (runs.baseline, paper.baseline)
    agree = [levels_agree(ours, theirs, 1, rule) for ours, theirs in pairs]
    return agree[0] & agree[1]


def _error(runs: Runs, variance: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(variance / runs.differences.shape[1]))


def _seed_shifts(
    shape: tuple[int, int],
    languages: int,
    generator: np.random.Generator,
    shared: FloatArray | None,
) -> FloatArray:
    """(num_runs, num_seeds, num_languages) whose mean over languages has variance 1."""
    common = generator.standard_normal((*shape, 1)) if shared is None else shared[..., None]
    own = generator.standard_normal((*shape, languages))
    return np.asarray(np.sqrt(_COMMON) * common + np.sqrt((1 - _COMMON) * languages) * own)
