"""A plot of labelled lines: name on the left, dot and interval in the middle, value right."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.report.figure import COLOURS, WIDTH, axes, blank, drawing, to_svg
from harness.report.words import number, readable, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 21
"""Height of a line, in user units."""
LEFT = 100
"""Width of the column of short names, languages or seeds."""
WIDE = 150
"""Width of the column of names of tasks or systems."""
SMALL = 10.5


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line; without a value it is a heading."""

    label: str
    value: float | None = None
    bounds: tuple[float, float] | None = None
    role: str = "here"
    marker: str = "o"
    filled: bool = True
    thick: float = 2.6
    note: str = ""
    dots: tuple[float, ...] = ()
    """Further values, drawn small."""


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A dashed vertical line at `value`, named in the top margin."""

    value: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What a plot shows, for those who see it and those who don't."""

    name: str
    title: str
    description: str
    axis: str


def headings(text: str) -> list[Row]:
    """`text` as heading lines that fit the figure."""
    lines = textwrap.wrap(readable(text, 300), 56, max_lines=3, placeholder=" …")
    return [Row(label=line) for line in lines]


def clip(text: str, limit: int) -> str:
    """`text` in at most `limit` characters."""
    text = readable(text, 10 * limit)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def row_plot(
    rows: Sequence[Row], guides: Sequence[Guide], caption: Caption, left: int = LEFT
) -> Markup:
    """The lines from top to bottom over one horizontal axis that includes zero."""
    notes = max((len(row.note) for row in rows), default=0) * 6.2 + 12
    top, body = 24, ROW * len(rows)
    with drawing():
        figure = blank(top + body + 44)
        plot = axes(figure, left, top, WIDTH - left - notes, body)
        plot.set_ylim(len(rows) - 0.5, -0.5)
        plot.set_xlim(*_range(rows, guides))
        plot.axvline(0, color=COLOURS["ink"], linewidth=1)
        for guide in guides:
            plot.axvline(guide.value, color=COLOURS["margin"], linewidth=1.2, linestyle=(0, (4, 3)))
            plot.text(
                guide.value, -0.62, guide.label, ha="center", color=COLOURS["margin"], size=SMALL
            )
        for place, row in enumerate(rows):
            if row.value is None:
                _heading(plot, place, row.label, left)
            else:
                _line(plot, place, row, row.value)
        horizontal(plot, caption.axis)
        return to_svg(
            figure,
            name=caption.name,
            title=caption.title,
            description=caption.description,
        )


def left_text(plot: Axes, place: float, text: str, *, bold: bool = False) -> None:
    """The name of the line at height `place`, right-aligned to the axes."""
    plot.annotate(
        visible(text),
        xy=(0, place),
        xycoords=plot.get_yaxis_transform(),
        xytext=(-10, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=COLOURS["ink" if bold else "muted"],
        fontweight="bold" if bold else "normal",
    )


def horizontal(plot: Axes, axis: str) -> None:
    """A horizontal axis with few round ticks; none on the vertical one."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    plot.set_yticks([])
    plot.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    plot.xaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, 1).removesuffix(".0")))
    plot.set_xlabel(axis, color=COLOURS["muted"], size=SMALL)


def _range(rows: Sequence[Row], guides: Sequence[Guide]) -> tuple[float, float]:
    values = [0.0, *(guide.value for guide in guides)]
    for row in rows:
        found = (row.value, *(row.bounds or ()), *row.dots)
        values += [one for one in found if one is not None]
    pad = 0.06 * ((max(values) - min(values)) or 1)
    return min(values) - pad, max(values) + pad


def _heading(plot: Axes, place: int, text: str, left: int) -> None:
    plot.annotate(
        text,
        xy=(0, place),
        xycoords=plot.get_yaxis_transform(),
        xytext=(-left + 2, 0),
        textcoords="offset points",
        va="center",
        color=COLOURS["ink"],
        fontweight="bold",
        # The vertical guides pass behind the words.
        bbox={"facecolor": COLOURS["surface"], "edgecolor": "none", "pad": 5},
    )


def _line(plot: Axes, place: int, row: Row, value: float) -> None:
    colour = COLOURS[row.role]
    left_text(plot, place, row.label)
    if row.bounds:
        plot.plot(row.bounds, (place, place), color=colour, linewidth=row.thick)
        for bound in row.bounds:
            plot.plot([bound], [place], color=colour, linestyle="none", marker="|", markersize=8)
    for dot in row.dots:
        plot.plot([dot], [place], color=COLOURS["here"], linestyle="none", marker="o", markersize=4)
    plot.plot(
        [value],
        [place],
        color=colour,
        linestyle="none",
        marker=row.marker,
        markersize=13 if row.marker == "|" else 7.5,
        markerfacecolor=colour if row.filled else COLOURS["surface"],
        markeredgecolor=colour,
        markeredgewidth=1.6,
        clip_on=False,
    )
    plot.annotate(
        row.note,
        xy=(1, place),
        xycoords=plot.get_yaxis_transform(),
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
        color=COLOURS["ink"],
        size=SMALL,
    )
