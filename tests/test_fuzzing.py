"""Damaged input gives a result or one paragraph: every target of `make fuzz` for a moment."""

import pytest
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
