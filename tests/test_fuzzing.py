"""Damaged input gives a result or one paragraph: every target of `make fuzz` for a moment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzzing import reached
from fuzzing.campaign import TARGETS, fuzz
from fuzzing.mutations import damaged_bytes
from hypothesis import strategies as st

from harness.errors import DataError

# A page takes a hundred times as long as a line.
INPUTS = {"comparison": 6, "verify": 12, "manifests": 30, "parquet-bytes": 40}


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_input_is_refused_or_read(target):
    """The same inputs each time; nothing but a HarnessError leaves the reader."""
    count = fuzz(target, inputs=INPUTS.get(target, 60), seconds=60)
    assert count.crashes == {}
    # What verification finds isn't an error but its result.
    assert count.refused or target == "verify"


def test_a_crash_is_found(monkeypatch):
    """A reader that falls over one byte: the tool says where, and on what."""

    def read(value, folder):
        if b"\xff" in value:
            raise KeyError("a bug")
        raise DataError(where="here", got="a", expected="b", fix="Mend it.")

    monkeypatch.setitem(TARGETS, "broken", (lambda: damaged_bytes([bytes(8)]), read))
    count = fuzz("broken", inputs=200, seconds=60)
    (place,) = count.crashes
    assert place.startswith("KeyError at test_fuzzing.py")
    assert count.inputs == 200
    assert 0 < count.refused < 200


def test_the_same_seed_gives_the_same_inputs(monkeypatch):
    """A crash can be had again."""
    seen = []
    monkeypatch.setitem(
        TARGETS, "told", (lambda: st.binary(), lambda value, folder: seen.append(value))
    )
    fuzz("told", inputs=20, seconds=60, start=3)
    fuzz("told", inputs=20, seconds=60, start=3)
    assert seen[:20] == seen[20:]


def test_what_was_reached_is_told(tmp_path):
    """Of a target's modules: nearly all of one reader, one function of ten of the others."""
    words = ["--coverage", "--inputs", "50", "--start", "0", "ccgbank"]
    done = subprocess.run(
        [sys.executable, "-m", "fuzzing", *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ccgbank, readers = done.stdout.splitlines()[-2:]
    assert ccgbank.startswith("sources/ccgbank.py")
    assert int(ccgbank.split()[2]) > 80
    assert "_hellaswag" in readers
    assert "_tagged" not in readers
    assert not list(tmp_path.glob("*coverage*"))


def test_every_target_says_what_it_fuzzes():
    """Without that, nothing of it would be measured."""
    assert reached.MODULES.keys() == TARGETS.keys()
    package = Path(__file__).parent.parent / "harness"
    missing = [one for every in reached.MODULES.values() for one in every]
    assert [one for one in missing if not list(package.glob(one))] == []
