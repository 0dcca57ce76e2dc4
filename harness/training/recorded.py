"""The encoder's layers as CUDA graphs: recorded once, then replayed.

Forward and backward pass of XLM-R Large start some 1,700 pieces of work a step, and a host needs
several times as long to start them as an H100 to do them. A recording starts them all with one
call. It works on the same memory with the same shapes each time, so that a row is filled up: to
one of a few numbers of tokens with sequences of their own, which nothing reads and whose gradients
are zero, and to one of a few numbers of sequences with empty ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.training.attention import Bounds, bounds_of
from harness.training.model import TokenModel

Layers = Callable[[Tensor, Bounds], Tensor]
"""(1, tokens, width) states and the bounds of their sequences -> what the layers make of them."""

_PARTS = 8  # numbers of tokens between a power of two and the next; a row grows by 6 % on average
_FEWEST = 64  # tokens
_SEQUENCES = 16  # their number is rounded up to a multiple
_ROUNDS = 2  # before a recording: libraries make themselves ready in the first, compilers too
# Measured on an H100 with XLM-R Large, 2,700 tokens a step: a dozen recordings take some seconds, a
# step then 33 ms in place of 110.
FEWEST_STEPS = 100


def record_layers(model: TokenModel, steps: int) -> bool:
    """Have the layers recorded, where `steps` optimiser steps on a GPU are worth it.

    Returns whether that was done; never on a CPU.
    """
    if model.device.type != "cuda" or steps < FEWEST_STEPS:
        return False
    encoder: Any = model.encoder
    weights = list(encoder.encoder.parameters())
    model.recorded = Recorded(model.layers, weights, model.most_tokens)
    return True


@dataclass(frozen=True, kw_only=True)
class _Recording:
    """A forward and a backward pass over rows of one size, and the memory that they work on."""

    states: Tensor
    """(1, tokens, width), read; its `grad` is written."""
    starts: Tensor
    """(sequences + 1,) int32, read."""
    out: Tensor
    """(1, tokens, width), written."""
    grad: Tensor
    """Of `out`, read."""
    forward: torch.cuda.CUDAGraph
    backward: torch.cuda.CUDAGraph


class Recorded:
    """Layers on a GPU that are recorded where they meet a row of a new size."""

    def __init__(self, layers: Layers, weights: Sequence[Tensor], longest: int) -> None:
        """Nothing is recorded yet.

        Args:
            layers: the same operations for all rows of a size, of which none waits for the device.
            weights: all parameters that they use.
            longest: tokens that a sequence may have.
        """
        self._layers, self._longest = layers, longest
        self._weights = list(weights)
        # The graphs add to these, wherever they were recorded.
        self._grads = [torch.zeros_like(one) for one in self._weights]
        self._made: dict[tuple[int, int], _Recording] = {}
        # They never run at once: what one needs in between, another may overwrite.
        self._pool: Any = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def __call__(self, states: Tensor, lengths: tuple[int, ...]) -> Tensor:
        """The layers' output for (1, tokens, width) `states` of sequences of `lengths` tokens.

        Its backward pass comes before the next call.
        """
        out: Tensor = _Replay.apply(self, states, lengths)  # type: ignore[no-untyped-call]
        return out

    def attach(self) -> None:
        """Have the parameters' gradients be what the recordings add to; zero if they had none."""
        if self._weights[0].grad is self._grads[0]:
            return
        torch._foreach_zero_(self._grads)
        for weight, grad in zip(self._weights, self._grads, strict=True):
            weight.grad = grad

    def of(self, states: Tensor, lengths: tuple[int, ...]) -> _Recording:
        """The recording for such a row, with the row in place."""
        count = states.shape[1]
        tokens = size(count)
        filled = (*lengths, *_pieces(tokens - count, self._longest))
        sequences = -(-len(filled) // _SEQUENCES) * _SEQUENCES
        if (tokens, sequences) not in self._made:
            self._made[tokens, sequences] = self._record(states, tokens, sequences)
        found = self._made[tokens, sequences]
        found.states[:, :count] = states
        found.states[:, count:] = 0.0
        found.starts.copy_(_starts(filled, sequences, states.device))
        return found

    def _record(self, like: Tensor, tokens: int, sequences: int) -> _Recording:
        states = like.new_zeros((1, tokens, like.shape[-1])).requires_grad_()
        states.grad = torch.zeros_like(states)
        longest = min(self._longest, tokens)
        starts = _starts(_pieces(tokens, longest), sequences, like.device)
        bounds = Bounds(starts, longest)
        kind, narrow = torch.get_autocast_dtype("cuda"), torch.is_autocast_enabled("cuda")

        def forward() -> Tensor:
            # A cast that is kept for later would not be part of the recording.
            with (
                torch.enable_grad(),
                torch.autocast("cuda", dtype=kind, enabled=narrow, cache_enabled=False),
            ):
                return self._layers(states, bounds)

        def backward(out: Tensor, grad: Tensor) -> None:
            assert states.grad is not None
            states.grad.zero_()
            torch.autograd.backward(out, grad, inputs=[states, *self._weights])

        # Gradients of zero add nothing to those that are there already.
        with _same_draws(), torch.enable_grad():
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(_ROUNDS):
                    out = forward()
                    backward(out, torch.zeros_like(out))
                grad = torch.zeros_like(out)
                del out
            first, second = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
            with self._recording(first):
                out = forward()
            with self._recording(second):
                backward(out, grad)
            torch.cuda.current_stream().wait_stream(self._stream)
        return _Recording(
            states=states,
            starts=starts,
            out=out.detach(),
            grad=grad,
            forward=first,
            backward=second,
        )

    def _recording(self, graph: torch.cuda.CUDAGraph) -> Any:
        # Other threads of this process (those that watch over several devices) go on meanwhile.
        return torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        )


class _Replay(torch.autograd.Function):
    """The layers as one operation. Gradients of the weights are added where they belong."""

    @staticmethod
    def forward(ctx: Any, recorded: Recorded, states: Tensor, lengths: tuple[int, ...]) -> Tensor:
        recorded.attach()
        ctx.recording = recorded.of(states.detach(), lengths)
        ctx.recording.forward.replay()
        out: Tensor = ctx.recording.out[:, : states.shape[1]].clone()
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        recording, count = ctx.recording, grads[0].shape[1]
        recording.grad[:, :count] = grads[0]
        recording.grad[:, count:] = 0.0
        recording.backward.replay()
        return None, recording.states.grad[:, :count].clone(), None


def size(count: int) -> int:
    """The tokens of the recording for a row of `count`: at most an eighth more."""
    step = max(_FEWEST, (1 << (count - 1).bit_length()) // (2 * _PARTS))
    return -(-count // step) * step


def _pieces(tokens: int, longest: int) -> tuple[int, ...]:
    """Lengths of sequences that are so many tokens together."""
    return tuple(min(longest, tokens - done) for done in range(0, tokens, longest))


def _starts(lengths: Sequence[int], sequences: int, device: torch.device) -> Tensor:
    """(sequences + 1,) int32; those after `lengths` are empty."""
    empty = (0,) * (sequences - len(lengths))
    return bounds_of((*lengths, *empty), device).starts


@contextmanager
def _same_draws() -> Iterator[None]:
    """Dropout goes on afterwards as if nothing had been drawn."""
    state = torch.cuda.get_rng_state()
    try:
        yield
    finally:
        torch.cuda.set_rng_state(state)
