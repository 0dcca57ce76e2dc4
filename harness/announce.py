"""What `harness reproduce` prints when it is done: verdicts and numbers, failures, the report."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import click

from harness.errors import HarnessError
from harness.records import Comparison
from harness.run import Outcome
from harness.run_folder import RUN

_WIDEST = 100
# Exit status of a failure -> in a few words.
_WHY = {2: "a manifest is wrong", 3: "data unavailable or refused", 5: "verification failed"}


def comparisons(found: Mapping[str, Comparison]) -> None:
    """A verdict, its sentence and its flags for each claim."""
    from harness.report.sentences import verdict_sentence

    for name, comparison in found.items():
        verdict = comparison.verdict
        rung = click.style(verdict.rung, bold=True)
        click.echo(f"{name}: {rung} (asked for: {verdict.required})")
        click.echo(_wrapped(verdict_sentence(comparison)))
        if verdict.flags:
            click.echo(_wrapped(", ".join(verdict.flags)))


def failures(failed: Mapping[str, HarnessError], claims: int, *, quiet: bool) -> None:
    """Which claims have no verdict, on stdout unless `quiet`; each reason once, on stderr.

    `claims` is how many were asked for: a reason names its own unless it is everybody's.
    """
    reasons: dict[str, list[str]] = {}
    for name, error in failed.items():
        reasons.setdefault(str(error), []).append(name)
        if not quiet:
            why = _WHY.get(error.exit_code, "a stage failed")
            rung = click.style("INVALID", bold=True)
            click.echo(f"{name}: {rung} (no verdict: {why})")
    for reason, names in reasons.items():
        whose = f"{', '.join(names)}: " if len(names) < claims else ""
        click.echo(f"harness: {whose}{reason}", err=True)


def folder(path: Path, outcome: Outcome, *, written: bool) -> None:
    """What was run, and where the report lies."""
    if written:
        made, count = len(outcome.made), len(outcome.failed)
        plural = "" if made == 1 else "s"
        click.echo(f"{made} stage{plural} run, {outcome.cached} from the store.")
        left_out = f" (without the {count} INVALID)" if count else ""
        click.echo(f"Report: {path / 'report.html'}{left_out}")
    else:
        old = f" {path} is an earlier run's." if (path / RUN).is_file() else ""
        click.echo(f"No report: no claim has a verdict.{old}")


def _wrapped(text: str) -> str:
    """Indented; broken into lines on a terminal only, so that logs can be searched."""
    if not sys.stdout.isatty():
        return f"  {text}"
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return textwrap.fill(
        text,
        width,
        initial_indent="  ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
