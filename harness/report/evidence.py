"""Where the paper's numbers are printed."""

from __future__ import annotations

from harness.models import Metric, Reported
from harness.records import Comparison
from harness.report.sentences import pair
from harness.report.tables import Column, Row, Table, figure, table, text
from harness.report.words import EVIDENCE_STATUS, printed, unit, where


def evidence_table(comparison: Comparison) -> Table:
    """Where each number of the paper is printed, and who read it there."""
    rows = [
        _evidence_row(f"Difference: {pair(comparison, effect)}", effect.same_items.metric, number_)
        for effect in comparison.effects
        if (number_ := effect.reported)
    ]
    rows += [
        _evidence_row(one.label, level.metric, number_)
        for one in comparison.systems
        for level in one.levels
        if (number_ := level.reported)
    ]
    source = comparison.claim.source
    rows.append(
        Row(
            cells=(
                text("The claim itself"),
                figure(),
                figure(),
                text(where(source), source.known_inconsistency or ""),
                text(EVIDENCE_STATUS[source.status]),
            )
        )
    )
    columns = (
        Column(label="Number"),
        Column(label="As printed", numeric=True),
        Column(label="Runs", numeric=True),
        Column(label="Where"),
        Column(label="Status"),
    )
    caption = (
        "The paper’s numbers: as printed, over how many training runs, and where they were read."
    )
    return table(caption, columns, rows)


def _evidence_row(name: str, metric: Metric, reported: Reported) -> Row:
    evidence = reported.evidence
    doubt = evidence.known_inconsistency
    return Row(
        cells=(
            text(name),
            figure(f"{printed(reported)} {unit(metric)}"),
            figure(str(reported.seeds) if reported.seeds else "not said"),
            text(where(evidence), f"Known inconsistency: {doubt}" if doubt else ""),
            text(EVIDENCE_STATUS[evidence.status]),
        )
    )
