"""Classification of one text or of a pair, as BERT's and RoBERTa's `run_glue` do it.

A pair that is too long is cut as tokenizers' `longest_first` does it: the longer text to what the
shorter leaves, and where both are too long each to half. (Slow tokenizers of 2020 gave the odd
token to the first text where both were too long, this gives it to the second.)
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
from harness.records import LabelPrediction, PairExample
from harness.tasks import Features, Head
from harness.tasks.encoding import (
    Part,
    cut,
    encode_distinct,
    pack,
    pair_layout,
    single_layout,
    take,
)
from harness.tasks.labels import label_places, unknown_label

HEAD: Head = "first"


@dataclass(frozen=True, kw_only=True)
class Labelled(Features):
    """One sequence an example: its text, or both with special tokens between them."""

    labels: np.ndarray
    """Place of each sequence's label among the task's, (sequences,) int64."""


def outputs(labels: Sequence[str]) -> int:
    """A score for each label."""
    return len(labels)


def build(
    examples: Sequence[PairExample],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    labels: Sequence[str],
    *,
    training: bool,  # noqa: ARG001 - a family's signature
) -> Labelled:
    """A sequence of at most `settings["max_length"]` tokens for each example.

    An example whose second text is empty is laid out as a single text.

    Raises:
        DataError: a label that isn't among `labels`, whether or not it is trained on; an example
            without a token of text.
    """
    places = label_places([one.label for one in examples], labels)
    wrong = np.flatnonzero(places < 0)
    if len(wrong):
        raise unknown_label(examples[wrong[0]].id, examples[wrong[0]].label, labels)
    count = len(examples)
    texts = [one.first for one in examples] + [one.second for one in examples]
    both = encode_distinct(tokenizer, texts)
    first, second = take(both, slice(0, count)), take(both, slice(count, None))
    empty = np.flatnonzero(first.lengths + second.lengths == 0)
    if len(empty):
        raise _no_text(examples[empty[0]])
    paired = np.fromiter((one.second != "" for one in examples), bool, count)
    ids, bounds = pack(_parts(first, second, paired, tokenizer, int(settings["max_length"])))
    return Labelled(ids=ids, bounds=bounds, units=np.arange(count + 1), labels=places)


def _parts(
    first: Part, second: Part, paired: np.ndarray, tokenizer: Tokenizer, max_length: int
) -> list[Part]:
    """The texts, cut, and the special tokens around them; `paired` (sequences,) bool."""
    pair, single = pair_layout(tokenizer), single_layout(tokenizer)
    room = max_length - np.where(paired, pair.count(), single.count())
    kept = longest_first(first.lengths, second.lengths, room)
    return [
        _either(single.before, pair.before, paired),
        cut(first, kept[0]),
        _either(single.between, pair.between, paired),
        cut(second, kept[1]),
        _either(single.after, pair.after, paired),
    ]


def _either(single: tuple[int, ...], pair: tuple[int, ...], paired: np.ndarray) -> Part:
    """The special tokens `pair` where `paired`, else `single`."""
    return Part(
        ids=np.array([*single, *pair], dtype=np.int32),
        starts=np.where(paired, len(single), 0),
        lengths=np.where(paired, len(pair), len(single)),
    )


def longest_first(
    first: np.ndarray, second: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens that two texts of `first` and `second` tokens keep of `room`, each (pairs,)."""
    short, long = np.minimum(first, second), np.maximum(first, second)
    long = np.minimum(long, np.maximum(short, room - short))
    halved = short + long > room
    short = np.where(halved, room // 2, short)
    long = np.where(halved, room - room // 2, long)
    swapped = first > second
    return np.where(swapped, long, short), np.where(swapped, short, long)


def _no_text(example: PairExample) -> DataError:
    return DataError(
        where=f"example {example.id}",
        got=f"the texts {example.first!r} and {example.second!r}",
        expected="at least one visible character",
        fix="Leave the example out of the data set.",
    )


def loss(logits: Tensor, features: Labelled, index: np.ndarray) -> Tensor:
    """Mean cross-entropy of the sequences `index`; `logits` (sequences, labels)."""
    labels = move(torch.from_numpy(features.labels[index]), logits.device)
    return torch.nn.functional.cross_entropy(logits, labels)


def decode(
    logits: np.ndarray,
    features: Labelled,  # noqa: ARG001 - a family's signature
    examples: Sequence[PairExample],
    settings: Mapping[str, Any],  # noqa: ARG001 - a family's signature
    labels: Sequence[str],
) -> list[LabelPrediction]:
    """The label with the highest logit, the earliest of equals; `logits` (sequences, labels)."""
    best = logits.argmax(axis=1).tolist()
    return [
        LabelPrediction(id=example.id, label=labels[place], logits=tuple(row))
        for example, place, row in zip(examples, best, logits.tolist(), strict=True)
    ]
