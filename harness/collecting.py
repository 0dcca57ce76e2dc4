"""Garbage collection: which finished artifacts may go, and taking them away while runs go on.

Nothing that goes is lost for good: a run makes it again. What a lease names never goes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness import strict_json
from harness.artifacts import Store, describe_os_errors
from harness.canonical import digest
from harness.errors import VerificationError
from harness.leases import gate, in_use
from harness.provenance import seconds_since
from harness.sealed import META

_ROOTS = "roots"
_RUN = "run.json"
_MAX_RUN = 64 << 20
# Taken away under one hold of the gate, for which a run that begins may have to wait.
_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What may go. Age and reach narrow it down; a size says how much of that goes."""

    older_than: float | None = None
    """Seconds since its last use."""
    keep_bytes: int | None = None
    """Only as much goes, the longest unused first, as leaves so many bytes in the store."""
    reachable: Collection[str] | None = None
    """Keys that stay; None: reach doesn't matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A finished artifact."""

    key: str
    used: float
    """When it was made or last used, in seconds since 1970."""
    size: int
    """Bytes of its files."""


def entries(store: Store) -> list[Entry]:
    """Every finished artifact; those that go away meanwhile are left out."""
    found = []
    for key in store.keys():  # noqa: SIM118 (a Store is no mapping)
        with contextlib.suppress(OSError):
            folder = store.path(key)
            used = (folder / META).stat().st_mtime
            found.append(Entry(key=key, used=used, size=_bytes(folder)))
    return found


def candidates(found: Sequence[Entry], rule: Rule) -> list[Entry]:
    """What the rule lets go, the longest unused first."""
    chosen = [
        one
        for one in sorted(found, key=lambda one: (one.used, one.key))
        if (rule.reachable is None or one.key not in rule.reachable)
        and (rule.older_than is None or seconds_since(one.used) > rule.older_than)
    ]
    if rule.keep_bytes is None:
        return chosen
    surplus = sum(one.size for one in found) - rule.keep_bytes
    going: list[Entry] = []
    for one in chosen:
        if surplus <= 0:
            break
        going.append(one)
        surplus -= one.size
    return going


def collect(store: Store, chosen: Sequence[Entry], *, dry_run: bool) -> Iterator[Entry]:
    """Take `chosen` away, but for what a run uses or used since; yields each that went.

    Raises:
        MachineError: no permission.
    """
    queue = iter(chosen)
    while batch := list(islice(queue, _AT_ONCE)):
        gone: list[Path] = []
        with describe_os_errors(store.root), gate(store):
            kept = in_use(store)
            went = [one for one in batch if one.key not in kept and _unused(store, one)]
            if not dry_run:
                gone = [store.put_aside(one.key) for one in went]
        # The gate is open again: what was put aside is no artifact any more.
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)
        if not dry_run:
            _clear_locks(store, [one.key for one in went])
        yield from went


def remember_run(store: Store, folder: Path) -> None:
    """Let the artifacts of a run folder count as reachable for as long as the folder is there."""
    place = str(folder.absolute())
    with contextlib.suppress(OSError):
        root = store.root / _ROOTS / digest({"run": place.lstrip("/")})
        root.parent.mkdir(parents=True, exist_ok=True)
        root.write_text(place, encoding="utf-8")


def reached_by_runs(store: Store, more: Sequence[Path] = ()) -> set[str]:
    """Keys of the artifacts of the remembered run folders that are there, and of `more`.

    Raises:
        VerificationError: a run folder that can't be read: what it refers to isn't known.
    """
    folders = list(more)
    for root in (store.root / _ROOTS).glob("*"):
        folder = Path(root.read_text("utf-8"))
        if (folder / _RUN).is_file():
            folders.append(folder)
        else:
            root.unlink(missing_ok=True)
    return {key for folder in folders for key in _artifacts(folder / _RUN)}


def _artifacts(path: Path) -> list[str]:
    try:
        document: Any = strict_json.loads(strict_json.read_bytes(path, _MAX_RUN))
        return [str(key) for key in document["artifacts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerificationError(
            where=str(path),
            got=f"unreadable: {error}",
            expected="a run's list of artifacts",
            fix="Remove the folder or make it again with `harness reproduce`; nothing was removed.",
        ) from error


def _unused(store: Store, one: Entry) -> bool:
    """Whether it is still there and wasn't used since it was chosen."""
    try:
        return (store.path(one.key) / META).stat().st_mtime == one.used
    except OSError:
        return False


def _clear_locks(store: Store, keys: Sequence[str]) -> None:
    """Who waits for such a lock notices that its file is gone, and makes it anew."""
    for key in keys:
        path = store.root / "locks" / f"{key}.lock"
        with contextlib.suppress(OSError, Timeout):
            if path.exists():
                with FileLock(path).acquire(timeout=0):
                    path.unlink()


def _bytes(folder: Path) -> int:
    with os.scandir(folder) as found:
        return sum(
            _bytes(Path(entry.path))
            if entry.is_dir(follow_symlinks=False)
            else entry.stat(follow_symlinks=False).st_size
            for entry in found
        )
