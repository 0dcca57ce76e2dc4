"""Several workers on this machine: what starts when, who ends whom, and how many there are."""

import dataclasses
import json
import os
import signal
import time

import psutil
import pytest
from cli_runs import FAKED, begun, parted, start, until
from fake_stages import Silent, key_of, planned

from harness import ending
from harness.artifacts import Store
from harness.backends import local, room
from harness.backends.side_by_side import SideBySide
from harness.costs import Cost
from harness.errors import MachineError, StageError, UsageError
from harness.stages.contract import Resources

GAIN = "phang2020/tydiqa-english-gain"
GIB = 2**30


def children():
    """Processes that this one has started, and those that they started."""
    return psutil.Process().children(recursive=True)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store; workers have fake stages."""
    monkeypatch.setenv("PYTHONPATH", FAKED)
    return Store(tmp_path / "store")


@pytest.fixture
def submit(store, steer):
    """Hands a stage to a backend."""

    def _submit(backend, value):
        backend.submit(planned(value), store, Resources(mirror=steer), Silent)

    return _submit


def test_both_run_at_once(store, steer, submit):
    """Neither ends before both have started; a third has no worker."""
    for value in ("one", "two"):
        (steer / value).write_text("hold", encoding="utf-8")
    with local.opened({"jobs": "2"}) as backend:
        for value in ("one", "two"):
            assert backend.takes(planned(value))
            submit(backend, value)
        assert not backend.takes(planned("three"))
        until(lambda: begun(steer, "one", "two"))
        (steer / "two").unlink()
        assert (backend.wait().planned.label, backend.takes(planned("three"))) == ("two", True)
        (steer / "one").unlink()
        assert backend.wait().made
    assert list(store.keys()) == sorted([key_of("one"), key_of("two")])


def test_a_worker_starts_when_the_others_have_something_to_do(steer, submit):
    """One after the other needs one process, whose libraries are loaded then."""
    before = len(children())
    with local.opened({"jobs": "3"}) as backend:
        for value in ("one", "two"):
            submit(backend, value)
            backend.wait()
        assert len(children()) == before + 1


def test_a_failure_leaves_the_other_alone(steer, submit):
    """What a stage reports is its own affair, and so is a worker that was killed."""
    (steer / "one").write_text("StageError", encoding="utf-8")
    (steer / "two").write_text("hold", encoding="utf-8")
    with local.opened({"jobs": "2"}) as backend:
        submit(backend, "two")
        submit(backend, "one")
        assert isinstance(backend.wait().error, StageError)
        (steer / "one").write_text("die", encoding="utf-8")
        submit(backend, "one")
        error = backend.wait().error
        assert isinstance(error, MachineError) and "killed by signal 9" in str(error)
        (steer / "one").unlink()
        submit(backend, "one")
        assert backend.wait().made
        (steer / "two").unlink()
        assert backend.wait().made


def test_a_bug_is_raised_where_the_walk_waits(steer, submit):
    """Not lost in a thread: the worker ends with its traceback on stderr."""
    (steer / "one").write_text("bug", encoding="utf-8")
    with local.opened({"jobs": "2"}) as backend:
        submit(backend, "one")
        assert "an end with status 1" in str(backend.wait().error)


def test_the_end_takes_unfinished_stages_along(store, steer, submit):
    """Both would sleep for a minute; no process is left, and no half-written artifact."""
    before = len(children())
    for value in ("one", "two"):
        (steer / value).write_text("sleep", encoding="utf-8")
    started = time.monotonic()
    with local.opened({"jobs": "2"}) as backend:
        for value in ("one", "two"):
            submit(backend, value)
        until(lambda: begun(steer, "one", "two"))
    assert time.monotonic() - started < 50
    assert len(children()) == before
    assert list(store.keys()) == [] == list((store.root / "work").glob("*"))


class Idle:
    """A worker whose stages never end before it does."""

    def __init__(self):
        self.running = True

    def start(self):
        """Nothing to start."""

    def run(self, *_):
        """Wait to be closed."""
        until(lambda: not self.running)
        return False

    def close(self):
        """End."""
        self.running = False


def sized(value, threads=None, gib=0.0):
    """A stage of so many threads; a training that writes so many GiB."""
    config = {"value": value, **({"threads": threads} if threads else {})}
    cost = Cost(training_flops=1.0 if gib else 0.0, disk_bytes=int(gib * GIB))
    return dataclasses.replace(planned(value), config=config, cost=cost)


@pytest.mark.parametrize(
    ("most", "there", "next_one", "taken"),
    [
        # One more than fills the cores: no stage uses all of its threads all of the time.
        ({"threads": 2, "memory": 64}, [sized("a", 2)], sized("b", 2), True),
        ({"threads": 2, "memory": 64}, [sized("a", 2), sized("b", 2)], sized("c", 2), False),
        ({"threads": 8, "memory": 64}, [sized(x, 2) for x in "abcd"], sized("e", 2), True),
        ({"threads": 8, "memory": 64}, [sized(x, 2) for x in "abcde"], sized("f"), False),
        ({"threads": 8, "memory": 6}, [sized("a", 2)], sized("b", 2), True),
        ({"threads": 8, "memory": 5}, [sized("a", 2)], sized("b", 2), False),
        ({"threads": 8, "memory": 15}, [sized("a", 2, gib=2)], sized("b", 2, gib=0.2), True),
        ({"threads": 8, "memory": 15}, [sized("a", 2, gib=2)], sized("b", 2, gib=1), False),
        # The first always goes: an estimate must stop nobody.
        ({"threads": 1, "memory": 1}, [], sized("a", 2, gib=9), True),
    ],
)
def test_stages_run_beside_others_as_far_as_they_fit(store, most, there, next_one, taken):
    """Cores and memory, the latter by `needs`: 3 GiB and four times what a training writes."""
    limits = {"threads": most["threads"], "memory": most["memory"] * GIB}
    backend = SideBySide([Idle() for _ in range(9)], limits)
    for one in there:
        backend.submit(one, store, Resources(), Silent)
    assert backend.takes(next_one) is taken
    backend.close()


def jobs(given, monkeypatch, *, gpus=0, cores=8):
    """Workers' devices, and what their stages may need together in GiB."""
    monkeypatch.delenv("HARNESS_JOBS", raising=False)
    monkeypatch.setattr(local, "gpus", lambda: ["H100"] * gpus)
    monkeypatch.setattr(room, "cores", lambda: cores)
    monkeypatch.setattr(room, "free_memory", lambda: 20 * GIB)
    count, most = local._jobs(given)
    return local._devices(count, given), most["threads"], most["memory"] / GIB


ANY = float("inf")


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [
        ({}, 0, ([None] * 8, 8, 20)),
        ({"jobs": "3"}, 0, ([None] * 3, ANY, ANY)),
        ({"jobs": "auto", "memory": "8g"}, 0, ([None] * 8, 8, 20)),
        ({"memory": "8g"}, 0, ([None], ANY, ANY)),
        ({"timeout": 60.0}, 0, ([None], ANY, ANY)),
        ({"devices": 2, "device": "cpu"}, 0, ([None], ANY, ANY)),
        ({}, 1, ([None], ANY, 20)),
        ({}, 2, (["cuda:0", "cuda:1"], ANY, 20)),
        ({"device": "cuda", "jobs": "3"}, 2, (["cuda:0", "cuda:1", "cuda:0"], ANY, ANY)),
        ({"jobs": "3"}, 1, ([None] * 3, ANY, ANY)),
        ({"device": "cuda:1"}, 2, ([None], ANY, 20)),
        ({"device": "cuda:1", "jobs": "2"}, 2, ([None] * 2, ANY, ANY)),
        ({"device": "cpu"}, 2, ([None] * 8, 8, 20)),
    ],
)
def test_how_many_and_where(given, gpus, expected, monkeypatch):
    """As many as have room, on a GPU each where there are several; what was said otherwise."""
    assert jobs(given, monkeypatch, gpus=gpus) == expected


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (8, 8), (96, 8)])
def test_how_many_on_a_processor(cores, workers, monkeypatch):
    """One core needs no other process; each worker has threads for all cores of a large machine."""
    assert jobs({}, monkeypatch, cores=cores)[0] == [None] * workers


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"jobs": "0"}, "no number of stages"),
        ({"jobs": "many"}, "no number of stages"),
        ({"jobs": "2", "devices": 2}, "--devices 2 besides"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    """With words."""
    with pytest.raises(UsageError, match=said), local.opened(given):
        raise AssertionError


def test_a_number_for_other_backends_is_refused(cli, steer):
    """It would have no effect."""
    result = cli("reproduce", GAIN, "--mirror", steer, "--backend", "ray", "--jobs", "2")
    assert result.status == 2
    assert "--jobs: got an option of --backend local" in result.err


def groups(tmp_path, monkeypatch, text):
    """Control groups of a machine with 64 cores; `text` says in which this process is."""
    (tmp_path / "cgroup").write_text(text, encoding="utf-8")
    monkeypatch.setattr(room, "_OWN", tmp_path / "cgroup")
    monkeypatch.setattr(room, "_GROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))


def write(folder, **files):
    """Files of a control group; `__` in a name stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n", encoding="utf-8")


def test_limits_of_control_groups_count(tmp_path, monkeypatch):
    """Of the process's own and of those above; a file that is missing or says `max` limits nobody.

    Half a core is one. What is cached of files that nobody reads can be had.
    """
    groups(tmp_path, monkeypatch, "1:name=x:/old\n0::/slurm/job\n")
    job = tmp_path / "slurm" / "job"
    free = psutil.virtual_memory().available
    assert (room.cores(), room.memory_limit(), room.killed_for_memory()) == (64, None, 0)
    assert abs(room.free_memory() - free) < free / 2
    write(job, cpu__max="max 100000", memory__max="max")
    assert (room.cores(), room.memory_limit()) == (64, None)
    write(job.parent, cpu__max="350000 100000", memory__max=5000000, memory__current=3000000)
    write(job.parent, memory__stat="anon 1\ninactive_file 1000000")
    assert (room.cores(), room.memory_limit(), room.free_memory()) == (3, 5000000, 3000000)
    write(job, cpu__max="50000 100000", memory__events="low 0\noom_kill 2")
    assert (room.cores(), room.killed_for_memory()) == (1, 2)


def test_control_groups_of_the_first_kind_count_too(tmp_path, monkeypatch):
    """In a container its own is the outermost; -1, and a number beyond all memory, limit nobody."""
    groups(tmp_path, monkeypatch, "4:memory:/docker/1\n2:cpu,cpuacct:/docker/1\n0::/\n")
    memory, cpu = tmp_path / "memory", tmp_path / "cpu"
    write(cpu, **{"cpu__cfs_quota_us": -1, "cpu__cfs_period_us": 100000})
    write(memory, memory__limit_in_bytes=9223372036854771712)
    assert (room.cores(), room.memory_limit()) == (64, None)
    write(cpu, **{"cpu__cfs_quota_us": 400000})
    write(memory, memory__limit_in_bytes=5000000, memory__usage_in_bytes=2000000)
    write(memory, memory__stat="inactive_file 0\ntotal_inactive_file 500000")
    write(memory, memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 3")
    assert (room.cores(), room.memory_limit(), room.free_memory()) == (4, 5000000, 3500000)
    assert room.killed_for_memory() == 3


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (100_000_000, "killed for memory at its limit of 0.1 GB"),
        (None, "killed for memory, of which the machine has no more"),
    ],
)
def test_a_worker_that_memory_ran_out_for_says_so(steer, submit, monkeypatch, limit, told):
    """The system counts whom it kills, and that's how we know."""
    (steer / "one").write_text("die", encoding="utf-8")
    counts = iter((1, 2))
    monkeypatch.setattr(room, "killed_for_memory", lambda: next(counts))
    monkeypatch.setattr(room, "memory_limit", lambda: limit)
    with local.opened({"jobs": "2"}) as backend:
        submit(backend, "one")
        assert told in str(backend.wait().error)


def run(steer, tmp_path, *more):
    """A run of the fake claim with two workers."""
    options = ("--mirror", steer, "--out", tmp_path / "run", "--device", "cpu")
    return start("reproduce", GAIN, *options, *more, store=tmp_path / "store", HARNESS_JOBS="2")


def test_a_run_side_by_side_says_what_one_by_one_says(cli, steer, tmp_path):
    """Status, words, numbers of stages, and the comparison's bytes."""
    places = ("--store", tmp_path / "other", "--out", tmp_path / "alone", "--device", "cpu")
    alone = cli("reproduce", GAIN, "--mirror", steer, *places)
    process = run(steer, tmp_path, "--json")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, parted(err)[0]) == (alone.status, "") == (0, "")
    assert len(parted(err)[1]) == 0
    assert json.loads(out)["stages"] == {"made": 37, "cached": 0}
    for name in ("comparison.json", "report.html", "scores.json"):
        same = (tmp_path / "run" / name).read_bytes()
        assert same == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.parametrize(
    ("number", "whom"),
    [
        (signal.SIGINT, "the run"),
        (signal.SIGINT, "all"),
        (signal.SIGTERM, "the run"),
        (signal.SIGTERM, "all"),
        (signal.SIGKILL, "the run"),
    ],
)
def test_workers_end_with_the_run(steer, tmp_path, number, whom):
    """Stopped or killed: none is left to compute for nobody, and the same command goes on.

    A terminal's Ctrl-C goes to all of them.
    """
    for name in ("intermediate", "finetune"):
        (steer / name).write_text("sleep", encoding="utf-8")
    process = run(steer, tmp_path)
    until(lambda: begun(steer, "finetune"))
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.send_signal(number)
    for worker in workers if whom == "all" else ():
        worker.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert parted(err)[0].strip() == f"harness: {ending.INTERRUPTED}"
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    for name in ("intermediate", "finetune"):
        (steer / name).unlink()
    again = run(steer, tmp_path)
    again.communicate(timeout=120)
    assert again.returncode == 0


@pytest.mark.parametrize("when", ["while it starts", "while it works"])
def test_a_worker_told_to_stop_says_nothing(steer, submit, capfd, when):
    """Twice at once, as where Ctrl-C goes to all and the run, which ends, tells its workers too."""
    (steer / "one").write_text("sleep", encoding="utf-8")
    with local.opened({"jobs": "2"}) as backend:
        submit(backend, "one")
        if when == "while it works":
            until(lambda: begun(steer, "one"))
        (worker,) = children()
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            worker.send_signal(number)
        assert "status 130" in str(backend.wait().error)
    assert capfd.readouterr().err == ""


def test_a_killed_worker_ends_the_run(steer, tmp_path):
    """As where memory ran out: status 6, the other worker too; the same command goes on."""
    (steer / "finetune").write_text("sleep", encoding="utf-8")
    process = run(steer, tmp_path)
    until(lambda: begun(steer, "finetune"))
    workers = psutil.Process(process.pid).children(recursive=True)
    until(lambda: any("inside" in " ".join(one.cmdline()) for one in workers))
    workers[0].kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert "killed by signal 9" in err
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    (steer / "finetune").unlink()
    again = run(steer, tmp_path)
    again.communicate(timeout=120)
    assert again.returncode == 0
