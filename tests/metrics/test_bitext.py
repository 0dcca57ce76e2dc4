"""F1 of mined pairs."""

import pytest

from harness.errors import DataError
from harness.metrics.bitext import score

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
