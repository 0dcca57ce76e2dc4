"""The tables of numbers: differences, scores per language, levels, evidence, single seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.models import Metric, Reported
from harness.records import Comparison, Effect, Estimate, Level, Score, SystemResult
from harness.report.sentences import label, pair, scope
from harness.report.tables import Cell, Column, Row, Table, code, figure, short, table, text
from harness.report.words import (
    EVIDENCE_STATUS,
    METRICS,
    interval,
    language,
    listing,
    number,
    percent,
    printed,
    signed,
    two_sided,
    where,
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
    items = sum(max(amounts, default=0) for amounts in _items(comparison).values())
    seeds = listing([str(seed) for seed in comparison.seeds])
    return (
        f"Scorer {scorers} on split {splits} of {comparison.claim.target_title}, {items:,} items, "
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


def languages_table(comparison: Comparison) -> Table:
    """Every system's score and every pair's difference, language by language."""
    metrics = _metrics(comparison)
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
    items = _items(comparison)
    rows = [
        _language_row(comparison, code_, metrics, items.get(code_, []))
        for code_ in comparison.languages
    ]
    rows.append(_average_row(comparison, metrics))
    caption = (
        "Scores in points of 100, mean over seeds; in the average every language weighs the same."
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
        for place, level in enumerate(one.levels)
    ]
    caption = (
        "Each system’s own score beside the paper’s. A weak baseline inflates a gain, so the "
        "levels are compared too, except where the run is scaled down."
    )
    return table(caption, columns, rows)


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


def seeds_table(comparison: Comparison, link: Link) -> Table:
    """Average scores of each system and seed, with the predictions behind them."""
    metrics = _metrics(comparison)
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
    return f"{printed(effect.reported, sign=True)} {METRICS[comparison.claim.metric]}"


def reproduced(comparison: Comparison, effect: Effect) -> str:
    """The re-run's difference with its interval, named where there are several."""
    estimate = effect.same_items
    name = f"{pair(comparison, effect)}: " if len(comparison.effects) > 1 else ""
    value = f"{signed(estimate.value)} {METRICS[estimate.metric]}"
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


def _difference_names(comparison: Comparison) -> list[str]:
    """Column headings: one difference needs no name, several are told apart by treatment."""
    if len(comparison.effects) == 1:
        return ["Difference"]
    return [f"Difference, {label(comparison, one.treatment)}" for one in comparison.effects]


def _effect_rows(comparison: Comparison, effect: Effect) -> list[Row]:
    same, new = effect.same_items, effect.new_items
    name = pair(comparison, effect)
    wins = ", ".join(f"{effect.wins[sign]} {sign}" for sign in ("up", "down", "equal"))
    rows = [
        _estimate_row(
            name,
            printed(effect.reported, sign=True) if effect.reported else "no size",
            (same, new),
            (short(wins), figure(_p_value(effect.p_value))),
        )
    ]
    others: dict[Metric, list[Estimate]] = {}
    for estimate in effect.other_metrics:
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


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else number(value, 3)


def _metrics(comparison: Comparison) -> list[Metric]:
    """The claim's metric, then the others in the order of the systems' levels."""
    found = [level.metric for one in comparison.systems for level in one.levels]
    return list(dict.fromkeys([comparison.claim.metric, *found]))


def _items(comparison: Comparison) -> dict[str, list[int]]:
    """Language -> numbers of items; more than one number where systems differ."""
    items: dict[str, set[int]] = {}
    for one in comparison.systems:
        for score in one.scores:
            items.setdefault(score.language, set()).add(score.items)
    return {key: sorted(amounts) for key, amounts in items.items()}


def _level(one: SystemResult, metric: Metric) -> Level | None:
    return next((level for level in one.levels if level.metric == metric), None)


def _estimate(effect: Effect, metric: Metric) -> Estimate | None:
    found = (effect.same_items, *effect.other_metrics)
    return next((estimate for estimate in found if estimate.metric == metric), None)


def _language_row(
    comparison: Comparison, key: str, metrics: Sequence[Metric], items: Sequence[int]
) -> Row:
    cells = [text(f"{language(key)} ({key})"), figure(" / ".join(f"{n:,}" for n in items))]
    for metric in metrics:
        for one in comparison.systems:
            level = _level(one, metric)
            value = level.per_language.get(key) if level else None
            cells.append(figure("" if value is None else number(value)))
        for effect in comparison.effects:
            estimate = _estimate(effect, metric)
            value = estimate.per_language.get(key) if estimate else None
            cells.append(figure("" if value is None else signed(value)))
    return Row(cells=tuple(cells))


def _average_row(comparison: Comparison, metrics: Sequence[Metric]) -> Row:
    total = sum(max(amounts) for amounts in _items(comparison).values())
    cells = [text("Average"), figure(f"{total:,}")]
    for metric in metrics:
        levels = [_level(one, metric) for one in comparison.systems]
        cells += [figure(number(level.value) if level else "") for level in levels]
        estimates = [_estimate(effect, metric) for effect in comparison.effects]
        cells += [figure(signed(one.value) if one else "") for one in estimates]
    return Row(cells=tuple(cells), strong=True)


def _evidence_row(name: str, metric: Metric, reported: Reported) -> Row:
    evidence = reported.evidence
    doubt = evidence.known_inconsistency
    return Row(
        cells=(
            text(name),
            figure(f"{printed(reported)} {METRICS[metric]}"),
            figure(str(reported.seeds) if reported.seeds else "not said"),
            text(where(evidence), f"Known inconsistency: {doubt}" if doubt else ""),
            text(EVIDENCE_STATUS[evidence.status]),
        )
    )


def _seed_row(
    one: SystemResult, place: int, seed: int, metrics: Sequence[Metric], link: Link
) -> Row:
    scores = [score for score in one.scores if score.seed == seed]
    averages = [_seed_average(_level(one, metric), place) for metric in metrics]
    keys = list(dict.fromkeys(score.predictions for score in scores))
    return Row(
        cells=(
            text(one.label),
            figure(str(seed)),
            *(figure(value) for value in averages),
            text(_what(scores)),
            Cell(
                lines=() if keys else code().lines,
                style="hash",
                links=tuple(found for key in keys for found in link(key)),
            ),
        )
    )


def _seed_average(level: Level | None, place: int) -> str:
    if level is None or place >= len(level.per_seed):
        return ""
    return number(level.per_seed[place], 2)


def _what(scores: Sequence[Score]) -> str:
    scorers = sorted({score.scorer for score in scores})
    items = {score.language: score.items for score in scores}
    return f"{listing(scorers)}, {sum(items.values()):,} items" if scorers else ""
