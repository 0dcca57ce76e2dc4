"""Real training in a real engine: stopped, killed, resumed, limited, by a user who isn't root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine import (  # noqa: F401  (fixtures)
    GROUP,
    HARDENED,
    USER,
    Engine,
    Image,
    base_image,
    cpu_image,
    engine,
)
from tiny_runs import BEST, RUNS, TINY, harness, run

SAME = ("scores.json", "comparison.json", "report.html")
BACKEND = ("reproduce", "--backend=container")
WHOLE = ("container", "run")
IDENTITY = '{"id":{{json .Id}},"name":{{json (index .RepoTags 0)}},'
IDENTITY += '"digests":{{json .RepoDigests}}}'
SCALE = ("--manifests", "tiny", "--profile", "tiny", "--device", "cpu")
# Artifacts that the store has when the first training begins.
DATA = 11
# Seconds after which something hangs, on whatever machine.
HANGS = 1800


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A user of the machine and of its engine, with a folder of their own."""

    engine: Engine
    image: Image
    folder: Path

    def plain(self) -> subprocess.Popen[str]:
        """The `docker run` of the README."""
        volumes = [f"--volume={self.folder / one}:/harness/{one}" for one in ("runs", "store")]
        volumes += [f"--volume={self.folder}/tiny:/harness/tiny:ro", f"--env={self._identity()}"]
        words = ("reproduce", BEST, *SCALE, "--out", "runs/plain")
        options = (*HARDENED, "--label=harness.role=run", *volumes)
        return self._start("docker", "run", *options, self.image.name, *words)

    def harness(
        self, *verb: str, out: str = "run", store: str = "store", more: str | None = None
    ) -> subprocess.Popen[str]:
        """`harness VERB` on the tiny claim, from an installation outside."""
        places = ("--store", store, "--out", f"runs/{out}")
        command = (*verb, BEST, *SCALE, *places, *([more] if more else []))
        return self._start(sys.executable, "-m", "harness.cli", *command)

    def _identity(self) -> str:
        """As docs/container.md has it."""
        inspected = self.engine.docker("image", "inspect", f"--format={IDENTITY}", self.image.name)
        return f"HARNESS_IMAGE_IDENTITY={inspected.stdout.strip()}"

    def finished(self) -> set[str]:
        """Keys of the store's artifacts."""
        return {one.parent.name for one in self.folder.glob("store/artifacts/*/*/meta.json")}

    def containers(self) -> list[str]:
        """Those that `harness` or `plain` made and that are still there."""
        ours = ("--all", "--quiet", "--filter=label=harness.role")
        return self.engine.docker("ps", *ours).stdout.split()

    def _start(self, *command: str) -> subprocess.Popen[str]:
        # In the group of the engine's socket; reads everything, wherever the checkout may lie.
        socket = os.stat(self.engine.host.removeprefix("unix://"))
        become = (f"--reuid={USER}", f"--regid={GROUP}", f"--groups={socket.st_gid}")
        reads = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        unset = ("HARNESS_MIRROR", "HARNESS_STORE", "HF_HOME", "XDG_CACHE_HOME")
        kept = {name: text for name, text in self.engine.environment.items() if name not in unset}
        return subprocess.Popen(
            ["setpriv", *become, *reads, *command],
            cwd=self.folder,
            env=kept | {"HOME": str(self.folder), "HARNESS_IMAGE": self.image.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def caller(
    engine: Engine,  # noqa: F811
    cpu_image: Image,  # noqa: F811
) -> Iterator[Caller]:
    """Who runs what this module runs."""
    # pytest's own folders are root's alone.
    with tempfile.TemporaryDirectory(prefix="caller-") as name:
        folder = Path(name)
        shutil.copytree(TINY, folder / "tiny")
        for one in (folder, folder / "runs", folder / "store"):
            one.mkdir(exist_ok=True)
            os.chown(one, USER, GROUP)
        somebody = Caller(engine=engine, image=cpu_image, folder=folder)
        yield somebody
        for left in somebody.containers():
            engine.docker("rm", "--force", left)


# Stop and go on


@dataclass(frozen=True, kw_only=True)
class Try:
    """One of several starts of the same run."""

    status: int
    out: str
    err: str
    container: dict[str, Any]
    """What the engine said of its container; empty where nobody asked."""


@pytest.fixture(scope="module")
def tries(caller: Caller) -> dict[str, Try]:
    """The same run in one store: cut off three times in the middle of a stage, then left alone.

    Each time started in another way; at the end once more in each.
    """

    def stop() -> None:
        caller.engine.docker("stop", "--time=60", *caller.containers())

    def kill() -> None:
        caller.engine.docker("kill", *caller.containers())

    # More artifacts each time: no try is for nothing, and none cuts off the data stages.
    found = {"stopped": _cut_off(caller, caller.plain(), DATA, stop)}
    found["killed"] = _cut_off(caller, caller.harness(*BACKEND), DATA + 1, kill)
    running = caller.harness(*WHOLE)
    found["cancelled"] = _cut_off(caller, running, DATA + 2, running.terminate)
    found["plain"] = _ended(caller.plain())
    found["backend"] = _ended(caller.harness(*BACKEND, out="backend"))
    found["whole"] = _ended(caller.harness(*WHOLE, out="whole"))
    return found


def _cut_off(
    caller: Caller, running: subprocess.Popen[str], count: int, end: Callable[[], None]
) -> Try:
    """End it once the store has `count` artifacts and its container is at the next."""
    deadline = time.monotonic() + HANGS
    while len(caller.finished()) < count or not caller.containers():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    told = json.loads(caller.engine.docker("inspect", *caller.containers()).stdout)
    end()
    return _ended(running, told[0])


def _ended(running: subprocess.Popen[str], container: dict[str, Any] | None = None) -> Try:
    out, err = running.communicate(timeout=HANGS)
    return Try(status=running.returncode, out=out, err=err, container=container or {})


def test_docker_stop_interrupts_a_run(tries: dict[str, Try]) -> None:
    """SIGTERM arrives: status 130, and one line that says how to go on."""
    stopped = tries["stopped"]
    assert stopped.status == 130, stopped.err
    assert stopped.err.count("harness: ") == 1
    assert "interrupted. What was finished is kept; the same command goes on." in stopped.err


def test_docker_kill_is_told_as_a_stop_from_outside(tries: dict[str, Try]) -> None:
    """Neither a failure of the stage nor of the harness: status 130."""
    killed = tries["killed"]
    assert killed.status == 130, killed.err
    assert "got stopped from outside (status 137)" in killed.err
    assert "The same command goes on from the store." in killed.err


def test_a_cancelled_job_takes_its_container_with_it(tries: dict[str, Try]) -> None:
    """SIGTERM to the command outside: the run inside is told to stop, and says so."""
    cancelled = tries["cancelled"]
    assert cancelled.status == 130, cancelled.err
    assert "interrupted. What was finished is kept; the same command goes on." in cancelled.err
    assert "Traceback" not in cancelled.err


def test_the_same_command_goes_on_from_the_store(tries: dict[str, Try], caller: Caller) -> None:
    """It makes what the others left, and nothing that is there; then there is nothing to make."""
    assert tries["plain"].status in RUNS, tries["plain"].err
    made, cached = _counted(tries["plain"].out)
    assert (made > 0, cached >= DATA + 2) == (True, True)
    total = made + cached
    assert total == len(caller.finished())
    for way in ("backend", "whole"):
        assert tries[way].status == tries["plain"].status
        assert _counted(tries[way].out) == (0, total)


def _counted(said: str) -> tuple[int, int]:
    """Stages made, and found in the store."""
    (line,) = [one for one in said.splitlines() if " from the store." in one]
    words = line.split()
    return int(words[0]), int(words[3])


def test_cut_off_runs_leave_nothing_in_the_way(tries: dict[str, Try], caller: Caller) -> None:
    """No container; every artifact verifies; what SIGKILL left half-made, `store gc` clears."""
    assert tries
    assert caller.containers() == []
    for action in ("gc", "verify"):
        store = (action, "--store", str(caller.folder / "store"))
        done = run([sys.executable, "-m", "harness.cli", "store", *store])
        assert done.returncode == 0, done.stderr
    assert list((caller.folder / "store" / "work").iterdir()) == []


@pytest.fixture(scope="module")
def local(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of the claim, all of whose stages ran outside, in a store of their own."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "store").symlink_to(first / "store")
    done = run(harness(folder, BEST))
    assert _counted(done.stdout)[0] == 0, done.stderr
    return folder / "run"


@pytest.mark.parametrize("way", ["plain", "backend", "whole"])
def test_its_results_have_the_bytes_of_a_local_run(
    way: str, tries: dict[str, Try], caller: Caller, local: Path
) -> None:
    """Scores, comparison and report, however the container was started."""
    assert tries
    for name in SAME:
        inside = caller.folder / "runs" / way / name
        assert inside.read_bytes() == (local / name).read_bytes(), name


def test_what_a_container_writes_belongs_to_the_caller(
    tries: dict[str, Try], caller: Caller
) -> None:
    """Every file and folder of the store and of the reports."""
    assert tries
    written = [one for name in ("runs", "store") for one in (caller.folder / name).rglob("*")]
    assert len(written) > 100
    assert {(one.stat().st_uid, one.stat().st_gid) for one in written} == {(USER, GROUP)}


def test_the_images_identity_is_in_the_provenance(tries: dict[str, Try], caller: Caller) -> None:
    """Of the run, and of every artifact, whichever way the container was started."""
    assert tries
    id_ = caller.engine.docker("image", "inspect", "--format={{.Id}}", caller.image.name).stdout
    told = json.loads((caller.folder / "runs/whole/provenance.json").read_bytes())
    assert told["here"]["image"]["id"] == id_.strip()
    assert {one["image"]["id"] for one in told["stages"].values()} == {id_.strip()}


@pytest.mark.parametrize("way", ["killed", "cancelled"])
def test_its_containers_are_locked_down(way: str, tries: dict[str, Try], caller: Caller) -> None:
    """As the engine has them, without a flag from the caller."""
    config, host = (tries[way].container[part] for part in ("Config", "HostConfig"))
    assert config["User"] == f"{USER}:{GROUP}"
    assert (host["NetworkMode"], host["ReadonlyRootfs"]) == ("none", True)
    assert (host["Privileged"], host["CapAdd"], host["CapDrop"]) == (False, None, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["PidsLimit"], host["Init"], host["Tmpfs"]) == (4096, True, {"/tmp": ""})
    assert 0 < host["Memory"] == host["MemorySwap"]
    writable = {one["Target"] for one in host["Mounts"] if not one.get("ReadOnly")}
    runs = {str(caller.folder / "runs" / "run")} if way == "cancelled" else set()
    assert writable == {str(caller.folder / "store")} | runs


# Told apart


@pytest.mark.parametrize(
    ("verb", "more", "status", "told"),
    [
        (BACKEND, "--memory=100m", 6, "killed for memory at its limit of 0.1 GB"),
        (WHOLE, "--memory=100m", 6, "killed for memory at its limit of 0.1 GB"),
        (BACKEND, "--timeout=1", 130, "--timeout 1: got a container that still ran then"),
        (BACKEND, "--image=nowhere:1", 6, "image nowhere:1: got no such image"),
        (WHOLE, "--device=cuda", 6, "got an engine without a GPU runtime"),
    ],
)
def test_what_ends_a_container_is_told(
    verb: tuple[str, ...],
    more: str,
    status: int,
    told: str,
    caller: Caller,
) -> None:
    """The kernel, the clock, or the engine's own refusal: each in our words, nothing left."""
    # Options after the claim's, of which the last counts; nothing is in this store.
    ended = _ended(caller.harness(*verb, store=f"store{more}", more=more))
    assert ended.status == status, ended.err
    assert told in ended.err
    assert ended.err.count("harness: ") == 1
    assert caller.containers() == []
