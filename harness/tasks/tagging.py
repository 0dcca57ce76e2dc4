"""A tag for each word of a sentence, read at the word's first sub-token.

Words are tokenised one by one, as XTREME's `utils_tag.py` and XLM-R's own scripts do it, so each
begins with the tokenizer's mark of a word; a word that gives no token (white space, an invisible
character) is the unknown token, so that the words after it keep their tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from harness.errors import DataError, UsageError
from harness.moving import move
from harness.records import TagExample, TagPrediction
from harness.tasks import Features, Head
from harness.tasks.encoding import (
    Layout,
    Part,
    constant,
    cut,
    encode_distinct,
    pack,
    ranges,
    single_layout,
)
from harness.tasks.labels import label_places, unknown_label

HEAD: Head = "token"
UNTAGGED = -1


@dataclass(frozen=True, kw_only=True)
class Tagged(Features):
    """Sentences, or stretches of long ones: a sequence and a unit each."""

    tags: np.ndarray
    """Place of the tag that is learnt at each token, (tokens,) int32; -1: none. All -1 outside
    training."""
    first: np.ndarray
    """Index into `ids` of the first sub-token of each word of all examples, (words,) int64; -1
    where the word lies beyond `max_length`."""
    beyond: int
    """Words beyond `max_length`: neither trained on nor predicted by the model."""


def outputs(labels: Sequence[str]) -> int:
    """A score for each tag."""
    return len(labels)


def build(
    examples: Sequence[TagExample],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    labels: Sequence[str],
    *,
    training: bool,
) -> Tagged:
    """Sequences of at most `settings["max_length"]` tokens.

    A sentence that is longer becomes several, each with as many whole words as fit, or loses what
    exceeds it, as `settings["long_sentences"]` says. A word longer than a sequence is cut.

    Raises:
        DataError: a sentence without words, or with more or fewer tags than words; in training, a
            tag that isn't among `labels` (elsewhere it is one that the model can't know).
        UsageError: `max_length` leaves no room for a word.
    """
    for example in examples:
        if not example.words or len(example.words) != len(example.tags):
            raise _uneven(example)
    layout = single_layout(tokenizer)
    room = int(settings["max_length"]) - layout.count()
    if room < 1:
        raise _no_room(int(settings["max_length"]))
    sizes = np.fromiter((len(one.words) for one in examples), np.int64, len(examples))
    sentences = np.concatenate([[0], np.cumsum(sizes)])
    words = _words(examples, tokenizer, room)
    if settings["long_sentences"] == "truncate":
        words = cut(words, room - _before(words.lengths, sentences))
    made = _lay_out(words, sentences, layout, room)
    if training:
        _put_tags(made, examples, labels, sentences)
    return made


def _lay_out(words: Part, sentences: np.ndarray, layout: Layout, room: int) -> Tagged:
    """Sequences of at most `room` tokens of one sentence's words; no tags yet."""
    stream, ends = pack([words])
    starts = stretches(ends, sentences, room)
    text = Part(ids=stream, starts=ends[starts[:-1]], lengths=np.diff(ends[starts]))
    count = len(starts) - 1
    ids, bounds = pack([constant(layout.before, count), text, constant(layout.after, count)])
    shift = bounds[:-1] + len(layout.before) - ends[starts[:-1]]
    first = np.where(words.lengths > 0, ends[:-1] + np.repeat(shift, np.diff(starts)), -1)
    return Tagged(
        ids=ids,
        bounds=bounds,
        units=np.arange(count + 1),
        tags=np.full(len(ids), UNTAGGED, dtype=np.int32),
        first=first,
        beyond=int((first < 0).sum()),
    )


def _words(examples: Sequence[TagExample], tokenizer: Tokenizer, room: int) -> Part:
    """The tokens of each word of all examples: at least one, at most `room`."""
    words = encode_distinct(tokenizer, list(chain.from_iterable(one.words for one in examples)))
    lost = words.lengths == 0
    if not lost.any():
        return cut(words, room)
    unknown = np.array([_unknown(tokenizer)], dtype=np.int32)
    return cut(
        Part(
            ids=np.concatenate([words.ids, unknown]),
            starts=np.where(lost, len(words.ids), words.starts),
            lengths=np.where(lost, 1, words.lengths),
        ),
        room,
    )


def _unknown(tokenizer: Tokenizer) -> int:
    """Id of the unknown token, which only the tokenizer's JSON tells of every kind of model."""
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    identifier, token = model.get("unk_id"), model.get("unk_token")
    if identifier is None and token is not None:
        identifier = tokenizer.token_to_id(token)
    if identifier is None:
        raise DataError(
            where="encoder/tokenizer.json",
            got="no unknown token",
            expected="one that stands for words without a visible character",
            fix="Leave such words out of the data set, or use another encoder.",
        )
    return int(identifier)


def _before(lengths: np.ndarray, sentences: np.ndarray) -> np.ndarray:
    """Tokens before each word in its sentence, (words,)."""
    before: np.ndarray = np.cumsum(lengths) - lengths
    before -= np.repeat(before[sentences[:-1]], np.diff(sentences))
    return before


def stretches(ends: np.ndarray, sentences: np.ndarray, room: int) -> np.ndarray:
    """Where sequences start so that each holds as many words of one sentence as fit.

    Args:
        ends: tokens before each word, and of all words, (words + 1,); no word has over `room`.
        sentences: sentence i is the words sentences[i] to sentences[i + 1] - 1.
        room: tokens of a sequence.

    Returns:
        (sequences + 1,) int64: the first word of each, and the number of all words.
    """
    more = []
    for long in np.flatnonzero(np.diff(ends[sentences]) > room):
        start, stop = int(sentences[long]), int(sentences[long + 1])
        while ends[stop] - ends[start] > room:
            start = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
            more.append(start)
    return np.sort(np.concatenate([sentences, np.array(more, dtype=np.int64)]))


def _put_tags(
    made: Tagged, examples: Sequence[TagExample], labels: Sequence[str], sentences: np.ndarray
) -> None:
    """Fill `made.tags` at the first sub-token of each word that is there."""
    names = list(chain.from_iterable(one.tags for one in examples))
    places = label_places(names, labels)
    wrong = np.flatnonzero(places < 0)
    if len(wrong):
        sentence = int(np.searchsorted(sentences, wrong[0], side="right")) - 1
        raise unknown_label(examples[sentence].id, names[wrong[0]], labels)
    seen = made.first >= 0
    made.tags[made.first[seen]] = places[seen]


def _uneven(example: TagExample) -> DataError:
    return DataError(
        where=f"example {example.id}",
        got=f"{len(example.words)} words and {len(example.tags)} tags",
        expected="words, and a tag for each",
        fix="Correct the data set, or leave the example out.",
    )


def _no_room(max_length: int) -> UsageError:
    return UsageError(
        where="settings.max_length",
        got=str(max_length),
        expected="room for a word beside the special tokens",
        fix="Raise max_length.",
    )


def loss(logits: Tensor, features: Tagged, index: np.ndarray) -> Tensor:
    """Mean cross-entropy of the words of the sequences `index`; `logits` (tokens, tags).

    Every word weighs the same, as in the reference implementations, not every sentence.
    """
    starts = features.bounds[index]
    tags = features.tags[ranges(starts, features.bounds[index + 1] - starts)].astype(np.int64)
    labels = move(torch.from_numpy(tags), logits.device)
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=UNTAGGED)


def decode(
    logits: np.ndarray,
    features: Tagged,
    examples: Sequence[TagExample],
    settings: Mapping[str, Any],  # noqa: ARG001 - a family's signature
    labels: Sequence[str],
) -> list[TagPrediction]:
    """The tag with the highest logit at each word, the earliest of equals; `logits` (tokens, tags).

    A word beyond `max_length` is tagged `O` where that is a tag, else as the first of `labels`.
    """
    rest = labels.index("O") if "O" in labels else 0
    best = np.full(len(features.first), rest)
    seen = features.first >= 0
    best[seen] = logits[features.first[seen]].argmax(axis=1)
    names, result, start = [labels[place] for place in best.tolist()], [], 0
    for example in examples:
        end = start + len(example.words)
        result.append(TagPrediction(id=example.id, tags=tuple(names[start:end])))
        start = end
    return result
