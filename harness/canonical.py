"""The only hasher: a value -> canonical JSON -> sha256.

Canonical JSON here: UTF-8, keys sorted, no white space, integers as they are, floats by
their shortest round-trip form. A value that could differ between two machines or two runs
without meaning to (sets, NaN, dates, absolute paths) is refused rather than hashed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

# A slash before a space is prose, such as a quoted table cell.
_ABSOLUTE = re.compile(r"^(/(?!\s)|[A-Za-z]:[\\/]|~/)")
_CHUNK = 1 << 20


def canonical_json(value: Any) -> bytes:
    """`value` as canonical JSON bytes.

    Args:
        value: nested mappings with string keys, lists, tuples, strings, numbers, booleans, None.

    Raises:
        TypeError: a set, date, path, bytes or other type without one canonical form.
        ValueError: NaN or infinity, or a string that looks like an absolute path.
    """
    text = json.dumps(
        _plain(value, "value"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return text.encode("utf-8")


def digest(value: Any) -> str:
    """sha256, in hex, of `value` as canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def bytes_sha256(data: bytes) -> str:
    """sha256, in hex, of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256, in hex, of a file's bytes, read in pieces of 1 MiB."""
    with path.open("rb") as stream:
        return stream_sha256(stream)


def stream_sha256(stream: BinaryIO) -> str:
    """sha256, in hex, of what is left of a stream."""
    hasher = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


def _plain(value: Any, at: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _finite(value, at)
    if isinstance(value, str):
        if _ABSOLUTE.match(value):
            raise ValueError(f"{at}: {value!r} is an absolute path; keys never hold paths")
        return value
    if isinstance(value, Mapping):
        return {_text_key(key, at): _plain(item, f"{at}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{at}[{i}]") for i, item in enumerate(value)]
    raise TypeError(f"{at}: {type(value).__name__} has no canonical form")


def _finite(value: float, at: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{at}: {value} can't be hashed")
    # -0.0 equals 0.0 everywhere but in its text.
    return value or 0.0


def _text_key(key: Any, at: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{at}: key {key!r} is {type(key).__name__}, only strings are keys")
    return key
