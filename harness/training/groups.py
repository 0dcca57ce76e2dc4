"""Sequences of a packed row that attention runs on together.

A long sequence is on its own. Short ones of similar length share a padded rectangle: there, calling
torch costs more than what it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

_SHORT = 64  # tokens
_STEP = 16  # lengths that are rounded up to the same multiple share a rectangle
_ELEMENTS = 1 << 15  # probabilities of one head in a rectangle: those of all heads fit the cache


class Group(Protocol):
    """Some sequences of a row; (heads, tokens, width) is the shape of what the row holds."""

    def take(self, row: Tensor, *, clear: bool = False) -> Tensor:
        """Their part of `row`, (matrices, length, width); padding is zero if `clear`."""

    def hide_padding(self, scores: Tensor) -> None:
        """Give padded keys of `scores`, (matrices, length, length), no probability; in place."""

    def put(self, row: Tensor, values: Tensor, factor: float = 1.0) -> None:
        """Write `values` * `factor`, (matrices, length, width), where `take` reads."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One sequence: its matrices are its heads."""

    part: slice

    def take(self, row: Tensor, *, clear: bool = False) -> Tensor:  # noqa: ARG002
        """See `Group`; a view."""
        return row[:, self.part]

    def hide_padding(self, scores: Tensor) -> None:
        """See `Group`; there is none."""

    def put(self, row: Tensor, values: Tensor, factor: float = 1.0) -> None:
        """See `Group`."""
        if factor == 1.0:
            row[:, self.part] = values
        else:
            torch.mul(values, factor, out=row[:, self.part])


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Short sequences, padded to the longest: their matrices are the heads of each."""

    count: int
    index: Tensor
    """Token of each place, (count * longest,); padding repeats the sequence's first."""
    real: Tensor | None
    """Places that aren't padding, ascending; None: all."""
    tokens: Tensor
    """Their tokens."""
    padding: Tensor | None
    """(count, 1, 1, longest), True at padding; None: there is none."""

    def take(self, row: Tensor, *, clear: bool = False) -> Tensor:
        """See `Group`."""
        heads, _, width = row.shape
        # The model's own layout, in which a token's heads stand together.
        taken = row.transpose(0, 1).index_select(0, self.index)
        taken = taken.view(self.count, -1, heads, width)
        if clear and self.padding is not None:
            taken.masked_fill_(self.padding.transpose(1, 3), 0.0)
        return taken.transpose(1, 2).reshape(self.count * heads, -1, width)

    def hide_padding(self, scores: Tensor) -> None:
        """See `Group`."""
        if self.padding is not None:
            longest = scores.shape[-1]
            scores.view(self.count, -1, longest, longest).masked_fill_(self.padding, -torch.inf)

    def put(self, row: Tensor, values: Tensor, factor: float = 1.0) -> None:
        """See `Group`."""
        heads, _, width = row.shape
        longest = values.shape[1]
        flat = values.view(self.count, heads, longest, width).transpose(1, 2)
        flat = flat.reshape(self.count * longest, heads, width)
        if factor != 1.0:
            flat.mul_(factor)
        if self.real is not None:
            flat = flat.index_select(0, self.real)
        row.transpose(0, 1).index_copy_(0, self.tokens, flat)


@lru_cache(maxsize=4)
def groups_of(lengths: tuple[int, ...]) -> tuple[Group, ...]:
    """The groups of a row with sequences of `lengths` tokens; every layer asks for the same."""
    starts = list(accumulate(lengths, initial=0))
    alone: list[Group] = [
        Alone(slice(start, start + length))
        for start, length in zip(starts, lengths, strict=False)
        if length > _SHORT
    ]
    short = sorted((i for i, n in enumerate(lengths) if n <= _SHORT), key=lambda i: lengths[i])
    together = [
        _rectangle([(starts[i], lengths[i]) for i in chosen])
        for _, similar in groupby(short, key=lambda i: -(-lengths[i] // _STEP))
        for chosen in _cut(list(similar), lengths)
    ]
    return (*alone, *together)


def _cut(chosen: list[int], lengths: tuple[int, ...]) -> Iterator[list[int]]:
    """Sequences by length, cut where a rectangle would grow too large."""
    size = max(1, _ELEMENTS // lengths[chosen[-1]] ** 2)
    return (chosen[a : a + size] for a in range(0, len(chosen), size))


def _rectangle(places: list[tuple[int, int]]) -> Group:
    """The sequences at (start, length) in one rectangle."""
    if len(places) == 1:
        start, length = places[0]
        return Alone(slice(start, start + length))
    starts, lengths = np.array(places).T
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, None]
    index = starts[:, None] + np.where(inside, columns, 0)
    full = bool(inside.all())
    return Rectangle(
        count=len(places),
        index=torch.from_numpy(index.reshape(-1)),
        real=None if full else torch.from_numpy(np.flatnonzero(inside)),
        tokens=torch.from_numpy(index[inside]),
        padding=None if full else torch.from_numpy(~inside[:, None, None, :]),
    )
