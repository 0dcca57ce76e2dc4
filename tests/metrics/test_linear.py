"""Ratios over a corpus, spread over its items."""

import numpy as np
import pytest

from harness.metrics.linear import linearised


def test_the_mean_is_the_ratio():
    """3 of 8 parts: 37.5 points, whatever each item has."""
    assert np.mean(linearised([1, 0, 2], [1, 2, 5])) == pytest.approx(37.5, abs=1e-12)


def test_an_item_may_lie_outside_0_to_100():
    """R 1/2, N 2, B 4: 1/2 + 2 * (2 - 1) / 4 = 1, 1/2 + 2 * (0 - 1) / 4 = 0; with 3 and 1: 1.25."""
    assert linearised([2, 0], [2, 2]) == (100.0, 0.0)
    assert linearised([2, 0], [1, 3]) == (125.0, -25.0)


def test_nothing_right_is_nothing_everywhere():
    """A ratio of 0 has no spread."""
    assert linearised([0, 0], [3, 1]) == (0.0, 0.0)


def test_their_variance_is_the_ratios():
    """400 corpora of 150 sentences: the F1 spreads as their linearised values say, within 10 %."""
    generator = np.random.default_rng(5)
    figures, errors = [], []
    for _ in range(400):
        gold = generator.poisson(3, 150)
        right = generator.binomial(gold, generator.beta(4, 2, 150))
        found = right + generator.poisson(1, 150)
        values = linearised(2 * right, gold + found)
        figures.append(np.mean(values))
        errors.append(np.std(values, ddof=1) / np.sqrt(150))
    assert np.mean(errors) == pytest.approx(np.std(figures, ddof=1), rel=0.1)
