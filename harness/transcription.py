"""Checks that a claim's reported numbers agree with one another as printed.

A typing error in a manifest would be judged as if it were the paper's claim, so the gain must be
treatment minus baseline and the mean of the printed cells the printed mean, each to one printed
unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.models import Claim, Reported


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A reported number that doesn't follow from the others."""

    key: str
    got: str
    expected: str
    excused: bool


def transcription_problems(claim: Claim) -> list[Problem]:
    """The numbers that fail and whose evidence gives no `known_inconsistency`."""
    return [problem for problem in _problems(claim) if not problem.excused]


def has_transcription_doubt(claim: Claim) -> bool:
    """True when a number fails and its evidence says why it is kept (TRANSCRIPTION_DOUBT)."""
    return any(problem.excused for problem in _problems(claim))


def _problems(claim: Claim) -> Iterator[Problem]:
    yield from _gain(claim)
    # A mean over tasks isn't one over the cells of languages.
    if len(claim.targets) > 1:
        return
    for system, cells in claim.reported.per_language.items():
        level = claim.reported.levels.get(system)
        if level is None or not cells or set(cells) != set(_languages(claim, system)):
            continue
        mean = sum(cell.value for cell in cells.values()) / len(cells)
        yield from _compare(f"reported.levels.{system}", level, mean, "mean of the cells")


def _languages(claim: Claim, system: str) -> tuple[str, ...]:
    chosen = claim.average.languages
    return tuple(claim.reported.per_language[system]) if chosen == "all" else chosen


def _gain(claim: Claim) -> Iterator[Problem]:
    effect, levels = claim.reported.effect, claim.reported.levels
    treatment = levels.get(claim.compare.treatment or "")
    baseline = levels.get(claim.compare.baseline or "")
    if effect is None or treatment is None or baseline is None:
        return
    difference = treatment.value - baseline.value
    yield from _compare("reported.effect", effect, difference, "treatment minus baseline")


def _compare(key: str, printed: Reported, computed: float, rule: str) -> Iterator[Problem]:
    unit = 10.0**-printed.decimals
    # The tolerance itself is a printed unit; the small share absorbs binary rounding.
    if abs(printed.value - computed) > unit * (1 + 1e-9):
        yield Problem(
            key=key,
            got=f"{printed.value:.{printed.decimals}f}",
            expected=f"{computed:.{printed.decimals + 1}f} ({rule}) to one printed unit ({unit:g})",
            excused=printed.evidence.known_inconsistency is not None,
        )
