"""The table of scores language by language, and the look-ups that other tables share."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import Metric
from harness.records import Comparison, Effect, Estimate, Level, SystemResult
from harness.report.sentences import label
from harness.report.tables import Column, Row, Table, figure, table, text
from harness.report.words import METRICS, language, number, signed


def languages_table(comparison: Comparison) -> Table:
    """Every system's score and every pair's difference, language by language."""
    metrics = metrics_of(comparison)
    columns = [Column(label="Language"), Column(label="Items", numeric=True)]
    for metric in metrics:
        columns += [
            Column(label=one.label, group=METRICS[metric], numeric=True)
            for one in comparison.systems
        ]
        columns += [
            Column(label=name, group=METRICS[metric], numeric=True)
            for name in _difference_names(comparison)
        ]
    items = items_of(comparison)
    rows = [
        _language_row(comparison, code_, metrics, items.get(code_, []))
        for code_ in comparison.languages
    ]
    rows.append(_average_row(comparison, metrics))
    caption = (
        "Scores in points of 100, mean over seeds; in the average every language weighs the same."
    )
    return table(caption, columns, rows)


def metrics_of(comparison: Comparison) -> list[Metric]:
    """The claim's metric, then the others in the order of the systems' levels."""
    found = [level.metric for one in comparison.systems for level in one.levels]
    return list(dict.fromkeys([comparison.claim.metric, *found]))


def items_of(comparison: Comparison) -> dict[str, list[int]]:
    """Language -> numbers of items; more than one number where systems differ."""
    items: dict[str, set[int]] = {}
    for one in comparison.systems:
        for score in one.scores:
            items.setdefault(score.language, set()).add(score.items)
    return {key: sorted(amounts) for key, amounts in items.items()}


def level_of(one: SystemResult, metric: Metric) -> Level | None:
    """A system's level in `metric`; None where it has none."""
    return next((level for level in one.levels if level.metric == metric), None)


def _difference_names(comparison: Comparison) -> list[str]:
    """Column headings: one difference needs no name, several are told apart by treatment."""
    if len(comparison.effects) == 1:
        return ["Difference"]
    return [f"Difference, {label(comparison, one.treatment)}" for one in comparison.effects]


def _estimate(effect: Effect, metric: Metric) -> Estimate | None:
    found = (effect.same_items, *effect.other_metrics)
    return next((estimate for estimate in found if estimate.metric == metric), None)


def _language_row(
    comparison: Comparison, key: str, metrics: Sequence[Metric], items: Sequence[int]
) -> Row:
    cells = [text(f"{language(key)} ({key})"), figure(" / ".join(f"{n:,}" for n in items))]
    for metric in metrics:
        for one in comparison.systems:
            level = level_of(one, metric)
            value = level.per_language.get(key) if level else None
            cells.append(figure("" if value is None else number(value)))
        for effect in comparison.effects:
            estimate = _estimate(effect, metric)
            value = estimate.per_language.get(key) if estimate else None
            cells.append(figure("" if value is None else signed(value)))
    return Row(cells=tuple(cells))


def _average_row(comparison: Comparison, metrics: Sequence[Metric]) -> Row:
    total = sum(max(amounts) for amounts in items_of(comparison).values())
    cells = [text("Average"), figure(f"{total:,}")]
    for metric in metrics:
        levels = [level_of(one, metric) for one in comparison.systems]
        cells += [figure(number(level.value) if level else "") for level in levels]
        estimates = [_estimate(effect, metric) for effect in comparison.effects]
        cells += [figure(signed(one.value) if one else "") for one in estimates]
    return Row(cells=tuple(cells), strong=True)
