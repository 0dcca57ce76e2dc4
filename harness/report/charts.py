"""The plots of differences: the paper's beside the re-run's, and seed by seed.

Every function returns an `<svg>` with a title and its numbers in words; the same numbers stand
in a table of the page. Matplotlib is imported when the first plot is drawn.
"""

from __future__ import annotations

from markupsafe import Markup

from harness.records import Comparison, Effect, Estimate
from harness.report.rows import LEFT, WIDE, Caption, Guide, Row, clip, headings, row_plot
from harness.report.sentences import label, pair
from harness.report.shape import PAIRS
from harness.report.terms import sign_only
from harness.report.words import interval, percent, points, printed, signed, two_sided


def effects_chart(comparison: Comparison, name: str) -> Markup:
    """Reported beside reproduced difference of every pair, with both intervals."""
    rows: list[Row] = []
    for effect in comparison.effects:
        if compact(comparison):
            rows.append(_one_row(comparison, effect))
        else:
            rows += [*headings(pair(comparison, effect)), *_effect_rows(effect)]
    caption = Caption(
        name=name,
        title="The paper’s difference beside the re-run’s",
        description=" ".join(_effect_words(comparison, effect) for effect in comparison.effects),
        axis=_axis(comparison),
    )
    return row_plot(rows, _guides(comparison), caption, WIDE if compact(comparison) else LEFT)


def seeds_chart(comparison: Comparison, name: str) -> Markup:
    """The difference of every seed, one dot each, and their mean."""
    rows: list[Row] = []
    words: list[str] = []
    for effect in comparison.effects:
        values, mean = effect.same_items.per_seed, effect.same_items.value
        if compact(comparison):
            name = clip(label(comparison, effect.treatment), 24)
            note = signed(mean)
            row = Row(label=name, value=mean, marker="|", role="ink", note=note, dots=values)
            rows.append(row)
        else:
            rows += headings(pair(comparison, effect))
            rows += [
                Row(label=f"seed {seed}", value=value, note=signed(value))
                for seed, value in zip(comparison.seeds, values, strict=True)
            ]
            rows.append(Row(label="mean", value=mean, marker="|", role="ink", note=signed(mean)))
        listed = ", ".join(signed(value) for value in values)
        words.append(f"{pair(comparison, effect)}: {listed}; mean {signed(mean)}.")
    caption = Caption(
        name=name,
        title="The difference, seed by seed",
        description=" ".join(words),
        axis=_axis(comparison),
    )
    return row_plot(rows, [], caption, WIDE if compact(comparison) else LEFT)


def compact(comparison: Comparison) -> bool:
    """So many differences that each gets one line, under its treatment's name."""
    return len(comparison.effects) > PAIRS


def _axis(comparison: Comparison) -> str:
    others = {effect.baseline for effect in comparison.effects}
    to = f" to {clip(label(comparison, *others), 30)}" if len(others) == 1 else ""
    named = to if compact(comparison) else ""
    return f"difference{named} in {points(comparison.claim.metric)}"


def _one_row(comparison: Comparison, effect: Effect) -> Row:
    same = effect.same_items
    return Row(
        label=clip(label(comparison, effect.treatment), 24),
        value=same.value,
        bounds=(same.lower, same.upper),
        note=_short(same),
    )


def _effect_rows(effect: Effect) -> list[Row]:
    same, new = effect.same_items, effect.new_items
    rows = [
        Row(
            label="re-run",
            value=same.value,
            bounds=(same.lower, same.upper),
            thick=3.2,
            note=_short(same),
        ),
        Row(
            label="for new items",
            value=new.value,
            bounds=(new.lower, new.upper),
            thick=1.1,
            filled=False,
            note=_short(new),
        ),
    ]
    if effect.reported is None:
        return rows
    text = printed(effect.reported, sign=True)
    reported = effect.reported.value
    paper = Row(label="paper", value=reported, role="paper", marker="D", filled=False, note=text)
    return [paper, *rows]


def _short(estimate: Estimate) -> str:
    return f"{signed(estimate.value)} ({interval(estimate)})"


def _effect_words(comparison: Comparison, effect: Effect) -> str:
    paper = printed(effect.reported, sign=True) if effect.reported else "no size printed"
    return (
        f"{pair(comparison, effect)}: paper {paper}; re-run {_words(effect.same_items)} "
        f"on the same items, {_words(effect.new_items)} for new items."
    )


def _words(estimate: Estimate) -> str:
    return f"{signed(estimate.value)} ({two_sided(estimate)} interval {interval(estimate)})"


def _guides(comparison: Comparison) -> list[Guide]:
    """The line that the verdict's rule draws: the margin, or the share of the paper's gain."""
    rule, effects = comparison.verdict.rule, comparison.effects
    if comparison.claim.kind == "no_better":
        return [Guide(value=rule.delta, label=f"margin {signed(rule.delta)}")]
    reported = effects[0].reported if effects else None
    if reported is None or sign_only(comparison) or not rule.retention:
        return []
    label = f"{percent(rule.retention)} of the paper’s"
    return [Guide(value=rule.retention * reported.value, label=label)]
