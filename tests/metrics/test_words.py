"""The share of words with the right tag."""

import pytest

from harness.errors import DataError
from harness.metrics.words import items, score

GOLD = [["N", "N"], ["S", "N", "N", "N"]]
FOUND = [["N", "S"], ["S", "N", "N", "S"]]


def test_every_word_weighs_the_same_whatever_its_sentence():
    """1 of 2 and 3 of 4: 4 of 6."""
    assert score(GOLD, FOUND, "set")["accuracy"] == pytest.approx(200 / 3, abs=1e-12)


def test_a_sentence_carries_its_linearised_share():
    """R 2/3 + 2 * (1 - 2/3 * 2) / 6 = 5/9 and 2/3 + 2 * (3 - 2/3 * 4) / 6 = 7/9: mean 2/3."""
    assert items(GOLD, FOUND, "set") == pytest.approx([500 / 9, 700 / 9], abs=1e-12)


@pytest.mark.parametrize(
    ("gold", "found", "message"),
    [
        ([["N"]], [["N", "N"]], "set, sentence 1: got 2 predicted tags"),
        ([["N"], ["N"]], [["N"]], "number 2 has no prediction"),
        ([], [], "no gold sentences"),
        ([[]], [[]], "no gold tags"),
    ],
)
def test_what_has_no_score_is_refused(gold, found, message):
    """Not 0.0."""
    with pytest.raises(DataError, match=message):
        score(gold, found, "set")
