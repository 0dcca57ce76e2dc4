"""Texts into token sequences: what every family needs of a tokenizer, and packed arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from harness.errors import DataError
from harness.tasks import Features

_TEXTS = 8192  # at a time: tokenizers' own records take about 200 bytes a token
_ROWS = 16384  # sequences at a time: bounds the memory of the index arrays


def read_tokenizer(encoder: Path) -> Tokenizer:
    """The tokenizer in an encoder's folder.

    The last one is kept: reading XLM-R's takes more than a second, and a run's stages share it.
    """
    file = encoder / "tokenizer.json"
    found = file.stat()
    return _tokenizer(file, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1)
def _tokenizer(file: Path, size: int, changed: int) -> Tokenizer:  # noqa: ARG001
    return Tokenizer.from_file(str(file))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The special tokens around one text, or around and between two."""

    before: tuple[int, ...]
    between: tuple[int, ...] = ()
    after: tuple[int, ...]

    def count(self) -> int:
        """Special tokens of a sequence."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of `ids` for each of many sequences."""

    ids: np.ndarray
    """Token ids that the stretches are taken from, (any,) int32."""
    starts: np.ndarray
    """Where the stretch of each sequence starts, (sequences,) int64."""
    lengths: np.ndarray
    """Its tokens, (sequences,) int64; 0 where the sequence has none."""


def plain(tokenizer: Tokenizer) -> None:
    """Switch off the tokenizer's own truncation and padding, which its file may ask for."""
    tokenizer.no_truncation()
    tokenizer.no_padding()


def pair_layout(tokenizer: Tokenizer) -> Layout:
    """The special tokens that the tokenizer's post-processor puts around a pair.

    Raises:
        DataError: it puts none before the first text, so that a sequence has no token of its own
            for "no answer" or for its label.
    """
    plain(tokenizer)
    encoding = tokenizer.encode("a", "b")
    side = encoding.sequence_ids
    first = [i for i, of in enumerate(side) if of == 0]
    second = [i for i, of in enumerate(side) if of == 1]
    if not first or not second or first[0] == 0:
        raise _unfit(encoding.tokens, "a special token, the first text, the second text")
    ids = encoding.ids
    return Layout(
        before=tuple(ids[: first[0]]),
        between=tuple(ids[first[-1] + 1 : second[0]]),
        after=tuple(ids[second[-1] + 1 :]),
    )


def single_layout(tokenizer: Tokenizer) -> Layout:
    """The special tokens that the tokenizer's post-processor puts around one text.

    Raises:
        DataError: it puts none before the text.
    """
    plain(tokenizer)
    encoding = tokenizer.encode("a")
    text = [i for i, of in enumerate(encoding.sequence_ids) if of == 0]
    if not text or text[0] == 0:
        raise _unfit(encoding.tokens, "a special token and the text")
    ids = encoding.ids
    return Layout(before=tuple(ids[: text[0]]), after=tuple(ids[text[-1] + 1 :]))


def _unfit(tokens: list[str], expected: str) -> DataError:
    return DataError(
        where="encoder/tokenizer.json",
        got=f"a text laid out as {tokens}",
        expected=expected,
        fix="Use an encoder whose tokenizer has a post-processor for single texts and pairs.",
    )


def encode_distinct(tokenizer: Tokenizer, texts: Sequence[str]) -> Part:
    """Token ids of each text, without special tokens; equal texts are tokenised once."""
    plain(tokenizer)
    place: dict[str, int] = {}
    row = np.fromiter((place.setdefault(text, len(place)) for text in texts), np.int64, len(texts))
    distinct = list(place)
    pieces, lengths = [np.empty(0, np.int32)], [np.empty(0, np.int64)]
    for low in range(0, len(distinct), _TEXTS):
        batch = distinct[low : low + _TEXTS]
        found = [one.ids for one in tokenizer.encode_batch_fast(batch, add_special_tokens=False)]
        lengths.append(np.fromiter(map(len, found), np.int64, len(found)))
        total = int(lengths[-1].sum())
        pieces.append(np.fromiter(chain.from_iterable(found), np.int32, total))
    each = np.concatenate(lengths)
    starts = np.cumsum(each) - each
    return Part(ids=np.concatenate(pieces), starts=starts[row], lengths=each[row])


def constant(ids: Sequence[int], count: int) -> Part:
    """The same tokens in each of `count` sequences."""
    return Part(
        ids=np.array(ids, dtype=np.int32),
        starts=np.zeros(count, dtype=np.int64),
        lengths=np.full(count, len(ids), dtype=np.int64),
    )


def stretch(part: Part, row: int) -> np.ndarray:
    """The tokens that one sequence has of the part."""
    start = part.starts[row]
    return part.ids[start : start + part.lengths[row]]


def take(part: Part, rows: np.ndarray | slice) -> Part:
    """The part of a choice of sequences."""
    return Part(ids=part.ids, starts=part.starts[rows], lengths=part.lengths[rows])


def cut(part: Part, lengths: np.ndarray | int) -> Part:
    """Each stretch without what exceeds `lengths` at its end; a negative length is none."""
    kept = np.minimum(part.lengths, np.maximum(lengths, 0))
    return Part(ids=part.ids, starts=part.starts, lengths=kept)


def pack(parts: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences that are each made of one stretch of every part, in the parts' order.

    Returns:
        ids (tokens,) int32 and bounds (sequences + 1,) int64, as in `Features`.
    """
    lengths = np.stack([part.lengths for part in parts], axis=1)
    ends = np.cumsum(lengths.reshape(-1)).reshape(lengths.shape)
    bounds = np.concatenate([[0], ends[:, -1]]).astype(np.int64)
    ids = np.empty(int(bounds[-1]), dtype=np.int32)
    for part, start in zip(parts, (ends - lengths).T, strict=True):
        for low in range(0, len(start), _ROWS):
            rows = slice(low, low + _ROWS)
            target = ranges(start[rows], part.lengths[rows])
            ids[target] = part.ids[ranges(part.starts[rows], part.lengths[rows])]
    return ids, bounds


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, ... of each range, one after the other: [5, 0], [2, 3] -> 5 6 0 1 2."""
    shift = starts - (np.cumsum(lengths) - lengths)
    return np.repeat(shift, lengths) + np.arange(int(lengths.sum()))


def singles(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> Features:
    """Each text as a sequence and a unit of its own, cut at `max_length` tokens in all."""
    layout = single_layout(tokenizer)
    text = cut(encode_distinct(tokenizer, texts), max_length - layout.count())
    count = len(texts)
    ids, bounds = pack([constant(layout.before, count), text, constant(layout.after, count)])
    return Features(ids=ids, bounds=bounds, units=np.arange(count + 1))
