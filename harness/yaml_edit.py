"""One value of a YAML file replaced, every other byte as it was: comments, order, white space.

The text is cut at the marks that the parser gives; what comes out is read again and must be the
old document with that one value changed.
"""

from __future__ import annotations

import codecs
from typing import Any

import yaml

from harness import yaml12
from harness.errors import ManifestError

Place = tuple[str, ...]


def with_value(raw: bytes, at: Place, value: str | None, name: str, after: str = "") -> bytes:
    """`raw` with the scalar at `at` set to `value`.

    Args:
        raw: a YAML document.
        at: keys down to the scalar; all but the last must be there.
        value: text, or None for null.
        name: stands for the file in errors.
        after: where the last key isn't there, it is added behind this sibling; None is not added,
            for it is what a missing key means.

    Raises:
        ManifestError: not YAML, or written in a way that can't be edited like this.
    """
    document, lines = yaml12.parse(raw, name)
    bom = codecs.BOM_UTF8 if raw.startswith(codecs.BOM_UTF8) else b""
    text = raw.decode("utf-8-sig")
    parent = _mapping(yaml.compose(text, Loader=yaml.SafeLoader), at[:-1])
    if at in lines:
        text = _replaced(text, _pair(parent, at[-1])[1], value)
    elif value is not None:
        text = _added(text, parent, after, f"{at[-1]}: {_plain(value)}")
    edited = bom + text.encode("utf-8")
    if value is not None or at in lines:
        _set(document, at, value)
    if not _reads_as(edited, document):
        raise ManifestError(
            where=f"{name}, line {lines.get(at, lines[at[:-1]])}: {'.'.join(at)}",
            got="a value written in a way that this edit can't change",
            expected="a plain or quoted value on one line",
            fix=f"Change it by hand to {value or 'null'}; nothing was written.",
        )
    return edited


def _reads_as(raw: bytes, document: Any) -> bool:
    try:
        return bool(yaml12.parse(raw, "edited")[0] == document)
    except ManifestError:
        return False


def _replaced(text: str, node: Any, value: str | None) -> str:
    quote = getattr(node, "style", None) or ""
    shown = f"{quote}{value}{quote}" if value and quote in ("'", '"') else _plain(value)
    start, end = node.start_mark.index, node.end_mark.index
    space = " " if start == end and text[start - 1] == ":" else ""
    return text[:start] + space + shown + text[end:]


def _added(text: str, parent: Any, after: str, entry: str) -> str:
    key, value = _pair(parent, after)
    end = value.end_mark.index
    if parent.flow_style:
        return f"{text[:end]}, {entry}{text[end:]}"
    indent = " " * key.start_mark.column
    stop = text.find("\n", end)
    if stop < 0:
        return f"{text}\n{indent}{entry}"
    newline = "\r\n" if text[stop - 1] == "\r" else "\n"
    return f"{text[: stop + 1]}{indent}{entry}{newline}{text[stop + 1 :]}"


def _plain(value: str | None) -> str:
    """Without quotes where it reads back as the same text; 40 digits are a number otherwise."""
    if value is None:
        return "null"
    return value if yaml12.parse(value.encode(), "value")[0] == value else f"'{value}'"


def _mapping(node: Any, at: Place) -> Any:
    for key in at:
        node = _pair(node, key)[1]
    return node


def _pair(node: Any, key: str) -> tuple[Any, Any]:
    found: tuple[Any, Any] = next(pair for pair in node.value if pair[0].value == key)
    return found


def _set(document: Any, at: Place, value: str | None) -> None:
    for key in at[:-1]:
        document = document[key]
    document[at[-1]] = value
