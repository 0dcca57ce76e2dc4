"""BUCC's size by construction: `python -m pytest benchmarks/test_mining.py`.

Random unit vectors, 384 wide, 500,000 of one side and 10,000 of the other, half of which are
noisy copies of vectors of the first. Their noise is as long as the vector itself, so that a pair
has a cosine of 0.71; two unrelated vectors have one of 0.05 (one deviation).
"""

import resource

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from harness.tasks.mining import Candidate, mine

ROWS, COLUMNS, WIDTH, PLANTED, BLOCK = 500_000, 10_000, 384, 5_000, 10_000
MOST_GIB = 3.0


@pytest.fixture(scope="module")
def bitext() -> tuple[np.ndarray, np.ndarray, set[tuple[int, int]]]:
    """Both sides and the pairs that are to be found."""
    rng = np.random.default_rng(0)
    x = np.empty((ROWS, WIDTH), dtype=np.float32)
    for start in range(0, ROWS, BLOCK):  # in blocks: no second copy adds to the peak memory
        x[start : start + BLOCK] = unit(rng, BLOCK)
    y = unit(rng, COLUMNS)
    mates = rng.choice(ROWS, PLANTED, replace=False)
    y[:PLANTED] += x[mates]
    return x, y, {(int(mate), place) for place, mate in enumerate(mates)}


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random vectors of length 1."""
    vectors = rng.standard_normal((count, WIDTH), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def product(x: np.ndarray, y: np.ndarray) -> None:
    """Every product of the two sides, thrown away block by block."""
    out = torch.empty((BLOCK, len(y)))
    right = torch.from_numpy(y).T
    for start in range(0, len(x), BLOCK):
        torch.mm(torch.from_numpy(x[start : start + BLOCK]), right, out=out)


def test_mining(
    benchmark: BenchmarkFixture, bitext: tuple[np.ndarray, np.ndarray, set[tuple[int, int]]]
) -> None:
    """Planted pairs stand before all others; the process never holds 3 GiB."""
    x, y, planted = bitext
    found: list[Candidate] = benchmark.pedantic(mine, args=(x, y, 4), rounds=1)
    assert {(one.x, one.y) for one in found[:PLANTED]} == planted
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    benchmark.extra_info |= {"peak_gib": round(peak, 2)}
    assert peak <= MOST_GIB


def test_plain_product(
    benchmark: BenchmarkFixture, bitext: tuple[np.ndarray, np.ndarray, set[tuple[int, int]]]
) -> None:
    """The matrix product alone, to compare with."""
    benchmark.pedantic(product, args=bitext[:2], rounds=1)
