"""The tests behind each rung, as inequalities; they take numbers or arrays alike.

`verdict` asks them about one run, `calibration` about many simulated ones: what is calibrated is
the rule itself, not a copy. Every gain is counted in the direction that the paper claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from harness.errors import ManifestError
from harness.models import Reported, Rung, VerdictRule

FloatArray = NDArray[np.float64]
Numbers = FloatArray | float
Truths = NDArray[np.bool_] | bool


CONFIDENCE = 0.95
"""Of each one-sided bound."""


def moderated_variance(per_seed: FloatArray, rule: VerdictRule) -> tuple[FloatArray, float]:
    """The variance over seeds, moderated by the prior, and its degrees of freedom.

    v = (nu0 tau0^2 + (S-1) s^2) / (nu0 + S - 1), with nu0 + S - 1 degrees of freedom.

    Args:
        per_seed: (..., num_seeds), one number a seed, in points.
        rule: the prior.

    Returns:
        v (...), in squared points; the degrees of freedom.

    Raises:
        ManifestError: v isn't positive: no prior (nu0 = 0) and one seed, or seeds that agree.
    """
    more = per_seed.shape[-1] - 1
    squares = ((per_seed - per_seed.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    freedom = rule.nu0 + more
    if freedom > 0:
        variance = np.asarray((rule.nu0 * rule.tau0**2 + squares) / freedom)
        if np.all(variance > 0):
            return variance, freedom
    raise ManifestError(
        where="verdict.nu0",
        got=f"{rule.nu0:g} with {more + 1} seeds that show no spread",
        expected="a prior, or seeds that differ",
        fix="Set nu0 above 0 or run more seeds.",
    )


def levels_agree(
    per_seed: FloatArray, reported: FloatArray | float, paper_seeds: int, rule: VerdictRule
) -> NDArray[np.bool_]:
    """|mean - paper's| <= t sqrt(v (1/S + 1/S_paper)), t the one-sided 95 % quantile.

    Args:
        per_seed: (..., num_seeds), a system's own scores.
        reported: the paper's level, (...) or one number.
        paper_seeds: runs behind it (1 where the paper doesn't say).
        rule: the prior, the same as for differences.

    Returns:
        (...) True where compatible. Adding seeds after a look doesn't widen this test.
    """
    variance, freedom = moderated_variance(per_seed, rule)
    spread = np.sqrt(variance * (1 / per_seed.shape[-1] + 1 / paper_seeds))
    near = np.abs(per_seed.mean(axis=-1) - reported) <= quantile(CONFIDENCE, freedom) * spread
    return np.asarray(near)


def quantile(confidence: float, freedom: float) -> float:
    """Student's t below which a share `confidence` lies."""
    return float(stdtrit(freedom, confidence))


@dataclass(frozen=True)
class Size:
    """The size of the reported gain, and what the rule makes of it; in points."""

    paper: Numbers
    """Reported gain, above 0."""
    retention: float
    margin: Numbers
    """m: how far from the paper's number counts as equal to it."""

    @property
    def floor(self) -> Numbers:
        """The part of the gain that SUBSTANTIAL asks for."""
        return self.retention * self.paper


def size_of(gain: Numbers, rule: VerdictRule) -> Size:
    """What the rule makes of a reported gain; m = max(1.0, 0.25 |gain|) unless it is given."""
    margin = rule.margin if rule.margin is not None else np.maximum(1.0, 0.25 * np.abs(gain))
    return Size(paper=np.abs(gain), retention=rule.retention, margin=margin)


def gain_tests(
    value: Numbers, reach: Numbers, size: Size | None, exact: Truths
) -> dict[Rung, Truths]:
    """Rung -> does its rule hold; the first that holds is the verdict, else INCONCLUSIVE.

    Args:
        value: mean gain.
        reach: distance from it to either one-sided bound.
        size: None: only the sign is judged (rho = 0).
        exact: may the printed value be confirmed at all: two seeds or more, levels compatible.
    """
    lower, upper = value - reach, value + reach
    if size is None:
        return {"CONTRADICTED": upper < 0, "DIRECTION": lower > 0}
    substantial = lower > size.floor
    # Both one-sided bounds within the margin: the 90 % interval of an equivalence test.
    equal = np.abs(value - size.paper) + reach < size.margin
    return {
        "QUANTITATIVE": substantial & equal & exact,
        "SUBSTANTIAL": substantial,
        "CONTRADICTED": upper < size.floor,
        "DIRECTION": lower > 0,
    }


def exceeds(value: Numbers, reach: Numbers, size: Size) -> Truths:
    """The gain is larger than the paper's by more than the margin."""
    return value - size.paper - reach > size.margin


def ordering_tests(values: Numbers, reach: Numbers, strict: Numbers) -> dict[Rung, Truths]:
    """Rung -> does its rule hold, of an order of systems or of groups of targets.

    DIRECTION asks each adjacent pair for it, at the plain confidence: all must pass. One pair the
    wrong way contradicts the order, so that bound carries Bonferroni's correction.

    Args:
        values: gain of each pair, (num_pairs, ...).
        reach: distance to the plain one-sided bound.
        strict: distance to the corrected one.
    """
    return {
        "CONTRADICTED": np.asarray((np.asarray(values) + strict < 0).any(axis=0)),
        "DIRECTION": np.asarray((np.asarray(values) - reach > 0).all(axis=0)),
    }


def at_least_tests(values: Numbers, strict: Numbers, needed: int) -> dict[Rung, Truths]:
    """Rung -> does its rule hold, of "at least so many alternatives are better".

    Each bound carries Bonferroni's correction over the alternatives.

    Args:
        values: alternative minus reference, (num_alternatives, ...).
        strict: distance to the corrected one-sided bound.
        needed: so many.
    """
    gains = np.asarray(values)
    return {
        "CONTRADICTED": (gains + strict < 0).sum(axis=0) > len(gains) - needed,
        "DIRECTION": (gains - strict > 0).sum(axis=0) >= needed,
    }


def lift(reported: Reported, spread: float) -> float:
    """By how much a reported number is too good for being the best of several, in points.

    E[max] of as many equal ones, times the standard deviation over seeds `spread`, in points.
    """
    return chance_lift(reported.best_of) * spread if reported.best_of else 0.0


def chance_lift(candidates: int) -> float:
    """Expected maximum of so many independent standard normal numbers: 0.85 of 3, 1.49 of 9.

    By how many standard deviations the best of equal systems looks better than they are.
    """
    # The mean of a maximum less that of one number, which is 0: the integral of F - F^k.
    grid = np.linspace(-9.0, 9.0, 3601)
    below = ndtr(grid)
    return float(np.trapezoid(below - below**candidates, grid))
