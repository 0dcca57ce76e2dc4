"""What is wrong with a manifest, in words: pydantic's finding -> file, line, key, got, expected."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.errors import ManifestError
from harness.models import base
from harness.yaml12 import Lines

Finding = Mapping[str, Any]
_FORMS = {
    base.SHA256: "a sha256 of 64 hex digits",
    base.REVISION: "a commit of 40 hex digits (a branch or tag can move)",
    base.ARXIV: "an arXiv id like 2005.13013",
    base.LANGUAGE: "a language code like ru",
    base.IDENTIFIER: "a name of lower-case letters, digits and `_.-`",
}
_SCHEMA = "The keys and their types are in manifests/schema.json."


def explain(
    error: ValidationError, model: type[BaseModel], path: Path, lines: Lines
) -> ManifestError:
    """The first problem; pydantic's location is cut to the keys that the file has."""
    problems: list[Any] = list(error.errors(include_url=False))
    # A misspelt key is both unknown and missing; the unknown one stands in the file.
    problems.sort(key=lambda one: one["type"] != "extra_forbidden")
    first = problems[0]
    at: tuple[str | int, ...] = ()
    for part in first["loc"]:
        if (*at, part) in lines:
            at = (*at, part)
    key = ".".join(str(part) for part in first["loc"]) or "the document"
    got, expected = _got(first), in_words(first)
    if first["type"] == "extra_forbidden":
        got, expected = f"unknown key `{first['loc'][-1]}`", _known(first, problems, model)
    others = [one for one in problems[1:] if f"`{one['loc'][-1]}`, perhaps" != expected]
    more = f" ({len(others)} more to mend after it.)" if others else ""
    fix = "Put it into quotes." if _is_unquoted(first) else _SCHEMA
    return ManifestError(
        where=f"{path}, line {lines.get(at, 1)}: {key}", got=got, expected=expected, fix=fix + more
    )


def in_words(finding: Finding) -> str:
    """What was expected."""
    kind, message = finding["type"], str(finding["msg"])
    if kind == "missing":
        return f"the key `{finding['loc'][-1]}`"
    if kind in ("model_type", "dict_type"):
        return "keys and values"
    if kind == "string_pattern_mismatch":
        pattern = finding["ctx"]["pattern"]
        return _FORMS.get(pattern, f"text of the form {pattern}")
    for start in ("Value error, ", "Input should be ", "Input should "):
        message = message.removeprefix(start)
    return message.partition(", unable to parse")[0]


def _got(finding: Finding) -> str:
    value = finding["input"]
    if finding["type"] == "missing" or value is None:
        return "nothing"
    if finding["type"] == "value_error" and isinstance(value, Mapping):
        return "keys that don't fit together"
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _known(unknown: Finding, problems: Sequence[Finding], model: type[BaseModel]) -> str:
    """The nearest key that belongs there, among those that are missing or the document's own."""
    *place, name = unknown["loc"]
    names = [
        one["loc"][-1]
        for one in problems
        if one["type"] == "missing" and list(one["loc"][:-1]) == place
    ]
    names += [] if place else list(model.model_fields)
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"`{close[0]}`, perhaps" if close else "only keys that the format knows"


def _is_unquoted(finding: Finding) -> bool:
    """Digits that YAML takes for a number where a text belongs: an arXiv id, a version."""
    return finding["type"] == "string_type" and isinstance(finding["input"], int | float)
