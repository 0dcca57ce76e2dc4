"""Logits of many sequences, in batches of similar length."""

from __future__ import annotations

import numpy as np
import torch

from harness.training.batching import Sequences, budget_batches, collate
from harness.training.loop import Progress, autocast
from harness.training.model import TokenModel

TOKENS_PER_BATCH = {"cpu": 4096}
_ELSEWHERE = 65536


def token_logits(
    model: TokenModel, sequences: Sequences, *, precision: str, progress: Progress
) -> np.ndarray:
    """Logits of every token, (tokens, outputs), float32, in the order of `sequences.ids`.

    The model is put into evaluation mode. How sequences are batched changes no result beyond
    rounding.
    """
    device = model.head.weight.device
    result = np.empty((len(sequences.ids), model.head.out_features), dtype=np.float32)
    model.eval()
    progress.start(len(sequences.bounds) - 1, "windows")
    budget = TOKENS_PER_BATCH.get(device.type, _ELSEWHERE)
    for index in budget_batches(sequences.bounds, budget):
        batch = collate(sequences, index)
        with torch.inference_mode(), autocast(device, precision):
            logits = model(batch).float().cpu().numpy()
        ends = np.cumsum(batch.lengths)
        for window, end, length in zip(index, ends, batch.lengths, strict=True):
            start = sequences.bounds[window]
            result[start : start + length] = logits[end - length : end]
        progress.advance(len(index))
    return result
