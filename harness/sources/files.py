"""Data that the user brings (`--files NAME=DIR`) where the Hub doesn't have it.

A pin of kind "files" names the files relative to that folder: one file, or a pattern of many, in
which `*` stands for any part of a name and `{02..21}` for these numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.canonical import digest, file_sha256
from harness.errors import DataError

_MOST_DIGITS = 4
# Characters of a name or pattern, as in a pin: those of thousands of parts take Python's glob
# seconds, or its whole stack.
_LONGEST = 300
# Of them, in an error.
_SHOWN = 100
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


def expand(file: str) -> list[str]:
    """A pin's name of files without its range of numbers: as many names as it has numbers.

    "{02..04}/*.auto" is "02/*.auto", "03/*.auto" and "04/*.auto".

    Raises:
        DataError: it is too long, or its numbers are.
    """
    if len(file) > _LONGEST:
        raise _no_name(file, f"{len(file):,} characters", f"at most {_LONGEST}")
    found = _RANGE.search(file)
    if found is None:
        return [file]
    first, last = found.groups()
    if max(len(first), len(last)) > _MOST_DIGITS:
        got = f"a range from {first[:20]} to {last[:20]}"
        raise _no_name(file, got, f"numbers of at most {_MOST_DIGITS} digits")
    numbers = (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
    return [f"{file[: found.start()]}{number}{file[found.end() :]}" for number in numbers]


def locate(
    folders: Mapping[str, Path], name: str, file: str, sha256: str | None = None
) -> tuple[list[Path], dict[str, str]]:
    """The files that the user brought for the data set `name`, and what their bytes are.

    Args:
        folders: what `--files` gave: data set -> folder.
        name: the data set's name in pins.yaml.
        file: relative to that folder; may be a pattern.
        sha256: what the bytes must be; None where nobody knows it in advance. Of a pattern, the
            hash of its files' names and hashes.

    Returns:
        The files in the order of their names, and name -> sha256; of a pattern one entry for each
        of `expand(file)`.

    Raises:
        DataError: no folder was given, it lacks files, or the bytes are others. The message says
            what to bring and where.
    """
    require(folders, name, [file])
    folder = folders[name]
    parts = {part: _matching(folder, part) for part in expand(file)}
    hashes = {part: _digest(folder, part, paths) for part, paths in parts.items()}
    found = hashes[file] if file in hashes else digest(hashes)
    if sha256 is not None and found != sha256:
        raise DataError(
            where=str(folder / file),
            got=f"sha256 {found}",
            expected=f"sha256 {sha256}",
            fix="The data are another version or damaged: bring the pinned ones.",
        )
    return [path for paths in parts.values() for path in paths], hashes


def require(folders: Mapping[str, Path], name: str, wanted: Sequence[str]) -> None:
    """Refuse to go on without the files `wanted` of the data set `name`.

    Raises:
        DataError: no folder was given, or it lacks files. The message names all of them. Or a
            pin's name of files is none.
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
    lacking = [part for file in wanted for part in expand(file) if not _matching(folder, part)]
    if lacking:
        names = ", ".join(lacking)
        held = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
        raise DataError(
            where=str(folder / lacking[0]),
            got=f"no such file (the folder holds {', '.join(held[:10]) or 'nothing'})",
            expected=f"{names} of data set `{name}`",
            fix=f"Put {names} there, or name another folder with `--files {name}=DIR`.",
        )


def _matching(folder: Path, part: str) -> list[Path]:
    try:
        found = folder.glob(part) if "*" in part else [folder / part]
        return sorted(path for path in found if path.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        # OSError: a name that is longer than names can be, a folder that may not be read.
        got = (isinstance(error, OSError) and error.strerror) or str(error)
        expected = "a name relative to the folder, in which `*` stands for a part of a name"
        raise _no_name(part, got, expected) from error


def _no_name(file: str, got: str, expected: str) -> DataError:
    return DataError(
        where=f"file `{file[:_SHOWN]}` of a pin",
        got=got,
        expected=expected,
        fix="Mend the pin's `file`.",
    )


def _digest(folder: Path, part: str, paths: Sequence[Path]) -> str:
    if "*" not in part:
        return file_sha256(paths[0])
    return digest({path.relative_to(folder).as_posix(): file_sha256(path) for path in paths})
