"""Scores task by task and language by language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.models import Metric
from harness.records import Comparison, Effect, Estimate, Level, SystemResult
from harness.report.sentences import label
from harness.report.shape import (
    FEW,
    PAIRS,
    candidates,
    cell,
    compared,
    items_of,
    level_of,
    metrics_of,
    several,
    short_title,
    total_items,
)
from harness.report.tables import Cell, Column, Row, Table, figure, table, text
from harness.report.words import METRICS, count, language, listing, number, signed

_Means = Level | Estimate


def tasks_table(comparison: Comparison) -> Table:
    """Every compared system's score and every difference, task by task."""
    metric, systems = comparison.claim.metric, compared(comparison)
    effects = comparison.effects if len(comparison.effects) <= PAIRS else ()
    columns = [Column(label="Task")]
    columns += [Column(label=name, numeric=True) for name in ("Languages", "Items")]
    columns += [Column(label=one.label, numeric=True) for one in systems]
    columns += [Column(label=name, numeric=True) for name in _difference_names(comparison, effects)]
    chosen = [one for one in systems if one.chosen]
    columns += [Column(label=f"Chosen for “{one.label}”") for one in chosen]
    rows = []
    for target, title in comparison.claim.targets.items():
        cells = [
            text(title, _scorers(comparison, target)),
            figure(f"{len(comparison.languages.get(target, ())):,}"),
            figure(f"{total_items(comparison, [target]):,}"),
        ]
        pick = _of(comparison, target)
        cells += [figure(_value(one, metric, pick)) for one in systems]
        cells += [figure(_difference(comparison, one, metric, pick)) for one in effects]
        cells += [text(label(comparison, one.chosen.get(target, ""))) for one in chosen]
        rows.append(Row(cells=tuple(cells)))
    average = _average_row(comparison, None, [metric], systems, effects)
    rows.append(Row(cells=(*average, *(text() for _ in chosen)), strong=True))
    caption = (
        "Each task’s own figure in points of 100 ((EM + F1) / 2 for question answering, accuracy "
        "or F1 for the others), mean over its languages and over seeds; in the average every task "
        "weighs the same."
    )
    return table(caption, columns, rows)


def candidates_table(comparison: Comparison) -> Table:
    """What a best-of was chosen from: each component’s score on each target."""
    metric, systems = comparison.claim.metric, candidates(comparison)
    chosen = {pair for one in comparison.systems for pair in one.chosen.items()}
    columns = [Column(label="System")]
    columns += [
        Column(label=short_title(comparison, target), numeric=True)
        for target in comparison.claim.targets
    ]
    rows = [
        Row(
            cells=(
                text(one.label),
                *(
                    figure(
                        _value(one, metric, _of(comparison, target)),
                        "chosen" if (target, one.id) in chosen else "",
                    )
                    for target in comparison.claim.targets
                ),
            )
        )
        for one in systems
    ]
    caption = (
        f"The systems from which the best was chosen, by {METRICS[metric]}, mean over languages "
        "and seeds."
    )
    return table(caption, columns, rows)


def languages_tables(comparison: Comparison, target: str) -> tuple[Table, ...]:
    """Scores and differences on a target, language by language.

    One table for all metrics; with many systems one for each metric, the claim’s first.
    """
    metrics = metrics_of(comparison)
    systems = compared(comparison)
    if len(systems) <= FEW:
        return (_languages_table(comparison, target, metrics, systems),)
    return tuple(_languages_table(comparison, target, [one], systems) for one in metrics)


def _languages_table(
    comparison: Comparison,
    target: str,
    metrics: Sequence[Metric],
    systems: Sequence[SystemResult],
) -> Table:
    effects = comparison.effects if len(comparison.effects) <= PAIRS else ()
    columns = [Column(label="Language"), Column(label="Items", numeric=True)]
    for metric in metrics:
        names = [one.label for one in systems] + _difference_names(comparison, effects)
        columns += [Column(label=name, group=METRICS[metric], numeric=True) for name in names]
    items = items_of(comparison, target)
    rows = [
        _language_row(comparison, (target, code), metrics, systems, effects, items.get(code, []))
        for code in comparison.languages.get(target, ())
    ]
    average = _average_row(comparison, target, metrics, systems, effects)
    rows.append(Row(cells=tuple(average), strong=True))
    of = f"{comparison.claim.targets[target]}: scores" if several(comparison) else "Scores"
    caption = (
        f"{of} in points of 100, mean over seeds; in the average every language weighs the same."
    )
    return table(caption, columns, rows)


def languages_title(comparison: Comparison, target: str) -> str:
    """The line above a folded table: "XNLI: 15 languages, 75,150 items"."""
    amount = count(len(comparison.languages.get(target, ())), "language")
    items = total_items(comparison, [target])
    return f"{comparison.claim.targets[target]}: {amount}, {items:,} items"


def _difference_names(comparison: Comparison, effects: Sequence[Effect]) -> list[str]:
    """Column headings: one difference needs no name, several are told apart by treatment."""
    if len(effects) == 1:
        return ["Difference"]
    return [f"Difference, {label(comparison, one.treatment)}" for one in effects]


def _scorers(comparison: Comparison, target: str) -> str:
    scorers = {s.scorer for one in comparison.systems for s in one.scores if s.task == target}
    return listing(sorted(scorers) or [""])


def _value(one: SystemResult, metric: Metric, pick: Callable[[_Means], float | None]) -> str:
    level = level_of(one, metric)
    value = pick(level) if level else None
    return "" if value is None else number(value)


def _difference(
    comparison: Comparison, effect: Effect, metric: Metric, pick: Callable[[_Means], float | None]
) -> str:
    """A pair’s difference in one of its parts; empty where it has none.

    Of an ordering of groups the estimate is a difference of two gains, which says nothing of a
    part: there it is the difference of the levels.
    """
    if not effect.groups:
        found = (effect.same_items, *effect.other_metrics)
        estimate = next((one for one in found if one.metric == metric), None)
        value = pick(estimate) if estimate else None
        return "" if value is None else signed(value)
    by_id = {one.id: level_of(one, metric) for one in comparison.systems}
    levels = [by_id.get(name) for name in (effect.treatment, effect.baseline)]
    values = [pick(level) if level else None for level in levels]
    if values[0] is None or values[1] is None:
        return ""
    return signed(values[0] - values[1])


def _of(comparison: Comparison, target: str | None) -> Callable[[_Means], float | None]:
    """The mean over a target’s languages; over everything where `target` is None."""
    if target is None or not several(comparison):
        return lambda means: means.value
    return lambda means: means.per_task.get(target)


def _language_row(
    comparison: Comparison,
    at: tuple[str, str],
    metrics: Sequence[Metric],
    systems: Sequence[SystemResult],
    effects: Sequence[Effect],
    items: Sequence[int],
) -> Row:
    key, code = cell(comparison, *at), at[1]
    cells = [text(f"{language(code)} ({code})"), figure(" / ".join(f"{n:,}" for n in items))]
    for metric in metrics:
        cells += [
            figure(_value(one, metric, lambda means: means.per_language.get(key)))
            for one in systems
        ]
        cells += [
            figure(
                _difference(comparison, effect, metric, lambda means: means.per_language.get(key))
            )
            for effect in effects
        ]
    return Row(cells=tuple(cells))


def _average_row(
    comparison: Comparison,
    target: str | None,
    metrics: Sequence[Metric],
    systems: Sequence[SystemResult],
    effects: Sequence[Effect],
) -> list[Cell]:
    """Over a target’s languages; of all targets where `target` is None."""
    cells = [text("Average")]
    if target is None:
        amount = sum(len(codes) for codes in comparison.languages.values())
        cells.append(figure(f"{amount:,}"))
    shown = list(comparison.claim.targets) if target is None else [target]
    cells.append(figure(f"{total_items(comparison, shown):,}"))
    pick = _of(comparison, target)
    for metric in metrics:
        cells += [figure(_value(one, metric, pick)) for one in systems]
        cells += [figure(_difference(comparison, effect, metric, pick)) for effect in effects]
    return cells
