"""Logits of many sequences, in batches of similar length."""

from __future__ import annotations

import numpy as np
import torch

from harness.training.batching import Sequences, budget_batches, collate
from harness.training.heads import FirstHead, TokenHead
from harness.training.loop import Progress, autocast
from harness.training.model import TokenModel

TOKENS_PER_BATCH = {"cpu": 4096}
_ELSEWHERE = 65536


def token_budget(device: torch.device) -> int:
    """Tokens, padding included, that inference runs at once."""
    return TOKENS_PER_BATCH.get(device.type, _ELSEWHERE)


def all_logits(
    model: TokenModel, sequences: Sequences, *, precision: str, progress: Progress
) -> np.ndarray:
    """Logits of the model's first head, float32, in the order of the input.

    (tokens, outputs), as `sequences.ids`, of a token head; (sequences, outputs) of a first head.
    The model is put into evaluation mode. How sequences are batched changes no result beyond
    rounding.
    """
    head = model.heads[0]
    assert isinstance(head, TokenHead | FirstHead)
    count = len(sequences.bounds) - 1
    # Sequence i has the rows rows[i] to rows[i + 1] of the result.
    rows = sequences.bounds if isinstance(head, TokenHead) else np.arange(count + 1)
    result = np.empty((int(rows[-1]), head.output.out_features), dtype=np.float32)
    model.eval()
    progress.start(count, "windows")
    for index in budget_batches(sequences.bounds, token_budget(model.device)):
        with torch.inference_mode(), autocast(model.device, precision):
            logits = model(collate(sequences, index)).float().cpu().numpy()
        ends = np.cumsum(rows[index + 1] - rows[index])
        for one, part in zip(index, np.split(logits, ends[:-1]), strict=True):
            result[rows[one] : rows[one + 1]] = part
        progress.advance(len(index))
    return result
