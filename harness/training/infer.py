"""Logits of many sequences, in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from harness.training.batching import Sequences, budget_batches, collate
from harness.training.checkpoint import Checkpoints
from harness.training.heads import FirstHead, TokenHead
from harness.training.loop import Progress
from harness.training.model import TokenModel
from harness.training.precision import Precision

TOKENS_PER_BATCH = {"cpu": 4096, "cuda": 65536}


def token_budget(device: torch.device) -> int:
    """Tokens that inference runs at once, as if each batch were padded."""
    return TOKENS_PER_BATCH[device.type]


def all_logits(
    model: TokenModel,
    sequences: Sequences,
    *,
    precision: str,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> np.ndarray:
    """Logits of the model's first head, float32, in the order of the input.

    (tokens, outputs), as `sequences.ids`, of a token head; (sequences, outputs) of a first head.
    The model is put into evaluation mode. How sequences are batched changes no result beyond
    rounding. Batches that are in `checkpoints` aren't run again.
    """
    head, precise = model.heads[0], Precision(model, precision)
    assert isinstance(head, TokenHead | FirstHead)
    bounds = sequences.bounds
    by_token = isinstance(head, TokenHead)
    count = int(bounds[-1]) if by_token else len(bounds) - 1
    result = np.empty((count, head.output.out_features), dtype=np.float32)

    def run(index: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), precise.forward():
            logits: np.ndarray = model(collate(sequences, index)).float().cpu().numpy()
        return logits

    def rows(index: np.ndarray) -> np.ndarray:
        if not by_token:
            return index
        return np.concatenate([np.arange(bounds[one], bounds[one + 1]) for one in index])

    model.eval()
    progress.start(len(bounds) - 1, "windows")
    batches = budget_batches(bounds, token_budget(model.device))
    with precise.weights():
        fill(result, batches, rows, run, progress, checkpoints)
    return result


def fill(
    result: np.ndarray,
    batches: Sequence[np.ndarray],
    rows: Callable[[np.ndarray], np.ndarray],
    run: Callable[[np.ndarray], np.ndarray],
    progress: Progress,
    checkpoints: Checkpoints | None,
) -> None:
    """Put what `run` says of each batch into the rows of `result` that are the batch's.

    A checkpoint is a shard: what was found since the one before it.

    Args:
        result: filled in place.
        batches: each holds numbers of sequences.
        rows: sequences -> their rows of `result`, in that order.
        run: sequences -> the values of these rows.
        progress: counts sequences.
        checkpoints: None: none are read or written.
    """
    done = 0
    for shard in checkpoints.in_order() if checkpoints else ():
        # One in the middle may have been damaged; those after it are written again.
        if shard.facts["after"] == done:
            index = np.concatenate(batches[done : shard.number])
            result[rows(index)] = shard.tensors["values"].numpy()
            progress.advance(len(index))
            done = shard.number
    written = done
    for number, index in enumerate(batches[done:], done + 1):
        result[rows(index)] = run(index)
        progress.advance(len(index))
        if checkpoints and checkpoints.due(number):
            fresh = result[rows(np.concatenate(batches[written:number]))]
            if checkpoints.write(number, {"values": torch.from_numpy(fresh)}, {"after": written}):
                written = number
