"""Workers in processes of their own on this machine: several, or one with limits.

Inside runs the same as in a container (`inside.py`): jobs on its stdin, events on its stdout.
Memory is what is resident, looked at ten times a second: address space, which the system itself
can limit, says little about a process with torch in it.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import psutil

from harness import wire
from harness.artifacts import Store
from harness.backends import Backend, inside, room
from harness.backends.side_by_side import SideBySide
from harness.errors import HarnessError, MachineError, StageError, StoppedError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

_LOOK = 0.1  # seconds
_GRACE = 10.0  # seconds for a worker to put its work aside, before it is killed
_GOES_ON = "What was finished is kept; the same command goes on."


class _Worker:
    """The process of a walk, while it lives; a stage that ends it takes no other with it."""

    def __init__(self, device: str | None, memory: int | None, timeout: float | None) -> None:
        """The device that is its own, bytes that it may take, and seconds that it may run."""
        self._device, self._memory, self._timeout = device, memory, timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: HarnessError | None = None
        self._killed_before = 0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "harness.backends.inside"]
        # Ctrl-C goes to it too, and waits there: Python would print where it was in its start.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, inside.STOPS)
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._process, self._failure = process, None
        self._killed_before = room.killed_for_memory()
        if self._memory is not None or self._timeout is not None:
            threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def run(
        self, planned: PlannedStage, store: Store, resources: Resources, progress: Progress
    ) -> bool:
        """Run the stage in the process, which was started; True where it was made now.

        Raises:
            HarnessError: what the stage says is wrong, as `worker.run_stage`.
            MachineError: it took more memory than it may, or was killed.
            StoppedError: it ran longer than it may.
        """
        process = self._process
        assert process and process.stdin is not None and process.stdout is not None
        if self._device:
            resources = replace(resources, device=self._device)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(wire.write_job(planned, store, resources))
            process.stdin.flush()
        for line in process.stdout:
            made = wire.follow(json.loads(line), progress)
            if made is not None:
                return made
        self.close()
        if self._failure:
            raise self._failure
        killed = process.returncode == -signal.SIGKILL
        if killed and room.killed_for_memory() > self._killed_before:
            raise _without_memory(room.memory_limit())
        raise _ended(process.returncode)

    def close(self) -> None:
        """End it: where its input ends, it does."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        _let_end(process)
        process.stdout.close()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        started = time.monotonic()
        while process.poll() is None:
            if self._timeout is not None and time.monotonic() - started > self._timeout:
                self._failure = _timed_out(self._timeout)
                process.terminate()
                _let_end(process)
            elif self._memory is not None and _resident(process.pid) > self._memory:
                self._failure = _out_of_memory(self._memory)
                process.kill()
            time.sleep(_LOOK)


@contextlib.contextmanager
def opened(
    devices: Sequence[str | None],
    memory: int | None,
    timeout: float | None,
    most: Mapping[str, float],
) -> Iterator[Backend]:
    """Workers that live as long as the context; each starts with its first stage.

    Args:
        devices: one for each worker; None: the one that a stage is given.
        memory: bytes that a worker may take.
        timeout: seconds that it may run.
        most: what stages side by side may need together; see `side_by_side.needs`.
    """
    workers = [_Worker(one, memory, timeout) for one in devices]
    with contextlib.closing(SideBySide(workers, most)) as backend:
        yield backend


def _resident(pid: int) -> int:
    """Bytes in memory of a process and of those that it started."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family)
    except psutil.Error:
        return 0


def _let_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _timed_out(seconds: float) -> StoppedError:
    return StoppedError(
        where=f"--timeout {seconds:g}",
        got="a stage that still ran then",
        expected="an end within that time",
        fix=f"It was stopped. {_GOES_ON}",
    )


def _out_of_memory(limit: int) -> MachineError:
    return MachineError(
        where="the worker",
        got=f"more memory than its limit of {limit / 1e9:.1f} GB; it was killed",
        expected="a stage that fits",
        fix=f"Raise --memory, as far as the machine has more. {_GOES_ON}",
    )


def _without_memory(limit: int | None) -> MachineError:
    at = f" at its limit of {limit / 1e9:.1f} GB" if limit else ", of which the machine has no more"
    return MachineError(
        where="the worker",
        got=f"killed for memory{at}",
        expected="memory for the stages that run at once",
        fix="Raise the limit where a container or a batch system sets one, or run fewer at once "
        f"with --jobs. {_GOES_ON}",
    )


def _ended(status: int) -> HarnessError:
    if status < 0:
        return MachineError(
            where="the worker",
            got=f"killed by signal {-status}",
            expected="a stage to its end",
            fix=f"`kill`, or a machine without memory does that. {_GOES_ON}",
        )
    return StageError(
        where="the worker",
        got=f"an end with status {status}",
        expected="an answer",
        fix=f"What it said is above; it may be a bug of the harness. {_GOES_ON}",
    )
