"""Which sequences form a batch: whole units by permutation in training, by length in inference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from harness.models import Training
from harness.training.dropout import Draws
from harness.training.ranks import Ranks
from harness.training.seeding import generator


class Sequences(Protocol):
    """Token sequences, one after the other."""

    @property
    def ids(self) -> np.ndarray:
        """Token ids of all sequences, (tokens,)."""

    @property
    def bounds(self) -> np.ndarray:
        """Sequence i is ids[bounds[i]:bounds[i + 1]]; (sequences + 1,)."""


class Units(Sequences, Protocol):
    """Token sequences in units that a batch never divides."""

    @property
    def units(self) -> np.ndarray:
        """Unit u is the sequences units[u] to units[u + 1] - 1; (units + 1,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Sequences that are run together, packed: no padding is stored."""

    index: np.ndarray
    """Which sequences, (batch,); those of a unit stand together."""
    ids: Tensor
    """Their token ids, (tokens,)."""
    lengths: tuple[int, ...]
    """Tokens of each."""
    units: int
    """How many units they are."""
    task: int = 0
    """Which of the tasks that are trained on together they are of."""


Step = tuple[Batch, ...]
"""The micro-batches of an optimiser step."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """The optimiser steps of a training, from wherever it is."""

    steps: int
    """How many in all."""
    after: Callable[[int], Iterable[Step]]
    """The steps that follow the first so many."""
    draws: Draws
    """Dropout's random numbers, told of each step and micro-batch."""
    ranks: Ranks = field(default_factory=Ranks)
    """The processes among which each step's micro-batches are dealt."""


def collate(
    sequences: Sequences, index: np.ndarray, *, units: int | None = None, task: int = 0
) -> Batch:
    """The sequences named by `index`, in that order; each is a unit unless `units` says."""
    starts, ends = sequences.bounds[index], sequences.bounds[index + 1]
    pieces = [sequences.ids[start:end] for start, end in zip(starts, ends, strict=True)]
    return Batch(
        index=index,
        ids=torch.from_numpy(np.concatenate(pieces).astype(np.int64)),
        lengths=tuple(int(n) for n in ends - starts),
        units=len(index) if units is None else units,
        task=task,
    )


def step_count(units: int, settings: Training) -> int:
    """Optimiser steps of a training; the last step of an epoch may hold fewer units."""
    return settings.epochs * -(-units // settings.batch_size)


@dataclass(frozen=True, kw_only=True)
class StepSize:
    """How many units make an optimiser step, where no task's own settings say."""

    batch_size: int
    accumulation: int = 1


def training_steps(
    sequences: Units,
    settings: Training | StepSize,
    seed: int,
    *,
    task: int = 0,
    done: int = 0,
) -> Iterator[Step]:
    """The micro-batches of each optimiser step, epoch after epoch without end.

    Every epoch is one permutation of the units, drawn from `generator("order", seed, epoch)`.
    Lengths play no part: they would tie a batch's content to the tokenizer. The first `done` steps
    are left out.
    """
    count = len(sequences.units) - 1
    first, within = divmod(done, -(-count // settings.batch_size))
    for epoch in itertools.count(first):
        order = generator("order", seed, epoch).permutation(count)
        skipped = within * settings.batch_size if epoch == first else 0
        for start in range(skipped, count, settings.batch_size):
            step = order[start : start + settings.batch_size]
            parts = np.array_split(step, min(settings.accumulation, len(step)))
            yield tuple(
                collate(sequences, _members(sequences.units, part), units=len(part), task=task)
                for part in parts
            )


def _members(units: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The sequences of the units `chosen`, unit after unit."""
    return np.concatenate([np.arange(units[one], units[one + 1]) for one in chosen])


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
