"""The matrix products of one training step, and nothing else: forward, and both gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoConfig


@dataclass(frozen=True, kw_only=True)
class Operands:
    """What a step multiplies besides weights."""

    linear: Mapping[tuple[int, int], tuple[torch.Tensor, torch.Tensor]]
    """(in, out) of a layer -> its inputs and its outputs' gradients, a row for each token."""
    squares: Sequence[tuple[torch.Tensor, torch.Tensor]]
    """Of each sequence: (heads, tokens, head size) and (heads, tokens, tokens)."""


class Step:
    """An encoder's products, at its own shapes, on random numbers."""

    def __init__(self, encoder: Path, kind: torch.dtype, device: str = "cpu") -> None:
        """Of the encoder in this folder, with operands of `kind`."""
        config = AutoConfig.from_pretrained(encoder)
        self.layers, self.heads = config.num_hidden_layers, config.num_attention_heads
        width, inner = config.hidden_size, config.intermediate_size
        self.shapes = [(width, width)] * 4 + [(width, inner), (inner, width)]
        self.head = width // self.heads
        self.as_asked = {"dtype": kind, "device": device}
        self.weights = [torch.randn(o, i, **self.as_asked) for i, o in self.shapes]

    def operands(self, lengths: Sequence[int]) -> Operands:
        """Random numbers for a step over sequences of these lengths, packed; not part of it."""
        tokens = int(sum(lengths))
        shapes = dict.fromkeys(self.shapes)
        # A GPU's attention is one kernel that hides its own products: the linear layers' alone.
        on_cpu = self.as_asked["device"] == "cpu"
        return Operands(
            linear={
                (i, o): (
                    torch.randn(tokens, i, **self.as_asked),
                    torch.randn(tokens, o, **self.as_asked),
                )
                for i, o in shapes
            },
            squares=[self._square(int(n)) for n in lengths] if on_cpu else [],
        )

    def run(self, operands: Operands) -> None:
        """The step's products."""
        for _ in range(self.layers):
            for shape, weight in zip(self.shapes, self.weights, strict=True):
                x, gradient = operands.linear[shape]
                torch.mm(x, weight.T)
                torch.mm(gradient, weight)
                torch.mm(gradient.T, x)
            for q, p in operands.squares:
                torch.bmm(q, q.transpose(1, 2))  # scores
                torch.bmm(p, q)  # attended values
                torch.bmm(p.transpose(1, 2), q)  # and the four gradients
                torch.bmm(q, q.transpose(1, 2))
                torch.bmm(p, q)
                torch.bmm(p.transpose(1, 2), q)

    def _square(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        q = torch.randn(self.heads, length, self.head, **self.as_asked)
        return q, torch.rand(self.heads, length, length, **self.as_asked)
