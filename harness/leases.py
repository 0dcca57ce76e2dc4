"""Which artifacts runs are using: none of them is collected under a run.

    leases/<pid>-<random>     the keys that a run may read, a line each; locked while the run lives
    locks/gate.lock           held for an instant by who takes a lease, or takes artifacts away

A run that was killed lets go of its lock by dying; its lease then counts no more.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Collection, Iterator

from filelock import FileLock, Timeout

from harness.artifacts import Store
from harness.sealed import META

_FOLDER = "leases"


@contextlib.contextmanager
def leased(store: Store, keys: Collection[str]) -> Iterator[None]:
    """Keep the artifacts of `keys`, also those that are yet to be made, until the block ends.

    They count as used now. A store that can't be written, or a full disk, gives no lease: a
    collection at that very time could then end the run, never change what it finds.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            _take(store, keys, stack)
        yield


def _take(store: Store, keys: Collection[str], stack: contextlib.ExitStack) -> None:
    path = store.root / _FOLDER / f"{os.getpid()}-{secrets.token_hex(4)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    with gate(store):
        stack.callback(_give_back, lock)
        lock.acquire(timeout=0)
        path.write_text("".join(f"{key}\n" for key in sorted(keys)), encoding="utf-8")
        for key in keys:
            with contextlib.suppress(OSError):
                os.utime(store.path(key) / META)


def _give_back(lock: FileLock) -> None:
    with contextlib.suppress(OSError):
        os.unlink(lock.lock_file)
    lock.release()


@contextlib.contextmanager
def gate(store: Store) -> Iterator[None]:
    """No lease begins, and no artifact goes, but for whoever holds this."""
    folder = store.root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "gate.lock"):
        yield


def in_use(store: Store) -> set[str]:
    """The keys of all leases; leases of dead runs are cleared away. For the holder of the gate."""
    keys: set[str] = set()
    for path in (store.root / _FOLDER).glob("*"):
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            # A run that ended this instant has no lease any more.
            with contextlib.suppress(FileNotFoundError):
                keys |= set(path.read_text("utf-8").split())
        else:
            _give_back(lock)
    return keys
