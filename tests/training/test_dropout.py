"""Dropout from bytes: the exact probability, and what it does to values and gradients."""

import numpy as np
import pytest
import torch

from harness.training.dropout import Draws, FastDropout, dropped, replace_dropout, settle
from harness.training.seeding import generator


@pytest.mark.parametrize("p", [0.001, 0.1, 0.25, 0.5, 0.9])
def test_the_frequency_is_p(p):
    """Within five standard errors of p over four million draws."""
    count = 4_000_000
    share = dropped(generator("test", 0), count, p).mean()
    assert abs(share - p) < 5 * (p * (1 - p) / count) ** 0.5


def test_each_place_in_a_word_has_the_same_frequency():
    """Eight bytes come from one 64-bit word; none of them is special."""
    drop = dropped(generator("test", 1), 8_000_000, 0.1).reshape(-1, 8).mean(axis=0)
    assert (abs(drop - 0.1) < 5 * (0.1 * 0.9 / 1_000_000) ** 0.5).all()


def test_neighbours_are_independent():
    """Both of two neighbours are dropped with p squared: 0.01."""
    drop = dropped(generator("test", 2), 4_000_000, 0.1)
    both = (drop[:-1] & drop[1:]).mean()
    assert abs(both - 0.01) < 5 * (0.01 / 4_000_000) ** 0.5 * 1.2


def test_bytes_beside_the_threshold_need_no_second_draw():
    """256 * 0.1 = 25.6: 24 is always dropped, 26 never."""
    words = np.array([0, 24, 26, 255], dtype=np.uint8)
    assert settle(words, generator("test"), 0.1).tolist() == [True, True, False, False]


def test_a_tie_is_dropped_with_the_remaining_probability():
    """256 * 0.1 = 25.6: byte 25 is dropped with probability 0.6."""
    share = settle(np.full(1_000_000, 25, np.uint8), generator("test", 3), 0.1).mean()
    assert abs(share - 0.6) < 5 * (0.6 * 0.4 / 1_000_000) ** 0.5


def test_a_threshold_that_a_byte_can_express_draws_nothing_more():
    """256 * 0.5 = 128: 127 is dropped, 128 kept, and the generator is untouched."""
    rng = generator("test", 4)
    assert settle(np.array([127, 128], np.uint8), rng, 0.5).tolist() == [True, False]
    assert rng.random() == generator("test", 4).random()


def test_the_rest_is_divided_by_what_is_kept():
    """Kept values become 1 / (1 - 0.2) = 1.25; the gradient has the same mask and factor."""
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    y = FastDropout(0.2, Draws("test", 5)).train()(x)
    y.sum().backward()
    assert set(y.tolist()) == {0.0, 1.25}
    assert torch.equal(x.grad, y.detach())


def test_evaluation_drops_nothing():
    """In evaluation mode the input itself comes back."""
    x = torch.ones(10)
    assert FastDropout(0.5, Draws("test")).eval()(x) is x


def test_bf16_stays_bf16():
    """No silent widening under autocast."""
    y = FastDropout(0.1, Draws("test"))(torch.ones(8, dtype=torch.bfloat16))
    assert y.dtype == torch.bfloat16


def test_every_dropout_of_a_model_is_replaced():
    """Nested ones too, each with its own probability and the one source of numbers."""
    draws = Draws("test")
    module = torch.nn.Sequential(
        torch.nn.Dropout(0.1), torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.3))
    )
    replace_dropout(module, draws)
    found = [one for one in module.modules() if isinstance(one, FastDropout)]
    assert [one.p for one in found] == [0.1, 0.3]
    assert all(one.draws is draws for one in found)
    assert not any(isinstance(one, torch.nn.Dropout) for one in module.modules())


def test_a_place_has_its_own_numbers_whatever_was_drawn_before():
    """Step 3, micro-batch 1 is the same after any other; another place isn't."""
    draws = Draws("test", 0)
    first = [draws.rng.random() for _ in range(3)]
    draws.at(3, 1)
    there = draws.rng.random()
    draws.at(3, 0)
    assert draws.rng.random() != there
    draws.at(3, 1)
    assert draws.rng.random() == there
    assert there not in first


def test_a_lane_has_its_own_numbers_at_a_place():
    """Two lanes of a place differ from each other and from the place's own numbers."""
    draws = Draws("test", 0)
    draws.at(3, 1)
    found = [draws.rng.random()]
    for lane in (0, 1):
        draws.lane(lane)
        found.append(draws.rng.random())
    assert len(set(found)) == 3
    draws.lane(0)
    assert draws.rng.random() == found[1]
