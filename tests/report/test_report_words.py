"""Numbers and names as the report writes them."""

import pytest

from harness.models import Evidence
from harness.report.words import count, listing, number, percent, signed, visible, where


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.24, "4.2"), (-4.26, "\u22124.3"), (-0.04, "0.0"), (0.0, "0.0"), (5077.0, "5,077.0")],
)
def test_number_has_fixed_digits_and_a_true_minus(value, text):
    """One digit after the point; a rounded zero has no sign."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(4.24, "+4.2"), (-4.24, "\u22124.2"), (0.04, "0.0"), (-0.04, "0.0")]
)
def test_signed_number_carries_its_sign(value, text):
    """A difference always shows its sign, except zero."""
    assert signed(value) == text


def test_percent_drops_a_useless_digit():
    """A share as per cent, with a no-break space."""
    assert [percent(0.5), percent(0.9667)] == ["50\u00a0%", "96.7\u00a0%"]


def test_small_counts_are_words():
    """Up to twelve in words, above in digits, with the right number of the noun."""
    assert [count(9, "language"), count(1, "seed"), count(5077, "item")] == [
        "nine languages",
        "one seed",
        "5,077 items",
    ]


def test_listing_joins_with_and():
    """Commas, then "and"."""
    assert listing(["a", "b", "c"]) == "a, b and c"


def test_direction_characters_are_spelled_out():
    """An override can't reorder what follows it."""
    assert visible("a\u202eb\x00") == "a[U+202E]b[U+0000]"


def test_evidence_names_its_place():
    """Paper with version, table, row, column, page and quote."""
    evidence = Evidence(
        arxiv="2010.12821", version="v1", table="16", row="R", column="C", page=3, status="primary"
    )
    assert (
        where(evidence)
        == "arXiv 2010.12821v1, Table 16, row \u201cR\u201d, column \u201cC\u201d, page 3"
    )
