"""What the tests of each kind of claim say: one function a kind, in the table `KINDS`.

A function gets the effects of the claim's compared pairs, the levels of the systems in them, the
rule and the circumstances, and returns a `Finding`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from harness.errors import DataError, ManifestError, UsageError
from harness.models import Kind, Rung, VerdictRule
from harness.records import Effect, Estimate, Level
from harness.statistics.rungs import CONFIDENCE, Size, exceeds, gain_tests, quantile, size_of

MAX_LOOKS = 3
"""The first look at a result and two more: seeds may be added twice."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the verdict must know about the run beyond its numbers."""

    profile: str
    scaled_down: bool
    unverified_evidence: bool = False
    protocol_deviation: bool = False
    hash_on_first_use: bool = False
    transcription_doubt: bool = False
    looks: int = 1
    """How often the result was looked at, this time included: 1 + times that seeds were added."""

    @property
    def sign_only(self) -> bool:
        """Such a run can show a direction, never a size."""
        return self.scaled_down or self.unverified_evidence


@dataclass(frozen=True)
class Finding:
    """What the tests of one kind of claim say."""

    rung: Rung
    flags: frozenset[str]
    reasons: tuple[str, ...]


def confidence_at(looks: int) -> float:
    """Confidence of each one-sided bound: 95 %, or 1 - 0.05/3 once seeds were added after a look.

    Raises:
        UsageError: more than three looks.
    """
    if not 1 <= looks <= MAX_LOOKS:
        raise UsageError(
            where="seeds added after a look",
            got=f"look {looks}",
            expected=f"1 to {MAX_LOOKS}",
            fix="Seeds may be added at most twice; start a new run with more seeds instead.",
        )
    return CONFIDENCE if looks == 1 else 1 - (1 - CONFIDENCE) / MAX_LOOKS


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
    size = size_of(reported.value, rule)
    finding = _one_difference(effects[0], sign, size, levels, circumstances)
    if reported.seeds is None:
        return replace(finding, flags=finding.flags | {"PAPER_VARIANCE_UNKNOWN"})
    return finding


def _direction(
    effects: Sequence[Effect],
    levels: Sequence[Level],
    rule: VerdictRule,  # noqa: ARG001  every kind is called alike
    circumstances: Circumstances,
) -> Finding:
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
        reasons.append(
            f"the lower bound {_points(value - reach)} is above 0: right sign, too small"
        )
    if size is not None and exceeds(value, reach, size):
        flags.add("EXCEEDS")
        reasons.append("the gain is larger than the paper's by more than the margin")
    return Finding(rung, frozenset(flags), tuple(reasons))


def _no_better(
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
        raise _wrong_number(0, "one or more for `no_better`")
    confidence = confidence_at(circumstances.looks)
    strict = 1 - (1 - confidence) / len(effects)
    reasons, better, bounded = [], [], []
    for effect in effects:
        seen, freedom = effect.same_items, effect.same_items.degrees_of_freedom
        lower = seen.value - seen.standard_error * quantile(strict, freedom)
        upper = seen.value + seen.standard_error * quantile(confidence, freedom)
        better.append(lower > rule.delta)
        bounded.append(upper < rule.delta)
        reasons.append(
            f"{effect.treatment} minus {effect.baseline}: {_points(seen.value)} points;"
            f" lower bound ({strict:.1%}) {_against(lower, rule.delta)},"
            f" upper bound ({confidence:.1%}) {_against(upper, rule.delta)};"
            f" better in {effect.wins['up']}, worse in {effect.wins['down']} languages"
        )
    if any(better):
        reasons.append(f"an alternative is better by more than {_points(rule.delta)} points")
        return Finding("CONTRADICTED", frozenset(), tuple(reasons))
    if all(bounded):
        reasons.append(f"no alternative is better by {_points(rule.delta)} points or more")
        shown: Rung = "DIRECTION" if circumstances.sign_only else "SUBSTANTIAL"
        return Finding(shown, frozenset(), tuple(reasons))
    reasons.append("an alternative could be better by more than the margin, or not")
    return Finding("INCONCLUSIVE", frozenset(), tuple(reasons))


Judged = Callable[[Sequence[Effect], Sequence[Level], VerdictRule, Circumstances], Finding]
KINDS: dict[Kind, Judged] = {"gain": _gain, "direction": _direction, "no_better": _no_better}


def _opening(seen: Estimate, value: float, reach: float, confidence: float) -> str:
    return (
        f"gain in the claimed direction {_points(value)} over {count(len(seen.per_seed))}; each"
        f" one-sided {confidence:.1%} bound lies {_points(reach)} away"
        f" ({seen.degrees_of_freedom:g} degrees of freedom)"
    )


def _words(value: float, reach: float, size: Size | None) -> dict[Rung, str]:
    """The numbers behind each test of `gain_tests`."""
    lower, upper = value - reach, value + reach
    direction = f"lower bound of the gain {_against(lower, 0.0)}"
    if size is None:
        contradicted = f"upper bound of the gain {_against(upper, 0.0)}"
        return {"CONTRADICTED": contradicted, "DIRECTION": direction}
    paper, margin = float(size.paper), _points(float(size.margin))
    part = f"({size.retention:g} of the paper's {_points(paper)})"
    return {
        "QUANTITATIVE": f"difference from the paper's gain between {_points(lower - paper)} and"
        f" {_points(upper - paper)}, margin {margin} either way; asks for SUBSTANTIAL, two seeds"
        " and compatible levels too",
        "SUBSTANTIAL": f"lower bound of the gain {_against(lower, float(size.floor))} {part}",
        "CONTRADICTED": f"upper bound of the gain {_against(upper, float(size.floor))} {part}",
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
            f"level of {system}: {_points(level.value)} here,"
            f" {_points(level.reported.value)} in the paper: {said}"
        )
    return lines


def _single(effects: Sequence[Effect], kind: Kind) -> Effect:
    if len(effects) != 1:
        raise _wrong_number(len(effects), f"exactly one for `{kind}`")
    return effects[0]


def _wrong_number(got: int, expected: str) -> DataError:
    return DataError(
        where="compared pairs",
        got=str(got),
        expected=expected,
        fix="The claim's `compare` says which systems are compared.",
    )


def count(seeds: int) -> str:
    """1 seed, 2 seeds."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def _points(value: float) -> str:
    # Adding 0.0 turns the -0.0 that rounding leaves into 0.0.
    return f"{round(value, 2) + 0.0:.2f}"


def _against(bound: float, threshold: float) -> str:
    relation = "above" if bound > threshold else "below" if bound < threshold else "equal to"
    return f"{_points(bound)} is {relation} {_points(threshold)}"
