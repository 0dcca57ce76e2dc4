"""A training on two devices (processes of this machine's CPU) against one."""

import json
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
import torch
from stage_runs import Silent
from training_bench import LABELS, MULTI, Bench, pairs, part, tagged

from harness.artifacts import Store
from harness.backends import opened
from harness.costs import Cost
from harness.errors import HarnessError, MachineError, UsageError
from harness.graph import PlannedStage
from harness.stages.contract import Resources, stage
from harness.training.weights import read_delta
from harness.worker import run_stage


class Log(Silent):
    """A progress that counts, and calls `then` at each step."""

    def __init__(self, then=lambda: None):
        self.done, self.then = 0, then

    def advance(self, done, **figures):
        """Count."""
        self.done += done
        self.then()


@pytest.fixture
def training(tmp_path):
    """A function that plans a training in a store of its own name."""
    bench = Bench(tmp_path / "bench")
    folders = {"encoder": bench.encoder}
    folders["examples/0/0"] = bench.data("pairs", pairs(14))
    folders["examples/1/0"] = bench.data("tags", tagged(12))

    def _training(name, *, mixed=False, precision="fp32", **changes):
        store = Store(tmp_path / name)
        roles = [role for role in folders if mixed or role != "examples/1/0"]
        inputs = {role: str(number) * 64 for number, role in enumerate(roles)}
        for role, key in inputs.items():
            with store.writing(key) as folder:
                shutil.copytree(folders[role], folder, dirs_exist_ok=True)
                store.commit(key, folder, {}, {})
        parts = [part("classification", LABELS, **changes), part("tagging", "data", **changes)]
        config = {
            "parts": parts[: 1 + mixed],
            "mix": {"multi_task": MULTI, "masked_lm": None} if mixed else None,
            "seed": 0,
            "precision": precision,
            "threads": 1,
        }
        version = stage("finetune").version
        planned = PlannedStage(
            key="f" * 64,
            stage="finetune",
            version=version,
            label="tiny",
            config=config,
            inputs=inputs,
            cost=Cost(),
        )
        return planned, store

    return _training


def made(planned, store, devices):
    """Run it; returns what `made_already` does."""
    given = Resources(devices=devices, checkpoint_seconds=None)
    assert run_stage(planned, store, given, Log())
    return made_already(planned, store)


def made_already(planned, store):
    """Its log, what it trained and its provenance."""
    folder = store.sound(planned.key)
    log = json.loads((folder / "training.json").read_text("utf-8"))
    delta = read_delta(folder)
    facts = json.loads((folder / "provenance.json").read_text("utf-8"))
    return log, delta, facts


def agree(one, two, tolerance):
    """Equal losses and weights, to rounding."""
    (log, delta, _), (other_log, other, _) = one, two
    assert [step for step, _ in log["loss"]] == [step for step, _ in other_log["loss"]]
    losses = [value for _, value in other_log["loss"]]
    assert [value for _, value in log["loss"]] == pytest.approx(losses, abs=tolerance)
    assert log["tokens"] == other_log["tokens"]
    assert torch.equal(delta.rows, other.rows)
    tensors = {**delta.tensors, **delta.heads, "words": delta.values}
    others = {**other.tensors, **other.heads, "words": other.values}
    assert tensors.keys() == others.keys()
    for name, value in tensors.items():
        if name.endswith("key.bias"):
            continue  # softmax cancels it: its gradient is rounding alone, which Adam blows up
        assert torch.allclose(value, others[name], atol=tolerance), name


@pytest.mark.parametrize(
    ("precision", "accumulation", "tolerance"), [("fp32", 3, 2e-5), ("bf16", 2, 2e-2)]
)
def test_two_processes_train_what_one_does(training, precision, accumulation, tolerance):
    """Losses and weights, with dropout; 14 units in steps of 4, so that the last is short."""
    given = {"precision": precision, "accumulation": accumulation}
    one = made(*training("one", **given), 1)
    two = made(*training("two", **given), 2)
    agree(one, two, tolerance)
    assert "devices" not in one[2]
    assert two[2]["devices"] == 2


def test_a_process_without_a_micro_batch_takes_part(training):
    """14 units in steps of 13: the second is one unit. Two tasks, whose heads take turns."""
    given = {"mixed": True, "batch_size": 13, "accumulation": 2}
    one = made(*training("one", **given), 1)
    two = made(*training("two", **given), 2)
    agree(one, two, 2e-5)


def test_a_step_of_one_micro_batch_is_cut(training):
    """Else one device would do nothing; the same as one device with as many micro-batches."""
    one = made(*training("one", accumulation=2), 1)
    two = made(*training("two", accumulation=1), 2)
    agree(one, two, 2e-5)


def test_a_training_on_two_devices_goes_on_where_it_was(training):
    """Interrupted after its fifth step, it ends with the bits of one that wasn't."""
    whole = made(*training("whole", accumulation=2), 2)
    planned, store = training("parts", accumulation=2)
    log = Log()
    given = Resources(devices=2, checkpoint_seconds=None, checkpoint_steps=1)

    def stop():
        if log.done == 5:
            raise KeyboardInterrupt

    log.then = stop
    with pytest.raises(KeyboardInterrupt):
        run_stage(planned, store, given, log)
    assert children() == []
    assert list(store.scratch(planned.key).glob("0*"))
    assert made(planned, store, 2)[0] == whole[0]
    agree(made_already(planned, store), whole, 0.0)


def test_a_process_that_dies_ends_the_stage(training):
    """One paragraph, no artifact, and no process is left."""
    planned, store = training("one", epochs=200)

    def kill():
        for one in children():
            if one.environ().get("RANK") == "1":
                one.kill()

    with pytest.raises(MachineError, match="killed by signal 9; the others were ended"):
        run_stage(planned, store, Resources(devices=2), Log(kill))
    assert children() == []
    assert not store.has(planned.key)


def test_what_a_stage_says_is_wrong_is_told(training):
    """Found by every process, it is one error: that of a training on one device."""
    said = []
    for devices in (1, 2):
        planned, store = training(f"on-{devices}", max_length=10_000)
        with pytest.raises(HarnessError, match="10000") as told:
            run_stage(planned, store, Resources(devices=devices), Log())
        said.append(str(told.value))
    assert said[0] == said[1]
    assert children() == []


def test_processes_end_with_whoever_started_them(tmp_path):
    """Killed without warning, it leaves none behind."""
    code = (
        "import sys, pathlib; from harness import several_devices as one\n"
        "with one._started(2, pathlib.Path(sys.argv[1])) as processes:\n"
        "    print(*[each.pid for each in processes], flush=True)\n"
        "    processes[0].wait()\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
    with starter:
        ranks = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
        starter.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(ranks, timeout=60)
    assert alive == []


@pytest.mark.parametrize("backend", ["container", "ray"])
def test_other_backends_refuse_the_option(backend):
    """Only this machine's devices are shared so far."""
    with pytest.raises(UsageError, match="--devices: got an option of --backend local"):
        opened({"backend": backend, "devices": 2})


def children():
    """The ranks that this process has started and that live."""
    return [
        one
        for one in psutil.Process().children(recursive=True)
        if one.status() != psutil.STATUS_ZOMBIE and "harness.backends.rank" in one.cmdline()
    ]
