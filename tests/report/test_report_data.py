"""The section about data: what the checks found, languages and lengths, overlap."""

import pytest
from example import gain

from harness.records import Comparison
from harness.report.data_section import (
    checks_sentence,
    checks_table,
    contamination_sentence,
    lengths_chart,
    overlap_examples,
    overlaps_table,
    passed_checks,
    splits_table,
)
from harness.report.render import render_claim


@pytest.fixture(scope="module")
def comparison():
    """Two data sets with a warning each, and three overlaps."""
    return gain()


def lines(table):
    """Each row's cells as their first lines."""
    return [[cell.lines[0] for cell in row.cells] for row in table.rows]


def test_a_finding_names_check_level_and_rows(comparison):
    """A row for each data set that has it."""
    first, second = lines(checks_table(comparison))
    assert first[0] == second[0] == "normalized.context"
    assert first[2:4] == ["warning", "3 of 1200 rows"]
    assert first[5] == "english-12-0: Where is the café?"


def test_passed_checks_are_named(comparison):
    """Beside the data set and its use."""
    names = "not_empty, columns, not_null.id, answers_at_offset"
    assert passed_checks(comparison)[0] == ("Mini TyDi QA, target training", names)


def test_languages_by_use_with_their_sum(comparison):
    """A language that a use lacks is a dash."""
    rows = {row[0]: row[1:] for row in lines(splits_table(comparison))}
    assert rows["English"] == ["1,200", "440"]
    assert rows["Telugu"] == ["–", "669"]
    assert rows["All"] == ["1,200", "5,077"]


def test_overlaps_that_found_nothing_are_no_row(comparison):
    """Three of four comparisons found something."""
    rows = lines(overlaps_table(comparison))
    assert [row[0] for row in rows] == ["question, with another context", "article", "context"]
    assert rows[1][1:7] == ["target training", "evaluation", "warning", "0", "1", "5,077"]


def test_at_most_five_examples_an_overlap(comparison):
    """Of seven."""
    table = overlap_examples(comparison)
    assert len(table.rows) == 3 * 5
    assert table.rows[0].cells[2].lines == ("What is the population of Dubai?", "finnish-7-1")


def test_sentences_count_findings(comparison):
    """Ten checks, two warnings; four comparisons, two warnings and a note."""
    assert checks_sentence(comparison) == (
        "Ten checks of two data sets before a single step of training: two findings."
    )
    assert contamination_sentence(comparison) == (
        "Training and evaluation data were compared in four respects: two warnings and one note."
    )


def test_lengths_are_told_in_words(comparison):
    """Bins with their ends; an empty one is left out."""
    svg = str(lengths_chart(comparison, "x"))
    assert "250 to 499 characters 700" in svg
    assert "1,000 or more characters 8" in svg


def test_a_comparison_without_findings_of_this_kind_has_a_page():
    """One that was made before they were recorded."""
    old = gain()
    data = tuple(one.model_copy(update={"outcomes": (), "lengths": None}) for one in old.data)
    old = Comparison.model_validate(
        old.model_copy(update={"data": data, "contamination": ()}).model_dump()
    )
    html = render_claim(old)
    assert "Rows by language and use" in html
    assert "Rows that overlap" not in html
    assert "Lengths of the contexts" not in html
