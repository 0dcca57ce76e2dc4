"""Self-attention over packed sequences: no padding.

A batch is one row of tokens, sequence after sequence. On a CPU attention runs on one sequence at a
time, or on a group of short ones: the (heads, length, length) probabilities fit its cache, where
softmax, dropout and the products around them run several times faster than on the whole batch. On
a GPU torch's own kernels for sequences of several lengths keep no probabilities at all.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from harness.moving import move
from harness.training.dropout import BITS, FastDropout, kept_bits
from harness.training.groups import groups_of

PACKED = "harness_packed"
_FLASH = 8  # numbers of a head that flash attention wants a multiple of


class Bounds(NamedTuple):
    """Where the sequences of a row are, as a GPU's kernels want it."""

    starts: Tensor
    """(sequences + 1,) int32; sequence i is starts[i] to starts[i + 1] - 1."""
    longest: int
    """Tokens of the longest."""


def bounds_of(lengths: tuple[int, ...], device: torch.device) -> Bounds:
    """The bounds of sequences of `lengths` tokens, one after the other."""
    starts = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
    return Bounds(move(starts, device), max(lengths))


class _Attention(torch.autograd.Function):
    """softmax(q k^T * scaling) with dropout, times v, for each sequence of a packed row.

    Shapes: q, k, v and the result are (heads, tokens, width). Kept for the backward pass: the
    probabilities, with the sign bit set where dropout keeps one (a probability is never negative),
    so that one tensor holds both. What works on bits alone is several times faster than bf16
    arithmetic, which goes through float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        lengths: tuple[int, ...],
        scaling: float,
        dropout: FastDropout | None,
    ) -> Tensor:
        p = dropout.p if dropout is not None else 0.0
        out = torch.empty_like(q, memory_format=torch.contiguous_format)
        groups, stored = groups_of(lengths), []
        for group in groups:
            weights = _scores(group.take(q), group.take(k), scaling)
            group.hide_padding(weights)
            torch.softmax(weights, -1, out=weights)
            if dropout is not None and p > 0:
                weights, negative = _marked(weights, dropout)
                group.put(out, torch.bmm(negative, group.take(v)), -1.0 / (1.0 - p))
            else:
                group.put(out, torch.bmm(weights, group.take(v)))
            stored.append(weights)
        ctx.save_for_backward(q, k, v, *stored)
        ctx.groups, ctx.scaling, ctx.p = groups, scaling, p
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        q, k, v, *stored = ctx.saved_tensors
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        for group, weights in zip(ctx.groups, stored, strict=True):
            scaled = group.take(grads[0], clear=True) * (1.0 / (1.0 - ctx.p))
            scores = torch.bmm(scaled, group.take(v).transpose(1, 2))
            if ctx.p > 0:
                bits = weights.view(BITS[weights.element_size()])
                kept = bits >> (8 * weights.element_size() - 1)  # all bits where kept, else none
                scores.view(bits.dtype).bitwise_and_(kept)
                negative = kept.bitwise_and_(bits).view(weights.dtype)
                group.put(dv, torch.bmm(negative.transpose(1, 2), scaled), -1.0)
                weights = weights.abs()
            else:
                group.put(dv, torch.bmm(weights.transpose(1, 2), scaled))
            # Sums in float32 inside; written out in bf16 steps it would lose half of its digits.
            scores = torch.ops.aten._softmax_backward_data(scores, weights, -1, weights.dtype)
            group.put(dq, torch.bmm(scores, group.take(k)), ctx.scaling)
            group.put(dk, torch.bmm(scores.transpose(1, 2), group.take(q)), ctx.scaling)
        return dq, dk, dv, None, None, None


def _scores(q: Tensor, k: Tensor, scaling: float) -> Tensor:
    """Q k^T * scaling, (matrices, length, length)."""
    scores = q.new_empty((q.shape[0], q.shape[1], k.shape[1]))
    return torch.baddbmm(scores, q, k.transpose(1, 2), beta=0, alpha=scaling)


def _marked(weights: Tensor, dropout: FastDropout) -> tuple[Tensor, Tensor]:
    """The probabilities with the sign bit set (in place) where dropout keeps one.

    And their negatives with the dropped ones at zero, not yet divided by 1 - p.
    """
    bits = weights.view(BITS[weights.element_size()])
    kept = kept_bits(dropout.draws.rng, weights, dropout.p)
    # Adding the lowest integer flips the sign bit and nothing else: kept is -1.
    bits.add_(kept, alpha=torch.iinfo(bits.dtype).min)
    return weights, kept.bitwise_and_(bits).view(weights.dtype)


def packed_attention(  # noqa: PLR0913 (transformers' calling convention)
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    *,
    lengths: tuple[int, ...] | Bounds,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention for transformers' `AttentionInterface`, on a packed batch.

    Args:
        module: the self-attention layer; its `dropout` draws the attention dropout.
        query: (1, heads, tokens, width), as `key` and `value`.
        key: see `query`.
        value: see `query`.
        attention_mask: None: a packed row holds no padding.
        dropout: 0 in evaluation.
        scaling: factor of the scores, 1 / sqrt(width).
        lengths: tokens of each sequence, or on a GPU their bounds; passed to the model as a
            keyword.

    Returns:
        The attended values, (1, tokens, heads, width), and no weights.
    """
    assert attention_mask is None and query.shape[0] == 1 and scaling is not None
    if isinstance(lengths, Bounds):
        return _on_gpu(query, key, value, lengths, dropout, scaling), None
    fast = module.dropout if dropout > 0 else None
    assert fast is None or isinstance(fast, FastDropout)
    with torch.autocast(query.device.type, enabled=False):
        out: Tensor = _Attention.apply(  # type: ignore[no-untyped-call]
            query[0], key[0], value[0], lengths, scaling, fast
        )
    return out.transpose(0, 1)[None], None


def _on_gpu(
    query: Tensor, key: Tensor, value: Tensor, bounds: Bounds, dropout: float, scaling: float
) -> Tensor:
    """(1, tokens, heads, width); dropout's numbers are of torch's generator.

    torch has no public function of this with dropout but for nested tensors; these are the
    operators under it.
    """
    q, k, v = (one.transpose(1, 2) for one in (query, key, value))
    starts, longest = bounds
    row = (starts, starts, longest, longest)
    ops = torch.ops.aten
    out: Tensor
    if q.dtype.itemsize == 2 and q.shape[-1] % _FLASH == 0:
        flash = ops._flash_attention_forward
        out = flash(q[0], k[0], v[0], *row, dropout, False, False, scale=scaling)[0]
        return out[None]
    wide = (q.float(), k.float(), v.float())
    out = ops._efficient_attention_forward(*wide, None, *row, dropout, 0, True, scale=scaling)[0]
    return out.to(q.dtype)


def register() -> None:
    """Make `attn_implementation=PACKED` known to transformers."""
    AttentionInterface.register(PACKED, packed_attention)
