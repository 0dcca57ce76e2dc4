"""Accuracy."""

import pytest

from harness.errors import DataError
from harness.metrics.accuracy import items, score


def test_accuracy_is_the_share_of_equal_labels():
    """Three of four."""
    assert score(["a", "b", "a", "c"], ["a", "b", "b", "c"], "set") == {"accuracy": 75.0}


def test_labels_are_compared_as_text():
    """Whoever numbers with leading zeros has to do so in both files."""
    assert score(["1"], ["01"], "set") == {"accuracy": 0.0}


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (["a"], "set: got 1 predicted labels: number 2 has no prediction; expected 2, as many"),
        (["a", "b", "c"], "3 predicted labels: number 3 has no gold counterpart; expected 2"),
    ],
)
def test_another_number_of_predictions_is_refused(predictions, message):
    """The reference would divide by their number."""
    with pytest.raises(DataError, match=message):
        score(["a", "b"], predictions, "set")


def test_an_empty_set_has_no_accuracy():
    """Not 0.0."""
    with pytest.raises(DataError, match=r"no gold labels; .*an empty set has no score"):
        score([], [], "set")


def test_each_item_is_right_or_wrong():
    """Their mean, 50, is the score."""
    assert items(["a", "b"], ["a", "a"], "set") == (100.0, 0.0)
