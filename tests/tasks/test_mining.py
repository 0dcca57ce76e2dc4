"""Neighbours and mined pairs are those of a full table of cosines, whatever the tiles."""

import numpy as np
import pytest

from harness.errors import StageError
from harness.tasks import mining
from harness.tasks.mining import Candidate, mine, neighbours

# Cosines of X (rows) and Y (columns): [[1, 0.6], [0, 0.8]].
X = np.array([[1, 0], [0, 1]], dtype=np.float32)
Y = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)


@pytest.fixture
def small_tiles(monkeypatch):
    """Many tiles for a few hundred vectors, none a whole number of groups at the edges."""
    monkeypatch.setattr(mining, "_ROWS", 70)
    monkeypatch.setattr(mining, "_COLUMNS", 300)


def vectors(count, width, seed):
    """Random vectors of random lengths, float32."""
    return np.random.default_rng(seed).standard_normal((count, width), dtype=np.float32)


def table(x, y):
    """All cosines in float64."""
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (np.float64(x), np.float64(y)))
    return x @ y.T


def brute_force(x, y, k):
    """The mining of the docstring on the whole table."""
    cosines = table(x, y)
    mean_x = np.sort(cosines, axis=1)[:, -k:].mean(axis=1)
    mean_y = np.sort(cosines, axis=0)[-k:].mean(axis=0)
    margins = cosines / ((mean_x[:, None] + mean_y[None]) / 2)
    near_x = np.argsort(-cosines, axis=1)[:, :k]
    near_y = np.argsort(-cosines, axis=0)[:k].T
    offers = [(max((margins[i, j], i, j) for j in near)) for i, near in enumerate(near_x.tolist())]
    offers += [(max((margins[i, j], i, j) for i in near)) for j, near in enumerate(near_y.tolist())]
    found, used_x, used_y = [], set(), set()
    for margin, i, j in sorted(offers, reverse=True):
        if i not in used_x and j not in used_y:
            used_x.add(i)
            used_y.add(j)
            found.append((i, j, margin))
    return found


def test_neighbours_by_hand():
    """Both directions, best first; the length of a vector plays no part."""
    of_x, of_y = neighbours(X * 3, Y * 0.5, 2)
    assert of_x.index.tolist() == [[0, 1], [1, 0]]
    assert of_y.index.tolist() == [[0, 1], [1, 0]]
    assert of_x.cosines == pytest.approx(np.array([[1, 0.6], [0.8, 0]]), abs=1e-6)
    assert of_y.cosines == pytest.approx(np.array([[1, 0], [0.8, 0.6]]), abs=1e-6)


def test_margins_by_hand():
    """With k = 2. Means of x: 0.8 and 0.4, of y: 0.5 and 0.7; 1 / 0.65 and 0.8 / 0.55."""
    first, second = mine(X, Y, 2)
    assert (first.x, first.y, second.x, second.y) == (0, 0, 1, 1)
    assert first.margin == pytest.approx(1 / 0.65)
    assert second.margin == pytest.approx(0.8 / 0.55)


def test_a_hub_is_not_everyones_translation():
    """Cosines of x0: 0.96 to the hub, 0.8 to its mate; the hub is as near to all others.

    Means (k = 4, all four): hub 0.96 + 3 * 1 over 4 = 0.99; mate 0.8 + 3 * 0.6 over 4 = 0.65.
    """
    hub, mate = [1, 0, 0], [0.6, 0.8, 0]
    x = np.array([[0.96, 0.28, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]], dtype=np.float32)
    y = np.array([hub, mate], dtype=np.float32)
    found = {one.x: one.y for one in mine(x, y, 4)}
    assert found[0] == 1
    assert neighbours(x, y, 1)[0].index[0, 0] == 0


def test_each_vector_is_used_once():
    """Three compete for one: the best margin has it, the others have nothing."""
    x = np.array([[0.6, 0.8], [1, 0.1], [0.8, 0.6]], dtype=np.float32)
    assert [(one.x, one.y) for one in mine(x, Y[:1], 1)] == [(1, 0)]


def test_fewer_vectors_than_neighbours():
    """All of the other side are neighbours then."""
    of_x, of_y = neighbours(X, vectors(3, 2, 0), 4)
    assert of_x.index.shape == (2, 3)
    assert of_y.index.shape == (3, 2)


@pytest.mark.parametrize(("rows", "columns", "k"), [(701, 650, 4), (40, 700, 1), (333, 7, 9)])
def test_tiles_change_nothing(small_tiles, rows, columns, k):
    """Neighbours across tile borders, on both sides, as sorting the whole table gives them."""
    x, y = vectors(rows, 16, 1), vectors(columns, 16, 2)
    cosines = table(x, y)
    for found, whole in zip(neighbours(x, y, k), (cosines, cosines.T), strict=True):
        best = np.argsort(-whole, axis=1)[:, :k]
        assert (found.index == best).all()
        assert np.abs(found.cosines - np.take_along_axis(whole, best, 1)).max() < 1e-6


@pytest.mark.parametrize("k", [1, 4])
def test_of_equals_the_lower_index(small_tiles, k):
    """Seven hundred times the same vector, in several tiles and many groups."""
    same = np.ones((700, 3), dtype=np.float32)
    of_x, of_y = neighbours(same[:150], same, k)
    assert (of_x.index == np.arange(k)).all()
    assert (of_y.index == np.arange(k)).all()


def test_equals_behind_better_ones(small_tiles):
    """One better vector far right, then the first of the equal ones."""
    y = np.tile(np.array([[1, 1]], dtype=np.float32), (600, 1))
    y[555] = [1, 0]
    of_x, _ = neighbours(X[:1], y, 3)
    assert of_x.index.tolist() == [[555, 0, 1]]


def test_a_scaled_down_bucc_equals_brute_force():
    """20,000 and 1,000 vectors, 500 planted pairs: all found first, every margin the same."""
    x, y = vectors(20_000, 384, 3), vectors(1_000, 384, 4)
    mates = np.random.default_rng(5).choice(len(x), 500, replace=False)
    y[:500] += x[mates]
    found = mine(x, y, 4)
    assert {(one.x, one.y) for one in found[:500]} == {(int(m), i) for i, m in enumerate(mates)}
    expected = brute_force(x, y, 4)
    assert {(one.x, one.y) for one in found} == {(i, j) for i, j, _ in expected}
    margins = [one.margin for one in found]
    assert margins == pytest.approx([margin for _, _, margin in expected], abs=1e-5)


def test_the_same_twice():
    """No draw, no clock: equal to the last bit."""
    x, y = vectors(500, 32, 6), vectors(400, 32, 7)
    assert mine(x, y, 4) == mine(x, y, 4)
    assert isinstance(mine(x, y, 4)[0], Candidate)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_an_error(value):
    """Zero, NaN and infinity have no cosine."""
    wrong = Y.copy()
    wrong[1] = value
    with pytest.raises(StageError, match="sentence vector 1 of y"):
        mine(X, wrong, 1)


def test_vectors_that_point_away_have_no_margin():
    """A mean cosine of -1 would turn the order around."""
    with pytest.raises(StageError, match="mean cosine of -1"):
        mine(X, -X[:1], 1)
