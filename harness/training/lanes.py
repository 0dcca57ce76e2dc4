"""A CPU's threads, each on sequences of its own.

The usual way is to share every product and every sum among the threads, which then wait for each
other some thousand times a step. Sequences don't depend on each other between the embeddings and
the heads: there each thread takes some of them through all layers, forward and backward, and waits
once. How many threads there are changes results by rounding and by dropout's numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.training.dropout import Draws

Layers = Callable[[Tensor, tuple[int, ...]], Tensor]
"""(1, tokens, width) states of sequences of such lengths -> what the layers make of them."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Some sequences of a packed row."""

    lengths: tuple[int, ...]
    tokens: Tensor
    """Where their tokens are in the row, (tokens,)."""


@lru_cache(maxsize=4)
def lanes_of(lengths: tuple[int, ...], count: int) -> tuple[Lane, ...]:
    """Share sequences among `count` lanes: the longest first, each to the lane with least to do.

    No lane is empty; there are fewer where there are fewer sequences.
    """
    starts = np.cumsum([0, *lengths])
    chosen: list[list[int]] = [[] for _ in range(min(count, len(lengths)))]
    load = [0] * len(chosen)
    for one in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        lane = load.index(min(load))
        chosen[lane].append(one)
        load[lane] += lengths[one]
    tokens = [
        np.concatenate([np.arange(starts[i], starts[i + 1]) for i in lane]) for lane in chosen
    ]
    # What is remembered from an inference must be fit for a training.
    with torch.inference_mode(mode=False):
        return tuple(
            Lane(tuple(lengths[i] for i in lane), torch.from_numpy(places))
            for lane, places in zip(chosen, tokens, strict=True)
        )


def through(
    layers: Layers,
    states: Tensor,
    lengths: tuple[int, ...],
    weights: Sequence[Tensor],
    draws: Draws | None,
) -> Tensor:
    """`layers(states, lengths)`, by as many threads as torch has.

    Args:
        layers: treats each sequence by itself.
        states: (1, tokens, width), sequence after sequence.
        lengths: tokens of each.
        weights: all that `layers` uses and that may need a gradient.
        draws: dropout's random numbers, of which each lane gets its own; None: no dropout.
    """
    lanes = lanes_of(lengths, torch.get_num_threads())
    if len(lanes) == 1:
        return layers(states, lengths)
    job = _Job(layers, lanes, draws, states.device.type)
    if torch.is_grad_enabled():
        found: Tensor = _Shared.apply(job, states, *weights)  # type: ignore[no-untyped-call]
        return found
    return job.joined(job.map(lambda n: job.run(n, states[:, lanes[n].tokens])))


class _Shared(torch.autograd.Function):
    """The layers as one operation, whose backward pass is shared too."""

    @staticmethod
    def forward(ctx: Any, job: _Job, states: Tensor, *weights: Tensor) -> Tensor:
        def run(number: int) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                part = states[:, job.lanes[number].tokens].requires_grad_()
                return part, job.run(number, part)

        ctx.job, ctx.weights, ctx.parts = job, weights, job.map(run)
        return job.joined([out.detach() for _, out in ctx.parts])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        job, weights, parts = ctx.job, ctx.weights, ctx.parts
        # What a lane's layers keep for this is let go when it is done, and not with the last.
        ctx.parts = None

        def run(number: int) -> tuple[Tensor | None, ...]:
            part, out = parts[number]
            parts[number] = None
            grad = grads[0][:, job.lanes[number].tokens]
            return torch.autograd.grad(out, (part, *weights), grad, allow_unused=True)

        of_states, *of_weights = zip(*job.map(run), strict=True)
        return None, job.joined(of_states), *(_total(each) for each in of_weights)


def _total(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Their sum, in the order of the lanes; the first is written over."""
    there = [one for one in parts if one is not None]
    for one in there[1:]:
        there[0].add_(one)
    return there[0] if there else None


class _Job:
    """What the lanes are to do in one forward pass."""

    def __init__(
        self, layers: Layers, lanes: tuple[Lane, ...], draws: Draws | None, device: str
    ) -> None:
        self.layers, self.lanes, self.draws, self.device = layers, lanes, draws, device
        # Each thread has its own of these: the lanes' must be told.
        self.narrow, self.kind = torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)
        self.inference = torch.is_inference_mode_enabled()

    def map(self, work: Callable[[int], Any]) -> list[Any]:
        """What `work` says of each lane's number, in a thread each."""
        return list(_pool(len(self.lanes)).map(work, range(len(self.lanes))))

    def run(self, number: int, states: Tensor) -> Tensor:
        """Take a lane's states through the layers, in its thread."""
        if self.draws is not None:
            self.draws.lane(number)
        with (
            torch.inference_mode(self.inference),
            torch.autocast(self.device, dtype=self.kind, enabled=self.narrow),
        ):
            return self.layers(states, self.lanes[number].lengths)

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """The lanes' (1, tokens, width) in the order of the row."""
        whole = torch.cat(list(parts), 1)
        row = torch.empty_like(whole)
        row[:, torch.cat([lane.tokens for lane in self.lanes])] = whole
        return row


@lru_cache(maxsize=4)
def _pool(count: int) -> ThreadPoolExecutor:
    """So many threads, in each of which torch uses no further ones."""
    mine, ready = torch.get_num_threads(), threading.Barrier(count + 1)

    def begin() -> None:
        # Asking first: a thread's first question or parallel sum sets its number to everybody's.
        torch.get_num_threads()
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(count, thread_name_prefix="lane", initializer=begin)
    for _ in range(count):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(mine)  # the lanes' calls can change this thread's number too
    return pool
