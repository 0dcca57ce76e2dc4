"""Stages on the machines of a Ray cluster, side by side: each as soon as a machine has room.

Every machine has this project at the same version, and the store, the mirror and brought data at
the same paths (a shared POSIX folder with file locks). Through Ray go a stage's description and how
it ended, no data. A stage whose machine or process is lost is tried again elsewhere; an error that
the stage itself reports isn't. docs/scaling.md has the set-up.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness import wire
from harness.artifacts import Store, describe_os_errors
from harness.backends import Backend, Ended, inside
from harness.backends.side_by_side import needs
from harness.errors import HarnessError, MachineError, StageError, UsageError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources, Silent

# Ray reports its usage to its makers unless it is told not to, before it is imported.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray.exceptions import RayError, RayTaskError

# Times that a stage is started anew after its machine or process was lost.
_RETRIES = 3
# Seconds after which who waits is told that nothing runs.
_SILENCE = 60.0
# Seconds until every machine sees what another has written: NFS clients may remember for a minute
# that a file wasn't there.
_PATIENCE = 90.0
_GIB = 2**30


def work(job: bytes) -> Iterator[dict[str, Any]]:
    """On a machine of the cluster: say which it is, run the stage, say how it ended."""
    node = ray.get_runtime_context().get_node_id()
    yield {"machine": f"{socket.gethostname()} ({node[:6]})"}
    planned, store, _ = wire.read_job(job)
    # The folder itself is as old as the run: nothing has to appear.
    if store.root.is_dir() and all(_appears(store, key) for key in planned.inputs.values()):
        yield inside.do(job, Silent())
    else:
        lacks = f"a machine, {socket.gethostname()}, that doesn't see what the others wrote there"
        yield wire.error_event(_not_shared(store, lacks))


@dataclass
class _Job:
    """A stage that the cluster has."""

    planned: PlannedStage
    store: Store
    resources: Resources
    watch: Callable[[], Progress]
    progress: Progress | None = None
    machine: str = ""
    lost: int = 0


class _Cluster:
    """The stages that Ray has, each as a stream of events."""

    def __init__(self, address: str | None, stack: contextlib.ExitStack) -> None:
        """Ray is connected with the first stage; closing `stack` ends what runs."""
        self._address, self._stack = address, stack
        self._remote: Any = None
        self._jobs: dict[Any, _Job] = {}

    def takes(self, _: PlannedStage, /) -> bool:
        """Always: Ray keeps what has no room yet."""
        return True

    def submit(
        self,
        planned: PlannedStage,
        store: Store,
        resources: Resources,
        watch: Callable[[], Progress],
    ) -> None:
        """Give the stage to Ray.

        Raises:
            MachineError: the cluster can't be reached or started, or has no GPU for the stage.
        """
        if self._remote is None:
            self._stack.enter_context(_connected(self._address, resources.device))
            self._stack.callback(self._cancel)
            self._remote = ray.remote(num_returns="streaming", max_retries=0)(work)
        with describe_os_errors(store.root):
            store.root.mkdir(parents=True, exist_ok=True)
        self._launch(_Job(planned, store, resources, watch))

    def wait(self) -> Ended:
        """Follow all stages until one has ended."""
        since = time.monotonic()
        while True:
            # For a moment at a time: Ray looks for Ctrl-C only between two waits.
            streams, _ = ray.wait(list(self._jobs), num_returns=1, timeout=0.5)
            for stream in streams:
                ended = self._follow(stream)
                if ended is not None:
                    return ended
            if any(job.machine for job in self._jobs.values()):
                since = time.monotonic()
            elif time.monotonic() - since > _SILENCE:
                since = time.monotonic()
                _say(f"nothing runs; stages that wait for a machine with room: {len(self._jobs)}")

    def _cancel(self) -> None:
        """End what runs: each stage leaves the store as Ctrl-C leaves it, if it does so in time.

        One that waits for something outside Python doesn't; its process goes with the connection.
        """
        for stream in self._jobs:
            ray.cancel(stream)
        ends = [stream.completed() for stream in self._jobs]
        if ends:
            ray.wait(ends, num_returns=len(ends), timeout=10)

    def _launch(self, job: _Job) -> None:
        needs = _needs(job.planned, job.resources, _largest())
        task = self._remote.options(name=job.planned.stage, **needs)
        self._jobs[task.remote(wire.write_job(job.planned, job.store, job.resources))] = job

    def _follow(self, stream: Any) -> Ended | None:
        """The next event of a stage; how it ended where that was the last."""
        job = self._jobs[stream]
        try:
            event = ray.get(next(stream))
        except RayTaskError as error:
            # A bug: its traceback names the machine. Ray 2.60 aborts this process where a task is
            # cancelled while its end is on the way.
            del self._jobs[stream]
            raise error.cause from error
        except RayError as error:
            del self._jobs[stream]
            return self._again(job, error)
        if "machine" in event:
            self._started(job, event["machine"])
            return None
        del self._jobs[stream]
        return self._ended(job, event)

    def _started(self, job: _Job, machine: str) -> None:
        job.machine = machine
        job.progress = job.progress or job.watch()
        job.progress.start(0, f"on {machine}")
        _say(f"{_name(job)} runs on {machine}")

    def _ended(self, job: _Job, event: Mapping[str, Any]) -> Ended:
        assert job.progress is not None
        try:
            made = bool(wire.follow(event, job.progress))
            if not _appears(job.store, job.planned.key):
                raise _not_shared(job.store, f"an artifact of {job.machine} isn't seen here")
        except HarnessError as error:
            _say(f"{_name(job)} failed on {job.machine}")
            return Ended(planned=job.planned, error=error)
        _say(f"{_name(job)} {'done' if made else 'found made'} on {job.machine}")
        return Ended(planned=job.planned, made=made)

    def _again(self, job: _Job, error: RayError) -> Ended | None:
        """Start a lost stage anew; a failure where it was lost too often."""
        job.lost += 1
        where = f"{_name(job)} on {job.machine or 'no machine yet'}"
        if job.lost <= _RETRIES:
            _say(f"{where}: lost ({type(error).__name__}); try {job.lost + 1} of {_RETRIES + 1}")
            job.machine = ""
            self._launch(job)
            return None
        failure = StageError(
            where=where,
            got=f"its process lost {job.lost} times, at last by {type(error).__name__}",
            expected="a machine and a process that last",
            fix="Look whether memory ran out there (Ray's logs); the same command goes on.",
        )
        return Ended(planned=job.planned, error=failure)


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """A cluster: `--ray-address`, else $RAY_ADDRESS, else one of this machine alone.

    Raises:
        UsageError: a certain GPU was asked for.
    """
    device = str(given.get("device") or "auto")
    if ":" in device:
        raise UsageError(
            where=f"--device {device}",
            got="one GPU of this machine",
            expected="cpu or cuda with --backend ray",
            fix="Ray gives each stage a GPU of its own; leave the number out.",
        )
    with contextlib.ExitStack() as stack:
        yield _Cluster(given.get("ray_address") or os.environ.get("RAY_ADDRESS"), stack)


@contextlib.contextmanager
def _connected(address: str | None, device: str) -> Iterator[None]:
    common = {"log_to_driver": False, "logging_level": "ERROR"}
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    with contextlib.ExitStack() as stack:
        # What its machines tell Ray prints to stdout, which is for results; the rest as it ends.
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        if address is None:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
            )
            # Nothing but descriptions goes through Ray's own memory.
            common |= {"address": "local", "include_dashboard": False, "_temp_dir": folder}
            common |= {"object_store_memory": 100_000_000}
        else:
            common |= {"address": address}
        try:
            _knock(address)
            ray.init(**common)
        except Exception as error:
            raise _no_cluster(address, error) from error
        finally:
            # Ray's own would end a stopped run with another status.
            for number, handler in handlers.items():
                signal.signal(number, handler)
        stack.callback(ray.shutdown)
        if device == "cuda" and not ray.cluster_resources().get("GPU"):
            raise MachineError(
                where="--device cuda",
                got="a Ray cluster without a GPU",
                expected="a machine that tells Ray of one",
                fix="Use --device cpu, or start Ray where there is a GPU.",
            )
        yield


def _knock(address: str | None) -> None:
    """OSError where nobody listens: Ray would go on trying for many minutes."""
    host, _, port = (address or "").rpartition(":")
    if port.isdigit():
        socket.create_connection((host.rpartition("/")[2].strip("[]"), int(port)), 10).close()


def _needs(
    planned: PlannedStage, resources: Resources, largest: Mapping[str, float]
) -> dict[str, float]:
    """What Ray is to keep free for a stage: an estimate, and never more than a machine has."""
    wanted = needs(planned)
    gpu = bool(planned.config.get("threads")) and resources.device == "cuda"
    return {
        "num_cpus": min(wanted["threads"], largest["CPU"]),
        "num_gpus": 1.0 if gpu else 0.0,
        "memory": min(wanted["memory"], largest["memory"]),
    }


def _largest() -> dict[str, float]:
    """CPUs, and bytes of memory, of the machine that has the most of them."""
    machines = [one["Resources"] for one in ray.nodes() if one["Alive"]]
    # A cluster that starts its machines on demand may have none yet.
    return {
        name: max((one[name] for one in machines if one.get(name)), default=usual)
        for name, usual in (("CPU", 1.0), ("memory", float(_GIB)))
    }


def _appears(store: Store, key: str) -> bool:
    """Whether the artifact is there, or is within the time that a shared folder may take."""
    until = time.monotonic() + _PATIENCE
    while not store.has(key):
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _not_shared(store: Store, got: str) -> MachineError:
    return MachineError(
        where=f"store {store.root}",
        got=got,
        expected="one folder that all machines share",
        fix="Mount it at the same path on every machine, or name another --store.",
    )


def _no_cluster(address: str | None, error: Exception) -> MachineError:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return MachineError(
        where=f"Ray cluster {address}" if address else "Ray on this machine",
        got=said[0],
        expected="a cluster that answers",
        fix="Start one with `ray start --head`, or look at --ray-address and $RAY_ADDRESS."
        if address
        else "Try again when the machine has less to do, or use --backend local.",
    )


def _name(job: _Job) -> str:
    return f"{job.planned.stage} {job.planned.label}"


def _say(line: str) -> None:
    # Through sys.stderr, where a progress bar makes room for it.
    sys.stderr.write(f"ray: {line}\n")
    sys.stderr.flush()
