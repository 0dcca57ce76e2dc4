"""`harness verify RUN`: a table of what agrees, and a line for everything that doesn't."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import options
from harness.ending import surviving_a_closed_pipe
from harness.report.words import visible
from harness.verification.checks import Check, status, verify
from harness.verification.results import Finding, Outcome

UNSEEN = (
    "Predictions, gold and provenance are taken as they are: that a run made them, only another "
    "run or a signature shows."
)
_WIDE = 100
Checked = Sequence[tuple[Check, Outcome]]


def run(
    folder: Path,
    files: Sequence[str],
    manifests: Path | None = None,
    key: Path | None = None,
    *,
    as_json: bool,
) -> int:
    """Verify and print; returns the exit status.

    Raises:
        UsageError: no such folder, or or a wrong --files or --key.
    """
    checked = verify(folder, options.file_folders(files), manifests, key)
    with surviving_a_closed_pipe():
        if as_json:
            click.echo(json.dumps(_document(folder, checked), indent=1, sort_keys=True))
        else:
            _print(checked)
    return status([one for _, one in checked])


def _print(checked: Checked) -> None:
    console = Console(width=None if Console().is_terminal else _WIDE, highlight=False)
    console.print(_table(checked))
    for one in _once(outcome.findings for _, outcome in checked):
        click.echo(f"differs: {visible(str(one))}", err=True)
    for one in _once(outcome.lacking for _, outcome in checked):
        click.echo(f"not checked: {visible(str(one))}", err=True)
    for one in _once(outcome.notes for _, outcome in checked):
        click.echo(f"note: {visible(str(one))}", err=True)
    click.echo(_last_words([outcome for _, outcome in checked]))
    click.echo(UNSEEN)


def _table(checked: Checked) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("check")
    table.add_column("what was done")
    table.add_column("compared", justify="right")
    table.add_column("result")
    for check, outcome in checked:
        table.add_row(check.name, check.how, f"{outcome.compared:,}", _result(outcome))
    return table


def _result(outcome: Outcome) -> Text:
    if outcome.findings:
        return Text(f"{len(outcome.findings):,} differ", style="bold red")
    if outcome.lacking:
        return Text("not all checked", style="yellow")
    if outcome.notes:
        return Text("see the notes", style="yellow")
    return Text("agrees", style="green")


def _last_words(outcomes: Sequence[Outcome]) -> str:
    findings = list(_once(one.findings for one in outcomes))
    if findings:
        return f"Verification failed: {len(findings):,} things differ from what a run leaves."
    if any(one.lacking for one in outcomes):
        return "What could be checked agrees; the rest is named above."
    return "All agrees."


def _once(groups: Iterable[Sequence[Finding]]) -> Iterator[Finding]:
    """Each finding once: several checks may stumble over the same file."""
    yield from dict.fromkeys(one for group in groups for one in group)


def _document(folder: Path, checked: Checked) -> dict[str, Any]:
    return {
        "format": 1,
        "run": str(folder),
        "agrees": not status([one for _, one in checked]),
        "checks": [
            {
                "name": check.name,
                "how": check.how,
                "compared": outcome.compared,
                "findings": [_finding(one) for one in outcome.findings],
                "not_checked": [_finding(one) for one in outcome.lacking],
                "notes": [_finding(one) for one in outcome.notes],
            }
            for check, outcome in checked
        ],
        "not_shown": UNSEEN,
    }


def _finding(one: Finding) -> dict[str, str]:
    return {"subject": one.subject, "text": one.text}
