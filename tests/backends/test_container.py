"""The worker in a container, against a tiny engine whose containers are plain processes."""

import json
import os
import threading
import time
from pathlib import Path

import fake_stages
import pytest
from engine_fake import faking
from fake_stages import key_of, planned, run_on

from harness.artifacts import Store
from harness.backends import container
from harness.errors import DataError, MachineError, StageError, StoppedError, UsageError
from harness.stages import contract
from harness.stages.contract import Resources

MAKE = (
    "import fake_stages; from harness.stages import contract\n"
    "contract.STAGES = fake_stages.MAKE_STAGES\n"
    "from harness.backends import inside; inside.main()"
)


class Seen:
    """A progress that remembers."""

    def __init__(self):
        self.calls = []

    def start(self, total, unit):
        """The length."""
        self.calls.append((total, unit))

    def advance(self, done, **figures):
        """A step."""
        self.calls.append((done, figures))


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine whose containers know the one stage `make`."""
    monkeypatch.setattr(contract, "STAGES", fake_stages.MAKE_STAGES)
    monkeypatch.chdir(tmp_path)
    with faking(tmp_path) as fake:
        monkeypatch.setenv("DOCKER_HOST", fake.host)
        fake.program = MAKE
        yield fake


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def work(store, steer):
    """Runs stages in one container, in order; what the last one returned."""

    def _work(*stages, progress=None, device="cpu", **given):
        resources = Resources(mirror=steer, device=device)
        made = None
        with container.opened(given) as backend:
            for one in stages:
                made = run_on(backend, one, store, resources, progress or Seen())
        return made

    return _work


def test_stages_run_in_one_container_that_is_removed(engine, store, work):
    """The second reads what the first made; both artifacts are the store's."""
    assert work(planned("first"), planned("second", "first")) is True
    assert (store.sound(key_of("second")) / "value").read_text() == "second"
    assert (len(engine.made), engine.removed) == (1, 1)


def test_what_the_store_has_isnt_made_again(engine, work):
    """As the worker says, wherever it runs."""
    work(planned("first"))
    assert work(planned("first")) is False


def test_a_walk_that_runs_nothing_needs_no_engine(monkeypatch):
    """Everything is in the store: no container, no error."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/sock")
    with container.opened({}):
        pass


def test_its_container_is_locked_down(engine, store, steer, work):
    """The request, as the engine gets it."""
    work(planned("first"))
    made = engine.made[0]
    host = made["HostConfig"]
    assert made["Image"] == engine.answers["image"]["body"]["Id"]
    assert made["User"] == f"{os.getuid()}:{os.getgid()}"
    assert made["Entrypoint"] == ["python", "-m", "harness.backends.inside"]
    assert (made["OpenStdin"], made["StdinOnce"], made["Tty"]) == (True, True, False)
    assert host["NetworkMode"] == "none"
    assert (host["ReadonlyRootfs"], host["Init"], host["Tmpfs"]) == (True, True, {"/tmp": ""})
    assert (host["CapDrop"], host["SecurityOpt"]) == (["ALL"], ["no-new-privileges"])
    assert host["PidsLimit"] == 4096
    assert host["ShmSize"] == 2**30
    # Nine tenths of the engine's memory, and no swap.
    memory = int(engine.answers["info"]["body"]["MemTotal"] * 0.9)
    assert (host["Memory"], host["MemorySwap"]) == (memory, memory)
    assert "NanoCpus" not in host
    assert not host.get("DeviceRequests")
    mounts = {one["Target"]: one["ReadOnly"] for one in host["Mounts"]}
    assert mounts == {str(steer): True, str(store.root): False}


def test_limits_reach_the_engine(engine, work):
    """`--memory` and `--cpus`."""
    work(planned("first"), memory="2g", cpus=1.5)
    host = engine.made[0]["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (2**31, 2**31, 1_500_000_000)


def test_a_gpu_is_asked_for_where_the_device_is_one(engine, work):
    """All of them, so that cuda:1 is the same inside; from the image that has CUDA."""
    engine.images = {"reproduction-harness:gpu"}
    work(planned("first"), device="cuda:1")
    asked = engine.made[0]["HostConfig"]["DeviceRequests"][0]
    assert (asked["Count"], asked["Capabilities"]) == (-1, [["gpu"]])


def test_the_root_of_a_rootless_engine_is_the_caller(engine, work):
    """Another user's number there would be nobody here."""
    engine.answers["info"]["body"]["SecurityOptions"] = ["name=seccomp", "name=rootless"]
    work(planned("first"))
    assert engine.made[0]["User"] == "0:0"


def test_the_image_is_in_the_provenance(engine, store, work):
    """Its ID, which names the bytes, and the name that was asked for."""
    work(planned("first"), image="named")
    said = json.loads((store.get(key_of("first")) / "provenance.json").read_bytes())
    assert said["image"] == {
        "id": engine.answers["image"]["body"]["Id"],
        "name": "named",
        "digests": [],
    }


def test_progress_comes_out(engine, work):
    """The stage's own calls, figures and all; two stages one after the other."""
    engine.program = f"""
import fake_stages
def make(context):
    print("to stdout, which is the protocol's")
    context.progress.start(2, "steps")
    context.progress.advance(1, loss=0.5)
    (context.out / "value").write_text("")
fake_stages.make = make
{MAKE}"""
    seen = Seen()
    work(planned("first"), progress=seen)
    assert seen.calls == [(2, "steps"), (1, {"loss": 0.5})]


def test_what_a_stage_says_goes_to_stderr(engine, work, capfd):
    """Also what it prints to stdout."""
    engine.program = f"""
import fake_stages, sys
def make(context):
    print("printed")
    print("warned", file=sys.stderr)
    (context.out / "value").write_text("")
fake_stages.make = make
{MAKE}"""
    work(planned("first"))
    said = capfd.readouterr()
    assert said.out == ""
    assert {"printed", "warned"} <= set(said.err.splitlines())


@pytest.mark.parametrize("kind", [DataError, StageError, MachineError])
def test_an_expected_failure_keeps_its_class_and_words(engine, steer, work, kind):
    """So that the walk does with it what it does with any."""
    (steer / "first").write_text(kind.__name__)
    with pytest.raises(kind, match=r"first: got a fault; expected none. Mend it\.") as told:
        work(planned("first"))
    assert type(told.value) is kind


def test_after_an_expected_failure_the_same_container_goes_on(engine, store, steer):
    """As after a failure in this process."""
    (steer / "first").write_text("DataError")
    with container.opened({}) as backend:
        with pytest.raises(DataError):
            run_on(backend, planned("first"), store, Resources(mirror=steer), Seen())
        assert run_on(backend, planned("second"), store, Resources(mirror=steer), Seen())
    assert len(engine.made) == 1


def test_a_bug_ends_its_container_and_the_next_stage_gets_another(engine, store, steer, capfd):
    """Its traceback is on stderr; claims that don't need the stage go on."""
    (steer / "first").write_text("bug")
    with container.opened({}) as backend:
        with pytest.raises(StageError, match="got an end with status 1; expected an answer"):
            run_on(backend, planned("first"), store, Resources(mirror=steer), Seen())
        assert run_on(backend, planned("second"), store, Resources(mirror=steer), Seen())
    assert "RuntimeError: a bug" in capfd.readouterr().err
    assert (len(engine.made), engine.removed) == (2, 2)


def test_an_image_of_other_code_is_refused(engine, work):
    """What an old version makes isn't what the key promises."""
    engine.program = f"""
import dataclasses, fake_stages
one = fake_stages.MAKE_STAGES[0]
fake_stages.MAKE_STAGES = (dataclasses.replace(one, version=2),)
{MAKE}"""
    with pytest.raises(MachineError, match=r"got version 2; expected version 1.*container build"):
        work(planned("first"))


def test_a_container_killed_for_memory_is_told_from_a_failure(engine, work):
    """With its limit, and how to raise it."""
    engine.ends_as = "killed for memory"
    engine.program = "import os; os._exit(137)"
    with pytest.raises(MachineError, match=r"killed for memory at its limit of 2\.1 GB.*--memory"):
        work(planned("first"), memory="2g")


@pytest.mark.parametrize("status", [137, 143, 130])
def test_a_container_stopped_from_outside_is_told_from_a_failure(engine, work, status):
    """`docker kill` and `docker stop`: the walk ends as after Ctrl-C."""
    engine.program = f"import os; os._exit({status})"
    with pytest.raises(StoppedError, match=rf"stopped from outside \(status {status}\)") as told:
        work(planned("first"))
    assert told.value.exit_code == 130


def test_a_time_limit_stops_the_container(engine, steer, work):
    """The stage had time to put its work aside."""
    (steer / "first").write_text("sleep")
    with pytest.raises(StoppedError, match="--timeout 2: got a container that still ran then"):
        work(planned("first"), timeout=2)
    assert (engine.stopped, engine.removed) == (1, 1)


def test_an_engine_lost_in_the_middle_is_told(engine, steer, work):
    """Not as a stop from outside: who lost it must start it again."""
    (steer / "first").write_text("sleep")

    def lose():
        while not (steer / "log").exists():
            time.sleep(0.05)
        engine.lose()

    threading.Thread(target=lose, daemon=True).start()
    with pytest.raises(MachineError, match="got a connection that broke in the middle"):
        work(planned("first"))


def test_ctrl_c_stops_and_removes_the_container(engine, store, steer):
    """What the stage had begun is put aside by the stage itself."""
    (steer / "first").write_text("sleep")

    class Pressed(Seen):
        def start(self, total, unit):
            raise KeyboardInterrupt

    engine.program = f"""
import fake_stages, time
def make(context):
    context.progress.start(1, "steps")
    time.sleep(60)
fake_stages.make = make
{MAKE}"""
    with pytest.raises(KeyboardInterrupt), container.opened({}) as backend:
        run_on(backend, planned("first"), store, Resources(mirror=steer), Pressed())
    assert (engine.stopped, engine.removed) == (1, 1)
    assert engine.processes[0].wait() == 130
    assert list((store.root / "work").iterdir()) == []


def test_a_worker_whose_harness_was_killed_ends(engine, store, steer):
    """Its stdin ends; nothing goes on computing for nobody."""
    (steer / "first").write_text("sleep")
    with container.opened({}) as backend:
        threading.Thread(
            target=pytest.raises,
            args=(StoppedError, run_on, backend, planned("first"), store, Resources(mirror=steer)),
            daemon=True,
        ).start()
        while not (steer / "log").exists():
            time.sleep(0.05)
        engine.processes[0].stdin.close()
        assert engine.processes[0].wait(timeout=10) == 130
    assert list((store.root / "work").iterdir()) == []


@pytest.mark.parametrize("folder", ["/", "/usr", "/usr/local", "/tmp"])
def test_a_folder_that_the_image_needs_isnt_covered(engine, store, folder):
    """Mounted at /usr, anybody's folder would hide Python; at /tmp, every run's scratch folder."""
    mirror, match = Resources(mirror=Path(folder)), "that the image has too"
    with container.opened({}) as backend, pytest.raises(UsageError, match=match):
        run_on(backend, planned("first"), store, mirror, Seen())
