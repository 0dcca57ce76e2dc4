"""What this process may have of the machine: cores and memory, control groups included.

A container, a batch system or a service manager may give less than the machine has (Linux, cgroup
v2: https://docs.kernel.org/admin-guide/cgroup-v2.html).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def cores() -> int:
    """Cores that may be used, at least 1."""
    found = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()]
    for group in _groups():
        with contextlib.suppress(OSError, ValueError):
            quota, period = (group / "cpu.max").read_text().split()
            found.append(int(quota) // int(period))
    return max(1, min(one or 1 for one in found))


def free_memory() -> int:
    """Bytes of memory that may still be taken."""
    found = [int(psutil.virtual_memory().available)]
    for group in _groups():
        with contextlib.suppress(OSError, ValueError):
            most = int((group / "memory.max").read_text())
            found.append(most - int((group / "memory.current").read_text()))
    return min(found)


def _groups() -> Iterator[Path]:
    """This process's control group and those above it; a limit of any of them holds."""
    with contextlib.suppress(OSError):
        for line in _OWN.read_text().splitlines():
            if line.startswith("0::/"):
                own = Path(line.removeprefix("0::/"))
                yield from (_GROUPS / one for one in (own, *own.parents))
