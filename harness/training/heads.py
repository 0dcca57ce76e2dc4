"""What stands on the encoder: a linear layer on every token, or a classifier on the first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harness.errors import StageError
from harness.moving import move
from harness.training.seeding import generator

PREFIX = "heads."  # of a head's tensors in an artifact: heads.<number>.<tensor>


class TokenHead(nn.Module):
    """A linear layer on every token."""

    def __init__(self, width: int, outputs: int) -> None:
        """From states of `width` to `outputs` logits a token."""
        super().__init__()
        self.output = nn.Linear(width, outputs)

    def forward(self, states: Tensor, lengths: Sequence[int]) -> Tensor:  # noqa: ARG002
        """(tokens, width) -> (tokens, outputs).

        Outside autocast, as every head: it costs nothing and its logits decide the answer.
        """
        with torch.autocast(states.device.type, enabled=False):
            logits: Tensor = self.output(states.to(self.output.weight.dtype))
        return logits


class FirstHead(nn.Module):
    """Dropout, dense, tanh, dropout, linear on the first token of each sequence.

    transformers' RobertaClassificationHead.
    """

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        """From states of `width` to `outputs` logits a sequence."""
        super().__init__()
        self.before = nn.Dropout(dropout)
        self.dense = nn.Linear(width, width)
        self.after = nn.Dropout(dropout)
        self.output = nn.Linear(width, outputs)

    def forward(self, states: Tensor, lengths: Sequence[int]) -> Tensor:
        """(tokens, width) of sequences of `lengths` tokens -> (sequences, outputs)."""
        starts = move(torch.tensor([0, *accumulate(lengths)][:-1]), states.device)
        with torch.autocast(states.device.type, enabled=False):
            first = self.before(states[starts].to(self.dense.weight.dtype))
            logits: Tensor = self.output(self.after(torch.tanh(self.dense(first))))
        return logits


Head = TokenHead | FirstHead


def blank_head(kind: Literal["token", "first"], outputs: int, config: Any) -> Head:
    """A head as torch makes it, for an encoder of this transformers `config`."""
    width = int(config.hidden_size)
    if kind == "token":
        return TokenHead(width, outputs)
    return FirstHead(width, outputs, float(config.hidden_dropout_prob))


def new_head(
    kind: Literal["token", "first"], outputs: int, config: Any, seed: int, number: int = 0
) -> Head:
    """A newly initialised head, the same for every system of a seed.

    Weights are normal with the encoder's `initializer_range` as deviation, biases zero
    (transformers' initialisation of task heads).

    Args:
        kind: where the head reads, `FamilyModule.HEAD`.
        outputs: logits of a token or of a sequence.
        config: the encoder's.
        seed: index of the seed.
        number: of the head, where several are trained together.
    """
    head = blank_head(kind, outputs, config)
    rng = generator("head", seed, *([number] if number else []))
    deviation = float(getattr(config, "initializer_range", 0.02))
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                drawn = rng.normal(0.0, deviation, size=tuple(parameter.shape))
                parameter.copy_(torch.from_numpy(drawn))
    return head


def stored_head(
    kind: Literal["token", "first"],
    outputs: int,
    config: Any,
    tensors: Mapping[str, Tensor],
    number: int = 0,
) -> Head:
    """The head `number` that a fine-tuning kept.

    Args:
        kind: see `new_head`.
        outputs: see `new_head`.
        config: see `new_head`.
        tensors: `Delta.heads`.
        number: see `new_head`.

    Raises:
        StageError: none was kept (the artifact is an intermediate training's), or one of another
            kind or size.
    """
    prefix = f"{PREFIX}{number}."
    mine = {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    head = blank_head(kind, outputs, config)
    wanted = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in mine.items()}
    if found != wanted:
        raise StageError(
            where="model artifact",
            got=f"a head of {found}" if found else "no head",
            expected=f"a head of {wanted}",
            fix="Predict with the artifact of a fine-tuning on a task of the same labels.",
        )
    head.load_state_dict(mine)
    return head
