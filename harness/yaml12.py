"""YAML as 1.2 means it, with the line of every key.

PyYAML resolves scalars by YAML 1.1 (`no` is False, `1e-5` a string). Here the resolver is the
1.2 core schema's, a duplicate key is an error, and tags, anchors and merges are refused:
a manifest is plain data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ManifestError
from harness.strict_json import read_bytes

Lines = dict[tuple[str | int, ...], int]


def _constant(value: object) -> Callable[[str], object]:
    return lambda _: value


# YAML 1.2.2, section 10.3.2 (core schema), in the order in which the schema tries them.
_CORE = (
    (re.compile(r"(?:null|Null|NULL|~|)\Z"), _constant(None)),
    (re.compile(r"(?:true|True|TRUE)\Z"), _constant(True)),
    (re.compile(r"(?:false|False|FALSE)\Z"), _constant(False)),
    (re.compile(r"[-+]?[0-9]+\Z"), int),
    (re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"), float),
)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_BYTES = 4 << 20
# The composer recurses in C without a limit; no manifest nests ten deep.
_MAX_DEPTH = 100
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def load(path: Path) -> tuple[Any, Lines]:
    """The document in `path` and, for each path of keys in it, the line it stands on (from 1).

    Raises:
        ManifestError: unreadable file, syntax error, duplicate key, tag, anchor or alias.
    """
    try:
        raw = read_bytes(path, _MAX_BYTES)
    except ValueError as error:
        raise _error(str(path), 1, str(error), "a manifest", "Split the file.") from error
    except OSError as error:
        raise ManifestError(
            where=str(path),
            got=error.strerror or str(error),
            expected="a readable YAML file",
            fix="Check the path and its permissions.",
        ) from error
    return parse(raw, str(path))


def parse(raw: bytes, name: str) -> tuple[Any, Lines]:
    """As `load`, from bytes; `name` stands for the file in errors."""
    if len(raw) > _MAX_BYTES:
        raise _error(name, 1, f"{len(raw)} bytes", f"at most {_MAX_BYTES}", "Split the file.")
    try:
        text = raw.decode("utf-8-sig")
        _check_tokens(text, name)
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise _error(name, 1, str(error), "UTF-8 text", "Save the file as UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or error).split("\n")[0]
        line = mark.line + 1 if mark else 1
        raise _error(name, line, problem, "valid YAML", "Mend the syntax.") from error
    lines: Lines = {(): 1}
    return (None if node is None else _build(node, (), lines, name)), lines


def _check_tokens(text: str, name: str) -> None:
    """Refuse what isn't plain data, and nesting that would overflow libyaml's composer."""
    depth = 0
    for token in yaml.scan(text, Loader=_LOADER):
        line = token.start_mark.line + 1
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise _error(name, line, "an anchor or alias", "plain data", "Write the value out.")
        if isinstance(token, yaml.TagToken):
            got = f"tag `{''.join(filter(None, token.value))}`"
            raise _error(name, line, got, "plain data", "Remove the tag.")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            raise _error(name, line, "very deep nesting", f"at most {_MAX_DEPTH}", "Flatten it.")


def _build(node: yaml.Node, at: tuple[str | int, ...], lines: Lines, name: str) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, line, name)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*at, i), lines, name) for i, item in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise _error(name, key_line, "a key that isn't text", "a text key", "Use a plain key.")
        if key == "<<" and not key_node.style:
            raise _error(name, key_line, "a merge `<<`", "plain data", "Write the keys out.")
        if key in found:
            first = lines[(*at, key)]
            raise _error(
                name,
                key_line,
                f"key `{key}` a second time (first on line {first})",
                "each key once",
                "Remove one of the two.",
            )
        lines[(*at, key)] = key_line
        found[key] = _build(value_node, (*at, key), lines, name)
    return found


def _scalar(node: yaml.ScalarNode, line: int, name: str) -> Any:
    text = str(node.value)
    if node.style:
        return text
    for pattern, convert in _CORE:
        if pattern.match(text):
            return _number(convert, text, line, name)
    return text


def _number(convert: Any, text: str, line: int, name: str) -> Any:
    try:
        return convert(text)
    except ValueError as error:
        # CPython refuses integers of more than 4,300 digits.
        fix = "Write a smaller number."
        raise _error(name, line, str(error)[:60], "a number", fix) from error


def _error(name: str, line: int, got: str, expected: str, fix: str) -> ManifestError:
    return ManifestError(where=f"{name}, line {line}", got=got, expected=expected, fix=fix)
