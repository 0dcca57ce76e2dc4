"""Data that the user brings (`--files NAME=DIR`) where the Hub doesn't have it.

A pin of kind "files" names the files relative to that folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.canonical import file_sha256
from harness.errors import DataError


def locate(folders: Mapping[str, Path], name: str, file: str, sha256: str | None = None) -> Path:
    """The file that the user brought for the data set `name`.

    Args:
        folders: what `--files` gave: data set -> folder.
        name: the data set's name in pins.yaml.
        file: relative to that folder.
        sha256: what the bytes must be; None where nobody knows it in advance.

    Raises:
        DataError: no folder was given, it lacks the file, or the file's bytes are others. The
            message says what to bring and where.
    """
    require(folders, name, [file])
    path = folders[name] / file
    found = file_sha256(path)
    if sha256 is not None and found != sha256:
        raise DataError(
            where=str(path),
            got=f"sha256 {found}",
            expected=f"sha256 {sha256}",
            fix="The file is another version or damaged: bring the pinned one.",
        )
    return path


def require(folders: Mapping[str, Path], name: str, wanted: Sequence[str]) -> None:
    """Refuse to go on without the files `wanted` of the data set `name`.

    Raises:
        DataError: no folder was given, or it lacks files. The message names all of them.
    """
    if name not in folders:
        names = ", ".join(wanted)
        raise DataError(
            where=f"data set `{name}`",
            got="no folder for it",
            expected=f"your own copy of it, with {names}",
            fix=f"Put {names} into a folder DIR and add `--files {name}=DIR`.",
        )
    folder = folders[name]
    lacking = [file for file in wanted if not (folder / file).is_file()]
    if lacking:
        names = ", ".join(lacking)
        held = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        raise DataError(
            where=str(folder / lacking[0]),
            got=f"no such file (the folder holds {', '.join(held[:10]) or 'nothing'})",
            expected=f"{names} of data set `{name}`",
            fix=f"Put {names} there, or name another folder with `--files {name}=DIR`.",
        )
