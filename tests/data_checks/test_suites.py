"""Suites are data: what their files may say, and what is refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pinned_plans import pins, plan

from harness.data_checks.suites import load_suite, plan_checks
from harness.errors import ManifestError, UsageError

READERS = {
    **{"squad": "extractive_qa", "pair": "classification", "tags": "tagging"},
    **dict.fromkeys(("hellaswag", "cosmosqa", "commonsenseqa"), "multiple_choice"),
    **{"tatoeba": "retrieval", "text": "masked_lm"},
}
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


@pytest.mark.parametrize("dataset", pins())
def test_the_projects_suites_fit_every_pin(dataset: str) -> None:
    """Each has its family's suite, whose parameters are all defined and whose names are its own."""
    reader = pins()[dataset].reader
    family = {**READERS, "ccgbank": "tagging", "bucc": "retrieval"}[reader]
    assert load_suite(family).id == family
    found = plan(family, dataset)
    names = [one.name for one in (*found.gate, *found.checks)]
    assert len(set(names)) == len(names)


def test_parameters_are_filled_in(tmp_path: Path) -> None:
    """A list of columns becomes an expectation each."""
    found = plan_checks("small", "other", {}, folder=written(tmp_path))
    assert [one.name for one in found.gate] == ["rows", "columns", "not_null.a", "not_null.b"]
    assert found.gate[1].kwargs == {"column_set": ["a", "b"], "exact_match": False}
    assert found.gate[3].kwargs == {"column": "b"}
    assert [one.name for one in found.checks] == ["unique"]


def test_a_data_set_adds_and_replaces(tmp_path: Path) -> None:
    """Its own parameters win over the family's; the run's over both."""
    found = plan_checks("small", "odd", {"rule": "decoded"}, folder=written(tmp_path))
    assert [one.name for one in found.gate] == ["rows", "columns", "not_null.a"]
    assert found.checks[-1].kwargs == {"rule": "decoded", "column": "a"}


def test_unknown_parameter_is_refused(tmp_path: Path) -> None:
    """The data set names $rule, which nobody gives."""
    with pytest.raises(ManifestError, match=r"small.yaml: got parameter \$rule; expected one of"):
        plan_checks("small", "odd", {}, folder=written(tmp_path))


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


def test_a_generated_set_has_the_checks_of_what_it_is_like() -> None:
    """mini-tydiqa those of tydiqa."""
    names = [one.name for one in plan("extractive_qa", "mini-tydiqa").checks]
    assert names[-1] == "id_language"


def test_columns_are_the_pins() -> None:
    """QQP calls the two texts question1 and question2."""
    found = plan("classification", "qqp")
    required = ["question1", "question2", "label", "language", "config"]
    assert found.gate[1].kwargs["column_set"] == required
    assert found.shows == "question1"


def test_a_reader_adds_before_the_data_set(tmp_path: Path) -> None:
    """Its parameters give way to the data set's."""
    reader = """readers:
  form:
    parameters: {required: [b], rule: decoded}
    expectations:
      - {name: first, type: expect_text_to_be, expect: text, cause: lost, kwargs: {rule: $rule}}
datasets:
"""
    folder = written(tmp_path, ("datasets:\n", reader))
    found = plan_checks("small", "odd", {}, reader="form", folder=folder)
    assert [one.name for one in found.gate] == ["rows", "columns", "not_null.a"]
    assert [one.name for one in found.checks] == ["unique", "first", "more.a"]


@pytest.mark.parametrize(("drops", "level"), [(True, "warning"), (False, "error")])
def test_an_error_is_eased_where_rows_are_left_out(tmp_path: Path, drops: bool, level: str) -> None:
    """By a parameter of the run."""
    eased = "    level: error\n    eased_by: $drops\n"
    folder = written(tmp_path, ("    level: warning\n", eased))
    (found,) = plan_checks("small", "other", {"drops": drops}, folder=folder).checks
    assert found.level == level
