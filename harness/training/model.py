"""An encoder with its heads, run on packed batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoModel
from transformers.utils import logging

from harness.errors import StageError, UsageError
from harness.moving import move
from harness.training import attention
from harness.training.batching import Batch
from harness.training.dropout import Draws, replace_dropout
from harness.training.heads import Head
from harness.training.lanes import through

# Encoders of this family number positions from the padding id plus one.
_OFFSET_POSITIONS = frozenset({"xlm-roberta", "roberta", "camembert"})


class TokenModel(nn.Module):
    """Encoder and heads, run on packed batches."""

    def __init__(self, encoder: nn.Module, heads: Sequence[Head]) -> None:
        """Put `heads` (none: states are all that is wanted) on `encoder`."""
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(heads)
        self.draws = Draws("dropout")
        """Dropout's random numbers, once `prepare_dropout` has named the seed."""
        self.recorded: Callable[[Tensor, tuple[int, ...]], Tensor] | None = None
        """What takes states through the layers in training in place of `layers`, on a GPU."""
        config: Any = encoder.config
        offset = config.model_type in _OFFSET_POSITIONS
        self.first_position = int(config.pad_token_id) + 1 if offset else 0
        self.most_tokens = int(config.max_position_embeddings) - self.first_position

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.encoder.parameters()).device

    def forward(self, batch: Batch, head: int = 0) -> Tensor:
        """Logits of head `head`, float32 or wider.

        (tokens, outputs) of a token head, (sequences, outputs) of a first head.
        """
        logits: Tensor = self.heads[head](self.states(batch), batch.lengths)
        return logits

    def states(self, batch: Batch) -> Tensor:
        """The encoder's last hidden states of the batch's tokens, (tokens, width)."""
        device = self.device
        positions = np.concatenate([np.arange(n) for n in batch.lengths]) + self.first_position
        ids = move(batch.ids[None], device)
        encoder: Any = self.encoder
        states: Tensor = encoder.embeddings(
            input_ids=ids,
            position_ids=move(torch.from_numpy(positions)[None], device),
            token_type_ids=torch.zeros_like(ids),
        )
        if device.type == "cpu":
            weights = list(encoder.encoder.parameters())
            draws = self.draws if self.training else None
            return through(self.layers, states, batch.lengths, weights, draws)[0]
        if self.recorded is not None and self.training:
            return self.recorded(states, batch.lengths)[0]
        return self.layers(states, attention.bounds_of(batch.lengths, device))[0]

    def layers(self, states: Tensor, lengths: tuple[int, ...] | attention.Bounds) -> Tensor:
        """The layers' output for (1, tokens, width) states of such sequences."""
        encoder: Any = self.encoder
        found: Tensor = encoder.encoder(states, lengths=lengths).last_hidden_state
        return found


def load_encoder(folder: Path) -> nn.Module:
    """The encoder of a local transformers folder, in float32, without its pooler.

    Raises:
        StageError: the folder holds no encoder that transformers can read from safetensors, or
            one that lacks some of its weights (transformers would draw them at random).
    """
    attention.register()
    # What it would warn of is checked below; progress belongs to the stage.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        encoder, info = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            add_pooling_layer=False,
            attn_implementation=attention.PACKED,
            output_loading_info=True,
        )
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    if info["missing_keys"]:
        raise _unreadable(f"no weights for {', '.join(sorted(info['missing_keys'])[:3])}")
    loaded: nn.Module = encoder
    return loaded


def _unreadable(got: str) -> StageError:
    return StageError(
        where="encoder",
        got=got,
        expected="a transformers folder: config.json, model.safetensors, tokenizer.json",
        fix="Remove the encoder's artifact from the store and run again.",
    )


def prepare_dropout(model: TokenModel, seed: int) -> None:
    """Make dropout draw from ("dropout", seed): numpy's numbers on a CPU, torch's on a GPU."""
    on_cpu = model.device.type == "cpu"
    model.draws = Draws("dropout", seed, elsewhere=not on_cpu)
    if on_cpu:
        replace_dropout(model, model.draws)


def check_length(model: TokenModel, max_length: int) -> None:
    """Refuse windows longer than the encoder has positions for.

    Raises:
        UsageError: `max_length` is larger than the encoder's number of positions.
    """
    if max_length > model.most_tokens:
        raise UsageError(
            where="settings.max_length",
            got=str(max_length),
            expected=f"at most {model.most_tokens}, the encoder's positions",
            fix="Lower max_length in the profile's overrides.",
        )
