"""Masked language modelling: running text in pieces, and which of its tokens are hidden.

After Devlin et al. 2018 and Liu et al. 2019: texts follow one another, a separator between them,
and are cut into pieces of equal length; each time a piece is used other tokens are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from harness.errors import DataError
from harness.records import TextExample
from harness.tasks import Features
from harness.tasks.encoding import Part, constant, encode_distinct, pack, single_layout

MASK = "<mask>"
# Of the hidden tokens: so many become the mask, up to so many a random piece, the others stay.
_MASKED, _MASKED_OR_RANDOM = 0.8, 0.9


@dataclass(frozen=True, kw_only=True)
class MaskRule:
    """What `hide` needs of the tokenizer and the settings."""

    share: float
    """Of a piece's ordinary tokens, that are to be predicted."""
    mask: int
    """Id of `<mask>`."""
    ordinary: np.ndarray
    """Ids that aren't special tokens, sorted."""


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A batch with tokens to be predicted."""

    ids: np.ndarray
    """What the encoder sees, (tokens,)."""
    places: np.ndarray
    """Where in `ids` the tokens to be predicted are, (hidden,), ascending."""
    truth: np.ndarray
    """Their true ids, (hidden,)."""


def build(
    examples: Sequence[TextExample], tokenizer: Tokenizer, settings: Mapping[str, Any]
) -> Features:
    """The examples as pieces of `max_length` tokens, special tokens included.

    A piece holds text of one language; the last of a language is as long as what is left.

    Raises:
        DataError: no text, or one without a token.
    """
    _check(examples)
    layout = single_layout(tokenizer)
    texts = encode_distinct(tokenizer, [one.text for one in examples])
    if not texts.lengths.all():
        raise _unusable(examples[int(np.argmin(texts.lengths))].id)
    stream, ends = _streams(examples, texts, layout.after)
    room = int(settings["max_length"]) - layout.count()
    starts = [np.arange(a, b, room) for a, b in pairwise([0, *ends])]
    lengths = [np.minimum(room, end - some) for some, end in zip(starts, ends, strict=True)]
    text = Part(ids=stream, starts=np.concatenate(starts), lengths=np.concatenate(lengths))
    count = len(text.starts)
    around = (constant(ids, count) for ids in (layout.before, layout.after))
    ids, bounds = pack([next(around), text, next(around)])
    return Features(ids=ids, bounds=bounds, units=np.arange(count + 1))


def _streams(
    examples: Sequence[TextExample], texts: Part, separator: tuple[int, ...]
) -> tuple[np.ndarray, list[int]]:
    """All texts of a language after one another, language after language; where each ends."""
    languages = np.array([one.language for one in examples])
    streams = []
    for language in dict.fromkeys(languages.tolist()):
        mine = np.flatnonzero(languages == language)
        part = Part(ids=texts.ids, starts=texts.starts[mine], lengths=texts.lengths[mine])
        between = constant(separator, len(mine))
        between.lengths[0] = 0
        streams.append(pack([between, part])[0])
    return np.concatenate(streams), np.cumsum([len(one) for one in streams]).tolist()


def _check(examples: Sequence[TextExample]) -> None:
    if not examples:
        raise DataError(
            where="text for masked language modelling",
            got="no rows",
            expected="at least one text",
            fix="Check the task's train languages and limit.",
        )


def _unusable(identifier: str) -> DataError:
    return DataError(
        where=f"example {identifier}",
        got="a text without a visible character",
        expected="running text",
        fix="Leave the example out of the data set.",
    )


def mask_rule(tokenizer: Tokenizer, settings: Mapping[str, Any]) -> MaskRule:
    """Which tokens are hidden, and by what.

    Raises:
        DataError: the tokenizer has no `<mask>`.
    """
    mask = tokenizer.token_to_id(MASK)
    if mask is None:
        raise DataError(
            where="encoder/tokenizer.json",
            got=f"no piece {MASK}",
            expected="the piece that stands for a hidden token",
            fix="Use an encoder with one, or a system without masked language modelling.",
        )
    special = [mask, *(i for i, one in tokenizer.get_added_tokens_decoder().items() if one.special)]
    special += list(tokenizer.encode("").ids)
    ordinary = np.setdiff1d(sorted(tokenizer.get_vocab().values()), special)
    return MaskRule(share=float(settings["mask_share"]), mask=mask, ordinary=ordinary)


def hide(
    ids: np.ndarray, lengths: Sequence[int], rule: MaskRule, rng: np.random.Generator
) -> Hidden:
    """Choose tokens of each piece and hide them.

    Of a piece's n ordinary tokens share * n are chosen, the fraction by chance, but at least one;
    each becomes the mask with probability 0.8, a random ordinary piece with 0.1, or stays.

    Args:
        ids: token ids of the pieces, one after the other, (tokens,).
        lengths: tokens of each.
        rule: from `mask_rule`.
        rng: drawn from in the order of the pieces.
    """
    places = [
        end - length + _chosen(ids[end - length : end], rule, rng)
        for end, length in zip(np.cumsum(lengths), lengths, strict=True)
    ]
    where = np.concatenate(places)
    kind = rng.random(len(where))
    drawn = rule.ordinary[rng.integers(0, len(rule.ordinary), len(where))]
    seen = ids.copy()
    seen[where[kind < _MASKED]] = rule.mask
    swapped = (kind >= _MASKED) & (kind < _MASKED_OR_RANDOM)
    seen[where[swapped]] = drawn[swapped]
    return Hidden(ids=seen, places=where, truth=ids[where])


def _chosen(piece: np.ndarray, rule: MaskRule, rng: np.random.Generator) -> np.ndarray:
    """Places of the chosen tokens in one piece, ascending."""
    at = np.searchsorted(rule.ordinary, piece)
    ordinary = np.flatnonzero(rule.ordinary[np.minimum(at, len(rule.ordinary) - 1)] == piece)
    count = max(1, int(rule.share * len(ordinary) + rng.random()))
    chosen: np.ndarray = rng.choice(ordinary, size=min(count, len(ordinary)), replace=False)
    chosen.sort()
    return chosen
