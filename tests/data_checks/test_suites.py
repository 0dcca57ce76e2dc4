"""Suites are data: what their files may say, and what is refused with file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data_checks.suites import load_suite, plan_checks
from harness.errors import ManifestError, UsageError

FAMILIES = ("classification", "extractive_qa", "multiple_choice", "retrieval", "tagging")
SOUND = """format: 1
id: small
title: Small
shows: a
parameters: {required: [a, b]}
gate:
  - name: rows
    type: expect_table_row_count_to_be_between
    expect: a row
    cause: nothing
    kwargs: {min_value: 1}
  - name: columns
    type: expect_table_columns_to_match_set
    expect: columns
    cause: another
    kwargs: {column_set: $required, exact_match: false}
  - name: not_null
    type: expect_column_values_to_not_be_null
    expect: no null
    cause: lost
    each: $required
expectations:
  - name: unique
    type: expect_column_values_to_be_unique
    level: warning
    expect: once
    cause: twice
    kwargs: {column: a}
datasets:
  odd:
    parameters: {required: [a]}
    expectations:
      - name: more
        type: expect_text_to_be
        expect: text
        cause: lost
        kwargs: {rule: $rule}
        each: [a]
"""


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """A folder with the sound suite, changed."""
    text = SOUND
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", FAMILIES)
def test_the_projects_suites_load(name: str) -> None:
    """One for each family, named as its file is; its parameters are all defined."""
    run: dict[str, Any] = {"rows": 1, "languages": {}, "no_answer": False, "realign": 0}
    suite = load_suite(name)
    assert suite.id == name
    for dataset in ("", *suite.datasets):
        plan = plan_checks(name, dataset, run)
        names = [one.name for one in (*plan.gate, *plan.checks)]
        assert len(set(names)) == len(names)


def test_parameters_are_filled_in(tmp_path: Path) -> None:
    """A list of columns becomes an expectation each."""
    plan = plan_checks("small", "other", {}, written(tmp_path))
    assert [one.name for one in plan.gate] == ["rows", "columns", "not_null.a", "not_null.b"]
    assert plan.gate[1].kwargs == {"column_set": ["a", "b"], "exact_match": False}
    assert plan.gate[3].kwargs == {"column": "b"}
    assert [one.name for one in plan.checks] == ["unique"]


def test_a_data_set_adds_and_replaces(tmp_path: Path) -> None:
    """Its own parameters win over the family's; the run's over both."""
    plan = plan_checks("small", "odd", {"rule": "decoded"}, written(tmp_path))
    assert [one.name for one in plan.gate] == ["rows", "columns", "not_null.a"]
    assert plan.checks[-1].kwargs == {"rule": "decoded", "column": "a"}


def test_unknown_parameter_is_refused(tmp_path: Path) -> None:
    """The data set names $rule, which nobody gives."""
    with pytest.raises(ManifestError, match=r"small.yaml: got parameter \$rule; expected one of"):
        plan_checks("small", "odd", {}, written(tmp_path))


def test_unknown_suite_is_refused(tmp_path: Path) -> None:
    """With the names that there are."""
    with pytest.raises(UsageError, match=r"got no such file; expected one of small"):
        load_suite("large", written(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("expect_table_row_count_to_be_between", "expect_x"), "a gate that begins with"),
        (("{min_value: 1}", "{min_value: 0}"), "at least 1 row"),
        (("exact_match: false", "exact_match: true"), "the required columns"),
        (("{column_set: $required, ", "{"), "the required columns"),
        (("    each: $required\n", "    each: [a]\n"), "not-null for each of the required"),
        (
            ("    each: $required\n", "    each: $required\n    level: warning\n"),
            "level error",
        ),
        (
            ("    each: $required\n", "    each: $required\n    kwargs: {mostly: 0.5}\n"),
            "without `mostly`",
        ),
    ],
)
def test_gate_that_lets_nothing_pass_is_refused(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """Great Expectations passes on no rows and on nulls: the gate must not."""
    with pytest.raises(ManifestError, match=message):
        load_suite("small", written(tmp_path, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("    level: warning\n", "    level: fatal\n"),
            r"small.yaml, line 25: .*level: got 'fatal'",
        ),
        (
            ("    level: warning\n", "    lvel: warning\n"),
            r"small.yaml, line 25: .*unknown key `lvel`",
        ),
        (("type: expect_column_values_to_be_unique", "type: Unique"), "line 24"),
    ],
)
def test_mistake_names_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """As in every manifest."""
    with pytest.raises(ManifestError, match=message):
        load_suite("small", written(tmp_path, change))
