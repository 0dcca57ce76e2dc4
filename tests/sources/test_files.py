"""Data that the user brings."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.sources.files import locate


def test_brought_file_is_located(tmp_path: Path) -> None:
    """The folder by name, the file by the pin, the bytes by their hash."""
    (tmp_path / "a.json").write_bytes(b"{}")
    sha256 = hashlib.sha256(b"{}").hexdigest()
    assert locate({"brought": tmp_path}, "brought", "a.json", sha256) == tmp_path / "a.json"


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
