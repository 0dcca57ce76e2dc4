"""Extractive question answering: the loss and the best span over the windows of a context.

After `run_squad.py` (Devlin et al. 2018) with three declared differences: tokens keep their
character offsets, so an answer is the context's own characters and not re-joined words; a span may
come from any window that holds it, not only from the one where it has most context; and the n-best
lists are kept per window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from harness.moving import move
from harness.records import Prediction, QaExample
from harness.tasks import Head
from harness.tasks.span_decoding import best_answers
from harness.tasks.windows import Windows, build_windows, qa_settings, window_settings

HEAD: Head = "token"


def outputs(labels: Sequence[str]) -> int:  # noqa: ARG001 - a family's signature
    """A score for starts and one for ends."""
    return 2


def build(
    examples: Sequence[QaExample],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    labels: Sequence[str],  # noqa: ARG001 - a family's signature
    *,
    training: bool,
) -> Windows:
    """Windows over the contexts.

    Raises:
        DataError: a context without a visible character; in training, a misplaced answer.
        UsageError: `max_length` leaves no room for context beside a question.
    """
    return build_windows(examples, tokenizer, window_settings(settings), training)


def loss(logits: Tensor, features: Windows, index: np.ndarray) -> Tensor:
    """Mean over the windows `index` of their `span_loss`; `logits` (tokens, 2)."""
    lengths = (features.bounds[index + 1] - features.bounds[index]).tolist()
    return span_loss(logits, lengths, torch.from_numpy(features.labels[index]))


def decode(
    logits: np.ndarray,
    features: Windows,
    examples: Sequence[QaExample],
    settings: Mapping[str, Any],
    labels: Sequence[str],  # noqa: ARG001 - a family's signature
) -> list[Prediction]:
    """The best answer to each example; `logits` (tokens, 2).

    With `no_answer` in `settings` the answer may be that there is none.
    """
    return best_answers(logits[:, 0], logits[:, 1], features, examples, qa_settings(settings))


def span_loss(logits: Tensor, lengths: Sequence[int], labels: Tensor) -> Tensor:
    """Mean of the start's and the end's cross-entropy over the tokens of each window.

    Args:
        logits: (tokens, 2), windows one after the other; column 0 scores starts, 1 ends.
        lengths: tokens of each window.
        labels: (windows, 2), positions in the window; 0 where it holds no answer.

    All tokens compete, question and special tokens included, as in run_squad.
    """
    parts = torch.split(logits.float() if logits.dtype == torch.bfloat16 else logits, list(lengths))
    padded = torch.nn.utils.rnn.pad_sequence(
        list(parts), batch_first=True, padding_value=-float("inf")
    )
    # Not as classes of (windows, tokens, 2): a GPU has no deterministic kernel for that.
    rows = padded.transpose(1, 2).flatten(0, 1)
    return torch.nn.functional.cross_entropy(rows, move(labels, logits.device).flatten())
