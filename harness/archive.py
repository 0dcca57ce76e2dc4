"""Finished artifacts on an object store: what one run made there, another takes and doesn't make.

Layout below the address:

    objects/<first two digits>/<sha256>       files of artifacts, each named by its own digest
    artifacts/<first two digits>/<key>.json   meta.json of an artifact; written last, makes it count

Two runs that copy the same artifact at once write the same objects, so that either's meta.json is
true. Nothing is believed: an artifact is taken when it says that it is the very stage, and every
byte is as it was written. Locks and work in progress stay in the store.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import fsspec

from harness.artifacts import PROVENANCE, Store, machine_error
from harness.canonical import canonical_json
from harness.errors import HarnessError, MachineError, UsageError
from harness.redaction import printable, redacted
from harness.sealed import MAX_META, META, problems, read_meta

# What a copy from the archive meets where this machine, not the archive, is at its end.
_OWN_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG})


class _HeldError(Exception):
    """Another run is making the artifact."""


class _AbsentError(Exception):
    """The archive has no such artifact."""


class _UnsoundError(Exception):
    """An entry that can't be what was written."""


class Archive:
    """Where finished artifacts are copied to and taken from.

    A failure of the address or its driver is told once; then the archive isn't asked again in this
    run, whose own work goes on: drivers have tried several times by then, often for minutes.
    """

    def __init__(self, files: Any, root: str, shown: str) -> None:
        """`files` is an fsspec file system, `root` a folder in it, `shown` its name in messages."""
        self._files, self._root, self._shown = files, root, shown
        self._off = False
        self._there: set[str] = set()
        self._unsound: set[str] = set()
        self.taken = self.copied = 0

    def knock(self) -> None:
        """Ask for something that needn't be there; raises what the driver does where none answers.

        Raises:
            ValueError: an address without a folder.
        """
        if not self._root:
            raise ValueError("an address without a folder")
        self._size(self._root)

    def take(self, store: Store, key: str, description: Mapping[str, Any]) -> bool:
        """Put the artifact of `key` into the store; False where the archive has no sound one.

        Args:
            store: where it goes.
            key: of the artifact.
            description: what its meta.json has to say of its stage, beside `key` and `files`.

        Raises:
            MachineError: the store can't be written.
        """
        if self._off:
            return False
        try:
            with store.locked(key, _leave), store.writing(key) as folder:
                if not store.has(key):
                    self._receive(key, description, folder)
                    store.adopt(key, folder)
                    self.taken += 1
        except (_HeldError, _AbsentError):
            return False
        except (_UnsoundError, FileNotFoundError) as error:
            self._unsound.add(key)
            self._say(f"artifact {key[:12]} isn't used ({_first_line(error)}); its stage is run")
            return False
        except HarnessError:
            raise
        except Exception as error:
            told = machine_error(error, store.root, "--store")
            if told and getattr(error, "errno", None) in _OWN_DISK:
                raise told from error
            return self._give_up(error)
        return True

    def put(self, store: Store, key: str) -> None:
        """Copy an artifact of the store, unless the archive has it; one that is damaged is left."""
        if self._off or key in self._there:
            return
        try:
            if key in self._unsound or self._size(self._entry(key)) is None:
                if found := store.verify(key):
                    self._say(f"{found[0]}; it isn't copied")
                    return
                self._send(key, store.get(key))
                self.copied += 1
        except HarnessError:
            raise
        except Exception as error:
            self._give_up(error)
            return
        self._there.add(key)

    def summary(self) -> str:
        """What went to and fro, a line; nothing where nothing did."""
        if not self.taken and not self.copied:
            return ""
        return f"archive {self._shown}: {self.taken} artifacts taken, {self.copied} copied\n"

    def _receive(self, key: str, description: Mapping[str, Any], folder: Path) -> None:
        """Copy an artifact's files and meta.json into `folder`."""
        entry = self._entry(key)
        size = self._size(entry)
        if size is None:
            raise _AbsentError
        if size > MAX_META:
            raise _UnsoundError(f"a description of {size} bytes")
        self._files.get_file(entry, str(folder / META))
        try:
            meta = read_meta(folder)
        except HarnessError as error:
            raise _UnsoundError(f"{META}: {error.got}") from error
        stated = {name: value for name, value in meta.items() if name != "files"}
        if canonical_json(stated) != canonical_json({"key": key, **description}):
            raise _UnsoundError("it is of another stage")
        if PROVENANCE not in meta["files"] or META in meta["files"]:
            raise _UnsoundError("not the files of an artifact")
        for name, facts in meta["files"].items():
            self._receive_file(facts, _new_file(folder, name))
        if found := problems(folder, meta):
            raise _UnsoundError(found[0])

    def _receive_file(self, facts: Mapping[str, Any], target: Path) -> None:
        place = self._object(facts["sha256"])
        size = self._size(place)
        if size != facts["bytes"]:
            raise _UnsoundError(f"{target.name}: {'missing' if size is None else 'another size'}")
        self._files.get_file(place, str(target))

    def _send(self, key: str, folder: Path) -> None:
        """Copy the files that the archive lacks, then the description that makes them count."""
        for name, facts in read_meta(folder)["files"].items():
            place = self._object(facts["sha256"])
            # One of another size was interrupted; of an unsound artifact none is trusted.
            if key in self._unsound or self._size(place) != facts["bytes"]:
                self._send_file(folder / name, place)
        self._send_file(folder / META, self._entry(key))

    def _send_file(self, path: Path, place: str) -> None:
        if not getattr(self._files, "local_file", False):
            self._files.put_file(str(path), place)
            return
        # Object stores show an object when it is whole; a folder shows it while it grows.
        aside = f"{place}.{secrets.token_hex(4)}.part"
        try:
            self._files.put_file(str(path), aside)
            self._files.mv(aside, place)
        finally:
            with contextlib.suppress(OSError):
                self._files.rm_file(aside)

    def _size(self, place: str) -> int | None:
        """Bytes of an object; None where there is none."""
        try:
            return int(self._files.info(place)["size"] or 0)
        except FileNotFoundError:
            return None

    def _entry(self, key: str) -> str:
        return f"{self._root}/artifacts/{key[:2]}/{key}.json"

    def _object(self, sha256: str) -> str:
        if not sha256.isalnum():
            raise _UnsoundError("a digest that is none")
        return f"{self._root}/objects/{sha256[:2]}/{sha256}"

    def _give_up(self, error: Exception) -> bool:
        self._off = True
        self._say(
            f"{_first_line(error)}; it isn't used again in this run, which goes on. "
            "The same command copies later what is missing there."
        )
        return False

    def _say(self, line: str) -> None:
        # Through sys.stderr, where a progress bar makes room for it.
        sys.stderr.write(f"archive {self._shown}: {line}\n")
        sys.stderr.flush()


def open_archive(url: str) -> Archive:
    """The archive at an address of fsspec's (s3://bucket/folder), or in a folder.

    Raises:
        UsageError: no such kind of address.
        MachineError: its driver isn't installed, or nobody answers there.
    """
    shown = printable(redacted(url.partition("?")[0]))
    try:
        files, root = fsspec.url_to_fs(url)
        if getattr(files, "local_file", False):
            files = fsspec.filesystem("file", auto_mkdir=True)
        archive = Archive(files, root.rstrip("/"), shown)
        archive.knock()
    except ImportError as error:
        raise MachineError(
            where=f"--archive {shown}",
            got=f"no driver ({_first_line(error)})",
            expected="the package of fsspec's that knows such addresses, e.g. s3fs for s3://",
            fix="Install it beside the harness, or leave --archive out.",
        ) from error
    except ValueError as error:
        raise UsageError(
            where=f"--archive {shown}",
            got=_first_line(error),
            expected="an address like s3://bucket/folder or file:///folder",
            fix="https://filesystem-spec.readthedocs.io lists the kinds of addresses.",
        ) from error
    except Exception as error:
        raise MachineError(
            where=f"--archive {shown}",
            got=_first_line(error),
            expected="an object store that answers",
            fix="Look at the address, the network and the credentials, or leave --archive out.",
        ) from error
    return archive


def _leave() -> NoReturn:
    raise _HeldError


def _new_file(folder: Path, name: str) -> Path:
    """An empty file in `folder`; a name that can't be one is nothing that a stage wrote."""
    target = folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(exist_ok=False)
    except OSError as error:
        if error.errno in _OWN_DISK:
            raise
        raise _UnsoundError(f"a file that can't be written: {error.strerror}") from error
    return target


def _first_line(error: Exception) -> str:
    """What a driver says, without secrets; some say pages, some nothing."""
    said = str(error).strip().splitlines() or [""]
    return printable(redacted(f"{said[0]}" or type(error).__name__))[:300]
