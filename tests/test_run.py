"""Walking a plan: what is skipped, what is kept, and who suffers from a failing stage."""

import dataclasses
import json

import fake_stages
import pytest
from fake_stages import key_of, planned
from tiny_manifests import tiny

from harness import run
from harness.artifacts import Store
from harness.backends import OneAtATime
from harness.costs import Cost
from harness.errors import DataError, MachineError, StageError
from harness.plan import Plan
from harness.run import calibration, execute, wanted
from harness.stages import contract
from harness.stages.contract import Resources
from harness.worker import run_stage


class Watcher:
    """Remembers what it was told."""

    def __init__(self):
        self.begun, self.stages = None, []

    def begin(self, todo, cached):
        """The numbers at the start."""
        self.begun = (len(todo), cached)

    def stage(self, planned, number):
        """The stages that were started."""
        self.stages.append((number, planned.label))
        return fake_stages.Silent()

    def ended(self, number):
        """Nobody looks."""


@pytest.fixture(autouse=True)
def kinds(monkeypatch):
    """One kind of stage, `make`."""
    monkeypatch.setattr(contract, "STAGES", fake_stages.MAKE_STAGES)


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def walk(store, steer):
    """Executes the plan here and returns what it did."""

    def _walk(plan, watcher=None):
        resources = Resources(mirror=steer)
        return execute(plan, store, OneAtATime(run_stage), resources, watcher or Watcher())

    return _walk


def two_claims():
    """The first claim: data -> first -> claim1; the other: data -> second -> claim2."""
    stages = (
        planned("data"),
        planned("first", "data"),
        planned("second", "data"),
        planned("claim1", "first"),
        planned("claim2", "second"),
    )
    return Plan(
        stages=stages,
        comparisons={"claim1": key_of("claim1"), "claim2": key_of("claim2")},
        demanded=6,
        profile=tiny().profiles["quick"],
    )


def ran(steer):
    """The stages that ran, in order."""
    path = steer / "log"
    return path.read_text("utf-8").split() if path.exists() else []


def fault(steer, name, what):
    """Let the stage fail so; None mends it."""
    path = steer / name
    path.write_text(what, encoding="utf-8") if what else path.unlink()


def test_a_plan_runs_once_in_its_order(walk, steer, store):
    """Everything is made, and every artifact is sound."""
    outcome = walk(two_claims())
    assert ran(steer) == ["data", "first", "second", "claim1", "claim2"]
    assert outcome.made == [one.key for one in two_claims().stages]
    assert (outcome.cached, outcome.failed) == (0, {})
    assert [store.verify(key) for key in store.keys()] == [[]] * 5  # noqa: SIM118


def test_a_second_run_does_nothing(walk, steer):
    """Equal keys are equal results."""
    walk(two_claims())
    outcome = walk(two_claims())
    assert (outcome.made, outcome.cached) == ([], 5)
    assert len(ran(steer)) == 5


def test_the_watcher_sees_every_stage_that_runs(walk, store):
    """How many are to do and there, then each with its number."""
    run_stage(planned("data"), store, Resources(), fake_stages.Silent())
    watcher = Watcher()
    walk(two_claims(), watcher)
    assert watcher.begun == (4, 1)
    assert watcher.stages == [(1, "first"), (2, "second"), (3, "claim1"), (4, "claim2")]


def test_what_only_finished_stages_read_is_not_made_again(walk, steer, store):
    """`data` was dropped, but nobody needs it: `first` is there."""
    walk(two_claims())
    store.remove(key_of("data"))
    store.remove(key_of("claim1"))
    assert [one.label for one in wanted(two_claims(), store.has)] == ["claim1"]
    walk(two_claims())
    assert ran(steer)[5:] == ["claim1"]


def test_what_a_run_folder_shows_is_made_again(store):
    """A cached comparison isn't enough: its predictions are copied into the run folder."""
    shown = planned("shown")
    comparison = dataclasses.replace(planned("claim1"), inputs={"predict/none/0": shown.key})
    plan = Plan(
        stages=(shown, comparison),
        comparisons={"claim1": comparison.key},
        demanded=2,
        profile=tiny().profiles["quick"],
    )
    run_stage(shown, store, Resources(), fake_stages.Silent())
    run_stage(comparison, store, Resources(), fake_stages.Silent())
    store.remove(shown.key)
    assert wanted(plan, store.has) == [shown]


@pytest.mark.parametrize("error", ["DataError", "StageError", "VerificationError"])
def test_a_failing_stage_fails_the_claims_that_need_it(walk, steer, error):
    """The other claim goes on to its end."""
    fault(steer, "first", error)
    outcome = walk(two_claims())
    assert ran(steer) == ["data", "first", "second", "claim2"]
    assert list(outcome.failed) == ["claim1"]
    assert type(outcome.failed["claim1"]).__name__ == error


def test_a_failure_that_all_share_ends_the_run(walk, steer):
    """Nothing is tried that no claim could use."""
    fault(steer, "data", "DataError")
    outcome = walk(two_claims())
    assert ran(steer) == ["data"]
    assert set(outcome.failed) == {"claim1", "claim2"}


def test_the_first_failure_is_the_one_that_is_told(walk, steer):
    """Later ones may follow from it."""
    fault(steer, "data", "DataError")
    fault(steer, "first", "StageError")
    assert isinstance(walk(two_claims()).failed["claim1"], DataError)


def test_the_same_command_goes_on_where_it_failed(walk, steer):
    """What was finished stays."""
    fault(steer, "first", "StageError")
    assert isinstance(walk(two_claims()).failed["claim1"], StageError)
    fault(steer, "first", None)
    outcome = walk(two_claims())
    assert ran(steer)[4:] == ["first", "claim1"]
    assert (outcome.failed, outcome.cached) == ({}, 3)


def test_a_machine_error_stops_everything(walk, steer):
    """A full disk is full for the next claim too."""
    fault(steer, "first", "MachineError")
    with pytest.raises(MachineError, match="a fault"):
        walk(two_claims())
    assert ran(steer) == ["data", "first"]


@pytest.mark.parametrize(
    ("what", "error"), [("KeyboardInterrupt", KeyboardInterrupt), ("bug", RuntimeError)]
)
def test_an_interrupt_or_a_bug_leaves_a_sound_store(walk, steer, store, what, error):
    """Both pass through; the same command resumes."""
    fault(steer, "first", what)
    with pytest.raises(error):
        walk(two_claims())
    assert list(store.keys()) == [key_of("data")]
    assert store.verify(key_of("data")) == []
    assert list((store.root / "work").iterdir()) == []
    fault(steer, "first", None)
    assert walk(two_claims()).failed == {}


def test_a_worker_says_whether_it_made_the_artifact(store):
    """True once, False ever after."""
    assert run_stage(planned("data"), store, Resources(), fake_stages.Silent()) is True
    assert run_stage(planned("data"), store, Resources(), fake_stages.Silent()) is False


def test_a_worker_describes_what_it_made(store):
    """Stage, version, config and inputs in meta.json; time and machine beside it."""
    run_stage(planned("data"), store, Resources(), fake_stages.Silent())
    meta = store.meta(key_of("data"))
    assert {name: meta[name] for name in ("stage", "version", "config", "inputs")} == {
        "stage": "make",
        "version": 1,
        "config": {"value": "data"},
        "inputs": {},
    }
    provenance = json.loads((store.get(key_of("data")) / "provenance.json").read_bytes())
    assert {"code", "machine", "python", "libraries", "started", "ended", "seconds"} <= set(
        provenance
    )


def test_a_stage_without_its_inputs_is_refused(store):
    """The plan's order makes this impossible; a damaged store doesn't."""
    with pytest.raises(StageError, match="no artifact"):
        run_stage(planned("first", "data"), store, Resources(), fake_stages.Silent())
    assert list(store.keys()) == []


def test_speeds_are_remembered_for_the_next_estimate(walk, store):
    """Operations per second by kind of work and device; both are needed for an estimate."""
    trained = dataclasses.replace(planned("data"), cost=Cost(training_flops=1e6))
    predicted = dataclasses.replace(planned("claim1", "data"), cost=Cost(inference_flops=1e6))
    one = Plan(
        stages=(trained, predicted),
        comparisons={"claim1": predicted.key},
        demanded=2,
        profile=tiny().profiles["quick"],
    )
    assert calibration(store, "cpu") is None
    walk(one)
    speeds = calibration(store, "cpu")
    # A stage of under a millisecond counts as one.
    assert set(speeds) == {"training", "inference"}
    assert all(0 < speed <= 1e9 for speed in speeds.values())
    assert calibration(store, "cuda") is None


def test_the_speed_of_stages_side_by_side_is_the_machines(store, steer, monkeypatch):
    """Two that took a second each, beside one another: twice the work in that second."""
    monkeypatch.setattr(run, "seconds", lambda *_: 1.0)
    plan = two_claims()
    trained = {key_of("first"), key_of("second")}
    stages = (
        dataclasses.replace(one, cost=Cost(training_flops=1e6)) if one.key in trained else one
        for one in plan.stages
    )
    plan = dataclasses.replace(plan, stages=tuple(stages))
    execute(plan, store, Several(), Resources(mirror=steer), Watcher())
    speeds = json.loads((store.root / "calibration.json").read_bytes())
    assert speeds == {"cpu": {"training": 2e6}}


@pytest.mark.parametrize("text", ["{", '{"cpu": {"training": 1' + "0" * 400 + "}}"])
def test_a_damaged_calibration_is_no_estimate(store, text):
    """It is a convenience; nothing depends on it."""
    store.root.mkdir()
    (store.root / "calibration.json").write_text(text, encoding="utf-8")
    assert calibration(store, "cpu") is None


class Several:
    """Takes every stage, runs it at once, and reports the newest first."""

    def __init__(self):
        self.submitted, self._ended = [], []

    def takes(self, _):
        """Always."""
        return True

    def submit(self, planned, store, resources, watch):
        """Run it here."""
        self.submitted.append(planned.label)
        one = OneAtATime(run_stage)
        one.submit(planned, store, resources, watch)
        self._ended.append(one.wait())

    def wait(self):
        """The newest."""
        return self._ended.pop()


def test_stages_side_by_side_start_when_their_inputs_are_there(store, steer):
    """Both that read `data` before the first of them has ended; a claim when its own input has."""
    backend = Several()
    outcome = execute(two_claims(), store, backend, Resources(mirror=steer), Watcher())
    assert backend.submitted == ["data", "first", "second", "claim2", "claim1"]
    assert (len(outcome.made), outcome.failed) == (5, {})


def test_of_failures_side_by_side_the_plans_first_is_told(store, steer):
    """As one stage after the other would: `second` is reported before `first`."""
    fault(steer, "first", "StageError")
    fault(steer, "second", "DataError")
    plan = two_claims()
    both = dataclasses.replace(
        planned("claim1"), inputs={"a": key_of("first"), "b": key_of("second")}
    )
    plan = dataclasses.replace(plan, stages=(*plan.stages[:3], both, plan.stages[4]))
    outcome = execute(plan, store, Several(), Resources(mirror=steer), Watcher())
    assert {name: type(error) for name, error in outcome.failed.items()} == {
        "claim1": StageError,
        "claim2": DataError,
    }
