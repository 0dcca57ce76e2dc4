"""The worker in a container: `python -m harness.backends.inside`, jobs on stdin, events on stdout.

Runs `worker.run_stage` like every backend. When stdin ends, whoever sent the jobs is gone, and so
is the worker, even in the middle of a stage: nothing is left behind that computes for nobody.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from typing import NoReturn, TextIO

from harness import wire
from harness.errors import HarnessError, MachineError
from harness.graph import PlannedStage
from harness.stages.contract import Progress, stage
from harness.worker import run_stage

STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Told:
    """Progress as events."""

    channel: TextIO

    def start(self, total: int, unit: str) -> None:
        """How much there is to do."""
        self.channel.write(wire.write_event({"start": [total, unit]}))

    def advance(self, done: int, **figures: float) -> None:
        """How much more is done."""
        self.channel.write(wire.write_event({"advance": [done, figures]}))


def main() -> None:
    """Do jobs until there are no more; status 130 where a signal ends it, as for `harness`."""
    for number in STOPS:
        signal.signal(number, _stop)
    events = channel()
    jobs: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    try:
        # Who started it may have had them wait until they are understood.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        while (line := jobs.get()) is not None:
            events.write(wire.write_event(do(line, Told(events))))
    except KeyboardInterrupt:
        sys.exit(130)


def _stop(*_: object) -> NoReturn:
    """Stop once: Ctrl-C on a terminal comes here too, and then the end of stdin."""
    for number in STOPS:
        # Not SIG_IGN: of a signal that has come already, Python would print that it ignored it.
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def do(line: bytes, progress: Progress) -> dict[str, object]:
    """Run the job; the event that says how it ended."""
    try:
        planned, store, resources = wire.read_job(line)
        _refuse_other_code(planned)
        return {"made": run_stage(planned, store, resources, progress)}
    except HarnessError as error:
        return wire.error_event(error)


def _refuse_other_code(planned: PlannedStage) -> None:
    """The key promises what this version of the stage makes."""
    here = stage(planned.stage).version
    if here != planned.version:
        raise MachineError(
            where=f"stage {planned.stage} where it was to run",
            got=f"version {here}",
            expected=f"version {planned.version}, as planned here",
            fix="Install this version there; in a container: `harness container build`.",
        )


def channel() -> TextIO:
    """Stdout for events alone: what a library prints goes to stderr."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "w", encoding="utf-8", buffering=1)


def _listen(jobs: queue.Queue[bytes | None]) -> None:
    # Unbuffered: a thread that waits in a buffered reader breaks the interpreter's end.
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        for line in stdin:
            jobs.put(line)
    jobs.put(None)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
