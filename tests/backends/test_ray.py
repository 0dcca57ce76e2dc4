"""Stages on a Ray cluster of two machines, which are processes here, with fake stages."""

import contextlib
import json
import re
import shutil
import signal
import tempfile

import fake_stages
import pytest
from cli_runs import FAKED, start, until
from fake_stages import planned, run_on

from harness.artifacts import Store
from harness.backends import opened
from harness.errors import MachineError, StageError
from harness.stages import contract
from harness.stages.contract import Resources

GAIN = "phang2020/tydiqa-english-gain"
NODE = {"object_store_memory": 80_000_000, "memory": 2**31, "include_dashboard": False}


class Machines:
    """A cluster: a head that computes nothing, and machines of one CPU each."""

    def __init__(self, folder):
        from ray.cluster_utils import Cluster

        self._cluster, self._nodes = Cluster(), {}
        self._add(num_cpus=0, temp_dir=folder)
        self.address = self._cluster.address
        self.fill()

    def fill(self):
        """Have two machines."""
        while len(self._nodes) < 2:
            node = self._add(num_cpus=1)
            self._nodes[node.node_id[:6]] = node

    def _add(self, **more):
        """One machine; Ray gives it 30 seconds, which a busy computer exceeds now and then."""
        for _ in range(2):
            with contextlib.suppress(Exception):
                return self._cluster.add_node(**NODE, **more)
        return self._cluster.add_node(**NODE, **more)

    def kill(self, name):
        """Pull the plug of the machine whose number starts so."""
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def stop(self):
        """End everything."""
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def cluster():
    """Two machines that know the fake stages."""
    # Short: Ray's sockets lie in it.
    folder = tempfile.mkdtemp(prefix="ray-")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FAKED)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        machines = Machines(folder)
        yield machines
        machines.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def machines(cluster):
    """Two machines, also where an earlier test killed one."""
    cluster.fill()
    return cluster


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def backend(machines, monkeypatch):
    """The cluster, for stages of kind `make`."""
    monkeypatch.setattr(contract, "STAGES", fake_stages.MAKE_STAGES)
    with opened({"backend": "ray", "ray_address": machines.address}) as ray:
        yield ray


def reproduce(machines, steer, store, *more):
    """`harness reproduce` of a claim on the cluster, in a process of its own."""
    where = () if machines is None else ("--backend", "ray", "--ray-address", machines.address)
    arguments = ("reproduce", GAIN, "--mirror", steer, "--out", store / "run", *where, *more)
    return start(*arguments, store=store)


def told(process, pattern):
    """Wait until stderr has a line that begins so; its first group."""
    lines = []
    for line in process.stderr:
        found = re.match(pattern, line)
        if found:
            return found[1]
        lines.append(line)
    raise AssertionError(lines)


def ran(steer):
    """The kinds of stages that ran, sorted."""
    log = steer / "log"
    return sorted(log.read_text("utf-8").split()) if log.exists() else []


def payloads(folder):
    """Key -> sha256 of each file of each artifact, times and machines left out."""
    store = Store(folder)
    found = {}
    for key in store.keys():  # noqa: SIM118
        assert store.verify(key) == []
        files = store.meta(key)["files"]
        found[key] = {name: one["sha256"] for name, one in files.items() if "proven" not in name}
    return found


def test_a_lost_machine_costs_the_stage_that_it_ran(machines, steer, tmp_path):
    """The run ends with the bytes of a run on one machine, and repeats that one stage."""
    alone = reproduce(None, steer, tmp_path / "alone", "--json")
    expected, _ = alone.communicate(timeout=120)
    once = ran(steer)
    (steer / "log").unlink()

    (steer / "predict").write_text("hold")
    process = reproduce(machines, steer, tmp_path / "shared", "--json")
    name = told(process, r"ray: predict .* runs on \S+ \((\w+)\)")
    machines.kill(name)
    assert told(process, r"ray: (\w+) .*: lost \(.*\); try 2 of 4") == "predict"
    (steer / "predict").unlink()
    out, err = process.communicate(timeout=240)

    assert (process.returncode, alone.returncode) == (0, 0), err
    assert ": lost (" not in err
    for name in ("stages", "comparisons", "failed"):
        assert json.loads(out)[name] == json.loads(expected)[name]
    assert ran(steer) == sorted([*once, "predict"])
    assert payloads(tmp_path / "shared") == payloads(tmp_path / "alone")
    for file in ("comparison.json", "scores.json", "report.html"):
        both = [tmp_path / folder / "run" / file for folder in ("shared", "alone")]
        assert both[0].read_bytes() == both[1].read_bytes()


def test_stages_run_side_by_side_on_both_machines(backend, store, steer):
    """Each waits for a file to go, so neither ends before both have started."""
    resources = Resources(mirror=steer)
    for name in ("one", "two"):
        (steer / name).write_text("hold")
        backend.submit(planned(name), store, resources, fake_stages.Silent)
    until(lambda: ran(steer) == ["one", "two"])
    for name in ("one", "two"):
        (steer / name).unlink()
    assert {backend.wait().planned.label, backend.wait().planned.label} == {"one", "two"}


def test_stages_keep_checkpoints_as_asked_for_here(machines, steer, tmp_path):
    """`--checkpoints` reaches the machine that runs the stage."""
    (steer / "finetune").write_text("tell")
    process = reproduce(machines, steer, tmp_path / "store", "--checkpoints", "7steps")
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert (steer / "told").read_text() == "None 7"


@pytest.mark.parametrize("error", ["DataError", "StageError", "VerificationError", "MachineError"])
def test_what_a_stage_reports_is_its_error_and_no_second_try(backend, store, steer, error):
    """As in this process: class and words."""
    (steer / "first").write_text(error)
    with pytest.raises(Exception, match=r"first: got a fault; expected none. Mend it\.") as told:
        run_on(backend, planned("first"), store, Resources(mirror=steer))
    assert type(told.value).__name__ == error
    assert ran(steer) == ["first"]


def test_a_bug_keeps_its_traceback(machines, store, steer, monkeypatch):
    """It is ours to mend; nothing is tried again, or cancelled where it has ended."""
    import ray

    cancelled = []
    monkeypatch.setattr(contract, "STAGES", fake_stages.MAKE_STAGES)
    monkeypatch.setattr(ray, "cancel", cancelled.append)
    (steer / "first").write_text("bug")
    with (
        pytest.raises(RuntimeError, match="a bug"),
        opened({"backend": "ray", "ray_address": machines.address}) as backend,
    ):
        run_on(backend, planned("first"), store, Resources(mirror=steer))
    assert (ran(steer), cancelled) == (["first"], [])


def test_a_stage_whose_process_always_dies_fails(capsys, backend, store, steer):
    """After four tries; claims that don't need it would go on."""
    (steer / "first").write_text("die")
    with pytest.raises(StageError, match="its process lost 4 times, at last by WorkerCrashed"):
        run_on(backend, planned("first"), store, Resources(mirror=steer))
    assert ran(steer) == ["first"] * 4
    assert "(WorkerCrashedError); try 2 of 4\n" in capsys.readouterr().err


def test_an_interrupt_ends_the_running_stages_too(machines, steer, tmp_path):
    """Status 130 and one line; what was finished is sound, and nothing is left in progress."""
    for name in ("finetune", "intermediate"):
        (steer / name).write_text("hold")
    process = reproduce(machines, steer, tmp_path / "store")
    # Both machines have one that lasts, so that nothing begins or ends just then.
    until(lambda: sum(name in ("finetune", "intermediate") for name in ran(steer)) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("harness: interrupted.")
    assert "Traceback" not in err
    store = Store(tmp_path / "store")
    assert [store.verify(key) for key in store.keys()] == [[]] * len(list(store.keys()))  # noqa: SIM118
    assert list((tmp_path / "store" / "work").iterdir()) == []


def test_a_machine_that_has_another_store_is_told(backend, steer, monkeypatch):
    """What it wrote isn't seen here."""
    from harness.backends import ray

    monkeypatch.setattr(ray, "_PATIENCE", 0.0)
    monkeypatch.setattr(Store, "has", lambda self, key: False)
    store = Store(steer / "store")
    with pytest.raises(MachineError, match="isn't seen here; expected one folder that all machi"):
        run_on(backend, planned("first"), store, Resources(mirror=steer))


def test_a_cluster_without_a_gpu_is_told_from_the_first(backend, store):
    """Rather than after hours of waiting for one."""
    with pytest.raises(MachineError, match="--device cuda: got a Ray cluster without a GPU"):
        run_on(backend, planned("first"), store, Resources(device="cuda"))


def test_a_cluster_that_does_not_answer_is_told(cli, steer):
    """Status 6 and one paragraph."""
    given = ("--backend", "ray", "--ray-address", "127.0.0.1:1")
    result = cli("reproduce", GAIN, "--mirror", steer, *given)
    assert result.status == 6
    assert result.err.startswith("harness: Ray cluster 127.0.0.1:1: got ")
    assert result.err.count("\n") == 1
