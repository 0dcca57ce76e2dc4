"""The choice between endings or answers: each choice is scored beside what stands before it.

Laid out as jiant does it: context and question are the first text, the choice is the second. What
is too long loses the end of its context first, then of its question, then of the choice. The usual
`longest_first` cuts at the end, too, but there the question stands: it would go before the context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from harness.errors import DataError
from harness.moving import move
from harness.records import ChoiceExample, LabelPrediction
from harness.tasks import Features, Head
from harness.tasks.encoding import constant, cut, encode_distinct, pack, pair_layout, take

HEAD: Head = "first"


@dataclass(frozen=True, kw_only=True)
class Choices(Features):
    """A sequence for each choice; a unit is the choices of a question, in their order."""

    labels: np.ndarray
    """Place of the right choice in each unit, (units,) int64."""


def outputs(labels: Sequence[str]) -> int:  # noqa: ARG001 - a family's signature
    """One score: a choice competes with the other choices."""
    return 1


def build(
    examples: Sequence[ChoiceExample],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    labels: Sequence[str],  # noqa: ARG001 - a family's signature
    *,
    training: bool,  # noqa: ARG001 - a family's signature
) -> Choices:
    """A sequence of at most `settings["max_length"]` tokens for each choice of each example.

    Raises:
        DataError: fewer than two choices; a label that isn't the place of a choice, whether or
            not it is trained on.
    """
    for example in examples:
        if len(example.choices) < 2 or not 0 <= example.label < len(example.choices):
            raise _no_such_choice(example)
    sizes = np.fromiter((len(one.choices) for one in examples), np.int64, len(examples))
    units = np.concatenate([[0], np.cumsum(sizes)])
    ids, bounds = _sequences(examples, sizes, tokenizer, int(settings["max_length"]))
    places = np.fromiter((one.label for one in examples), np.int64, len(examples))
    return Choices(ids=ids, bounds=bounds, units=units, labels=places)


def _sequences(
    examples: Sequence[ChoiceExample], sizes: np.ndarray, tokenizer: Tokenizer, max_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `pack`, of every choice of every example."""
    layout, count = pair_layout(tokenizer), len(examples)
    texts = [one.context for one in examples] + [one.question for one in examples]
    texts += [choice for one in examples for choice in one.choices]
    every = encode_distinct(tokenizer, texts)
    owner = np.repeat(np.arange(count), sizes)
    room = max_length - layout.count()
    choice = cut(take(every, slice(2 * count, None)), room)
    question = cut(take(every, count + owner), room - choice.lengths)
    context = cut(take(every, owner), room - choice.lengths - question.lengths)
    before, between, after = (
        constant(ids, len(owner)) for ids in (layout.before, layout.between, layout.after)
    )
    return pack([before, context, question, between, choice, after])


def _no_such_choice(example: ChoiceExample) -> DataError:
    count = len(example.choices)
    return DataError(
        where=f"example {example.id}",
        got=f"the label {example.label} of {count} choices",
        expected=f"a label from 0 to {count - 1}" if count > 1 else "at least two choices",
        fix="Leave the example out of the data set.",
    )


def loss(logits: Tensor, features: Choices, index: np.ndarray) -> Tensor:
    """Mean over the questions in `index` of the cross-entropy over their choices.

    Args:
        logits: (sequences, 1).
        features: from `build`.
        index: the batch's sequences, all of a question's one after the other and in order.
    """
    unit = np.searchsorted(features.units, index, side="right") - 1
    asked = unit[features.units[unit] == index]
    sizes = features.units[asked + 1] - features.units[asked]
    padded = torch.nn.utils.rnn.pad_sequence(
        list(torch.split(logits[:, 0], sizes.tolist())),
        batch_first=True,
        padding_value=-float("inf"),
    )
    labels = move(torch.from_numpy(features.labels[asked]), logits.device)
    return torch.nn.functional.cross_entropy(padded, labels)


def decode(
    logits: np.ndarray,
    features: Choices,
    examples: Sequence[ChoiceExample],
    settings: Mapping[str, Any],  # noqa: ARG001 - a family's signature
    labels: Sequence[str],  # noqa: ARG001 - a family's signature
) -> list[LabelPrediction]:
    """The place of the choice with the highest logit, the earliest of equals, as text.

    `logits` (sequences, 1).
    """
    scores, units = logits[:, 0].tolist(), features.units.tolist()
    result = []
    for example, start, end in zip(examples, units[:-1], units[1:], strict=True):
        mine = scores[start:end]
        best = max(range(len(mine)), key=mine.__getitem__)
        result.append(LabelPrediction(id=example.id, label=str(best), logits=tuple(mine)))
    return result
