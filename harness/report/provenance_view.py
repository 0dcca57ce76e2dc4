"""Provenance (nested mappings of words and numbers) as titled lists for the template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_FIRST = "This run"


def provenance_sections(
    provenance: Mapping[str, Any],
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """(title, ((name, value), ...)) for each top-level mapping; bare values come first."""
    bare = {key: value for key, value in provenance.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in provenance.items() if isinstance(value, Mapping)}
    sections = [(_FIRST, tuple(_flat(bare, "")))] if bare else []
    sections += [(_title(key), tuple(_flat(value, ""))) for key, value in nested.items()]
    return tuple(sections)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{_words(key)}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name} · ")
        else:
            yield name, _value(value)


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_value(one) for one in value) or "none"
    return str(value)


def _words(key: str) -> str:
    return str(key).replace("_", " ")


def _title(key: str) -> str:
    words = _words(key)
    return words[:1].upper() + words[1:]
