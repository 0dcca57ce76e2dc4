"""`harness report RUN`: the report again, or a site of its claims, from what the run recorded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from harness import strict_json
from harness.artifacts import describe_os_errors
from harness.errors import HarnessError, UsageError, VerificationError
from harness.records import Comparison
from harness.report.render import INDEX, render_run, render_site

T = TypeVar("T")
# In every page of ours, and in nobody else's.
_OURS = '<meta name="generator" content="harness report">'

# The whole paper's is a few megabytes.
_MOST = 1 << 28


def run(folder: Path, site: Path | None) -> None:
    """Write `folder`/report.html, or the pages of a site into the folder `site`.

    Raises:
        UsageError: not a run folder; `site` holds something else.
        VerificationError: its comparison or provenance isn't one.
        MachineError: disk full, no permission.
    """
    comparisons = _comparisons(folder)
    if site is None:
        page = _rendered(folder, lambda: render_run(comparisons))
        with describe_os_errors(folder, "folder"):
            _write(folder / "report.html", page)
        click.echo(f"Report: {folder / 'report.html'}")
        return
    old = _pages_of_a_site(site)
    provenance = _provenance(folder)
    pages = _rendered(folder, lambda: render_site(comparisons, provenance))
    with describe_os_errors(site, "--site"):
        site.mkdir(parents=True, exist_ok=True)
        # The index last: it never leads to a page that isn't there.
        for name in sorted(pages, key=lambda one: one == INDEX):
            _write(site / name, pages[name])
        for path in old:
            if path.name not in pages:
                path.unlink()
    click.echo(f"Site: {site / INDEX}")


def _comparisons(folder: Path) -> list[Comparison]:
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
        return comparisons
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise _not_written(path, error, "the comparison that the run wrote") from error


def _rendered(folder: Path, render: Callable[[], T]) -> T:
    """What `render` gives; a comparison that nobody made may lead it anywhere."""
    try:
        return render()
    except HarnessError:
        raise
    except Exception as error:
        why = ValueError(f"what makes no sense ({type(error).__name__}: {error})")
        expected = "a comparison whose parts belong together"
        raise _not_written(folder / "comparison.json", why, expected) from error


def _provenance(folder: Path) -> Mapping[str, Any]:
    """Empty where the run has none."""
    path = folder / "provenance.json"
    if not path.is_file():
        return {}
    try:
        found = strict_json.loads(strict_json.read_bytes(path, _MOST))
        if isinstance(found, Mapping):
            return found
        raise ValueError(f"{type(found).__name__}, no object")
    except (OSError, ValueError) as error:
        raise _not_written(path, error, "the provenance that the run wrote") from error


def _not_written(path: Path, error: Exception, expected: str) -> VerificationError:
    return VerificationError(
        where=str(path),
        got=str(error).split("\n")[0],
        expected=expected,
        fix="Reproduce the claim again; finished stages come from the store.",
    )


def _pages_of_a_site(site: Path) -> list[Path]:
    """The pages of an earlier site; refuses a folder that holds anything else."""
    if not site.exists():
        return []
    with describe_os_errors(site, "--site"):
        found = list(site.iterdir()) if site.is_dir() else [site]
        others = [path for path in found if not _is_ours(path)]
    if others:
        raise UsageError(
            where=f"--site {site}",
            got=f"{others[0].name}, which no site of a run has",
            expected="a new folder, an empty one, or an earlier site",
            fix="Name another folder; nothing was touched.",
        )
    return found


def _is_ours(path: Path) -> bool:
    if path.suffix != ".html" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as stream:
        return _OURS in stream.read(2_000)


def _write(path: Path, page: str) -> None:
    """Aside, then renamed: a full disk leaves the page that is there.

    Aside is a new file: in somebody else's folder a link may lie in wait where one would write.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".page-")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(page)
        # mkstemp makes files for the owner alone; a report is meant to be shared.
        fresh.chmod(0o644)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
