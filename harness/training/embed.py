"""One vector for each sequence: the mean or the first of a layer's hidden states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from harness.errors import UsageError
from harness.moving import move
from harness.training.batching import Batch, Sequences, budget_batches, collate
from harness.training.checkpoint import Checkpoints
from harness.training.infer import fill, token_budget
from harness.training.loop import Progress
from harness.training.model import TokenModel
from harness.training.precision import Precision


def sentence_embeddings(
    model: TokenModel,
    sequences: Sequences,
    *,
    layer: int,
    pooling: Literal["mean", "first"],
    precision: str,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> np.ndarray:
    """A vector for each sequence, (sequences, width) float32, in the order of the input.

    The layers above `layer` aren't run. The model is put into evaluation mode; its heads play no
    part. How sequences are batched changes no result beyond rounding.

    Args:
        model: encoder, with or without heads.
        sequences: each of one token or more.
        layer: index into transformers' `hidden_states`: 0 is the embeddings' output, n the
            encoder's last layer.
        pooling: mean of all tokens, special tokens included; or the first token.
        precision: "fp32" or "bf16"; means are taken in float32.
        progress: counts sequences.
        checkpoints: batches that are in them aren't run again.

    Raises:
        UsageError: the encoder has fewer layers.
    """
    config: Any = model.encoder.config
    precise = Precision(model, precision)
    result = np.empty((len(sequences.bounds) - 1, int(config.hidden_size)), dtype=np.float32)

    def run(index: np.ndarray) -> np.ndarray:
        batch = collate(sequences, index)
        with torch.inference_mode(), precise.forward():
            vectors = pooled(model.states(batch).float(), batch, pooling)
        return vectors.cpu().numpy()

    model.eval()
    progress.start(len(result), "sentences")
    batches = budget_batches(sequences.bounds, token_budget(model.device))
    with _only_layers(model.encoder, layer), precise.weights():
        fill(result, batches, lambda index: index, run, progress, checkpoints)
    return result


def pooled(states: Tensor, batch: Batch, pooling: str) -> Tensor:
    """The batch's vectors, (batch, width), from the states of its tokens, (tokens, width)."""
    lengths = move(torch.tensor(batch.lengths), states.device)
    if pooling == "first":
        return states[lengths.cumsum(0) - lengths]
    rows = torch.arange(len(lengths), device=states.device).repeat_interleave(lengths)
    sums = states.new_zeros((len(lengths), states.shape[1])).index_add_(0, rows, states)
    return sums / lengths[:, None]


@contextmanager
def _only_layers(encoder: Any, count: int) -> Iterator[None]:
    """The encoder without the layers above the first `count`; they come back at the end.

    Its last hidden state is then transformers' `hidden_states[count]`: no norm follows the layers
    of BERT and its kin.
    """
    stack = encoder.encoder
    layers = stack.layer
    if count > len(layers):
        raise UsageError(
            where="settings.layer",
            got=str(count),
            expected=f"0 to {len(layers)}, the encoder's layers",
            fix="Set retrieval's layer in the profile's overrides.",
        )
    stack.layer = layers[:count]
    try:
        yield
    finally:
        stack.layer = layers
