"""Data that the user brings."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.sources.files import expand, locate


def test_brought_file_is_located(tmp_path: Path) -> None:
    """The folder by name, the file by the pin, the bytes by their hash."""
    (tmp_path / "a.json").write_bytes(b"{}")
    sha256 = hashlib.sha256(b"{}").hexdigest()
    paths, hashes = locate({"brought": tmp_path}, "brought", "a.json", sha256)
    assert paths == [tmp_path / "a.json"]
    assert hashes == {"a.json": sha256}


def test_missing_folder_says_what_to_bring() -> None:
    """The message is a recipe."""
    with pytest.raises(DataError, match=r"Put a.json into a folder DIR and add `--files brought="):
        locate({}, "brought", "a.json")


def test_missing_file_says_what_the_folder_holds(tmp_path: Path) -> None:
    """Often the file is there under another name."""
    (tmp_path / "b.json").write_bytes(b"{}")
    with pytest.raises(DataError, match=r"no such file \(the folder holds b.json\)"):
        locate({"brought": tmp_path}, "brought", "a.json")


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """Brought data is pinned like any other."""
    (tmp_path / "a.json").write_bytes(b"[]")
    with pytest.raises(DataError, match="another version or damaged"):
        locate({"brought": tmp_path}, "brought", "a.json", "0" * 64)


def sections(tmp_path: Path, *numbers: str) -> Path:
    """A folder with two files for each section."""
    for number in numbers:
        folder = tmp_path / "data" / number
        folder.mkdir(parents=True)
        for name in ("b.auto", "a.auto"):
            (folder / name).write_text(f"{number}/{name}", encoding="utf-8")
    return tmp_path


def test_numbers_of_a_pattern() -> None:
    """As wide as they are written."""
    assert expand("data/{09..11}/*.auto") == [
        "data/09/*.auto",
        "data/10/*.auto",
        "data/11/*.auto",
    ]
    assert expand("a.json") == ["a.json"]


def test_pattern_names_many_files(tmp_path: Path) -> None:
    """In the order of their names; one hash for each section, over names and bytes."""
    folder = sections(tmp_path, "02", "03")
    paths, hashes = locate({"own": folder}, "own", "data/{02..03}/*.auto")
    assert [path.relative_to(folder).as_posix() for path in paths] == [
        *("data/02/a.auto", "data/02/b.auto"),
        *("data/03/a.auto", "data/03/b.auto"),
    ]
    assert list(hashes) == ["data/02/*.auto", "data/03/*.auto"]
    (folder / "data/03/a.auto").rename(folder / "data/03/c.auto")
    _, renamed = locate({"own": folder}, "own", "data/{02..03}/*.auto")
    assert renamed["data/02/*.auto"] == hashes["data/02/*.auto"]
    assert renamed["data/03/*.auto"] != hashes["data/03/*.auto"]


def test_missing_section_is_named(tmp_path: Path) -> None:
    """What to bring and where it belongs."""
    folder = sections(tmp_path, "02")
    with pytest.raises(DataError, match=r"expected data/03/\*.auto of data set `own`"):
        locate({"own": folder}, "own", "data/{02..03}/*.auto")
