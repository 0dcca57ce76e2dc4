"""The tables of numbers: differences, levels, single seeds; and what the numbers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.models import Metric
from harness.records import Comparison, Effect, Estimate, Level, Score, SystemResult
from harness.report.sentences import pair, scope
from harness.report.shape import FEW, PAIRS, level_of, metrics_of, several, total_items
from harness.report.tables import Cell, Column, Row, Table, code, figure, short, table, text
from harness.report.words import (
    METRICS,
    count,
    interval,
    listing,
    number,
    percent,
    printed,
    signed,
    two_sided,
    unit,
)

Link = Callable[[str], tuple[tuple[str, str], ...]]
"""Artifact key -> links to its row in the chain of artifacts; none where it isn't listed."""

_COMPATIBLE = {True: "agrees", False: "differs", None: "not compared"}


def signature(comparison: Comparison) -> str:
    """What the scores are: scorer, split, items, languages, seeds."""
    scores = [score for one in comparison.systems for score in one.scores]
    if not scores:
        return "No scores were recorded."
    scorers = listing(sorted({score.scorer for score in scores}))
    splits = listing(sorted({score.split for score in scores}))
    targets = comparison.claim.targets
    items = total_items(comparison, list(targets))
    seeds = listing([str(seed) for seed in comparison.seeds])
    of = count(len(targets), "task") if several(comparison) else listing(list(targets.values()))
    return (
        f"Scorer {scorers} on split {splits} of {of}, {items:,} items, "
        f"{scope(comparison)} (seed numbers {seeds}), {comparison.precision}."
    )


def effects_table(comparison: Comparison) -> Table:
    """The difference of every compared pair, in the claim's metric and in the others."""
    columns = (
        Column(label="Difference"),
        Column(label="Metric"),
        Column(label="Paper", numeric=True),
        Column(label="Re\N{NON-BREAKING HYPHEN}run", numeric=True),
        Column(label="Interval, same items", numeric=True),
        Column(label="Interval, new items", numeric=True),
        Column(label="Per seed", numeric=True),
        Column(label="Languages"),
        Column(label="p", numeric=True),
    )
    rows = [row for effect in comparison.effects for row in _effect_rows(comparison, effect)]
    caption = (
        "Differences in points. Same items: does a re-run agree with the paper, on its test items "
        "(the verdict reads this one). New items: does the difference carry over to other items "
        "of the same kind. p: one-sided, of no difference in the claimed direction."
    )
    return table(caption, columns, rows)


def levels_table(comparison: Comparison) -> Table:
    """Every system's own average beside the paper's."""
    columns = (
        Column(label="System"),
        Column(label="Metric"),
        Column(label="Paper", numeric=True),
        Column(label="Re\N{NON-BREAKING HYPHEN}run", numeric=True),
        Column(label="Per seed", numeric=True),
        Column(label="Level"),
    )
    metrics = metrics_of(comparison)
    if len(comparison.systems) > FEW:
        metrics = metrics[:1]
    rows = [
        Row(
            cells=(
                text(one.label, *((one.role, one.recipe) if place == 0 else ())),
                short(METRICS[level.metric]),
                figure(printed(level.reported) if level.reported else ""),
                figure(number(level.value)),
                figure(" · ".join(number(value) for value in level.per_seed)),
                short(_COMPATIBLE[level.compatible]),
            )
        )
        for one in comparison.systems
        for place, level in enumerate(found for found in one.levels if found.metric in metrics)
    ]
    caption = (
        "Each system’s own score beside the paper’s. A weak baseline inflates a gain, so the "
        "levels are compared too, except where the run is scaled down."
    )
    return table(caption, columns, rows)


def seeds_table(comparison: Comparison, link: Link) -> Table:
    """Average scores of each system and seed, with the predictions behind them."""
    metrics = metrics_of(comparison)
    columns = (
        Column(label="System"),
        Column(label="Seed", numeric=True),
        *(Column(label=METRICS[metric], numeric=True) for metric in metrics),
        Column(label="Scorer, items"),
        Column(label="Predictions"),
    )
    rows = [
        _seed_row(one, place, seed, metrics, link)
        for one in comparison.systems
        for place, seed in enumerate(comparison.seeds)
    ]
    return table("Averages over languages of every single training run.", columns, rows)


def reported(comparison: Comparison, effect: Effect) -> str:
    """The paper's difference with its metric, e.g. "+14.5 EM"."""
    if effect.reported is None:
        return "no size"
    return f"{printed(effect.reported, sign=True)} {unit(comparison.claim.metric)}"


def reproduced(comparison: Comparison, effect: Effect) -> str:
    """The re-run's difference with its interval, named where there are several."""
    estimate = effect.same_items
    name = f"{pair(comparison, effect)}: " if len(comparison.effects) > 1 else ""
    value = f"{signed(estimate.value)} {unit(estimate.metric)}"
    return f"{name}{value} ({two_sided(estimate)} interval {interval(estimate)})"


def methods(comparison: Comparison) -> tuple[str, ...]:
    """How the intervals were made, each method once."""
    found = [
        f"{'Same items' if estimate.question == 'same_items' else 'New items'}: "
        f"{estimate.method}, one-sided bounds at {percent(estimate.level)} each "
        f"(a two-sided {two_sided(estimate)} interval)."
        for effect in comparison.effects
        for estimate in (effect.same_items, effect.new_items)
    ]
    return tuple(dict.fromkeys(found))


def _effect_rows(comparison: Comparison, effect: Effect) -> list[Row]:
    same, new = effect.same_items, effect.new_items
    name = pair(comparison, effect)
    wins = ", ".join(f"{effect.wins[sign]} {sign}" for sign in ("up", "down", "equal"))
    rows = [
        _estimate_row(
            name,
            printed(effect.reported, sign=True) if effect.reported else "no size",
            (same, new),
            (short(wins), figure(chance(effect.p_value))),
        )
    ]
    others: dict[Metric, list[Estimate]] = {}
    for estimate in effect.other_metrics:
        if estimate.metric == "score" or len(comparison.effects) > PAIRS:
            continue
        others.setdefault(estimate.metric, []).append(estimate)
    rows += [_estimate_row(name, "", found, (short(), figure())) for found in others.values()]
    return rows


def _estimate_row(
    name: str, paper: str, estimates: Sequence[Estimate], tail: tuple[Cell, Cell]
) -> Row:
    by_question = {estimate.question: estimate for estimate in estimates}
    first = by_question.get("same_items", estimates[0])
    cells = (
        text(name),
        short(METRICS[first.metric]),
        figure(paper),
        figure(signed(first.value, 2)),
        _bounds(by_question.get("same_items")),
        _bounds(by_question.get("new_items")),
        figure(" · ".join(signed(value, 2) for value in first.per_seed)),
        *tail,
    )
    return Row(cells=cells)


def _bounds(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return figure()
    spread = f"SE\N{NO-BREAK SPACE}{number(estimate.standard_error, 2)}"
    freedom = f"df\N{NO-BREAK SPACE}{number(estimate.degrees_of_freedom, 1).removesuffix('.0')}"
    return figure(interval(estimate, 2), f"{two_sided(estimate)}, {spread}, {freedom}")


def chance(value: float) -> str:
    """A p-value, with three digits."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def _seed_row(
    one: SystemResult, place: int, seed: int, metrics: Sequence[Metric], link: Link
) -> Row:
    scores = [score for score in one.scores if score.seed == seed]
    averages = [_seed_average(level_of(one, metric), place) for metric in metrics]
    keys = list(dict.fromkeys((score.task, score.predictions) for score in scores))
    keys = keys if len({task for task, _ in keys}) > 1 else [("", key) for _, key in keys]
    return Row(
        cells=(
            text(one.label),
            figure(str(seed)),
            *(figure(value) for value in averages),
            text(_what(scores)),
            Cell(
                lines=() if keys else code().lines,
                style="hash",
                links=tuple(_named(found, tasks) for tasks, key in keys for found in link(key)),
            ),
        )
    )


def _named(link: tuple[str, str], task: str) -> tuple[str, str]:
    """A link to predictions with the task that they are of."""
    return (f"{task} {link[0]}".strip(), link[1])


def _seed_average(level: Level | None, place: int) -> str:
    if level is None or place >= len(level.per_seed):
        return ""
    return number(level.per_seed[place], 2)


def _what(scores: Sequence[Score]) -> str:
    scorers = sorted({score.scorer for score in scores})
    items = {(score.task, score.language): score.items for score in scores}
    return f"{listing(scorers)}, {sum(items.values()):,} items" if scorers else ""
