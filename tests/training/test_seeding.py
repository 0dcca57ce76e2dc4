"""Purpose -> generator."""

import pytest

from harness.training.seeding import generator, torch_seed


def test_equal_purposes_give_equal_streams():
    """Two systems of a seed draw the same numbers for the same purpose."""
    assert (generator("order", 0, 1).random(5) == generator("order", 0, 1).random(5)).all()


@pytest.mark.parametrize("other", [("order", 1, 1), ("order", 0, 2), ("dropout", 0, 1), ("order",)])
def test_other_purposes_give_other_streams(other):
    """Purpose, seed and epoch each matter."""
    assert (generator("order", 0, 1).random(5) != generator(*other).random(5)).all()


def test_the_order_of_a_seed_is_pinned():
    """A literal that is never edited: a changed stream needs new stage versions."""
    assert generator("order", 0, 0).permutation(8).tolist() == [6, 7, 2, 3, 1, 0, 5, 4]


def test_torch_seeds_are_63_bits():
    """A larger one is refused by torch."""
    assert 0 <= torch_seed("dropout", 0) < 2**63
