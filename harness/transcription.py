"""Checks that a claim's reported numbers agree with one another as printed.

A typing error in a manifest would be judged as if it were the paper's claim, so the gain must be
treatment minus baseline and the mean of the printed cells the printed mean, each to one printed
unit. A share of right answers among N must be one that N items can give (GRIM: Brown and Heathers
2017, doi:10.1177/1948550616673876).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

from harness.models import Claim, Metric, Reported

COUNTED: tuple[Metric, ...] = ("em", "accuracy")
"""Metrics that count: an item is right or wrong."""


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
    if claim.metric in COUNTED:
        yield from _counts(claim)
    # A mean over tasks isn't one over the cells of languages.
    if len(claim.targets) > 1:
        return
    for system, cells in claim.reported.per_language.items():
        level = claim.reported.levels.get(system)
        if level is None or not cells or set(cells) != set(_languages(claim, system)):
            continue
        mean = sum(cell.value for cell in cells.values()) / len(cells)
        yield from _compare(f"reported.levels.{system}", level, mean, "mean of the cells")


def _counts(claim: Claim) -> Iterator[Problem]:
    for system, cells in claim.reported.per_language.items():
        for language, cell in cells.items():
            if cell.items is not None:
                yield from _count(f"reported.per_language.{system}.{language}", cell, cell.items)


def _count(key: str, cell: Reported, items: int) -> Iterator[Problem]:
    """GRIM: a mean over several runs is a share of as many times more items."""
    items *= cell.seeds or 1
    # With as many items as there are printed numbers, each of those is some count's share.
    if items >= 10 ** (cell.decimals + 2):
        return
    exact = cell.value * items / 100
    near = [100 * right / items for right in (floor(exact), ceil(exact))]
    # Half a unit either way, whichever way the paper rounds.
    if min(abs(one - cell.value) for one in near) > 0.5 * 10.0**-cell.decimals * (1 + 1e-9):
        shown = " or ".join(f"{one:.{cell.decimals + 1}f}" for one in near)
        yield Problem(
            key=key,
            got=f"{cell.value:.{cell.decimals}f}",
            expected=f"a share that {items} items can give, next {shown} (GRIM)",
            excused=cell.evidence.known_inconsistency is not None,
        )


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
