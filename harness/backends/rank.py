"""One process of a stage on several devices: `python -m harness.backends.rank OUT`.

The stage comes as a line on stdin, events go to stdout (`wire`); who else takes part is in torch's
environment variables. When stdin ends, whoever started it is gone, and so is this process at once.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

from harness import wire
from harness.backends.inside import Told, channel
from harness.errors import HarnessError
from harness.stages.contract import Silent
from harness.worker import run_shared


def main(out: Path) -> None:
    """Run this process's share of the stage; only the first writes into `out`."""
    events = channel()
    # Unbuffered: a thread that waits in a buffered reader breaks the interpreter's end.
    stdin = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    job = stdin.readline()
    if not job:
        sys.exit(130)
    planned, store, resources = wire.read_job(job)
    threading.Thread(target=_end_with, args=(stdin,), daemon=True).start()
    number = int(os.environ["RANK"])
    if resources.device == "cuda":
        resources = replace(resources, device=f"cuda:{number}")
    resources = replace(resources, rank=number)
    try:
        run_shared(planned, store, resources, out, Silent() if number else Told(events))
    except HarnessError as error:
        events.write(wire.write_event(wire.error_event(error)))
    else:
        events.write(wire.write_event({"made": True}))
    # Whoever started it ends it, once all have answered.
    threading.Event().wait()


def _end_with(stdin: object) -> None:
    # The main thread may wait inside a library for the other processes, deaf to signals.
    stdin.read()  # type: ignore[attr-defined]
    os._exit(130)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
