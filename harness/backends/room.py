"""What this process may have of the machine: cores and memory, control groups included.

A container, a batch system or a service manager may give less than the machine has. Linux, both
kinds of control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html and, a hierarchy for
each resource and other names of files, https://docs.kernel.org/admin-guide/cgroup-v1/index.html.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
# More than that is how the first kind says that there is no limit.
_ENDLESS = 1 << 60


def cores() -> int:
    """Cores that may be used, at least 1."""
    found = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()]
    return max(1, min(one or 1 for one in (*found, *_each("cpu", _cores))))


def free_memory() -> int:
    """Bytes of memory that may still be taken."""
    return min(int(psutil.virtual_memory().available), *_each("memory", _free), _ENDLESS)


def memory_limit() -> int | None:
    """Bytes of memory that its control groups may have; None where that is all of the machine's."""
    return min((one for one in _each("memory", _limit) if one < _ENDLESS), default=None)


def killed_for_memory() -> int:
    """Processes of its control groups that the system has killed because memory ran out."""
    return max(_each("memory", _killed), default=0)


def _each(kind: str, read: Callable[[Path], int]) -> Iterator[int]:
    """What `read` finds in this process's control group of that kind and in those above it.

    A limit of any of them holds. In a container the outermost folder may be its own.
    """
    with contextlib.suppress(OSError):
        for line in _OWN.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and kind not in kinds.split(","):
                continue
            own = Path(path.lstrip("/"))
            for one in (own, *own.parents):
                with contextlib.suppress(OSError, ValueError, KeyError):
                    yield read(_GROUPS / (kind if kinds else "") / one)


def _cores(group: Path) -> int:
    if (group / "cpu.max").exists():
        quota, period = (group / "cpu.max").read_text().split()
    else:
        quota, period = ((group / f"cpu.cfs_{one}_us").read_text() for one in ("quota", "period"))
    if int(quota) < 0:
        raise ValueError("no limit")
    return int(quota) // int(period)


def _limit(group: Path) -> int:
    return int(_text(group, "memory.max", "memory.limit_in_bytes"))


def _free(group: Path) -> int:
    """Bytes under the limit; a cache of files that nobody reads now is given up for others."""
    taken = int(_text(group, "memory.current", "memory.usage_in_bytes"))
    facts = _table((group / "memory.stat").read_text())
    return _limit(group) - taken + facts.get("total_inactive_file", facts.get("inactive_file", 0))


def _killed(group: Path) -> int:
    return _table(_text(group, "memory.events", "memory.oom_control"))["oom_kill"]


def _text(group: Path, *names: str) -> str:
    """Of the first file that is there."""
    found = next((name for name in names if (group / name).exists()), names[-1])
    return (group / found).read_text()


def _table(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}
