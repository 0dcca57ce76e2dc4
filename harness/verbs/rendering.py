"""`harness report RUN`: the report again, from the run's comparison alone."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from harness import strict_json
from harness.artifacts import describe_os_errors
from harness.errors import UsageError, VerificationError
from harness.records import Comparison
from harness.report.render import render_run

# The whole paper's is a few megabytes.
_MOST = 1 << 28


def run(folder: Path) -> None:
    """Write `folder`/report.html.

    Raises:
        UsageError: not a run folder.
        VerificationError: its comparison isn't one.
        MachineError: disk full, no permission.
    """
    path = folder / "comparison.json"
    if not path.is_file():
        raise UsageError(
            where=str(folder),
            got="no comparison.json",
            expected="a folder that `harness reproduce` wrote",
            fix="Name the folder that --out named.",
        )
    try:
        document = strict_json.loads(strict_json.read_bytes(path, _MOST))["comparisons"]
        comparisons = [Comparison.model_validate(one) for one in document]
        if not comparisons:
            raise ValueError("no comparison")
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise VerificationError(
            where=str(path),
            got=str(error).split("\n")[0],
            expected="the comparison that the run wrote",
            fix="Reproduce the claim again; finished stages come from the store.",
        ) from error
    report = folder / "report.html"
    with describe_os_errors(folder, "folder"):
        # Written aside: a full disk leaves the report that is there.
        fresh = report.with_suffix(".tmp")
        try:
            fresh.write_text(render_run(comparisons), encoding="utf-8")
            fresh.replace(report)
        finally:
            fresh.unlink(missing_ok=True)
    click.echo(f"Report: {report}")
