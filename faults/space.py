"""A disk that is full, at every page that a store wants to write; a store that is read-only.

Run as a program it needs a mount namespace of its own and prints one JSON document:
`unshare --mount --map-root-user python -m faults.space DIR`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from faults import power
from harness.artifacts import Store
from harness.errors import MachineError
from harness.stages import contract

_PAGE = 4  # kB
_MOST = 4000  # kB; the work fits long before
_FILES = 200


def main(folder: Path) -> dict[str, Any]:
    """Do everything below `folder`."""
    contract.STAGES = power.STAGES
    power.work(Store(folder / "calm"))
    expected = power.payloads(Store(folder / "calm"))
    room = [f"size={size}k" for size in range(_PAGE, _MOST, _PAGE)]
    files = [f"size={_MOST}k,nr_inodes={count}" for count in range(2, _FILES)]
    return {
        "pages": _grow(folder / "pages", room, expected),
        "files": _grow(folder / "files", files, expected),
        "read-only": _read_only(folder / "read-only", expected),
    }


def _grow(disk: Path, sizes: Sequence[str], expected: dict[str, str]) -> dict[str, Any]:
    """Work on a disk that is too small, then on a slightly larger one, until it is done.

    What a smaller disk took stays: it is the same disk.
    """
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", sizes[0], "none", disk)
    store, faults, refused = Store(disk / "store"), list[str](), 0
    for size in sizes:
        _mount("-o", f"remount,{size}", disk)
        try:
            power.work(store)
        except MachineError as error:
            refused += 1
            faults += [] if error.got in ("disk full", "free space") else [f"{size}: {error}"]
            faults += [f"{size}: {problem}" for problem in power.unsound(store)]
            continue
        if power.payloads(store) != expected:
            faults.append(f"{size}: another end")
        return {"injected": refused, "faults": faults, "ended at": size}
    return {"injected": refused, "faults": [*faults, "never got through"]}


def _read_only(disk: Path, expected: dict[str, str]) -> dict[str, Any]:
    disk.mkdir()
    _mount("-t", "tmpfs", "none", disk)
    store, faults, injected = Store(disk / "store"), list[str](), 0
    for _ in range(2):
        _mount("-o", "remount,ro", disk)
        before = power.payloads(store)
        injected += 1
        try:
            power.work(store)
            faults.append("a read-only store took something")
        except MachineError as error:
            faults += [] if error.got == "read-only file system" else [str(error)]
        faults += [] if power.payloads(store) == before else ["changed"]
        _mount("-o", "remount,rw", disk)
        power.work(store)
        faults += [] if power.payloads(store) == expected else ["another end"]
    return {"injected": injected, "faults": faults}


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)  # noqa: S607


if __name__ == "__main__":
    click.echo(json.dumps(main(Path(sys.argv[1]))))
