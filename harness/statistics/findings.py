"""What a verdict knows beside the estimates, what the tests of a claim say, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import DataError, UsageError
from harness.models import MAX_LOOKS, Rung, VerdictRule
from harness.records import Effect, Estimate, Level
from harness.statistics.rungs import CONFIDENCE


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
    best_of: Mapping[str, int] = field(default_factory=dict)
    """System that is the best of several for each target -> how many those are."""

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


Judged = Callable[[Sequence[Effect], Sequence[Level], VerdictRule, Circumstances], Finding]


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


def strict_confidence(confidence: float, tests: int) -> float:
    """Of each of several tests, where one that errs is enough (Bonferroni)."""
    return 1 - (1 - confidence) / tests


def wrong_number(got: int, expected: str) -> DataError:
    """The error of a kind that compares another number of pairs."""
    return DataError(
        where="compared pairs",
        got=str(got),
        expected=expected,
        fix="The claim's `compare` says which systems are compared.",
    )


def pair_in_words(effect: Effect) -> str:
    """Which difference an effect is."""
    pair = f"{effect.treatment} minus {effect.baseline}"
    if effect.groups:
        return f"{pair}: gain in {effect.groups[0]} less gain in {effect.groups[1]}"
    return pair


def wins_in_words(effect: Effect) -> str:
    """In how many languages the difference is which way."""
    seen: Estimate = effect.same_items
    of = f" of {len(seen.per_task)} tasks" if seen.per_task else ""
    return f"better in {effect.wins['up']}, worse in {effect.wins['down']} languages{of}"


def count(seeds: int) -> str:
    """1 seed, 2 seeds."""
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def points(value: float) -> str:
    """A number of points, as it stands in a reason."""
    # Adding 0.0 turns the -0.0 that rounding leaves into 0.0.
    return f"{round(value, 2) + 0.0:.2f}"


def against(bound: float, threshold: float) -> str:
    """A bound beside what it is compared with."""
    relation = "above" if bound > threshold else "below" if bound < threshold else "equal to"
    return f"{points(bound)} is {relation} {points(threshold)}"
