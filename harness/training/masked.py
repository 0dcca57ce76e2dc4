"""Continued masked language modelling: the encoder's language model head and its loss.

The head is transformers' XLMRobertaLMHead: dense, gelu, layer norm, then the word embedding itself
as the last layer, with a bias. Its softmax runs over the whole vocabulary, but only at the hidden
tokens, and gradients are made in the forward pass: the logits of a block of the vocabulary are all
that is ever in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from harness.errors import StageError
from harness.training.batching import Batch

_BYTES = 8 << 20  # of the float32 logits that are in memory at once
_FEWEST = 2048  # pieces in a block: below, the products would be slow
_STORED = "lm_head."


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedBatch(Batch):
    """Pieces with tokens to be predicted."""

    places: Tensor
    """Where in `ids` they are, (hidden,)."""
    truth: Tensor
    """Their true ids, (hidden,)."""


class MaskedLmHead(nn.Module):
    """Dense, gelu, layer norm, and a bias for each piece of the vocabulary."""

    def __init__(self, width: int, vocabulary: int, epsilon: float) -> None:
        """A head that passes states on as they are, but for the gelu; biases are zero.

        The identity and not small random weights, which would hide the states behind a projection
        that has to be unlearnt: the embedded encoder then starts at 12.8 nats instead of 13.3 (a
        uniform guess: 12.4) and is still ahead after a dozen steps.
        """
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=epsilon)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        with torch.no_grad():
            nn.init.eye_(self.dense.weight)
            self.dense.bias.zero_()

    def forward(self, states: Tensor, table: Tensor, truth: Tensor) -> Tensor:
        """Mean cross-entropy over the hidden tokens, a scalar.

        Args:
            states: of the hidden tokens, (hidden, width).
            table: the word embedding, (vocabulary, width).
            truth: ids of the tokens, (hidden,).

        Under autocast the products with the table are in its type, their softmax in float32.
        """
        device = states.device.type
        narrow = torch.is_autocast_enabled(device)
        kind = torch.get_autocast_dtype(device) if narrow else table.dtype
        guessed = self.LayerNorm(nn.functional.gelu(self.dense(states)))
        with torch.autocast(device, enabled=False):
            loss: Tensor = _TiedCrossEntropy.apply(  # type: ignore[no-untyped-call]
                guessed.to(table.dtype), table, self.bias, truth, kind
            )
        return loss


class _TiedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of states @ table^T + bias; gradients come with the value.

    Blocks of the vocabulary pass twice: for the softmax's denominator, then for the gradients. A
    block's logits fit a CPU's cache, and the table's gradient is written once.
    """

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, bias: Tensor, truth: Tensor, kind: torch.dtype
    ) -> Tensor:
        count, some = max(1, len(states)), states.to(kind)
        blocks = _blocks(len(states), len(table))
        total = states.new_full((len(states),), -torch.inf)
        for block in blocks:
            logits = _logits(some, table[block].to(kind), bias[block])
            total = torch.logaddexp(total, torch.logsumexp(logits, 1))
        grad_states, grad_table = torch.zeros_like(states), torch.empty_like(table)
        grad_bias = torch.empty_like(bias)
        own = total.new_zeros(())
        for block in blocks:
            rows = table[block].to(kind)
            logits = _logits(some, rows, bias[block])
            inside = torch.nonzero((truth >= block.start) & (truth < block.stop))[:, 0]
            place = truth[inside] - block.start
            own = own + logits[inside, place].sum()
            error = logits.sub_(total[:, None]).exp_()
            error[inside, place] -= 1.0
            error.div_(count)
            torch.sum(error, 0, out=grad_bias[block])
            narrow = error.to(kind)
            grad_states += torch.mm(narrow, rows)
            grad_table[block] = torch.mm(narrow.T, some)
        # Not saved by torch: then the table's other gradient couldn't be added in place.
        ctx.gradients = grad_states, grad_table, grad_bias
        return (total.sum() - own) / count

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        gradients, ctx.gradients = ctx.gradients, None
        # In place: another tensor of the table's size would cost as much memory as the weights.
        return *(one.mul_(grads[0]) for one in gradients), None, None


def _logits(states: Tensor, rows: Tensor, bias: Tensor) -> Tensor:
    return torch.mm(states, rows.T).to(bias.dtype) + bias


def _blocks(count: int, vocabulary: int) -> list[slice]:
    """So many pieces at a time that their logits at `count` positions fill `_BYTES`."""
    size = max(_FEWEST, _BYTES // (4 * max(1, count)))
    return [slice(a, min(a + size, vocabulary)) for a in range(0, vocabulary, size)]


def lm_head(folder: Path, encoder: nn.Module) -> MaskedLmHead:
    """The head that the encoder was pre-trained with, or a new one where its folder has none.

    Args:
        folder: of the encoder; `model.safetensors` may hold `lm_head.*`, as XLM-R's does.
        encoder: as loaded from it.

    Raises:
        StageError: it holds such weights, of another shape; or the encoder's vocabulary was
            trimmed: the softmax has a gradient for every row.
    """
    config: Any = encoder.config
    table = encoder.get_input_embeddings()  # type: ignore[operator]
    if len(table.weight) != config.vocab_size:
        raise StageError(
            where="masked language modelling",
            got=f"{len(table.weight)} rows of the word embedding",
            expected=f"all {config.vocab_size}: every one is trained",
            fix="It may be a bug of the harness: this training is never to be trimmed.",
        )
    head = MaskedLmHead(config.hidden_size, len(table.weight), config.layer_norm_eps)
    stored = _stored(folder / "model.safetensors")
    if stored:
        try:
            head.load_state_dict(stored)
        except RuntimeError as error:
            raise StageError(
                where="encoder/model.safetensors",
                got=str(error),
                expected=f"`{_STORED}*` of transformers' XLM-R",
                fix="Use an encoder whose language model head has this form.",
            ) from error
    return head


def _stored(path: Path) -> dict[str, Tensor]:
    """The tensors of a language model head; its last layer is the word embedding itself."""
    with safe_open(path, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith(_STORED)]  # noqa: SIM118
        found = {name.removeprefix(_STORED): file.get_tensor(name) for name in names}
    tied = ("decoder.weight", "decoder.bias")
    return {
        name.replace("layer_norm", "LayerNorm"): value
        for name, value in found.items()
        if name not in tied
    }
