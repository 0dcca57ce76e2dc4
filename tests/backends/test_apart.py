"""The worker in a process of its own, with limits on memory and time."""

import pytest
from cli_runs import FAKED
from fake_stages import Silent, key_of, planned

from harness.artifacts import Store
from harness.backends import local
from harness.errors import MachineError, StageError, StoppedError
from harness.stages.contract import Resources


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store; workers have fake stages."""
    monkeypatch.setenv("PYTHONPATH", FAKED)
    return Store(tmp_path / "store")


def make(backend, value, store, steer):
    """Run the stage of that value; raise what it said is wrong."""
    backend.submit(planned(value), store, Resources(mirror=steer), Silent)
    ended = backend.wait()
    if ended.error:
        raise ended.error
    return ended.made


def test_stages_run_as_in_this_process(store, steer):
    """One process for all; what is there isn't made again; a failure is the stage's own."""
    (steer / "bad").write_text("StageError", encoding="utf-8")
    with local.opened({"memory": "8g"}) as run:
        assert make(run, "one", store, steer) is True
        assert make(run, "one", store, steer) is False
        with pytest.raises(StageError, match="bad: got a fault"):
            make(run, "bad", store, steer)
        assert make(run, "two", store, steer) is True
    assert list(store.keys()) == sorted([key_of("one"), key_of("two")])


def test_a_stage_that_hangs_is_stopped(store, steer):
    """It would sleep for a minute; nothing of it is left."""
    (steer / "one").write_text("sleep", encoding="utf-8")
    with local.opened({"timeout": 3.0}) as run, pytest.raises(StoppedError, match="--timeout 3"):
        make(run, "one", store, steer)
    assert list(store.keys()) == []
    assert list((store.root / "work").glob("*")) == []


def test_a_stage_that_leaks_memory_is_killed(store, steer):
    """And the next gets a new worker."""
    (steer / "one").write_text("leak", encoding="utf-8")
    with local.opened({"memory": "400m"}) as run:
        with pytest.raises(MachineError, match=r"its limit of 0\.4 GB"):
            make(run, "one", store, steer)
        assert make(run, "two", store, steer) is True
    assert list(store.keys()) == [key_of("two")]


def test_a_worker_that_was_killed_is_told_so(store, steer):
    """As the system does where memory runs out."""
    (steer / "one").write_text("die", encoding="utf-8")
    with local.opened({"memory": "8g"}) as run:
        with pytest.raises(MachineError, match="killed by signal 9"):
            make(run, "one", store, steer)
        assert make(run, "two", store, steer) is True
