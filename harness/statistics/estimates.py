"""Scores of items -> levels and paired differences with an interval over seeds.

Legend of the shapes: num_seeds S, num_items N of one cell, num_cells. Points are 0-100.
Paired by seed and by item; the variance over seeds is moderated by a prior (Smyth 2004,
doi:10.2202/1544-6115.1027), since a plain t interval says nothing at two or three seeds; items
are resampled by document (Miller 2024, arXiv 2411.00640, clustered standard errors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.special import stdtr

from harness.models import Metric, Reported, VerdictRule
from harness.records import Effect, Estimate, Level
from harness.statistics.agreement import agreement, cv_star
from harness.statistics.items import (
    ItemScores,
    averaged,
    check_pair,
    refused,
    task_means,
)
from harness.statistics.rungs import (
    CONFIDENCE,
    FloatArray,
    levels_agree,
    lift,
    moderated_variance,
    quantile,
)

Question = Literal["same_items", "new_items"]


def estimate(
    treatment: ItemScores,
    baseline: ItemScores,
    rule: VerdictRule,
    *,
    names: tuple[str, str],
    metric: Metric,
    question: Question = "same_items",
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Treatment minus baseline, in points, with one-sided bounds at `confidence`.

    The value is the mean over seeds of the mean over languages of the items' mean difference; over
    several tasks the mean of the tasks' means. Of groups of tasks it is the mean gain over the
    tasks of the first less that over the tasks of the second, paired by seed.
    * same_items ("does a re-run agree with the paper, on the same test items?"): SE^2 = v / S,
      with v the moderated variance of the seeds' differences.
    * new_items ("does the gain generalise to new items?"): adds `_items_share`. Languages count
      as independent: a test set that is parallel across languages needs more than this. The
      degrees of freedom stay those of the seeds, the smaller number, which errs towards wide.

    Args:
        treatment: scores whose seeds and items stand in the baseline's order.
        baseline: what the treatment is compared with.
        rule: tau0 and nu0 of the prior.
        names: (treatment, baseline), for the record, as is `metric`.
        metric: of both.
        question: which standard error; the value is the same.
        confidence: of each bound on its own.

    Raises:
        DataError: the two differ in languages, seeds, items or documents; or, for new_items, a
            language has one document.
        ManifestError: no variance can be had (one seed and no prior).
    """
    check_pair(treatment, baseline, names)
    differences = {cell: treatment.values[cell] - baseline.values[cell] for cell in treatment.cells}
    per_cell, per_seed = averaged(differences, treatment.weights)
    variance, freedom = moderated_variance(per_seed, rule)
    square = float(variance) / len(per_seed)
    if question == "new_items":
        square += _items_share(differences, treatment)
    error, value = float(np.sqrt(square)), float(per_seed.mean())
    reach = error * quantile(confidence, freedom)
    return Estimate(
        treatment=names[0],
        baseline=names[1],
        metric=metric,
        value=value,
        per_seed=tuple(per_seed.tolist()),
        per_language=per_cell,
        per_task=task_means(per_cell),
        standard_error=error,
        degrees_of_freedom=freedom,
        lower=value - reach,
        upper=value + reach,
        level=confidence,
        question=question,
        method=f"paired t, moderated variance (tau0 {rule.tau0:g}, nu0 {rule.nu0:g})",
    )


def effect(
    treatment: Mapping[Metric, ItemScores],
    baseline: Mapping[Metric, ItemScores],
    rule: VerdictRule,
    *,
    names: tuple[str, str],
    metric: Metric,
    reported: Reported | None = None,
    confidence: float = CONFIDENCE,
) -> Effect:
    """One compared pair: both questions in the claim's metric, and the other metrics beside them.

    Args:
        treatment: metric -> scores; the claim's metric among them.
        baseline: the same metrics.
        rule: the claim's.
        names: (treatment, baseline).
        metric: the claim's.
        reported: the paper's difference; its sign is the direction that the p-value is about
            (without one: treatment better).
        confidence: of the one-sided bounds: `confidence_at(looks)`.

    Raises:
        DataError: as `estimate`.
        ManifestError: as `estimate`.
    """

    def compared(which: Metric, question: Question) -> Estimate:
        return estimate(
            treatment[which],
            baseline[which],
            rule,
            names=names,
            metric=which,
            question=question,
            confidence=confidence,
        )

    same = compared(metric, "same_items")
    sign = -1.0 if reported is not None and reported.value < 0 else 1.0
    gains = list(same.per_language.values())
    return Effect(
        treatment=names[0],
        baseline=names[1],
        reported=reported,
        same_items=same,
        new_items=compared(metric, "new_items"),
        other_metrics=tuple(
            compared(which, "same_items") for which in sorted(treatment) if which != metric
        ),
        wins={
            "up": sum(gain > 0 for gain in gains),
            "down": sum(gain < 0 for gain in gains),
            "equal": sum(gain == 0 for gain in gains),
        },
        p_value=float(stdtr(same.degrees_of_freedom, -sign * same.value / same.standard_error)),
        groups=tuple(", ".join(group) for group in treatment[metric].groups or ()),
    )


def level(
    scores: ItemScores,
    reported: Reported | None,
    rule: VerdictRule,
    scaled_down: bool,
    *,
    system: str,
    metric: Metric,
    per_language: Mapping[str, Reported] | None = None,
) -> Level:
    """A system's own score, and whether the paper's could be another draw of it.

    Nothing is compared with the paper where the run is scaled down. A level that is the best of k
    runs is lowered by the luck of that before it is compared.

    Args:
        scores: of the system.
        reported: the paper's mean, where it prints one.
        rule: the claim's.
        scaled_down: of the run.
        system: its name, for the record, as is `metric`.
        metric: of the scores.
        per_language: language -> the paper's score, where it prints them.

    Raises:
        ManifestError: no variance can be had (one seed and no prior).
    """
    values = {cell: scores.values[cell] for cell in scores.cells}
    per_cell, per_seed = averaged(values, scores.weights)
    value, compatible, cv = float(per_seed.mean()), None, None
    if reported is not None and not scaled_down:
        spread = float(np.sqrt(moderated_variance(per_seed, rule)[0]))
        paper = reported.value - lift(reported, spread)
        compatible = bool(levels_agree(per_seed, paper, reported.seeds or 1, rule))
        cv = cv_star((value, reported.value))
    printed = dict(per_language or {})
    cells = {name: cell.value for name, cell in printed.items()}
    return Level(
        system=system,
        metric=metric,
        value=value,
        per_seed=tuple(per_seed.tolist()),
        per_language=per_cell,
        per_task=task_means(per_cell),
        reported=reported,
        compatible=compatible,
        cv=cv,
        reported_per_language=printed,
        agreement=None if scaled_down else agreement(per_cell, cells),
    )


def _items_share(differences: Mapping[str, FloatArray], scores: ItemScores) -> float:
    """What drawing other documents adds to the squared error: the sum of w_c^2 s_c^2 / N_c.

    w_c is the weight of cell c: for one task 1 / L, for several 1 / (T L_t). N_c counts the cell's
    *documents*, and s_c^2 is the variance over documents of (N_c / number of items) * sum over the
    document's items of (seed-mean difference minus the cell's mean): the usual cluster-robust
    variance of a mean. With one question a document it is the variance over questions.
    """
    each = (
        _item_variance(cell, gains.mean(axis=0), scores.documents[cell])
        for cell, gains in differences.items()
    )
    return sum(float(weight) ** 2 * one for weight, one in zip(scores.weights, each, strict=True))


def _item_variance(cell: str, gains: FloatArray, documents: Sequence[str]) -> float:
    """s_c^2 / N_c of one cell; `gains` (num_items,) are means over seeds."""
    names, of = np.unique(np.asarray(documents), return_inverse=True)
    count = len(names)
    if count < 2:
        raise refused(f"items of {cell}", "one document", "two or more, for new_items")
    sums = np.bincount(of, weights=gains - gains.mean(), minlength=count)
    contributions = sums * count / len(gains)
    return float((contributions**2).sum() / (count - 1) / count)
