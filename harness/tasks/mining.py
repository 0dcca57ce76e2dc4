"""Exact nearest neighbours by cosine, and the mining of translations by ratio margin.

Artetxe and Schwenk 2019 (arXiv 1811.01136), equations 2 and 3; reference implementation:
`mine_bitext` of XTREME @838c13b, retrieval "max". The products are made tile by tile, so memory
is that of the vectors and a few hundred MiB, whatever their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from harness.errors import StageError

# Of a tile of cosines, 128 MiB: large enough for a fast product, small beside the vectors.
_ROWS, _COLUMNS = 2048, 16384
# Columns whose maximum is taken first. A row's k best lie in the k groups with the best maxima.
_GROUP = 32


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The k vectors nearest to each of some others, best first, of equals the lower index."""

    cosines: np.ndarray
    """(vectors, k) float32."""
    index: np.ndarray
    """(vectors, k) int64: places among the other vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A row of x and a row of y that may be translations."""

    x: int
    y: int
    margin: float


def mine(x: np.ndarray, y: np.ndarray, k: int, *, device: str = "cpu") -> list[Candidate]:
    """One-to-one candidates, best margin first; min(len(x), len(y)) at most.

    score(x, y) = cos(x, y) / ((mean cosine of x and its k nearest in y + the same of y in x) / 2).
    Every vector proposes the one of its k nearest that has the best score; the proposals of both
    sides are taken in order of their scores, each vector once. Of equal scores x's proposals come
    first, then the lower index. A side with fewer than k vectors has all of them as neighbours.

    Args:
        x: (vectors, width) float32, of any length but zero.
        y: the other side's.
        k: neighbours.
        device: a torch device, for the products.

    Raises:
        StageError: a vector that is zero or not finite, or one whose nearest neighbours point
            away from it, so that a ratio of cosines orders nothing.
    """
    of_x, of_y = neighbours(x, y, k, device=device)
    mean_x = _mean(of_x, "x")
    mean_y = _mean(of_y, "y")
    best_x, score_x = _proposals(of_x, mean_x, mean_y)
    best_y, score_y = _proposals(of_y, mean_y, mean_x)
    left = np.concatenate([np.arange(len(best_x)), best_y])
    right = np.concatenate([best_x, np.arange(len(best_y))])
    scores = np.concatenate([score_x, score_y])
    order = np.argsort(-scores, kind="stable")
    return list(_once(left[order].tolist(), right[order].tolist(), scores[order].tolist()))


def neighbours(
    x: np.ndarray, y: np.ndarray, k: int, *, device: str = "cpu"
) -> tuple[Neighbours, Neighbours]:
    """The nearest vectors of y for each of x, and of x for each of y; by cosine, exact.

    Both come from one pass over the products, so a pair has the same cosine in both.

    Raises:
        StageError: a vector that is zero or not finite.
    """
    norms_x, norms_y = _norms(x, "x"), _norms(y, "y")
    of_x = _Best(len(x), min(k, len(y)), device)
    of_y = _Best(len(y), min(k, len(x)), device)
    for rows in _parts(len(x), _ROWS):
        block = _unit(x[rows], norms_x[rows], device)
        for columns in _parts(len(y), _COLUMNS):
            cosines = block @ _unit(y[columns], norms_y[columns], device).T
            height, width = rows.stop - rows.start, columns.stop - columns.start
            cosines[height:] = -torch.inf
            cosines[:, width:] = -torch.inf
            of_x.update(rows, cosines[:height], columns.start)
            of_y.update(columns, cosines.T[:width], rows.start)
    return of_x.result(), of_y.result()


def _parts(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def _norms(vectors: np.ndarray, side: str) -> np.ndarray:
    """Length of each vector, (vectors, 1)."""
    norms = np.concatenate(
        [np.linalg.norm(vectors[part], axis=1) for part in _parts(len(vectors), _ROWS)]
    )
    wrong = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(wrong):
        raise StageError(
            where=f"sentence vector {wrong[0]} of {side}",
            got=f"a length of {norms[wrong[0]]}, as {len(wrong)} have",
            expected="a finite length above 0",
            fix="The model's weights are damaged or its training diverged; look at its loss.",
        )
    return norms[:, None]


def _unit(vectors: np.ndarray, norms: np.ndarray, device: str) -> Tensor:
    """The vectors at length 1, and zeros up to a whole number of groups."""
    count = len(vectors)
    unit = np.zeros((count + -count % _GROUP, vectors.shape[1]), dtype=np.float32)
    np.divide(vectors, norms, out=unit[:count])
    return torch.from_numpy(unit).to(device)


class _Best:
    """The k best columns of each row, over tiles that come with rising columns."""

    def __init__(self, rows: int, k: int, device: str) -> None:
        self.k = k
        self.values = torch.full((rows, k), -torch.inf, device=device)
        self.index = torch.full((rows, k), -1, device=device)

    def update(self, rows: slice, tile: Tensor, first_column: int) -> None:
        """Take in the cosines of `rows` with the columns from `first_column` on.

        Columns that only fill up the last group are at minus infinity.
        """
        size = _GROUP if tile.shape[1] >= 2 * self.k * _GROUP else 1
        best = _group_maxima(tile, size)
        # An equal cosine further right doesn't count: the lower index is kept.
        better = torch.nonzero(best.amax(1) > self.values[rows, -1])[:, 0]
        if len(better):
            local = _columns(tile, best, better, min(self.k, best.shape[1]), size)
            self._merge(better + rows.start, tile[better[:, None], local], local + first_column)

    def _merge(self, rows: Tensor, values: Tensor, index: Tensor) -> None:
        values = torch.cat([self.values[rows], values], 1)
        index = torch.cat([self.index[rows], index], 1)
        values, order = torch.sort(values, dim=1, descending=True, stable=True)
        self.values[rows] = values[:, : self.k]
        self.index[rows] = index.gather(1, order[:, : self.k])

    def result(self) -> Neighbours:
        return Neighbours(cosines=self.values.cpu().numpy(), index=self.index.cpu().numpy())


def _group_maxima(tile: Tensor, size: int) -> Tensor:
    """Maximum of each `size` columns, (rows, columns / size)."""
    rows, columns = tile.shape
    if tile.is_contiguous():
        return torch.amax(tile.view(rows, columns // size, size), 2)
    # A transposed tile, whose rows lie apart: the same along memory is many times faster.
    return torch.amax(tile.T.reshape(columns // size, size, rows), 1).T


def _columns(tile: Tensor, best: Tensor, rows: Tensor, k: int, size: int) -> Tensor:
    """Columns, ascending, among which are the k best of each of `rows`: (rows, some).

    Args:
        tile: (all rows, columns).
        best: (all rows, groups): maximum of each `size` columns.
        rows: which rows.
        k: groups that are looked into.
        size: columns of a group.
    """
    best = best[rows]
    least, groups = torch.topk(best, k, dim=1)
    # More groups reach the k-th maximum than are looked into: which ones would be topk's whim.
    tied = torch.nonzero((best >= least[:, -1:]).sum(1) > k)[:, 0]
    if len(tied):
        order = torch.sort(tile[rows[tied]], dim=1, descending=True, stable=True).indices
        groups[tied] = _first_distinct(order // size, k)
    groups = torch.sort(groups, dim=1).values
    inside = torch.arange(size, device=tile.device)
    return (groups[:, :, None] * size + inside).flatten(1)


def _first_distinct(groups: Tensor, k: int) -> Tensor:
    """The groups of the first k columns of each row, filled up with others: (rows, k)."""
    rows, _ = groups.shape
    wanted = torch.zeros((rows, int(groups.max()) + 1), device=groups.device)
    wanted.scatter_(1, groups[:, :k], 1.0)
    return torch.topk(wanted, k, dim=1).indices


def _mean(found: Neighbours, side: str) -> np.ndarray:
    """Mean cosine of each vector and its neighbours, (vectors,) float64."""
    mean: np.ndarray = found.cosines.mean(axis=1, dtype=np.float64)
    if mean.min() <= 0:
        at = int(mean.argmin())
        raise StageError(
            where=f"sentence vector {at} of {side}",
            got=f"a mean cosine of {mean[at]:.3g} to its nearest neighbours",
            expected="one above 0, as a ratio margin needs",
            fix="Look at the encoder: vectors of sentences point in similar directions.",
        )
    return mean


def _proposals(
    found: Neighbours, own: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each vector's neighbour of the best margin, and that margin; (vectors,) both."""
    margins = found.cosines / ((own[:, None] + others[found.index]) / 2)
    best = margins.argmax(axis=1)[:, None]
    return (
        np.take_along_axis(found.index, best, 1)[:, 0],
        np.take_along_axis(margins, best, 1)[:, 0],
    )


def _once(left: list[int], right: list[int], scores: list[float]) -> Iterator[Candidate]:
    """The candidates neither of whose vectors was in an earlier one."""
    seen_left: set[int] = set()
    seen_right: set[int] = set()
    for x, y, margin in zip(left, right, scores, strict=True):
        if x not in seen_left and y not in seen_right:
            seen_left.add(x)
            seen_right.add(y)
            yield Candidate(x=x, y=y, margin=margin)
