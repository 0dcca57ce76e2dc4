"""Which sequences form a batch: by permutation in training, by length in inference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from harness.models import Training
from harness.training.seeding import generator


class Sequences(Protocol):
    """Token sequences, one after the other."""

    @property
    def ids(self) -> np.ndarray:
        """Token ids of all sequences, (tokens,)."""

    @property
    def bounds(self) -> np.ndarray:
        """Sequence i is ids[bounds[i]:bounds[i + 1]]; (sequences + 1,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Sequences that are run together, packed: no padding is stored."""

    index: np.ndarray
    """Which sequences, (batch,)."""
    ids: Tensor
    """Their token ids, (tokens,)."""
    lengths: tuple[int, ...]
    """Tokens of each."""


def collate(sequences: Sequences, index: np.ndarray) -> Batch:
    """The sequences named by `index`, in that order."""
    starts, ends = sequences.bounds[index], sequences.bounds[index + 1]
    pieces = [sequences.ids[start:end] for start, end in zip(starts, ends, strict=True)]
    ids = torch.from_numpy(np.concatenate(pieces).astype(np.int64))
    return Batch(index=index, ids=ids, lengths=tuple(int(n) for n in ends - starts))


def step_count(sequences: int, settings: Training) -> int:
    """Optimiser steps of a training; the last step of an epoch may hold fewer sequences."""
    return settings.epochs * -(-sequences // settings.batch_size)


def training_steps(
    sequences: Sequences, settings: Training, seed: int
) -> Iterator[tuple[Batch, ...]]:
    """The micro-batches of each optimiser step.

    Every epoch is one permutation of the sequences, drawn from `generator("order", seed, epoch)`.
    Lengths play no part: they would tie a batch's content to the tokenizer.
    """
    count = len(sequences.bounds) - 1
    for epoch in range(settings.epochs):
        order = generator("order", seed, epoch).permutation(count)
        for start in range(0, count, settings.batch_size):
            step = order[start : start + settings.batch_size]
            parts = np.array_split(step, min(settings.accumulation, len(step)))
            yield tuple(collate(sequences, part) for part in parts)


def budget_batches(bounds: np.ndarray, tokens: int) -> list[np.ndarray]:
    """Sequences sorted by length and cut where a padded batch would exceed `tokens`.

    Longest first, so that a batch too large for memory fails at once. A sequence longer than the
    budget has a batch of its own.
    """
    lengths = np.diff(bounds)
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size = max(1, tokens // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + size])
        start += size
    return batches
