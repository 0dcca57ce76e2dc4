"""How many seeds a rung takes: before a run, and where a run was inconclusive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from harness.models import MAX_LOOKS, Kind, Rung, VerdictRule
from harness.records import Effect
from harness.statistics.findings import Circumstances, strict_confidence
from harness.statistics.kinds import KINDS
from harness.statistics.rungs import CONFIDENCE, gain_tests, lift, quantile, size_of

MAX_SEEDS = 99
"""As many as a profile may ask for."""
MAX_EXTRA = 10
"""As many as `more_seeds_would_decide` thinks of adding."""


def seeds_needed(rung: Rung, gain: float, rule: VerdictRule, differences: int = 1) -> int | None:
    """Fewest seeds at which `rung` is reachable at all, for a reported gain in points.

    The best case: the seeds agree exactly and their mean is the paper's (for CONTRADICTED: 0),
    with compatible levels. Real runs need more. An aggregate needs as many as a gain.

    Args:
        rung: to be reached.
        gain: reported, in points; of several differences the smallest that has to show.
        rule: the claim's.
        differences: how many Bonferroni's correction runs over: of "at least k of n" n; of an
            ordering 1 for DIRECTION, its pairs for CONTRADICTED.

    Returns:
        1 to `MAX_SEEDS`, never less than the rule's `min_seeds`; None where so many won't do.
    """
    confidence = strict_confidence(CONFIDENCE, differences)
    size, value = size_of(gain, rule), 0.0 if rung == "CONTRADICTED" else abs(gain)
    for seeds in range(rule.min_seeds, MAX_SEEDS + 1):
        freedom = rule.nu0 + seeds - 1
        if freedom <= 0:
            continue
        error = sqrt(rule.nu0 * rule.tau0**2 / freedom / seeds)
        tests = gain_tests(value, error * quantile(confidence, freedom), size, seeds > 1)
        if tests.get(rung, False):
            return seeds
    return None


def seeds_by_rung(
    effects: Sequence[Effect], rule: VerdictRule, circumstances: Circumstances
) -> dict[Rung, int | None]:
    """Rung -> fewest seeds at which it is reachable at all (`seeds_needed`).

    Of one difference with a reported size; nothing of others. A run that is judged by its sign
    alone can reach DIRECTION only.
    """
    reported = effects[0].reported if len(effects) == 1 else None
    if reported is None:
        return {}
    gain = abs(reported.value) - lift(reported, rule.tau0)
    if gain <= 0:
        return {}
    sized: tuple[Rung, ...] = ("SUBSTANTIAL", "QUANTITATIVE", "CONTRADICTED")
    rungs = () if circumstances.sign_only or rule.retention == 0 else sized
    # After a look every bound is at alpha / 3: Bonferroni's correction over three.
    tests = MAX_LOOKS if circumstances.looks > 1 else 1
    return {rung: seeds_needed(rung, gain, rule, tests) for rung in ("DIRECTION", *rungs)}


def more_seeds_would_decide(
    kind: Kind, effects: Sequence[Effect], rule: VerdictRule, circumstances: Circumstances
) -> int | None:
    """Fewest seeds to add before a rung other than INCONCLUSIVE, if mean and spread stay.

    A single seed shows no spread: the prior's tau0 stands in. Bounds are those of the next look.

    Returns:
        1 to `MAX_EXTRA`; None where so many wouldn't do, or no look is left.
    """
    if circumstances.looks >= MAX_LOOKS:
        return None
    next_look = replace(circumstances, looks=circumstances.looks + 1)
    for extra in range(1, MAX_EXTRA + 1):
        imagined = [_with_seeds(effect, extra, rule) for effect in effects]
        if KINDS[kind](imagined, (), rule, next_look).rung != "INCONCLUSIVE":
            return extra
    return None


def _with_seeds(effect: Effect, extra: int, rule: VerdictRule) -> Effect:
    """The effect as `extra` more seeds would show it, were mean and spread to stay."""
    seen = effect.same_items
    now, more = len(seen.per_seed), len(seen.per_seed) + extra - 1
    spread = float(np.var(seen.per_seed, ddof=1)) if now > 1 else rule.tau0**2
    freedom = rule.nu0 + more
    variance = (rule.nu0 * rule.tau0**2 + more * spread) / freedom
    changes = {
        "standard_error": sqrt(variance / (now + extra)),
        "degrees_of_freedom": freedom,
        "per_seed": seen.per_seed + (seen.value,) * extra,
    }
    return effect.model_copy(update={"same_items": seen.model_copy(update=changes)})
