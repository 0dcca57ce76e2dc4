"""One training stage on several devices of this machine: a process for each, watched from here.

Each runs `harness.backends.rank`, which reads the stage from its stdin and ends when that does:
where this process is gone, however it went, they are too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from harness import wire
from harness.artifacts import Store
from harness.errors import HarnessError, MachineError, StageError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

TRAINING = ("intermediate", "finetune")
"""Stages that can be shared."""
_GOES_ON = "What was finished is kept; the same command goes on."


def run(
    planned: PlannedStage, store: Store, resources: Resources, out: Path, progress: Progress
) -> None:
    """Run the stage in `resources.devices` processes; the first writes its files into `out`.

    Raises:
        HarnessError: what the stage says is wrong.
        MachineError: a process was killed.
        StageError: a process ended otherwise.
    """
    job = wire.write_job(planned, store, resources)
    heard: queue.Queue[tuple[int, bytes]] = queue.Queue()
    with _started(resources.devices, out) as processes:
        for number, process in enumerate(processes):
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(job)
                process.stdin.flush()
            threading.Thread(target=_hear, args=(number, process, heard), daemon=True).start()
        running = set(range(len(processes)))
        while running:
            number, line = heard.get()
            if not line:
                raise _ended(number, processes[number].wait())
            if wire.follow(json.loads(line), progress) is not None:
                running.discard(number)


@contextlib.contextmanager
def _started(count: int, out: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes; none is left at the end."""
    port = _free_port()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            command = [sys.executable, "-m", "harness.backends.rank", str(out)]
            place = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count}
            place |= {"LOCAL_WORLD_SIZE": count, "MASTER_PORT": port}
            # Without a name of this machine: where there is no network, it may stand for nothing.
            own = {"MASTER_ADDR": "127.0.0.1", "GLOO_SOCKET_IFNAME": "lo"}
            environment = os.environ | own | {name: str(value) for name, value in place.items()}
            processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
                )
            )
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            with contextlib.suppress(BrokenPipeError):
                assert process.stdin is not None
                process.stdin.close()


def _hear(
    number: int, process: subprocess.Popen[bytes], heard: queue.Queue[tuple[int, bytes]]
) -> None:
    """Put each line of the process into `heard`; an empty one at its end."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            heard.put((number, line))
    heard.put((number, b""))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _ended(number: int, status: int) -> HarnessError:
    where = f"process {number} of a stage on several devices"
    if status < 0:
        return MachineError(
            where=where,
            got=f"killed by signal {-status}; the others were ended",
            expected="a stage to its end",
            fix=f"`kill`, or a machine without memory does that. {_GOES_ON}",
        )
    return StageError(
        where=where,
        got=f"an end with status {status}; the others were ended",
        expected="an answer",
        fix=f"What it said is above; `--devices 1` does without it. {_GOES_ON}",
    )
