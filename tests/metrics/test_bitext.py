"""F1 of mined pairs."""

import pytest

from harness.errors import DataError
from harness.metrics.bitext import best_threshold, extract, items, score

GOLD = [("de-1", "en-1"), ("de-2", "en-2"), ("de-3", "en-3"), ("de-4", "en-4")]


def test_precision_recall_and_f1_of_the_pairs():
    """Two right of three predicted and four gold: P 2/3, R 1/2, F1 2 * 2 / (3 + 4)."""
    found = score(GOLD, [("de-1", "en-1"), ("de-2", "en-3"), ("de-3", "en-3")], "set")
    expected = {"precision": 200 / 3, "recall": 50.0, "f1": 400 / 7}
    assert found == pytest.approx(expected, rel=0, abs=1e-12)


def test_a_repeated_pair_counts_once():
    """It is the set of pairs that is scored."""
    assert score(GOLD, [GOLD[0], GOLD[0]], "set")["precision"] == 100.0


def test_a_pair_is_right_only_as_a_whole_and_in_its_order():
    """Ids of both languages are no set."""
    assert score(GOLD, [("en-1", "de-1")], "set") == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_nothing_mined_scores_nothing():
    """A threshold that no pair reaches is a result."""
    assert score(GOLD, [], "set")["f1"] == 0.0


def test_without_gold_pairs_there_is_no_score():
    """Recall isn't defined."""
    with pytest.raises(DataError, match="set: got no gold pairs"):
        score([], GOLD, "set")


MARGINS = {("a", "A"): 1.5, ("b", "B"): 1.4, ("c", "X"): 1.2, ("d", "D"): 1.0, ("e", "X"): 0.8}
TRUE = {("a", "A"), ("b", "B"), ("d", "D"), ("f", "F")}


def test_the_threshold_has_the_best_f1_and_lies_half_way_to_the_next_candidate():
    """F1 after each: 2/5, 4/6, 4/7, 6/8, 6/9: the fourth, so between 1.0 and 0.8."""
    assert best_threshold(MARGINS, TRUE) == pytest.approx(0.9)
    assert extract(MARGINS, 0.9) == set(MARGINS) - {("e", "X")}


def test_of_equal_f1_the_first_is_taken():
    """2/2 after the first, and nothing better."""
    assert best_threshold({("a", "A"): 2.0, ("b", "X"): 1.0}, {("a", "A")}) == 1.5


def test_where_all_are_taken_the_threshold_is_the_lowest_margin():
    """The reference reads past its list there."""
    margins = {("a", "A"): 1.5, ("b", "B"): 1.25}
    threshold = best_threshold(margins, set(margins))
    assert threshold == 1.25
    assert extract(margins, threshold) == set(margins)


def test_candidates_of_equal_margin_are_taken_together():
    """Alone the right one would have F1 1; with the other 2 / 3, whatever their order."""
    margins = {("a", "A"): 1.5, ("b", "X"): 1.5}
    for some in (margins, dict(reversed(margins.items()))):
        assert extract(some, best_threshold(some, {("a", "A")})) == set(margins)


def test_the_largest_margins_have_a_threshold():
    """Their sum is no float any more, and no JSON."""
    margins = {("a", "A"): 1.7e308, ("b", "X"): 1.5e308}
    assert best_threshold(margins, {("a", "A")}) == pytest.approx(1.6e308)


def test_neighbouring_margins_are_parted():
    """Between two floats there is no middle: the threshold is the upper one."""
    high = 1.0 + 2**-52
    margins = {("a", "A"): high, ("b", "X"): 1.0}
    assert extract(margins, best_threshold(margins, {("a", "A")})) == {("a", "A")}


def test_without_a_right_candidate_the_threshold_is_0():
    """As in the reference: all are predicted, and the F1 is 0."""
    assert best_threshold({("a", "X"): 1.0}, TRUE) == 0.0
    assert best_threshold({}, TRUE) == 0.0


def test_each_foreign_sentence_carries_its_linearised_f1():
    """F1 6/8, N 6; tp a b d; p + g: a 2, b 2, c 1, d 2, e 0, f 1.

    3/4 + 6 * (2 - 3/4 * 2) / 8 = 1.125 for a, b, d; 3/4 - 6 * 3/4 / 8 = 0.1875 for c and f; e 0.75.
    """
    found = items(list("abcdef"), TRUE, extract(MARGINS, 0.9), "set")
    assert found == pytest.approx([112.5, 112.5, 18.75, 112.5, 75.0, 18.75], abs=1e-12)
    assert sum(found) / 6 == pytest.approx(75.0, abs=1e-12)
