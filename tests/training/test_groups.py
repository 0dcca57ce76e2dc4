"""Which sequences share a rectangle, and that every token is read and written once."""

import pytest
import torch

from harness.training.groups import Alone, Rectangle, groups_of

LENGTHS = (100, 17, 3, 90, 30, 16, 17)


def described(lengths):
    """("alone", tokens) or ("rectangle", sequences, longest) of each group."""
    return [
        ("alone", one.part.stop - one.part.start)
        if isinstance(one, Alone)
        else ("rectangle", one.count, len(one.index) // one.count)
        for one in groups_of(lengths)
    ]


def test_long_sequences_are_alone_and_short_ones_together():
    """Above 64 alone, in order; 3 and 16 round up to 16, both 17 and 30 to 32."""
    assert described(LENGTHS) == [
        ("alone", 100),
        ("alone", 90),
        ("rectangle", 2, 16),
        ("rectangle", 3, 30),
    ]


def test_a_short_sequence_without_company_is_alone():
    """A rectangle of one would only copy."""
    assert described((10, 40)) == [("alone", 10), ("alone", 40)]


def test_a_rectangle_fits_the_cache():
    """64 * 64 probabilities a head, eight times: 32,768."""
    assert described((64,) * 20) == [("rectangle", 8, 64)] * 2 + [("rectangle", 4, 64)]


@pytest.mark.parametrize("lengths", [LENGTHS, (5,) * 4, (1, 2), (1,)])
def test_every_token_is_taken_and_put_once(lengths):
    """Putting what was taken, doubled, doubles the row."""
    row = torch.arange(sum(lengths) * 6, dtype=torch.float64).view(2, -1, 3)
    copy = torch.full_like(row, -1.0)
    for group in groups_of(lengths):
        group.put(copy, group.take(row), 2.0)
    assert torch.equal(copy, row * 2)


def test_padding_gets_no_probability_and_no_gradient():
    """Lengths 1 and 2: the second place of the first sequence is padding."""
    (group,) = groups_of((1, 2))
    assert isinstance(group, Rectangle)
    row = torch.ones(2, 3, 4)
    assert group.take(row, clear=True)[:, :, 0].tolist() == [[1, 0], [1, 0], [1, 1], [1, 1]]
    scores = torch.zeros(4, 2, 2)
    group.hide_padding(scores)
    assert torch.softmax(scores, -1)[:, 0].tolist() == [[1, 0], [1, 0], [0.5, 0.5], [0.5, 0.5]]
