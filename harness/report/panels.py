"""The plots of scores per language and of training loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.models import Metric
from harness.records import Comparison, Level, SystemResult, TrainingRun
from harness.report.figure import COLOURS, WIDTH, axes, blank, drawing, to_svg
from harness.report.rows import LEFT, ROW, SMALL, WIDE, clip, horizontal, left_text
from harness.report.sentences import label
from harness.report.shape import compared, level_of, several, short_title
from harness.report.words import METRICS, count, language, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^vP*X"
_LEGEND = 18
_PANEL_WIDTH, _PANEL_HEIGHT, _PANEL_ROOM = 154, 90, 78
MOST_PANELS = 12
"""Panels of losses that are drawn."""
# More systems than this, and the alternatives share a marker.
_MOST_MARKED = 6
_MARKED = ("treatment", "baseline", "reference")
_SHARED = 99


def languages_chart(comparison: Comparison, metric: Metric, name: str) -> Markup:
    """A dot for each system in each language; the average stands apart below a rule."""
    codes = [code for codes in comparison.languages.values() for code in codes]
    rows = {
        language(code): [level.per_language.get(code) for level in _levels(comparison, metric)]
        for code in codes
    }
    return _dots(comparison, metric, rows, Frame(name=name, left=LEFT, what="language"))


def tasks_chart(comparison: Comparison, name: str) -> Markup:
    """A dot for each compared system on each task, and for the average of the tasks."""
    metric = comparison.claim.metric
    rows = {
        clip(short_title(comparison, target), 24): [
            level.per_task.get(target) for level in _levels(comparison, metric)
        ]
        for target in comparison.claim.targets
    }
    return _dots(comparison, metric, rows, Frame(name=name, left=WIDE, what="task"))


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a plot of dots is called, and how much room the names on its left have."""

    name: str
    left: int
    what: str


def _systems(comparison: Comparison, metric: Metric) -> list[SystemResult]:
    """In the chart; the components of a best-of stand in a table."""
    return [one for one in compared(comparison) if level_of(one, metric)]


def _levels(comparison: Comparison, metric: Metric) -> list[Level]:
    found = (level_of(one, metric) for one in _systems(comparison, metric))
    return [level for level in found if level]


def _dots(
    comparison: Comparison, metric: Metric, rows: Mapping[str, Sequence[float | None]], frame: Frame
) -> Markup:
    systems, levels = _systems(comparison, metric), _levels(comparison, metric)
    marks, legend = _marks(systems)
    known = {
        name: values for name, values in rows.items() if any(one is not None for one in values)
    }
    top = 12 + _LEGEND * len(legend)
    body = ROW * (len(known) + 1.7)
    with drawing():
        figure = blank(top + body + 44)
        plot = axes(figure, frame.left, top, WIDTH - frame.left - 16, body)
        plot.set_ylim(len(known) + 1.1, -0.6)
        for place, (name, values) in enumerate(known.items()):
            _language(plot, place, name, values, marks)
        average = [level.value for level in levels]
        _language(plot, len(known) + 0.5, "Average", average, marks, bold=True)
        plot.axhline(len(known) - 0.25, color=COLOURS["rule"], linewidth=1)
        horizontal(plot, f"{METRICS[metric]} (points of 100)")
        for place, (index, text) in enumerate(legend):
            above = top - 8 - _LEGEND * (place + 0.5)
            _legend_entry(plot, index, clip(text, 58), above, frame.left)
        return to_svg(
            figure,
            name=frame.name,
            title=f"{METRICS[metric]} per {frame.what} and system",
            description=" ".join(
                _level_words(one, levels[place], {n: v[place] for n, v in known.items()})
                for place, one in enumerate(systems)
            ),
        )


def _marks(systems: Sequence[SystemResult]) -> tuple[list[int], list[tuple[int, str]]]:
    """The marker of each system, and the legend; many alternatives share one."""
    if len(systems) <= _MOST_MARKED:
        return list(range(len(systems))), [(i, one.label) for i, one in enumerate(systems)]
    own = [one for one in systems if one.role in _MARKED]
    marks = [own.index(one) if one in own else _SHARED for one in systems]
    others = f"each of the {count(len(systems) - len(own), 'other system')}"
    return marks, [*((i, one.label) for i, one in enumerate(own)), (_SHARED, others)]


def curves_chart(comparison: Comparison, name: str) -> Markup:
    """Training loss over steps: a panel for each system and phase, a line for each seed.

    Of several targets only the intermediate trainings are drawn, and of many panels the first.
    """
    panels = curve_panels(comparison)
    shown = dict(list(panels.items())[:MOST_PANELS])
    step = _PANEL_HEIGHT + _PANEL_ROOM
    with drawing():
        figure = blank(step * ((len(shown) + 1) // 2))
        for index, ((phase, system), runs) in enumerate(shown.items()):
            row, column = divmod(index, 2)
            left, top = 34 + column * (_PANEL_WIDTH + 50), 40 + row * step
            plot = axes(figure, left, top, _PANEL_WIDTH, _PANEL_HEIGHT)
            _curves(plot, runs)
            title: dict[str, Any] = {"transform": plot.transAxes, "size": SMALL}
            plot.text(0, 1.24, clip(label(comparison, system), 28), color=COLOURS["ink"], **title)
            plot.text(0, 1.09, phase, color=COLOURS["muted"], **title)
        drawn = [run for runs in shown.values() for run in runs]
        return to_svg(
            figure,
            name=name,
            title="Training loss over optimiser steps",
            description=" ".join(_curve_words(comparison, run) for run in drawn),
        )


def curve_panels(comparison: Comparison) -> dict[tuple[str, str], list[TrainingRun]]:
    """(phase, system) -> its trainings with a recorded loss."""
    panels: dict[tuple[str, str], list[TrainingRun]] = {}
    seen: set[str] = set()
    for run in comparison.training:
        drawn = run.loss and not (several(comparison) and run.phase == "finetune")
        # A system that stands in for another shares its trainings.
        if drawn and (run.artifact not in seen or not several(comparison)):
            panels.setdefault((run.phase, run.system), []).append(run)
            seen.add(run.artifact)
    return panels


def _language(
    plot: Axes,
    place: float,
    name: str,
    values: Sequence[float | None],
    marks: Sequence[int],
    *,
    bold: bool = False,
) -> None:
    left_text(plot, place, name, bold=bold)
    known = [value for value in values if value is not None]
    if len(known) > 1:
        plot.plot((min(known), max(known)), (place, place), color=COLOURS["rule"], linewidth=2)
    # The shared marker first, so that it hides none of the others.
    for index, value in sorted(zip(marks, values, strict=True), key=lambda one: -one[0]):
        if value is not None:
            _dot(plot, index, value, place)


def _legend_entry(plot: Axes, index: int, text: str, above: float, left: int) -> None:
    """A marker and its name, `above` user units over the axes, flush left with the figure."""
    origin = plot.transAxes.transform((0, 1))
    x, y = plot.transAxes.inverted().transform((origin[0] - left + 8, origin[1] + above))
    _dot(plot, index, x, y, transform=plot.transAxes)
    plot.annotate(
        text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(-left + 20, above),
        textcoords="offset points",
        va="center",
        color=COLOURS["ink"],
    )


def _dot(plot: Axes, index: int, x: float, y: float, **keywords: Any) -> None:
    """The marker of system `index`; shape and filling differ, not the colour alone."""
    colour = COLOURS["muted" if index == _SHARED else f"s{index % 8}"]
    plot.plot(
        [x],
        [y],
        color=colour,
        linestyle="none",
        marker="|" if index == _SHARED else _MARKERS[index % 8],
        markersize=7,
        markerfacecolor=COLOURS["surface"] if index % 2 else colour,
        markeredgecolor=colour,
        markeredgewidth=1.6,
        clip_on=False,
        **keywords,
    )


def _level_words(one: SystemResult, level: Level, values: Mapping[str, float | None]) -> str:
    scores = ", ".join(
        f"{name} {number(value)}" for name, value in values.items() if value is not None
    )
    return f"{one.label}: average {number(level.value)}; {scores}."


def _curves(plot: Axes, runs: Sequence[TrainingRun]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for index, run in enumerate(runs):
        plot.plot(
            [step for step, _ in run.loss],
            [loss for _, loss in run.loss],
            color=COLOURS[f"s{index % 8}"],
            linewidth=1.5,
            linestyle=("-", (0, (4, 2)), (0, (1, 1.5)))[index % 3],
        )
    plot.set_ylim(bottom=0)
    plot.set_xlim(left=0)
    short = FuncFormatter(lambda value, _: number(value, 1).removesuffix(".0"))
    for one in (plot.xaxis, plot.yaxis):
        one.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
        one.set_major_formatter(short)
    plot.grid(axis="y", color=COLOURS["rule"], linewidth=0.6)
    plot.set_xlabel("step", color=COLOURS["muted"], size=SMALL, labelpad=1)


def _curve_words(comparison: Comparison, run: TrainingRun) -> str:
    return (
        f"{label(comparison, run.system)}, {run.phase}, seed {run.seed}: from "
        f"{number(run.loss[0][1], 2)} to {number(run.loss[-1][1], 2)} in {run.steps:,} steps."
    )
