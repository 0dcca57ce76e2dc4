"""JSON from outside, as plain data.

Python's reader lets pass what nothing here can use: NaN, numbers that become infinite, a key
twice, lone surrogates (which no file can hold again), other encodings, any depth. Each is refused
with a ValueError in words; every reader of JSON turns that into an error of its own.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MAX_DEPTH = 100
"""Nothing that the harness reads nests ten deep."""


def loads(raw: bytes) -> Any:
    """The document in `raw`: UTF-8, with or without a byte-order mark.

    Raises:
        ValueError: not JSON, or JSON that isn't plain data; says what.
    """
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} isn't UTF-8") from None
    except RecursionError:
        raise ValueError("very deep nesting") from None
    _check(value)
    return value


def read_bytes(path: Path, most: int) -> bytes:
    """All bytes of a file, of which there may be `most`; a device that never ends isn't read on.

    Raises:
        OSError: it can't be read.
        ValueError: there are more.
    """
    with path.open("rb") as stream:
        raw = stream.read(most + 1)
    if len(raw) > most:
        raise ValueError(f"more than {most} bytes")
    return raw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The json module would keep the last of two equal keys, silently.
    built = dict(pairs)
    if len(built) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"the key `{twice}` twice")
    return built


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant}, which is no JSON number")


def _check(value: Any) -> None:
    """Level by level, so that no depth can exhaust the stack."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("very deep nesting")
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += [*one, *one.values()]
            elif isinstance(one, list):
                below += one
            elif isinstance(one, str):
                _check_text(one)
            elif isinstance(one, float) and not math.isfinite(one):
                raise ValueError("a number beyond all bounds")
        level = below


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"half a character ({text[error.start]!a})") from error
