"""The fault campaign in short; `make faults` is the whole, docs/reliability.md its results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness import sealed

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))

from faults import power  # noqa: E402
from faults.disk_model import Choice, Disk, watched  # noqa: E402


def campaign(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """`python -m faults` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "faults", *map(str, words), "--dir", str(folder)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "HARNESS_MIRROR"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_broken_runs_end_as_if_they_had_not_been(tmp_path):
    """Ten kills at random moments; then two at once on one store."""
    done = campaign("kills", "two", "--kills", "10", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kills: 10 injected, 0 faults" in done.stdout
    assert "two: 2 injected, 0 faults" in done.stdout


def test_a_power_cut_loses_nothing_that_was_finished(tmp_path):
    """At every fourth change of a store, in the four extreme states of the disk."""
    losses = power.campaign(tmp_path, each=0, seed=0, stride=4)
    assert losses.states > 100
    assert losses.faults == []


def test_the_power_cut_is_noticed_where_nothing_is_flushed(tmp_path, monkeypatch):
    """A store that never waits for the disk loses artifacts, and the campaign says so."""
    monkeypatch.setattr(sealed, "flush", lambda path: None)
    losses = power.campaign(tmp_path, each=0, seed=0, stride=12)
    assert any("looks complete" in fault or "lost" in fault for fault in losses.faults)


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path):
    """A real one that grows page by page and file by file; then a read-only one."""
    done = campaign("space", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    if "not done" in done.stdout:
        pytest.skip("needs a mount namespace")
    assert ", 0 faults. pages " in done.stdout


def states(tmp_path, act):
    """What the files below a folder may be after a crash at the end of `act`: extremes, random."""
    root = tmp_path / "live"
    root.mkdir()
    disk, found = Disk(root), set()
    with watched(disk, lambda call: None):
        act(root)
    disk.look()
    rng = np.random.default_rng(0)
    for number, kind in enumerate([*("nothing", "torn", "zeros", "all"), *["random"] * 60]):
        target = tmp_path / f"crashed{number}"
        disk.write_crashed(target, Choice(kind, rng))
        files = [path for path in target.rglob("*") if path.is_file()]
        found.add(tuple(sorted((path.name, path.read_bytes()) for path in files)))
    return found


def test_what_was_not_flushed_may_be_lost_or_torn(tmp_path):
    """A file of four bytes: not there, empty, half, zeros or whole."""

    def act(root):
        (root / "a").write_bytes(b"abcd")
        os.mkdir(root / "other")

    contents = [b"", b"ab", bytes(4), b"abcd"]
    assert states(tmp_path, act) == {(), *((("a", one),) for one in contents)}


def test_what_was_flushed_is_safe(tmp_path):
    """The file's bytes and the folder's names."""

    def act(root):
        (root / "a").write_bytes(b"abcd")
        sealed.flush(root / "a")
        sealed.flush(root)

    assert states(tmp_path, act) == {(("a", b"abcd"),)}


def test_a_rename_happens_or_not(tmp_path):
    """Old name or new name, with the old or the new bytes whole, since they were flushed."""

    def act(root):
        for name, text in (("a", b"old"), ("b", b"new")):
            (root / name).write_bytes(text)
            sealed.flush(root / name)
        sealed.flush(root)
        os.replace(root / "b", root / "a")

    assert states(tmp_path, act) == {(("a", b"new"),), (("a", b"old"), ("b", b"new"))}
