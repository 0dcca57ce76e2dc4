"""What the tests of each kind of claim say: one function a kind, in the table `KINDS`.

A function gets the effects of the claim's compared pairs, the levels of the systems in them, the
rule and the circumstances, and returns a `Finding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from harness.errors import ManifestError
from harness.models import Kind, Rung, VerdictRule
from harness.records import Effect, Estimate, Level
from harness.statistics.findings import (
    Circumstances,
    Finding,
    Judged,
    against,
    confidence_at,
    count,
    points,
    wins_in_words,
    wrong_number,
)
from harness.statistics.rungs import Size, exceeds, gain_tests, lift, quantile, size_of
from harness.statistics.several import at_least, no_better, ordering


def _gain(
    effects: Sequence[Effect],
    levels: Sequence[Level],
    rule: VerdictRule,
    circumstances: Circumstances,
) -> Finding:
    reported = _single(effects, "gain").reported
    if reported is None or reported.value == 0:
        raise ManifestError(
            where="reported.effect",
            got="no gain" if reported is None else "a gain of 0",
            expected="a gain above or below 0",
            fix="A claim without a size is a `direction`, one of no difference a `no_better`.",
        )
    sign = 1.0 if reported.value > 0 else -1.0
    # With rho = 0 SUBSTANTIAL and DIRECTION are one rule, shown as DIRECTION.
    if circumstances.sign_only or rule.retention == 0:
        return _one_difference(effects[0], sign, None, levels, circumstances)
    seen = effects[0].same_items
    luck = lift(reported, seen.standard_error * sqrt(len(seen.per_seed)))
    paper = abs(reported.value) - luck
    # A gain that luck alone explains has no size left to be judged by.
    size = size_of(paper, rule) if paper > 0 else None
    finding = _one_difference(effects[0], sign, size, levels, circumstances)
    if reported.best_of:
        said = (
            f"the paper's {points(abs(reported.value))} is the best of {reported.best_of}: of equal"
            f" ones the best is about {points(luck)} points too good, which are subtracted"
        )
        said += "" if size else "; nothing is left, so the sign alone is judged"
        finding = replace(finding, reasons=(said, *finding.reasons))
    unknown = {"PAPER_VARIANCE_UNKNOWN"} if reported.seeds is None else set()
    return replace(finding, flags=finding.flags | unknown)


def _direction(
    effects: Sequence[Effect],
    levels: Sequence[Level],
    rule: VerdictRule,
    circumstances: Circumstances,
) -> Finding:
    if rule.at_least is not None:
        return at_least(effects, levels, rule, circumstances)
    return _one_difference(_single(effects, "direction"), 1.0, None, levels, circumstances)


def _one_difference(
    effect: Effect,
    sign: float,
    size: Size | None,
    levels: Sequence[Level],
    circumstances: Circumstances,
) -> Finding:
    """The rungs of one gain, from the top; `size` None judges the sign alone."""
    seen = effect.same_items
    confidence = confidence_at(circumstances.looks)
    value = sign * seen.value
    reach = seen.standard_error * quantile(confidence, seen.degrees_of_freedom)
    agree = {level.system for level in levels if level.compatible}
    exact = len(seen.per_seed) > 1 and agree >= {effect.treatment, effect.baseline}
    tests, words = gain_tests(value, reach, size, exact), _words(value, reach, size)
    reasons = [_opening(seen, value, reach, confidence)]
    if seen.per_task:
        reasons.append(wins_in_words(effect))
    reasons += _level_reasons(effect, levels) if size is not None else []
    rung: Rung = "INCONCLUSIVE"
    for candidate, holds in tests.items():
        reasons.append(f"{candidate} {'holds' if holds else 'not reached'}: {words[candidate]}")
        if holds:
            rung = candidate
            break
    flags = set()
    if rung == "CONTRADICTED" and value - reach > 0:
        flags.add("SMALLER")
        reasons.append(f"the lower bound {points(value - reach)} is above 0: right sign, too small")
    if size is not None and exceeds(value, reach, size):
        flags.add("EXCEEDS")
        reasons.append("the gain is larger than the paper's by more than the margin")
    return Finding(rung, frozenset(flags), tuple(reasons))


KINDS: dict[Kind, Judged] = {
    "gain": _gain,
    "direction": _direction,
    "no_better": no_better,
    "ordering": ordering,
    "aggregate": _gain,
}


def _opening(seen: Estimate, value: float, reach: float, confidence: float) -> str:
    return (
        f"gain in the claimed direction {points(value)} over {count(len(seen.per_seed))}; each"
        f" one-sided {confidence:.1%} bound lies {points(reach)} away"
        f" ({seen.degrees_of_freedom:g} degrees of freedom)"
    )


def _words(value: float, reach: float, size: Size | None) -> dict[Rung, str]:
    """The numbers behind each test of `gain_tests`."""
    lower, upper = value - reach, value + reach
    direction = f"lower bound of the gain {against(lower, 0.0)}"
    if size is None:
        contradicted = f"upper bound of the gain {against(upper, 0.0)}"
        return {"CONTRADICTED": contradicted, "DIRECTION": direction}
    paper, margin = float(size.paper), points(float(size.margin))
    part = f"({size.retention:g} of the paper's {points(paper)})"
    return {
        "QUANTITATIVE": f"difference from the paper's gain between {points(lower - paper)} and"
        f" {points(upper - paper)}, margin {margin} either way; asks for SUBSTANTIAL, two seeds"
        " and compatible levels too",
        "SUBSTANTIAL": f"lower bound of the gain {against(lower, float(size.floor))} {part}",
        "CONTRADICTED": f"upper bound of the gain {against(upper, float(size.floor))} {part}",
        "DIRECTION": direction,
    }


def _level_reasons(effect: Effect, levels: Sequence[Level]) -> list[str]:
    """One line for each of the pair's systems: is its level the paper's?"""
    by_system = {level.system: level for level in levels}
    lines = []
    for system in (effect.treatment, effect.baseline):
        level = by_system.get(system)
        if level is None or level.reported is None or level.compatible is None:
            lines.append(f"level of {system}: the paper's isn't known, so not comparable")
            continue
        said = "compatible" if level.compatible else "not compatible"
        lines.append(
            f"level of {system}: {points(level.value)} here,"
            f" {points(level.reported.value)} in the paper: {said}"
        )
    return lines


def _single(effects: Sequence[Effect], kind: Kind) -> Effect:
    if len(effects) != 1:
        raise wrong_number(len(effects), f"exactly one for `{kind}`")
    return effects[0]
