"""What a campaign reached of the code that it fuzzes: lines and branches, by coverage.py.

Only what stands in functions counts: the rest runs when a module is loaded.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import Coverage

_DATA = ("sources/rows.py", "sources/schemas.py", "sources/readers.py", "strict_json.py")
# Target -> what it fuzzes, below harness/.
MODULES: dict[str, tuple[str, ...]] = {
    "parquet-bytes": _DATA,
    "parquet-tables": _DATA,
    "squad-json": _DATA,
    "ccgbank": ("sources/ccgbank.py", "sources/readers.py"),
    "encoder": ("sources/embedded.py", "sources/bert_folder.py"),
    "brought-files": ("sources/files.py",),
    "score": ("score_files.py", "line_files.py", "metrics/*.py", "strict_json.py"),
    "predictions": ("records/examples.py", "records/items.py", "metrics/*.py", "strict_json.py"),
    "yaml": ("yaml12.py",),
    "manifests": ("yaml12.py", "manifest.py", "models/*.py"),
    "plan": ("manifest.py", "models/*.py", "plan.py", "claim_plan.py", "graph.py", "recipe.py"),
    "mirror": ("sources/mirror.py", "sources/files.py"),
    "store": ("artifacts.py", "sealed.py", "verbs/storing.py", "strict_json.py"),
    "comparison": ("verbs/rendering.py", "records/comparison.py", "report/*.py"),
    "verify": ("verbs/verifying.py", "verification/*.py", "run_files.py", "run_stages.py"),
}


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of one module's functions."""

    module: str
    lines: int
    lines_reached: int
    branches: int
    branches_reached: int
    missed: tuple[str, ...]
    """Functions of which no line ran."""


@contextlib.contextmanager
def measuring(target: str, folder: Path) -> Iterator[None]:
    """Leave in `folder` what of the target's modules runs meanwhile, their loading included."""
    cover = Coverage(
        data_file=str(folder / f"coverage.{target}"),
        branch=True,
        include=[str(_package() / one) for one in MODULES[target]],
        config_file=False,
    )
    cover.start()
    try:
        yield
    finally:
        cover.stop()
        cover.save()


def reached(folder: Path, targets: Iterable[str]) -> list[Reach]:
    """What these targets reached together; a line for each module."""
    files = [str(folder / f"coverage.{one}") for one in targets]
    cover = Coverage(data_file=str(folder / "together"), branch=True, config_file=False)
    with contextlib.redirect_stdout(io.StringIO()):
        cover.combine(files, keep=True)
        cover.json_report(outfile=str(folder / "report.json"))
    found: dict[str, Any] = json.loads((folder / "report.json").read_text("utf-8"))["files"]
    return [_reach(Path(name), one["functions"]) for name, one in sorted(found.items())]


def summary(found: Iterable[Reach]) -> str:
    """Per cent of lines and branches."""
    found = list(found)
    lines = _percent(sum(one.lines_reached for one in found), sum(one.lines for one in found))
    branches = _percent(
        sum(one.branches_reached for one in found), sum(one.branches for one in found)
    )
    return f"{lines:>6}{branches:>6}"


def table(found: Iterable[Reach]) -> Iterator[str]:
    """A line for each module."""
    yield f"{'module, its functions alone':<30}{'lines':>7}{'%':>6}{'branches':>10}{'%':>6}  missed"
    for one in found:
        lines, branches = summary([one])[:6], summary([one])[6:]
        told = f"{one.module:<30}{one.lines:>7}{lines}{one.branches:>10}{branches}"
        yield f"{told}  {', '.join(one.missed)}".rstrip()


def _reach(path: Path, functions: dict[str, Any]) -> Reach:
    inside = {name: one for name, one in functions.items() if name}
    sums = [one["summary"] for one in inside.values()]
    return Reach(
        module=str(path.resolve().relative_to(_package())),
        lines=sum(one["num_statements"] for one in sums),
        lines_reached=sum(one["covered_lines"] for one in sums),
        branches=sum(one["num_branches"] for one in sums),
        branches_reached=sum(one["covered_branches"] for one in sums),
        missed=tuple(name for name, one in inside.items() if not one["summary"]["covered_lines"]),
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


def _package() -> Path:
    found = importlib.util.find_spec("harness")
    assert found and found.origin
    return Path(found.origin).resolve().parent
