"""A run folder of the tiny claim, and what somebody would do who forges one."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_stages
import pytest
from tiny_manifests import CLAIM, tiny

from harness.artifacts import Store
from harness.backends import OneAtATime
from harness.canonical import file_sha256
from harness.console import watching
from harness.evidence import ATTESTATION, CRATE
from harness.evidence.attestation import attest
from harness.plan import Request, build_plan
from harness.records import Comparison
from harness.report.render import render_provenance, render_run
from harness.run import execute, read_comparisons
from harness.run_files import RunFiles
from harness.run_folder import (
    Pages,
    comparison_text,
    json_text,
    own_digest,
    scores_text,
    write_run,
)
from harness.stages import contract
from harness.stages.contract import Resources
from harness.verification.again import Again
from harness.verification.derived import crate_document
from harness.worker import run_stage


def make_run(
    folder: Path,
    *changes: tuple[str, Any],
    gain: str = "3",
    files: Path | None = None,
    real: tuple[str, ...] = (),
) -> Path:
    """The folder of a finished run with fake training.

    `changes` are of its manifests, `files` has the data sets that the user brings, `real` names
    stages that aren't faked, besides `score` and `compare`.
    """
    steer = folder / "steer"
    steer.mkdir(parents=True, exist_ok=True)
    (steer / "gain").write_text(gain, encoding="utf-8")
    brought = dict.fromkeys(("questions", "parallel"), files) if files else {}
    kept = {one.name: one for one in contract.STAGES if one.name in real}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            contract, "STAGES", tuple(kept.get(one.name, one) for one in fake_stages.pipeline())
        )
        plan = build_plan(
            tiny(*changes), Request(claims=(CLAIM,), profile="quick", precision="fp32")
        )
        made = Store(folder / "store")
        resources = Resources(mirror=steer, files=brought)
        with watching(quiet=True) as watcher:
            outcome = execute(plan, made, OneAtATime(run_stage), resources, watcher)
    assert outcome.failed == {}
    comparisons = read_comparisons(plan, made)
    pages = Pages(report=render_run([*comparisons.values()]), provenance=render_provenance)
    write_run(folder / "run", plan, made, comparisons, pages)
    return folder / "run"


@pytest.fixture(scope="session")
def sound_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that nobody may write to."""
    return make_run(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def a_run(sound_run: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(sound_run, tmp_path / "copy"))


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON document of a run folder, written in the form that runs write."""
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json_text(value, sort=False), encoding="utf-8")


def edit_row(path: Path, number: int, **values: Any) -> None:
    """Change a line of a file of rows."""
    lines = path.read_text("utf-8").splitlines()
    row = {**json.loads(lines[number]), **values}
    lines[number] = json.dumps(row, ensure_ascii=False, sort_keys=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def derive_again(run: Path) -> None:
    """Write again what follows from comparison.json, and redo every hash."""
    raw = json.loads((run / "comparison.json").read_bytes())["comparisons"]
    comparisons = [Comparison.model_validate(one) for one in raw]
    (run / "comparison.json").write_text(comparison_text(comparisons), encoding="utf-8")
    (run / "scores.json").write_text(scores_text(comparisons), encoding="utf-8")
    (run / "report.html").write_text(render_run(comparisons), encoding="utf-8")
    rehash(run)


def rehash(run: Path) -> None:
    """Redo every hash: of the crate, of run.json, its own too, and of the attestation."""
    with tempfile.TemporaryDirectory() as scratch:
        crate = crate_document(Again(RunFiles(run), {}, Path(scratch)))
    (run / CRATE).write_text(json_text(crate, sort=False), encoding="utf-8")
    record = json.loads((run / "run.json").read_bytes())
    record["files"] = {
        name: file_sha256(run / name) for name in file_names(run) if name != ATTESTATION
    }
    record["sha256"] = own_digest(record)
    (run / "run.json").write_text(json_text(record), encoding="utf-8")
    attest(run)


def file_names(run: Path) -> Iterator[str]:
    """Every file but run.json."""
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.name != "run.json":
            yield path.relative_to(run).as_posix()
