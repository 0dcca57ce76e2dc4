"""Sealed folders: complete or absent, every bit accounted for. Artifacts and checkpoints are some.

`meta.json` holds the sha256 of every other file and of itself. It is written last, everything is
flushed to the disk, and only then does the folder get its name: that it is there is completeness.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import strict_json
from harness.canonical import canonical_json, digest, file_sha256
from harness.errors import VerificationError

META = "meta.json"
MAX_META = 64 << 20
"""Bytes; far above what a stage of thousands of files takes."""
# Bytes that a file may have.
_SIZES = range(2**63)


def seal(folder: Path, target: Path, description: Mapping[str, Any]) -> None:
    """Describe the files in `folder`, flush them, and rename the folder to `target`.

    Raises:
        OSError: disk full, no permission, or `target` is there.
    """
    describe(folder, description)
    place(folder, target)


def describe(folder: Path, description: Mapping[str, Any]) -> None:
    """Write `meta.json`: `description`, and the size and sha256 of every file in `folder`."""
    files = {name: _describe(folder / name) for name in _names(folder)}
    meta = {**description, "files": files}
    (folder / META).write_bytes(canonical_json({**meta, "meta_sha256": digest(meta)}))


def place(folder: Path, target: Path) -> None:
    """Flush a described folder, and rename it to `target`.

    Raises:
        OSError: disk full, no permission, or `target` is there.
    """
    for path in (*folder.rglob("*"), folder):
        flush(path)
    _make_lasting(target.parent)
    os.rename(folder, target)
    flush(target.parent)


def read_meta(folder: Path) -> dict[str, Any]:
    """meta.json, refused unless its bytes are exactly what its own digest promises.

    Raises:
        VerificationError: it is missing, or isn't as it was written.
    """
    where = str(folder / META)
    try:
        raw = strict_json.read_bytes(folder / META, MAX_META)
        meta: dict[str, Any] = strict_json.loads(raw)
        stated = meta.pop("meta_sha256")
        sound = digest(meta) == stated and canonical_json({**meta, "meta_sha256": stated}) == raw
        _check_files(meta["files"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise VerificationError(
            where=where,
            got=f"unreadable: {error}",
            expected="canonical JSON",
            fix="Remove the artifact with `harness store gc --broken`; a run makes it again.",
        ) from error
    if not sound:
        raise VerificationError(
            where=where,
            got="content that differs from its own digest",
            expected="the bytes that were written",
            fix="Remove the artifact with `harness store gc --broken`; a run makes it again.",
        )
    return meta


def problems(folder: Path, meta: Mapping[str, Any], names: Sequence[str] = ()) -> list[str]:
    """What is wrong with the files of a sealed folder, "name: what"; empty: nothing.

    With `names` only those files are looked at.
    """
    recorded = meta["files"]
    chosen = names or sorted(set(recorded) | set(_names(folder)) - {META})
    found = {name: _compare(folder / name, recorded.get(name)) for name in chosen}
    return [f"{name}: {problem}" for name, problem in found.items() if problem]


def _names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _describe(path: Path) -> dict[str, Any]:
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def _compare(path: Path, recorded: Mapping[str, Any] | None) -> str | None:
    if recorded is None:
        return "not in meta.json"
    if path.is_symlink():
        return "a link, where only files are written"
    if not path.is_file():
        return "missing"
    return None if file_sha256(path) == recorded["sha256"] else "sha256 differs"


def _check_files(files: Mapping[str, Any]) -> None:
    """Whoever forges a meta.json can redo its digest, too: no name may lead out of the folder."""
    for name, recorded in files.items():
        size = recorded["bytes"]
        if not isinstance(recorded["sha256"], str) or type(size) is not int or size not in _SIZES:
            raise ValueError(f"file `{name}` without sha256 and bytes")
        if name.startswith("/") or {"", ".", ".."} & set(name.split("/")) or "\0" in name:
            raise ValueError(f"file `{name}`, outside its folder")


def _make_lasting(folder: Path) -> None:
    """Make a folder whose name survives a power cut: its parent is flushed too."""
    if folder.is_dir():
        return
    _make_lasting(folder.parent)
    folder.mkdir(exist_ok=True)
    flush(folder.parent)


def flush(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
