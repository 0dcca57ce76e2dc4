"""Claims that rest on several differences at once: `no_better`, `ordering`, so many of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.errors import ManifestError
from harness.models import Rung, VerdictRule
from harness.records import Effect, Level
from harness.statistics.findings import (
    Circumstances,
    Finding,
    against,
    confidence_at,
    pair_in_words,
    points,
    strict_confidence,
    wins_in_words,
    wrong_number,
)
from harness.statistics.rungs import (
    FloatArray,
    Truths,
    at_least_tests,
    ordering_tests,
    quantile,
)


def no_better(
    effects: Sequence[Effect],
    levels: Sequence[Level],  # noqa: ARG001  every kind is called alike
    rule: VerdictRule,
    circumstances: Circumstances,
) -> Finding:
    """None of the alternatives is better than the reference by more than delta.

    To contradict, one alternative is enough, so its bound carries Bonferroni's correction; to
    confirm, every alternative must pass its test, which needs none.
    """
    if not effects:
        raise wrong_number(0, "one or more for `no_better`")
    confidence = confidence_at(circumstances.looks)
    strict = strict_confidence(confidence, len(effects))
    values, reach, corrected = _measured(effects, confidence)
    better, bounded = values - corrected > rule.delta, values + reach < rule.delta
    reasons = [
        f"{pair_in_words(effect)}: {points(values[i])} points;"
        f" lower bound ({strict:.1%}) {against(values[i] - corrected[i], rule.delta)},"
        f" upper bound ({confidence:.1%}) {against(values[i] + reach[i], rule.delta)};"
        f" {wins_in_words(effect)}"
        for i, effect in enumerate(effects)
    ]
    if better.any():
        reasons.append(f"an alternative is better by more than {points(rule.delta)} points")
        return Finding("CONTRADICTED", frozenset(), tuple(reasons))
    if bounded.all():
        reasons.append(f"no alternative is better by {points(rule.delta)} points or more")
        shown: Rung = "DIRECTION" if circumstances.sign_only else "SUBSTANTIAL"
        return Finding(shown, frozenset(), tuple(reasons))
    reasons.append("an alternative could be better by more than the margin, or not")
    return Finding("INCONCLUSIVE", frozenset(), tuple(reasons))


def ordering(
    effects: Sequence[Effect],
    levels: Sequence[Level],  # noqa: ARG001  every kind is called alike
    rule: VerdictRule,  # noqa: ARG001
    circumstances: Circumstances,
) -> Finding:
    """Each system, or group of targets, is above the next; the weakest pair decides."""
    if not effects:
        raise wrong_number(0, "one or more for `ordering`")
    confidence = confidence_at(circumstances.looks)
    strict = strict_confidence(confidence, len(effects))
    values, reach, corrected = _measured(effects, confidence)
    reasons = [
        f"{pair_in_words(effect)}: {points(values[i])} points;"
        f" lower bound ({confidence:.1%}) {against(values[i] - reach[i], 0.0)},"
        f" upper bound ({strict:.1%}) {against(values[i] + corrected[i], 0.0)};"
        f" {wins_in_words(effect)}"
        for i, effect in enumerate(effects)
    ]
    weakest = effects[int(np.argmin(values - reach))]
    reasons.append(f"the weakest pair decides: {pair_in_words(weakest)}")
    rung = _first(ordering_tests(values, reach, corrected))
    words = {
        "CONTRADICTED": "a pair stands the other way round",
        "DIRECTION": "every pair stands as the claim says",
        "INCONCLUSIVE": "no pair stands the other way round, but not every one as the claim says",
    }
    return Finding(rung, frozenset(), (*reasons, words[rung]))


def at_least(
    effects: Sequence[Effect],
    levels: Sequence[Level],  # noqa: ARG001  every kind is called alike
    rule: VerdictRule,
    circumstances: Circumstances,
) -> Finding:
    """At least `rule.at_least` of the alternatives are better than the reference."""
    needed, of = rule.at_least or 0, len(effects)
    if not 1 <= needed <= of:
        raise ManifestError(
            where="verdict.at_least",
            got=f"{needed} of {of} alternatives",
            expected=f"1 to {of}",
            fix="Ask for no more than are compared.",
        )
    confidence = strict_confidence(confidence_at(circumstances.looks), of)
    values, reach, _ = _measured(effects, confidence)
    reasons = [
        f"{pair_in_words(effect)}: {points(values[i])} points; bounds ({confidence:.1%})"
        f" {points(values[i] - reach[i])} and {points(values[i] + reach[i])};"
        f" {wins_in_words(effect)}"
        for i, effect in enumerate(effects)
    ]
    above, below = int((values - reach > 0).sum()), int((values + reach < 0).sum())
    reasons.append(f"of {of} alternatives {above} are surely better, {below} surely worse")
    rung = _first(at_least_tests(values, reach, needed))
    words = {
        "CONTRADICTED": f"so fewer than {needed} can be better",
        "DIRECTION": f"at least {needed} are better",
        "INCONCLUSIVE": f"at least {needed} could be better, or not",
    }
    return Finding(rung, frozenset(), (*reasons, words[rung]))


def _measured(
    effects: Sequence[Effect], confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gains and the distances to their plain and their corrected bounds, each (num_pairs,)."""
    strict = strict_confidence(confidence, len(effects))
    seen = [effect.same_items for effect in effects]
    plain, corrected = (
        np.array([one.standard_error * quantile(level, one.degrees_of_freedom) for one in seen])
        for level in (confidence, strict)
    )
    return np.array([one.value for one in seen]), plain, corrected


def _first(tests: Mapping[Rung, Truths]) -> Rung:
    return next((rung for rung, holds in tests.items() if holds), "INCONCLUSIVE")
