"""Workers on this machine: in this process, or in others where they are several or have limits."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from harness.backends import Backend, OneAtATime, room
from harness.containers.limits import memory_bytes, read_limits
from harness.errors import UsageError
from harness.provenance import gpus
from harness.worker import run_stage

# Workers on a processor, where nobody says how many: a claim has few chains of stages, and
# libraries start as many threads in each worker as the machine has cores.
_MOST = 8


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """`worker.run_stage`.

    Raises:
        UsageError: a limit isn't an amount, or `--jobs` can't be.
    """
    limits = read_limits(given)
    memory = memory_bytes(limits)
    jobs, most = _jobs(given)
    if jobs == 1 and memory is None and limits.timeout is None:
        yield OneAtATime(run_stage)
        return
    # Imported here: a run in this process needs none of it.
    from harness.backends import apart

    with apart.opened(_devices(jobs, given), memory, limits.timeout, most) as workers:
        yield workers


def _jobs(given: Mapping[str, Any]) -> tuple[int, Mapping[str, float]]:
    """How many workers, and what their stages may need together."""
    devices = given.get("devices") or 1
    usual = "1" if devices > 1 or given.get("memory") or given.get("timeout") else "auto"
    said = str(given.get("jobs") or os.environ.get("HARNESS_JOBS") or usual)
    if said == "auto":
        memory = float(room.free_memory())
        if str(given.get("device") or "auto") == "cpu" or not gpus():
            most = {"threads": float(room.cores()), "memory": memory}
            return min(room.cores(), _MOST), most
        return len(_own_gpus(given)), {"threads": math.inf, "memory": memory}
    if not said.isdecimal() or int(said) < 1:
        raise UsageError(
            where=f"--jobs {said}",
            got="no number of stages",
            expected="1 or more, or auto",
            fix="Leave it out for as many as this machine has room for.",
        )
    if int(said) > 1 and devices > 1:
        raise UsageError(
            where=f"--jobs {said}",
            got=f"--devices {devices} besides",
            expected="several stages side by side, or one over several devices",
            fix="Leave one of them out.",
        )
    # Whoever says how many knows the machine.
    return int(said), {"threads": math.inf, "memory": math.inf}


def _devices(jobs: int, given: Mapping[str, Any]) -> list[str | None]:
    """Each worker's own device: several GPUs are dealt out; None: the one that a stage is given."""
    own = _own_gpus(given)
    return [own[number % len(own)] for number in range(jobs)] if jobs > 1 else [None]


def _own_gpus(given: Mapping[str, Any]) -> list[str | None]:
    """The GPUs to deal out; [None] where there is one or none, or a certain one was named."""
    anything = str(given.get("device") or "auto") in ("auto", "cuda")
    return (
        [f"cuda:{number}" for number in range(len(gpus()))]
        if anything and len(gpus()) > 1
        else [None]
    )
