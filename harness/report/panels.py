"""The plots of scores per language and of training loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.models import Metric
from harness.records import Comparison, Level, SystemResult, TrainingRun
from harness.report.figure import COLOURS, WIDTH, axes, blank, drawing, to_svg
from harness.report.rows import LEFT, ROW, SMALL, horizontal, left_text
from harness.report.sentences import label
from harness.report.words import METRICS, language, number, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = "osD^vP*X"
_LEGEND = 18
_PANEL_WIDTH, _PANEL_HEIGHT, _PANEL_ROOM = 154, 90, 78


def languages_chart(comparison: Comparison, metric: Metric, name: str) -> Markup:
    """A dot for each system in each language; the average stands apart below a rule."""
    levels = [(one, v) for one in comparison.systems for v in one.levels if v.metric == metric]
    codes = [
        code for code in comparison.languages if any(code in v.per_language for _, v in levels)
    ]
    top = 12 + _LEGEND * len(levels)
    body = ROW * (len(codes) + 1.7)
    with drawing():
        figure = blank(top + body + 44)
        plot = axes(figure, LEFT, top, WIDTH - LEFT - 16, body)
        plot.set_ylim(len(codes) + 1.1, -0.6)
        for place, code in enumerate(codes):
            _language(plot, place, language(code), [v.per_language.get(code) for _, v in levels])
        _language(plot, len(codes) + 0.5, "Average", [v.value for _, v in levels], bold=True)
        plot.axhline(len(codes) - 0.25, color=COLOURS["rule"], linewidth=1)
        horizontal(plot, f"{METRICS[metric]} (points of 100)")
        for index, (one, _) in enumerate(levels):
            _legend_entry(plot, index, _clip(one.label, 58), top - 8 - _LEGEND * (index + 0.5))
        return to_svg(
            figure,
            name=name,
            title=f"{METRICS[metric]} per language and system",
            description=visible(" ".join(_level_words(one, v, codes) for one, v in levels)),
        )


def curves_chart(comparison: Comparison, name: str) -> Markup:
    """Training loss over steps: a panel for each system and phase, a line for each seed."""
    panels: dict[tuple[str, str], list[TrainingRun]] = {}
    for run in comparison.training:
        panels.setdefault((run.phase, run.system), []).append(run)
    step = _PANEL_HEIGHT + _PANEL_ROOM
    with drawing():
        figure = blank(step * ((len(panels) + 1) // 2))
        for index, ((phase, system), runs) in enumerate(panels.items()):
            row, column = divmod(index, 2)
            left, top = 34 + column * (_PANEL_WIDTH + 50), 40 + row * step
            plot = axes(figure, left, top, _PANEL_WIDTH, _PANEL_HEIGHT)
            _curves(plot, runs)
            title: dict[str, Any] = {"transform": plot.transAxes, "size": SMALL}
            plot.text(0, 1.24, _clip(label(comparison, system), 28), color=COLOURS["ink"], **title)
            plot.text(0, 1.09, phase, color=COLOURS["muted"], **title)
        return to_svg(
            figure,
            name=name,
            title="Training loss over optimiser steps",
            description=visible(
                " ".join(_curve_words(comparison, run) for run in comparison.training if run.loss)
            ),
        )


def _language(
    plot: Axes, place: float, name: str, values: Sequence[float | None], *, bold: bool = False
) -> None:
    left_text(plot, place, name, bold=bold)
    known = [value for value in values if value is not None]
    if len(known) > 1:
        plot.plot((min(known), max(known)), (place, place), color=COLOURS["rule"], linewidth=2)
    for index, value in enumerate(values):
        if value is not None:
            _dot(plot, index, value, place)


def _legend_entry(plot: Axes, index: int, text: str, above: float) -> None:
    """A marker and its name, `above` user units over the axes, flush left with the figure."""
    origin = plot.transAxes.transform((0, 1))
    x, y = plot.transAxes.inverted().transform((origin[0] - LEFT + 8, origin[1] + above))
    _dot(plot, index, x, y, transform=plot.transAxes)
    plot.annotate(
        text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(-LEFT + 20, above),
        textcoords="offset points",
        va="center",
        color=COLOURS["ink"],
    )


def _dot(plot: Axes, index: int, x: float, y: float, **keywords: Any) -> None:
    """The marker of system `index`; shape and filling differ, not the colour alone."""
    colour = COLOURS[f"s{index % 8}"]
    plot.plot(
        [x],
        [y],
        color=colour,
        linestyle="none",
        marker=_MARKERS[index % 8],
        markersize=7,
        markerfacecolor=COLOURS["surface"] if index % 2 else colour,
        markeredgecolor=colour,
        markeredgewidth=1.6,
        clip_on=False,
        **keywords,
    )


def _level_words(one: SystemResult, level: Level, codes: Sequence[str]) -> str:
    scores = ", ".join(
        f"{language(code)} {number(level.per_language[code])}"
        for code in codes
        if code in level.per_language
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


def _clip(text: str, limit: int) -> str:
    text = visible(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
