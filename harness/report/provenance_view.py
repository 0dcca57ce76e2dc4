"""Provenance (nested mappings of words and numbers) as titled lists and a table of stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.report.tables import Cell, Column, Row, Table, code, figure, short, table, text
from harness.report.words import number

PROVENANCE_PAGE = "provenance.html"
_FIRST = "This run"
_STAGES = "stages"
_KEY = 12
_COLUMNS = (
    Column(label="Stage"),
    Column(label="Key"),
    Column(label="Began (UTC)"),
    Column(label="Seconds", numeric=True),
    Column(label="Peak memory", numeric=True),
    Column(label="On"),
    Column(label="Code"),
)


def made_anchor(key: str) -> str:
    """The id of a stage's row; `key` may be cut to its first twelve digits."""
    return f"made-{key[:_KEY]}"


def provenance_sections(
    provenance: Mapping[str, Any],
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """(title, ((name, value), ...)) of each mapping but the stages; bare values first."""
    rest = {key: value for key, value in provenance.items() if key != _STAGES}
    bare = {key: value for key, value in rest.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in rest.items() if isinstance(value, Mapping)}
    sections = [(_FIRST, tuple(_flat(bare, "")))] if bare else []
    sections += [(_title(key), tuple(_flat(value, ""))) for key, value in nested.items()]
    return tuple(sections)


def stages_table(provenance: Mapping[str, Any]) -> Table | None:
    """When, where and with what code each stage was made, and how long it took."""
    stages = provenance.get(_STAGES)
    if not isinstance(stages, Mapping) or not stages:
        return None
    rows = [_stage_row(str(name), one) for name, one in stages.items() if isinstance(one, Mapping)]
    total = sum(_number(one.get("seconds")) for one in stages.values() if isinstance(one, Mapping))
    caption = (
        f"{len(rows):,} stages, {number(total)} seconds added up, those taken from the store "
        "included; several may have run at once. Peak memory is that of the process until then."
    )
    return table(caption, _COLUMNS, rows)


def _stage_row(name: str, one: Mapping[str, Any]) -> Row:
    stage, _, key = name.rpartition(" ")
    machine, made_with = _mapping(one.get("machine")), _mapping(one.get("code"))
    commit = str(made_with.get("commit") or "")[:_KEY]
    changed = "with changes" if made_with.get("dirty") else ""
    memory = _number(one.get("peak_memory_bytes"))
    cells = (
        text(stage, str(one.get("label", ""))),
        code(key),
        short(str(one.get("started", "")).removesuffix("+00:00").replace("T", " ")),
        figure(number(_number(one.get("seconds")))),
        figure(f"{number(memory / 2**30, 2)} GiB" if memory else ""),
        text(str(machine.get("cpu", "")), str(one.get("device", ""))),
        Cell(lines=(commit or str(made_with.get("version", "")), changed), style="hash"),
    )
    return Row(cells=cells, anchor=made_anchor(key))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


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
    words = "This machine, when the run was written" if key == "here" else _words(key)
    return words[:1].upper() + words[1:]
