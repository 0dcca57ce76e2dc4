"""How near our numbers come to the paper's: CV* of levels, and agreement over languages.

They stand beside the verdict and move no rung.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gamma, sqrt

import numpy as np
from scipy.stats import spearmanr

from harness.models import Reported
from harness.records import Agreement

Means = Mapping[str, float]
"""Language -> points."""

_FEW = 3
"""Two languages have a rank correlation of 1 or -1, whatever they say."""


def cv_star(measured: Sequence[float]) -> float | None:
    """CV*: the coefficient of variation of a few measurements, corrected for their number.

    100 (1 + 1/(4n)) s* / mean, with s* = s / c4(n) the unbiased standard deviation (Belz 2022,
    arXiv 2204.05961). Here the measurements are the paper's level and the mean of ours (n = 2),
    since both stand for the same quantity; never differences, whose mean may be near zero.

    Args:
        measured: two levels or more, in points of a scale that starts at 0.

    Returns:
        Per cent; None where their mean isn't above 0.
    """
    n, mean = len(measured), float(np.mean(measured))
    if mean <= 0:
        return None
    unbiased = sqrt(2 / (n - 1)) * gamma(n / 2) / gamma((n - 1) / 2)
    return float(100 * (1 + 1 / (4 * n)) * np.std(measured, ddof=1) / unbiased / mean)


def agreement(ours: Means, paper: Means, *, signs: bool = False) -> Agreement | None:
    """Over the languages that both have; None where there are none.

    Args:
        ours: means over seeds.
        paper: as printed.
        signs: count the languages in which both have the same sign, for differences.
    """
    languages = [name for name in ours if name in paper]
    if not languages:
        return None
    mine = np.array([ours[name] for name in languages])
    theirs = np.array([paper[name] for name in languages])
    varied = np.ptp(mine) > 0 and np.ptp(theirs) > 0
    ranked = len(languages) >= _FEW and varied
    return Agreement(
        languages=len(languages),
        same_sign=int((np.sign(mine) == np.sign(theirs)).sum()) if signs else None,
        rank_correlation=float(spearmanr(mine, theirs).statistic) if ranked else None,
        rmse=float(np.sqrt(np.mean((mine - theirs) ** 2))),
    )


def printed_differences(
    treatment: Mapping[str, Reported], baseline: Mapping[str, Reported]
) -> dict[str, float]:
    """The paper's treatment minus baseline in each language for which it prints both."""
    return {
        name: treatment[name].value - baseline[name].value for name in treatment if name in baseline
    }
