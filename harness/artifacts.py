"""The store: immutable, content-addressed artifacts that survive a crash, a kill or a full disk.

Layout of a store:

    artifacts/<first two digits>/<key>/   payload, provenance.json; meta.json, written last
    work/<key>-<pid>-<random>/            in progress; renamed into place, or left behind by a crash
    scratch/<key>/                        what an interrupted stage goes on from: its checkpoints
    locks/<key>.lock                      one worker per key, others wait
    leases/ roots/                        what runs and run folders use (leases.py, collecting.py)

An artifact is a sealed folder: `meta.json` in it is completeness.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from harness.canonical import canonical_json
from harness.errors import HarnessError, MachineError, StageError, VerificationError
from harness.provenance import seconds_since
from harness.sealed import META, describe, flush, place, problems, read_meta

PROVENANCE = "provenance.json"
SCRATCH_AGE = 14 * 86_400.0
"""Seconds after which checkpoints of an interrupted stage count as given up."""
_KEY = re.compile(r"[0-9a-f]{64}")
# In the text of errors without an errno: Rust's "(os error 28)", shutil.Error's "[Errno 28]".
_TOLD = re.compile(r"\(os error (\d+)\)|\[Errno (\d+)\]")


@dataclass(frozen=True)
class Store:
    """A store at `root`; made on first use."""

    root: Path

    def path(self, key: str) -> Path:
        """Where the artifact of `key` lies, or will lie."""
        return self.root / "artifacts" / key[:2] / key

    def scratch(self, key: str) -> Path:
        """Where the stage of `key` keeps what survives a crash; for the holder of the key's lock.

        Made by the stage, removed with the artifact's commit.
        """
        return self.root / "scratch" / key

    def has(self, key: str) -> bool:
        """True when the artifact is complete."""
        return (self.path(key) / META).is_file()

    def get(self, key: str) -> Path:
        """The folder of a complete artifact.

        Raises:
            StageError: there is none.
        """
        if not self.has(key):
            raise StageError(
                where=f"store {self.root}",
                got=f"no artifact {key[:12]}",
                expected="a finished one",
                fix="Run the same command again; it makes what is missing.",
            )
        return self.path(key)

    def sound(self, key: str, names: Sequence[str] = ()) -> Path:
        """The folder of an artifact, after its files (or `names` alone) were compared with meta.

        Raises:
            StageError: there is none.
            VerificationError: a file isn't as it was written.
        """
        folder = self.get(key)
        found = self.verify(key, names)
        if found:
            raise VerificationError(
                where=f"store {self.root}",
                got="; ".join(found[:3]) + ("; ..." if len(found) > 3 else ""),
                expected="the bytes that were written",
                fix=f"`harness store gc --broken --store {self.root}` drops what is damaged; "
                "then the same command makes it again.",
            )
        return folder

    def meta(self, key: str) -> dict[str, Any]:
        """What `meta.json` says of the artifact."""
        return read_meta(self.get(key))

    def keys(self) -> Iterator[str]:
        """Every complete artifact's key, sorted."""
        for folder in sorted((self.root / "artifacts").glob("??/*")):
            # A folder that somebody renamed isn't where its key would be looked for.
            if _KEY.fullmatch(folder.name) and self.has(folder.name):
                yield folder.name

    @contextlib.contextmanager
    def locked(self, key: str, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the key's lock; a second worker on the same key calls `waiting` and waits here."""
        with describe_os_errors(self.root):
            lock = self._lock(key)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if waiting:
                    waiting()
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """A fresh folder to write payload files into; removed unless `commit` took it."""
        # Random: in a container the process number is always the same, also after a crash.
        folder = self.root / "work" / f"{key}-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with describe_os_errors(self.root):
                folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(
        self,
        key: str,
        folder: Path,
        description: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> Path:
        """Make the files in `folder` the artifact of `key`: flush, describe, rename.

        Raises:
            MachineError: disk full, no permission.
        """
        with describe_os_errors(self.root):
            (folder / PROVENANCE).write_bytes(canonical_json(dict(provenance)))
            describe(folder, {"key": key, **description})
        return self.adopt(key, folder)

    def adopt(self, key: str, folder: Path) -> Path:
        """Make `folder`, which has its meta.json, the artifact of `key`: flush, rename.

        Raises:
            MachineError: disk full, no permission.
        """
        with describe_os_errors(self.root):
            target = self.path(key)
            if target.exists() and not self.has(key):
                shutil.rmtree(target)
            if not target.exists():
                place(folder, target)
            shutil.rmtree(self.scratch(key), ignore_errors=True)
        return target

    def verify(self, key: str, names: Sequence[str] = ()) -> list[str]:
        """What is wrong with the artifact, a line each; empty when every bit is as recorded.

        With `names` only those files are looked at, and meta.json.
        """
        folder = self.path(key)
        try:
            meta = read_meta(folder)
        except VerificationError as error:
            return [f"{key[:12]}: {error.where}: {error.got}"]
        stated = str(meta.get("key"))
        found = [] if stated == key else [f"{key[:12]}: meta.json is of {stated[:12]}"]
        return found + [f"{key[:12]}/{problem}" for problem in problems(folder, meta, names)]

    def remove(self, key: str) -> None:
        """Drop an artifact, at once: a crash leaves it, or nothing that looks complete."""
        with describe_os_errors(self.root):
            shutil.rmtree(self.put_aside(key))

    def put_aside(self, key: str) -> Path:
        """Take an artifact away with one rename; where it lies now, for whoever deletes it."""
        folder = self.root / "work" / f"{key}-removed-{secrets.token_hex(4)}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.path(key), folder)
        # Before a file of it goes: its name must not come back without them.
        flush(self.path(key).parent)
        return folder

    def sweep(self, *, dry_run: bool = False, scratch_age: float = SCRATCH_AGE) -> list[str]:
        """Remove what no live worker holds: unfinished work, and checkpoints that nobody needs.

        Checkpoints are kept for the command that goes on from them, until their artifact is
        finished or nothing was written to them for `scratch_age` seconds.

        Returns:
            The names of the folders.
        """
        swept = []
        for folder in sorted((*self.root.glob("work/*"), *self.root.glob("scratch/*"))):
            key = folder.name.split("-")[0]
            with contextlib.suppress(OSError, Timeout), self._lock(key).acquire(timeout=0):
                wanted = folder.parent.name == "scratch" and not self.has(key)
                if wanted and seconds_since(folder.stat().st_mtime) <= scratch_age:
                    continue
                swept.append(folder.name)
                if not dry_run:
                    shutil.rmtree(folder, ignore_errors=True)
        return swept

    def _lock(self, key: str) -> FileLock:
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{key}.lock")


@contextlib.contextmanager
def describe_os_errors(place: Path | str, option: str = "--store") -> Iterator[None]:
    """Turn a full disk or a missing permission into a MachineError that names `place`.

    safetensors and tokenizers raise exceptions of their own, which end in Rust's "(os error N)";
    `option` is the one that names another place.
    """
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        told = machine_error(error, place, option)
        if told is None:
            raise
        raise told from error


def machine_error(error: Exception, place: Path | str, option: str) -> MachineError | None:
    """What `error` says of this machine, as `describe_os_errors` puts it; None for other errors."""
    number, text = getattr(error, "errno", None), _TOLD.search(str(error))
    if number is None and text:
        number = int(text[1] or text[2])
    space, another = "Free some space", f"Name another {option}"
    advice = {
        errno.ENOSPC: ("disk full", "free space", space),
        errno.EDQUOT: ("disk quota used up", "free space", space),
        errno.EFBIG: ("a file larger than is allowed", "a higher limit", "Raise `ulimit -f`"),
        errno.EIO: ("an input/output error", "a sound disk", "Check the disk"),
        errno.EACCES: ("permission denied", "a folder that you may write", another),
        errno.EPERM: ("not permitted", "a folder that you may write", another),
        errno.EROFS: ("read-only file system", "a writable folder", another),
        errno.ENOTDIR: ("a file in the way", "a folder", another),
        errno.ENAMETOOLONG: ("a name that is too long", "a shorter one", another),
    }
    if number not in advice:
        return None
    got, expected, way_out = advice[number]
    return MachineError(
        where=str(getattr(error, "filename", None) or place),
        got=got,
        expected=expected,
        fix=f"{way_out} and run the same command again: what was finished is kept.",
    )
