"""What stands on top of a report with several claims: how they came out, and a row for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from harness.models import Rung
from harness.records import Comparison, Effect
from harness.report.holm import adjusted
from harness.report.results import chance, reported
from harness.report.sentences import pair
from harness.report.shape import PAIRS, judged, several
from harness.report.tables import Cell, Column, Row, Table, figure, table, text
from harness.report.terms import rung_words
from harness.report.words import count, in_words, interval, listing, signed, two_sided, unit

_CAPTION = (
    "Every claim of this run, with each difference that it is judged by and its {level} interval "
    "(of more than three the lowest and the highest). The p-values are one-sided and adjusted for "
    "their number (Holm); they move no verdict."
)
_COLUMNS = (
    Column(label="Claim"),
    Column(label="Verdict"),
    Column(label="Paper", numeric=True),
    Column(label="Re\N{NON-BREAKING HYPHEN}run", numeric=True),
    Column(label="Adjusted p", numeric=True),
    Column(label="Flags"),
)
_RUNGS: tuple[tuple[Rung, str], ...] = (
    ("QUANTITATIVE", "reproduced with the size"),
    ("SUBSTANTIAL", "reproduced in substance"),
    ("DIRECTION", "same direction"),
    ("INCONCLUSIVE", "undecided"),
    ("CONTRADICTED", "contradicted"),
    ("INVALID", "without a verdict"),
)


def summary(comparisons: Sequence[Comparison]) -> str:
    """How many claims reached which rung: "22 claims: nine same direction, ..."."""
    found = Counter(one.verdict.rung for one in comparisons)
    parts = [f"{in_words(found[rung])} {words}" for rung, words in _RUNGS if found[rung]]
    met = sum(one.verdict.met for one in comparisons)
    claims = count(len(comparisons), "claim")
    return (
        f"{claims[0].upper()}{claims[1:]}: {listing(parts)}. What was required of this run is "
        f"met by {in_words(met) if met else 'none'}."
    )


def shared_flags(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The flags that every one of several claims carries; they are said once, below the table."""
    if len(comparisons) < 2:
        return ()
    first = comparisons[0].verdict.flags
    return tuple(flag for flag in first if all(flag in one.verdict.flags for one in comparisons))


def scoreboard(comparisons: Sequence[Comparison], addresses: Sequence[str]) -> Table:
    """One row for each claim.

    Args:
        comparisons: the claims of the run.
        addresses: where each claim's report is, e.g. "#claim-1".
    """
    values = iter(adjusted([effect.p_value for one in comparisons for effect in judged(one)]))
    shared = shared_flags(comparisons)
    rows = [
        _row(one, address, list(islice(values, len(judged(one)))), shared)
        for one, address in zip(comparisons, addresses, strict=True)
    ]
    levels = {two_sided(effect.same_items) for one in comparisons for effect in judged(one)}
    caption = _CAPTION.format(level=listing(sorted(levels) or [""])).replace("  ", " ")
    return table(caption, _COLUMNS, rows)


def _row(
    comparison: Comparison, address: str, values: Sequence[float], shared: Sequence[str]
) -> Row:
    verdict = comparison.verdict
    met = "as required" if verdict.met else f"required: {verdict.required}"
    named = rung_words(comparison)
    words = Cell(lines=(named.title, verdict.rung, met), tone=named.tone)
    paper = [reported(comparison, effect) for effect in judged(comparison) if effect.reported]
    # As words, which a narrow column can break.
    flags = [flag.replace("_", " ").lower() for flag in verdict.flags if flag not in shared]
    return Row(
        cells=(
            Cell(
                lines=(_about(comparison),),
                style="title",
                links=((comparison.claim.title, address),),
            ),
            words,
            figure(*(paper or ["no size"])),
            figure(*_found(comparison)),
            figure(*_chances(comparison, values)),
            text(", ".join(flags)),
        )
    )


def _about(comparison: Comparison) -> str:
    titles = list(comparison.claim.targets.values())
    of = count(len(titles), "task") if several(comparison) else titles[0]
    return f"{comparison.claim.kind}, {of}"


def _found(comparison: Comparison) -> Iterator[str]:
    """Each difference with its interval; of many the two ends."""
    effects = judged(comparison)
    if len(effects) <= PAIRS:
        for effect in effects:
            yield from _difference(comparison, effect)
        return
    by_value = sorted(effects, key=lambda effect: effect.same_items.value)
    above = sum(effect.same_items.lower > 0 for effect in effects)
    ends = " to ".join(signed(one.same_items.value) for one in (by_value[0], by_value[-1]))
    yield f"{ends} {unit(comparison.claim.metric)}"
    yield f"{count(len(effects), 'difference')}, {in_words(above)} with an interval above 0"


def _difference(comparison: Comparison, effect: Effect) -> Iterator[str]:
    estimate = effect.same_items
    value = f"{signed(estimate.value)} {unit(estimate.metric)}"
    if len(judged(comparison)) == 1:
        yield from (value, interval(estimate))
    else:
        yield f"{value} ({interval(estimate)})"
        yield pair(comparison, effect)


def _chances(comparison: Comparison, values: Sequence[float]) -> Iterator[str]:
    if len(judged(comparison)) <= PAIRS:
        yield from (chance(value) for value in values)
        return
    yield " to ".join(dict.fromkeys(chance(one(values)) for one in (min, max)))
