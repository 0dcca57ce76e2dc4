"""Sound input -> damaged input: strategies for bytes and for nested plain data."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

DEEP = 150
TEXTS = (
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff x", "\ufeff", "\u202egnp.exe", "🙂", "é́", "İ"),
    *("../../../../etc/passwd", "/etc/passwd", "..", ".", "C:\\x", "~/x", "file:///etc/passwd"),
    *("{1..999999999}/*", "**/*", "*", "{{ 7 * 7 }}", "{% for a in b %}", "${HOME}", "%s%n"),
    *("<script>alert(1)</script>", "__import__('os').system('id')", "\x1b[2J\x1b]0;x\x07", "\r\n"),
    *("nan", "-inf", "1e999", "0x10", "1_000", "١٢", "-1", "²", "9" * 400, "x" * 5000),
)
NUMBERS = (
    *(0, 1, -1, 2, 127, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, 2**63, 2**64, 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
)
TOKENS = (
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\t"),
    *(b"NaN", b"Infinity", b"1e999", b"-", b'"\\ud800"', b'"\\u0000"', b"9" * 5000, b"null"),
    *(b"[" * 2000, b'{"a":' * 2000, b"(" * 500, b"- " * 500, b"&a", b"*a", b"<<:", b"!!python/x"),
    *(b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x0f", b"\x80" * 9 + b"\x01", b"../", b"\x1b[2J"),
)


def _nested(kind: str) -> Any:
    value: Any = 1
    for _ in range(DEEP):
        value = [value] if kind == "list" else {"a": value}
    return value


LEAVES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [None], [[]], {"": None}, _nested("list"), _nested("dict")),
    *NUMBERS,
    *TEXTS,
)


@st.composite
def damaged_bytes(draw: Callable[..., Any], sound: Sequence[bytes]) -> bytes:
    """One of `sound` after a few random edits: bits, tokens, cuts, repetitions."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 64)))
        how = draw(st.sampled_from(("flip", "set", "token", "cut", "repeat", "end", "random")))
        if how == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif how == "set" and start < len(data):
            data[start] = draw(st.sampled_from((0, 1, 0x7F, 0x80, 0xFE, 0xFF)))
        elif how == "token":
            data[start:start] = draw(st.sampled_from(TOKENS))
        elif how == "cut":
            del data[start:end]
        elif how == "repeat":
            data[start:start] = data[start:end] * draw(st.sampled_from((1, 2, 50)))
        elif how == "end":
            del data[start:]
        else:
            data[start:end] = draw(st.binary(max_size=16))
    return bytes(data)


def damaged_tree(sound: Sequence[Any], most: int = 4) -> st.SearchStrategy[Any]:
    """One of `sound` (dicts, lists, plain values) after up to `most` random edits.

    Every other one keeps its form: values become other values of their kind, entries go or are
    repeated, so that what looks beyond the form is reached.
    """
    return st.one_of(_reshaped(sound, most), _resembling(sound, most))


@st.composite
def _reshaped(draw: Callable[..., Any], sound: Sequence[Any], most: int) -> Any:
    value = copy.deepcopy(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, most))):
        value = _edit(draw, value)
    return value


@st.composite
def _resembling(draw: Callable[..., Any], sound: Sequence[Any], most: int) -> Any:
    value = copy.deepcopy(draw(st.sampled_from(sound)))
    known: dict[type, list[Any]] = {}
    for one in _leaves(value):
        known.setdefault(type(one), []).append(one)
    for _ in range(draw(st.integers(1, most))):
        value = _vary(draw, value, known)
    return value


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


def _vary(draw: Callable[..., Any], value: Any, known: dict[type, list[Any]]) -> Any:
    """Walk down to some value and put another of its kind in its place; now and then less."""
    if not isinstance(value, dict | list) or not value:
        return _another(draw, value, known)
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    how = draw(st.sampled_from(("into", "into", "into", "into", "into", "drop", "double")))
    if how == "drop":
        del value[key]
    elif how == "double" and isinstance(value, list):
        value.insert(key, copy.deepcopy(value[key]))
    else:
        value[key] = _vary(draw, value[key], known)
    return value


def _another(draw: Callable[..., Any], value: Any, known: dict[type, list[Any]]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        change = draw(st.sampled_from((-1, 1, 2, 1000)))
        return value * change if change in (-1, 1000) else value + change
    if isinstance(value, str) and draw(st.booleans()):
        # Of the document, so that what refers to something still does.
        return draw(st.sampled_from(known.get(str, [""])))
    if isinstance(value, str):
        at = draw(st.integers(0, len(value)))
        return value[:at] + draw(st.sampled_from(("", "x", "0", " ", "-"))) + value[at + 1 :]
    return value


def _edit(draw: Callable[..., Any], value: Any) -> Any:
    """Walk down to some place and change what is there."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 4)) == 0:
        return copy.deepcopy(draw(st.sampled_from(LEAVES)))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = draw(st.sampled_from(keys))
    how = draw(st.sampled_from(("into", "into", "into", "drop", "double", "swap", "rename")))
    if how == "drop":
        del value[key]
    elif how == "double" and isinstance(value, list):
        value.append(copy.deepcopy(value[key]))
    elif how == "swap":
        other = draw(st.sampled_from(keys))
        value[key], value[other] = value[other], value[key]
    elif how == "rename" and isinstance(value, dict):
        value[draw(st.sampled_from(TEXTS))] = value.pop(key)
    else:
        value[key] = _edit(draw, value[key])
    return value


def as_json(value: Any, *, ascii_only: bool = True) -> bytes:
    """JSON as anybody's program might have written it: NaN and half characters included."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")
