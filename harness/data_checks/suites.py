"""Suites of expectations, read from `checks/*.yaml`: what the rows of a data set must be.

Great Expectations passes on an empty table and on columns of nulls alone, so every suite begins
with a gate: at least one row, the required columns, and not-null for each of them. A suite whose
gate doesn't say that is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.errors import ManifestError, UsageError
from harness.manifest import parse_model
from harness.models import Identifier, Model, Text
from harness.resources import resource_dir

Level = Literal["error", "warning", "info"]
_ROWS, _COLUMNS = "expect_table_row_count_to_be_between", "expect_table_columns_to_match_set"
_NOT_NULL = "expect_column_values_to_not_be_null"


class Expectation(Model):
    """One expectation: its type, as Great Expectations registers it, and what a failure means."""

    name: Identifier
    """What reports call it."""
    type: Annotated[str, Field(pattern=r"^expect_[a-z_]+$")]
    level: Level = "error"
    """error: the run is INVALID; warning and info: in the report."""
    eased_by: str | None = None
    """The parameter, "$name", that makes an error a warning: the run leaves such rows out."""
    expect: Text
    """What sound rows look like, in words."""
    cause: Text
    """The likely cause of a failure, unless the rows themselves show it."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Arguments; "$name" stands for a parameter of the suite, the data set or the run."""
    each: tuple[str, ...] | str = ()
    """Columns (or a parameter that names them), each with an expectation of its own."""


class Addition(Model):
    """What a reader or data set says beyond its family: parameters in the suite's place, checks."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()


class Suite(Model):
    """checks/<family>.yaml."""

    format: Literal[1]
    id: Identifier
    title: Text
    rows_by: str | None = None
    """The column that names a row in reports; null: its number."""
    shows: str
    """The column that is shown of a row."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    gate: tuple[Expectation, ...]
    """Made first; the others aren't made where one of these fails."""
    expectations: tuple[Expectation, ...]
    readers: dict[Identifier, Addition] = Field(default_factory=dict)
    """By the form of the rows (models.Reader)."""
    datasets: dict[Identifier, Addition] = Field(default_factory=dict)
    """By name in pins.yaml; a generated set, mini-NAME, has those of NAME."""

    @model_validator(mode="after")
    def _begins_with_gate(self) -> Suite:
        if [one.type for one in self.gate[:3]] != [_ROWS, _COLUMNS, _NOT_NULL]:
            raise ValueError(f"a gate that begins with {_ROWS}, {_COLUMNS} and {_NOT_NULL}")
        rows, columns, not_null = self.gate[:3]
        if not rows.kwargs.get("min_value", 0) >= 1:
            raise ValueError("at least 1 row as the gate's `min_value`")
        required = columns.kwargs.get("column_set")
        if not required or columns.kwargs.get("exact_match") is not False:
            raise ValueError("the required columns as `column_set`, with `exact_match: false`")
        if not_null.each != required and list(not_null.each) != required:
            raise ValueError("not-null for each of the required columns")
        if any(one.level != "error" or "mostly" in one.kwargs for one in self.gate[:3]):
            raise ValueError("level error, without `mostly`, in the gate's first three")
        return self


@dataclass(frozen=True, kw_only=True)
class Check:
    """An expectation with every parameter filled in, for one column where it has one."""

    name: str
    type: str
    level: Level
    expect: str
    cause: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be checked of one table, in order."""

    path: Path
    rows_by: str | None
    shows: str
    gate: tuple[Check, ...]
    checks: tuple[Check, ...]


def load_suite(name: str, folder: Path | None = None) -> Suite:
    """The suite checks/<name>.yaml.

    Raises:
        UsageError: there is none of that name.
        ManifestError: the file breaks a rule; names file, line and key.
    """
    path = _path(name, folder)
    if not path.is_file():
        raise UsageError(
            where=str(path),
            got="no such file",
            expected=f"one of {', '.join(sorted(one.stem for one in path.parent.glob('*.yaml')))}",
            fix="Name the suite after the family of the task.",
        )
    return parse_model(Suite, path)


def plan_checks(
    name: str,
    dataset: str,
    parameters: Mapping[str, Any],
    *,
    reader: str = "",
    folder: Path | None = None,
) -> Plan:
    """What suite `name` expects of `dataset`, with the run's `parameters` filled in.

    Args:
        name: the suite's.
        dataset: its name in pins.yaml.
        parameters: the run's; they win over the data set's, the reader's and the suite's.
        reader: the form of its rows (models.Reader).
        folder: where the suites are, if not the project's own.

    Raises:
        UsageError, ManifestError: as `load_suite`; a "$name" that nothing defines.
    """
    suite, path = load_suite(name, folder), _path(name, folder)
    known_by = dataset if dataset in suite.datasets else dataset.removeprefix("mini-")
    additions = (
        suite.readers.get(reader, Addition()),
        suite.datasets.get(known_by, Addition()),
    )
    given = dict(suite.parameters)
    every = list(suite.expectations)
    for addition in additions:
        given |= addition.parameters
        every += addition.expectations
    given |= parameters
    known = {key: _filled(value, given, path) for key, value in given.items()}
    return Plan(
        path=path,
        rows_by=suite.rows_by,
        shows=_filled(suite.shows, known, path),
        gate=tuple(_checks(suite.gate, known, path)),
        checks=tuple(_checks(every, known, path)),
    )


def _path(name: str, folder: Path | None) -> Path:
    return (folder or resource_dir("checks")) / f"{name}.yaml"


def _checks(
    expectations: Sequence[Expectation], known: Mapping[str, Any], path: Path
) -> Iterator[Check]:
    for one in expectations:
        eased = one.eased_by is not None and _filled(one.eased_by, known, path)
        columns = _filled(one.each, known, path)
        kwargs = _filled(one.kwargs, known, path)
        for column in columns if one.each else (None,):
            added = {} if column is None else {"column": column}
            if column is not None and "arguments" in kwargs:
                added = {"arguments": {**kwargs["arguments"], "column": column}}
            yield Check(
                name=one.name if column is None else f"{one.name}.{column}",
                type=one.type,
                level="warning" if eased and one.level == "error" else one.level,
                expect=one.expect,
                cause=one.cause,
                kwargs={**kwargs, **added},
            )


def _filled(value: Any, known: Mapping[str, Any], path: Path) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        if value[1:] not in known:
            raise ManifestError(
                where=str(path),
                got=f"parameter {value}",
                expected=f"one of {', '.join(f'${name}' for name in known)}",
                fix="Define it under `parameters`, or mend the name.",
            )
        return known[value[1:]]
    if isinstance(value, Mapping):
        return {key: _filled(item, known, path) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, known, path) for item in value]
    return value
