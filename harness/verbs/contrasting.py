"""`harness compare RUN RUN`: where two runs of a claim differ, and what that did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.contrast.runs import contrast
from harness.ending import surviving_a_closed_pipe
from harness.report.words import visible
from harness.run_files import RunFiles

_WIDE = 120
_LONGEST = 60
_DIGEST = re.compile("[0-9a-f]{40,}")
Row = Sequence[str]


def run(left: Path, right: Path, *, as_json: bool) -> None:
    """Print what differs.

    Raises:
        UsageError: no such folder, or no claim that both have.
        VerificationError: a file isn't what a run writes.
    """
    found = contrast(RunFiles(left), RunFiles(right))
    with surviving_a_closed_pipe():
        if as_json:
            click.echo(json.dumps(found, indent=1, sort_keys=True))
            return
        console = Console(width=None if Console().is_terminal else _WIDE, highlight=False)
        console.print(Text(visible(f"A: {found['left']}\nB: {found['right']}")))
        for claim, one in found["claims"].items():
            _print(console, claim, one)


def _print(console: Console, claim: str, found: Mapping[str, Any]) -> None:
    verdict = found["verdict"]
    console.print(Text(f"\n{visible(claim)}", style="bold"))
    console.print(Text(f"Verdict: {_arrow(verdict)}{_flags(verdict['flags'])}"))
    estimates = [*_effect_rows(found["effects"]), *_level_rows(found["levels"])]
    _table(console, "In points", ("", "A", "B", "change"), estimates)
    languages = _language_rows(found["levels"], found["predictions"])
    columns: Row = ("system", "language", "A", "B", "change", "predictions changed")
    _table(console, "Scores by language", columns, languages)
    _table(
        console, "Stages that changed", ("stage", "what", "A", "B"), _stage_rows(found["stages"])
    )
    console.print(Text(f"\n{_stage_counts(found['stages'])}"))
    columns = ("run", "what", "the paper", "here")
    _table(console, "Deviations of one run alone", columns, _deviation_rows(found["deviations"]))
    rows = [
        (one["what"], one["left"], one["right"], f"{one['count']}") for one in found["provenance"]
    ]
    _table(console, "Where they were made", ("what", "A", "B", "times"), rows)


def _table(console: Console, title: str, columns: Row, rows: Iterator[Row] | Sequence[Row]) -> None:
    """A title and a table; nothing where there are no rows."""
    listed = list(rows)
    if not listed:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    numbers = ("A", "B", "change", "predictions changed", "times")
    for name in columns:
        right = name in numbers and title in ("In points", "Scores by language")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(_short(visible(cell))) for cell in row))
    console.print(Text(f"\n{title}", style="bold"))
    console.print(table)


def _effect_rows(effects: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for one in effects:
        name = f"{one['effect']}, {one['metric']}"
        yield name, _interval(one["left"]), _interval(one["right"]), _signed(one["change"])


def _level_rows(levels: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    for one in levels:
        name = f"{one['system']}, {one['metric']}"
        yield name, _points(one["left"]), _points(one["right"]), _signed(one["change"])


def _language_rows(
    levels: Sequence[Mapping[str, Any]], predictions: Sequence[Mapping[str, Any]]
) -> Iterator[Row]:
    """In the claim's metric, which comes first."""
    counts = {(one["system"], one["task"], one["language"]): one for one in predictions}
    seen = set()
    for one in levels:
        if one["system"] in seen:
            continue
        seen.add(one["system"])
        for language, sides in one["languages"].items():
            values = (_points(sides["left"]), _points(sides["right"]), _signed(sides["change"]))
            yield one["system"], language, *values, _changed(counts, one["system"], language)


def _changed(counts: Mapping[tuple[str, str, str], Any], system: str, cell: str) -> str:
    """A cell is a language, or "task/language" where the claim has several tasks."""
    task, _, language = cell.rpartition("/")
    for (whose, of, name), one in counts.items():
        if whose == system and name == language and task in ("", of):
            return f"{one['changed']:,} of {one['items']:,}"
    return ""


def _stage_rows(stages: Mapping[str, Any]) -> Iterator[Row]:
    for one in stages["changed"]:
        count = len(one["roles"])
        name = f"{one['stage']} ({count} stages)" if count > 1 else one["roles"][0]
        for change in one["changes"]:
            yield name, change["what"], change["left"], change["right"]
            name = ""


def _stage_counts(stages: Mapping[str, Any]) -> str:
    said = [f"{stages['same']} stages are the same"]
    if stages["by_inputs_alone"]:
        said.append(f"{len(stages['by_inputs_alone'])} differ in their inputs alone")
    for side, name in (("left_only", "A"), ("right_only", "B")):
        if stages[side]:
            roles = ", ".join(stages[side][:3])
            more = ", ..." if len(stages[side]) > 3 else ""
            said.append(f"{len(stages[side])} only in {name}: {visible(roles)}{more}")
    return f"{'; '.join(said)}."


def _deviation_rows(deviations: Mapping[str, Any]) -> Iterator[Row]:
    for side, name in (("left", "A"), ("right", "B")):
        for one in deviations[side]:
            yield name, one["what"], one["paper"], one["here"]


def _arrow(sides: Mapping[str, Any]) -> str:
    same = sides["left"] == sides["right"]
    return f"{sides['left']} in both" if same else f"{sides['left']} in A, {sides['right']} in B"


def _flags(flags: Mapping[str, Sequence[str]]) -> str:
    said = [
        f"; {', '.join(flags[side])} only in {name}"
        for side, name in (("left", "A"), ("right", "B"))
        if flags[side]
    ]
    return "".join(said)


def _interval(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return "–"
    return f"{estimate['value']:.1f} ({estimate['lower']:.1f} to {estimate['upper']:.1f})"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}"


def _short(text: str) -> str:
    longest = 12 if _DIGEST.fullmatch(text) else _LONGEST
    return text if len(text) <= longest else f"{text[:longest]}..."
