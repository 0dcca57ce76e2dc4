"""Dropout whose random numbers cost little on a CPU.

torch draws 24 bits or more for each element with a generator that isn't vectorised: as much work
as a training step's matrix products. Here an element costs eight bits, and is still dropped with
exactly the probability asked for, because the one byte value that straddles the threshold is
settled by a second draw.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.training.seeding import generator, torch_seed

_VALUES = 256  # of a byte
BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of a number -> the integers of that width."""


def dropped(rng: np.random.Generator, count: int, p: float) -> np.ndarray:
    """`count` independent booleans, each True with probability `p`.

    A byte below floor(256 p) is dropped, one equal to it with the remaining probability
    256 p - floor(256 p) (a second draw, needed for one element in 256), others are kept.
    """
    words = rng.integers(0, 2**64, size=-(-count // 8), dtype=np.uint64, endpoint=False)
    # Little-endian bytes, so that machines of either order agree.
    return settle(words.astype("<u8", copy=False).view(np.uint8)[:count], rng, p)


def settle(words: np.ndarray, rng: np.random.Generator, p: float) -> np.ndarray:
    """Which of the uniformly drawn bytes `words` mean "dropped"; ties are drawn from `rng`."""
    threshold = int(p * _VALUES)
    remainder = p * _VALUES - threshold
    drop: np.ndarray = words < threshold
    if remainder > 0:
        ties = np.flatnonzero(words == threshold)
        drop[ties] = rng.random(len(ties)) < remainder
    return drop


def kept_bits(rng: np.random.Generator, like: Tensor, p: float) -> Tensor:
    """All bits set where dropout keeps an element, none where it drops it.

    Integers as wide as the elements of `like`, and of its shape.
    """
    kept = np.subtract(dropped(rng, like.numel(), p).view(np.int8), 1)
    return torch.from_numpy(kept).view(like.shape).to(BITS[like.element_size()])


class _Dropout(torch.autograd.Function):
    """y = x * kept / (1 - p); keeps only the mask for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return _masked(x, kept, scale)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return _masked(grads[0], kept, ctx.scale), None, None


def _masked(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    return torch.bitwise_and(x.view(kept.dtype), kept).view(x.dtype).mul_(scale)


class Draws:
    """Where dropout's random numbers come from: a generator for each place in a training.

    So they don't depend on what was drawn before, or on who computes what.
    """

    def __init__(self, *purpose: Any, elsewhere: bool = False) -> None:
        """Begin at no place.

        Args:
            purpose: as of `seeding.generator`.
            elsewhere: torch's own generators are seeded at each place, for devices that draw for
                themselves.
        """
        self._purpose, self._elsewhere = purpose, elsewhere
        self._place: tuple[Any, ...] = ()
        self._own = threading.local()
        self.at()

    @property
    def rng(self) -> np.random.Generator:
        """The generator of the thread that asks."""
        rng: np.random.Generator = self._own.rng
        return rng

    def at(self, *place: Any) -> None:
        """Go to a place, e.g. (step, micro-batch)."""
        self._place = place
        self._own.rng = generator(*self._purpose, *place)
        if self._elsewhere:
            torch.manual_seed(torch_seed(*self._purpose, *place))

    def lane(self, number: int) -> None:
        """Give the thread that asks its own generator, of this lane at the present place."""
        self._own.rng = generator(*self._purpose, *self._place, "lane", number)


class FastDropout(nn.Module):
    """`nn.Dropout` with explicit random numbers; does nothing in evaluation mode."""

    def __init__(self, p: float, draws: Draws) -> None:
        """Drop with probability `p`, by `draws`, which other modules may share."""
        super().__init__()
        self.p = p
        self.draws = draws

    def forward(self, x: Tensor) -> Tensor:
        """`x` with each element dropped with probability p and the rest divided by 1 - p."""
        if not self.training or self.p == 0.0:
            return x
        kept = kept_bits(self.draws.rng, x, self.p)
        result: Tensor = _Dropout.apply(x, kept, 1.0 / (1.0 - self.p))  # type: ignore[no-untyped-call]
        return result


def replace_dropout(module: nn.Module, draws: Draws) -> None:
    """Put a `FastDropout` by `draws` in the place of every `nn.Dropout`."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, FastDropout(child.p, draws))
        else:
            replace_dropout(child, draws)
