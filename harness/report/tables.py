"""Tables as the template prints them: every cell a string, made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["text", "short", "number", "hash", "title"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell; the first line is the value, further lines are about it."""

    lines: tuple[str, ...]
    style: Style = "text"
    links: tuple[tuple[str, str], ...] = ()
    """(words, address; empty for words alone) after the lines."""
    tone: str = ""
    """Colour of the first line: one of terms.Tone."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; columns with the same group share a heading above their own."""

    label: str
    group: str = ""
    numeric: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row; its first cell is its heading."""

    cells: tuple[Cell, ...]
    anchor: str = ""
    strong: bool = False
    heading: bool = False
    """The one cell spans the table: a heading of the rows below it."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A captioned table."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    groups: tuple[tuple[str, int], ...] = ()
    """(heading, how many columns it spans); empty without group headings."""


def table(caption: str, columns: Sequence[Column | str], rows: Sequence[Row]) -> Table:
    """A table whose group headings follow from its columns."""
    made = tuple(Column(label=one) if isinstance(one, str) else one for one in columns)
    groups: list[tuple[str, int]] = []
    for column in made:
        if groups and groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    grouped = any(name for name, _ in groups)
    return Table(
        caption=caption,
        columns=made,
        rows=tuple(rows),
        groups=tuple(groups) if grouped else (),
    )


def heading(words: str) -> Row:
    """A heading of the rows below it."""
    return Row(cells=(text(words),), heading=True)


def text(*lines: str) -> Cell:
    """Words; empty further lines are left out."""
    return Cell(lines=_kept(lines))


def short(*lines: str) -> Cell:
    """A few words that may stand in a narrow column."""
    return Cell(lines=_kept(lines), style="short")


def figure(*lines: str) -> Cell:
    """A number, aligned right."""
    return Cell(lines=_kept(lines), style="number")


def code(*lines: str) -> Cell:
    """A digest or key, breakable anywhere."""
    return Cell(lines=_kept(lines), style="hash")


def _kept(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if line) or ("\N{EN DASH}",)
