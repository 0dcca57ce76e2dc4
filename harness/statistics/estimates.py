"""Scores of items -> levels and paired differences with an interval over seeds.

Legend of the shapes: num_seeds S, num_items N of one language, num_languages L. Points are 0-100.
Paired by seed and by item; the variance over seeds is moderated by a prior (Smyth 2004,
doi:10.2202/1544-6115.1027), since a plain t interval says nothing at two or three seeds; items
are resampled by document (Miller 2024, arXiv 2411.00640, clustered standard errors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtr

from harness.errors import DataError
from harness.models import Metric, Reported, VerdictRule
from harness.records import Effect, Estimate, Level
from harness.statistics.rungs import (
    CONFIDENCE,
    FloatArray,
    levels_agree,
    moderated_variance,
    quantile,
)

Question = Literal["same_items", "new_items"]


@dataclass(frozen=True)
class ItemScores:
    """The scores of one system in one metric, item by item.

    Raises:
        DataError: on construction, where a language has no items, scores are missing (NaN) or
            outside 0-100, the languages differ in their seeds, or an item has no document.
    """

    values: Mapping[str, FloatArray]
    """Language -> (num_seeds, num_items), in points."""
    documents: Mapping[str, Sequence[str]]
    """Language -> document of each item; items of one document are not independent."""

    def __post_init__(self) -> None:
        if not self.values:
            raise _refused("scores", "no language", "at least one language")
        for language, values in self.values.items():
            _check_language(language, values, self.documents.get(language, ()))
        seeds = {len(values) for values in self.values.values()}
        if len(seeds) > 1:
            raise _refused("scores", f"{sorted(seeds)} seeds", "as many in every language")

    @property
    def languages(self) -> tuple[str, ...]:
        """Sorted, so that sums run in the same order whoever calls."""
        return tuple(sorted(self.values))


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

    The value is the mean over seeds of the mean over languages of the items' mean difference.
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
    _check_pair(treatment, baseline, names)
    languages = treatment.languages
    differences = {name: treatment.values[name] - baseline.values[name] for name in languages}
    per_language = _means(differences)
    per_seed = per_language.mean(axis=1)
    variance, freedom = moderated_variance(per_seed, rule)
    square = float(variance) / len(per_seed)
    if question == "new_items":
        square += _items_share(differences, treatment.documents)
    error, value = float(np.sqrt(square)), float(per_seed.mean())
    reach = error * quantile(confidence, freedom)
    return Estimate(
        treatment=names[0],
        baseline=names[1],
        metric=metric,
        value=value,
        per_seed=tuple(per_seed.tolist()),
        per_language=dict(zip(languages, per_language.mean(axis=0).tolist(), strict=True)),
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
        confidence: of the one-sided bounds (`confidence_at(looks)`).

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
    )


def level(
    scores: ItemScores,
    reported: Reported | None,
    rule: VerdictRule,
    scaled_down: bool,
    *,
    system: str,
    metric: Metric,
) -> Level:
    """A system's own score, and whether the paper's could be another draw of it.

    `compatible` is None where the paper reports no level or the run is scaled down.

    Raises:
        ManifestError: no variance can be had (one seed and no prior).
    """
    languages = scores.languages
    table = _means({name: scores.values[name] for name in languages})
    per_seed = table.mean(axis=1)
    compatible = None
    if reported is not None and not scaled_down:
        compatible = bool(levels_agree(per_seed, reported.value, reported.seeds or 1, rule))
    return Level(
        system=system,
        metric=metric,
        value=float(per_seed.mean()),
        per_seed=tuple(per_seed.tolist()),
        per_language=dict(zip(languages, table.mean(axis=0).tolist(), strict=True)),
        reported=reported,
        compatible=compatible,
    )


def _means(values: Mapping[str, FloatArray]) -> FloatArray:
    """Mean over items, (num_seeds, num_languages), languages in the mapping's order."""
    return np.stack([scores.mean(axis=1) for scores in values.values()], axis=1)


def _items_share(
    differences: Mapping[str, FloatArray], documents: Mapping[str, Sequence[str]]
) -> float:
    """(1/L^2) sum s_l^2 / N_l: what drawing other documents adds to the squared error.

    N_l counts the *documents* of language l, and s_l^2 is the variance over documents of
    (N_l / number of items) * sum over the document's items of (seed-mean difference minus the
    language's mean): the usual cluster-robust variance of a mean. With one question a document it
    is the variance over questions.
    """
    each = (
        _item_variance(name, gains.mean(axis=0), documents[name])
        for name, gains in differences.items()
    )
    return sum(each) / len(differences) ** 2


def _item_variance(language: str, gains: FloatArray, documents: Sequence[str]) -> float:
    """s_l^2 / N_l of one language; `gains` (num_items,) are means over seeds."""
    names, of = np.unique(np.asarray(documents), return_inverse=True)
    count = len(names)
    if count < 2:
        raise _refused(f"items of {language}", "one document", "two or more, for new_items")
    sums = np.bincount(of, weights=gains - gains.mean(), minlength=count)
    contributions = sums * count / len(gains)
    return float((contributions**2).sum() / (count - 1) / count)


def _check_language(language: str, values: FloatArray, documents: Sequence[str]) -> None:
    where = f"scores of {language}"
    if values.ndim != 2 or 0 in values.shape:
        raise _refused(where, f"an array of shape {values.shape}", "(seeds, items), none empty")
    if not np.all((values >= 0) & (values <= 100)):
        raise _refused(where, "a missing score or one outside 0-100", "points from 0 to 100")
    if len(documents) != values.shape[1]:
        got = f"{len(documents)} documents for {values.shape[1]} items"
        raise _refused(where, got, "the document of every item")


def _check_pair(treatment: ItemScores, baseline: ItemScores, names: tuple[str, str]) -> None:
    where = f"{names[0]} against {names[1]}"
    if treatment.languages != baseline.languages:
        got = f"languages {treatment.languages} and {baseline.languages}"
        raise _refused(where, got, "the same languages")
    for name in treatment.languages:
        shapes = treatment.values[name].shape, baseline.values[name].shape
        if shapes[0] != shapes[1]:
            raise _refused(where, f"{name}: {shapes[0]} and {shapes[1]}", "same seeds and items")
        if list(treatment.documents[name]) != list(baseline.documents[name]):
            raise _refused(where, f"{name}: different documents", "the same items in one order")


def _refused(where: str, got: str, expected: str) -> DataError:
    fix = "Look at the score stage's output: no number is made from incomplete scores."
    return DataError(where=where, got=got, expected=expected, fix=fix)
