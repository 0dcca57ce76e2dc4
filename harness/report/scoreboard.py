"""The table on top of a report with several claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.records import Comparison, Effect
from harness.report.holm import adjusted
from harness.report.results import reported
from harness.report.sentences import pair
from harness.report.tables import Cell, Column, Row, Table, figure, table, text
from harness.report.terms import rung_words
from harness.report.words import METRICS, interval, number, signed, two_sided

_CAPTION = (
    "Every claim of this run, a row for each difference that it is about. The p-values are "
    "one-sided and adjusted for their number (Holm); they move no verdict."
)
_COLUMNS = (
    Column(label="Claim"),
    Column(label="Verdict"),
    Column(label="Paper", numeric=True),
    Column(label="Re\N{NON-BREAKING HYPHEN}run", numeric=True),
    Column(label="Adjusted p", numeric=True),
    Column(label="Flags"),
)


def scoreboard(comparisons: Sequence[Comparison], idents: Sequence[str]) -> Table:
    """One row for each difference of each claim; a claim without any has a row of its own.

    Args:
        comparisons: the claims of the run.
        idents: the id of each claim's section in the page.
    """
    values = iter(adjusted([effect.p_value for one in comparisons for effect in one.effects]))
    rows = [
        row
        for one, ident in zip(comparisons, idents, strict=True)
        for row in _claim_rows(one, ident, values)
    ]
    return table(_CAPTION, _COLUMNS, rows)


def _claim_rows(comparison: Comparison, ident: str, values: Iterable[float]) -> list[Row]:
    verdict = comparison.verdict
    met = "met" if verdict.met else "not met"
    judged = text(rung_words(comparison).title, verdict.rung, f"required {verdict.required}: {met}")
    flags = text(", ".join(verdict.flags))
    title = comparison.claim.title
    if not comparison.effects:
        cells = (_name(title, "", ident), judged, figure(), figure(), figure(), flags)
        return [Row(cells=cells)]
    # `values` runs on over the claims: the effects come first so that `zip` takes none too many.
    return [
        Row(
            cells=(
                _name(title, pair(comparison, effect), ident),
                judged,
                figure(reported(comparison, effect)),
                _found(effect),
                figure(number(value, 3)),
                flags,
            )
        )
        for effect, value in zip(comparison.effects, values, strict=False)
    ]


def _name(title: str, difference: str, ident: str) -> Cell:
    return Cell(lines=(difference,) if difference else (), style="title", links=((title, ident),))


def _found(effect: Effect) -> Cell:
    estimate = effect.same_items
    value = f"{signed(estimate.value)} {METRICS[estimate.metric]}"
    return figure(value, f"{interval(estimate)}, {two_sided(estimate)} interval")
