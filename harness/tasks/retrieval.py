"""Sentence retrieval: the translation of a sentence, found among sentences by their vectors.

XTREME (arXiv 2003.11080); reference implementation: `similarity_search` and `mine_bitext` of its
`utils_retrieve.py` @838c13b. Nothing is trained: a system is judged by the vectors that its
encoder gives to sentences that it was never tuned to match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from harness.errors import DataError
from harness.records import PairPrediction, Sentence
from harness.tasks import Features
from harness.tasks.encoding import singles
from harness.tasks.mining import mine, neighbours


def build(
    examples: Sequence[Sentence],
    tokenizer: Tokenizer,
    settings: Mapping[str, Any],
    labels: Sequence[str],  # noqa: ARG001 (every family's `build` takes them)
    *,
    training: bool,
) -> Features:
    """Each sentence as a sequence, cut at `max_length` tokens, special tokens included.

    Raises:
        DataError: the tokenizer puts no special token before a text.
    """
    assert not training, "retrieval has no training data"
    return singles(tokenizer, [one.text for one in examples], int(settings["max_length"]))


def search(
    embeddings: np.ndarray,
    features: Features,
    examples: Sequence[Sentence],
    settings: Mapping[str, Any],
    *,
    device: str = "cpu",
) -> list[PairPrediction]:
    """The translations that are found, language by language; `mates` play no part.

    With `search` = "nearest" (Tatoeba) every *English* sentence is looked up among those of the
    other language, as XTREME and jiant do, and there is a prediction for each, in the order of
    `examples`: `id` is the English sentence, `mate` the one with the highest cosine, of equals
    the first.

    With "mine" (BUCC) `id` is the sentence of the other language, `mate` the English one, and
    `score` the ratio margin (`mining.mine`, k = `neighbours`); all one-to-one candidates are
    there, best first, for the scorer to cut off. As in XTREME, equal texts of a side are one
    sentence in the search, and a text that occurs more than once is predicted for none of them.

    Args:
        embeddings: (sentences, width) float32, of any length but zero.
        features: what was embedded, from `build`.
        examples: the sentences, in the same order.
        settings: `search` and `neighbours` of `models.Retrieval`.
        device: a torch device, for the products.

    Raises:
        DataError: a language without sentences on one side.
        StageError: vectors that are zero, not finite or, in mining, point away from each other.
    """
    assert len(embeddings) == len(examples) == len(features.bounds) - 1
    find = _SEARCHES[settings["search"]]
    found = []
    for language in dict.fromkeys(one.language for one in examples):
        foreign = _side(embeddings, examples, language, "foreign")
        english = _side(embeddings, examples, language, "english")
        found.extend(find(foreign, english, int(settings["neighbours"]), device))
    return found


@dataclass(frozen=True, kw_only=True)
class _Side:
    """The sentences of a language's bitext in one of its two languages."""

    sentences: list[Sentence]
    vectors: np.ndarray
    """(sentences, width)."""


def _side(embeddings: np.ndarray, examples: Sequence[Sentence], language: str, side: str) -> _Side:
    places = [
        place for place, one in enumerate(examples) if one.language == language and one.side == side
    ]
    if not places:
        raise DataError(
            where=f"sentences of language {language}",
            got=f"none on the side `{side}`",
            expected="some in the language and some in English",
            fix="Check the data set's reader and its languages.",
        )
    return _Side(sentences=[examples[i] for i in places], vectors=_rows(embeddings, places))


def _rows(vectors: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """The rows at `places`, which rise; a view where they stand together.

    A mining task's vectors are a large part of the memory, and its sides stand together.
    """
    if places[-1] - places[0] == len(places) - 1:
        rows: np.ndarray = vectors[places[0] : places[-1] + 1]
    else:
        rows = vectors[np.array(places)]
    return rows


def _nearest(foreign: _Side, english: _Side, _: int, device: str) -> list[PairPrediction]:
    of_english, _of_foreign = neighbours(english.vectors, foreign.vectors, 1, device=device)
    return [
        PairPrediction(id=one.id, mate=foreign.sentences[place].id, score=cosine)
        for one, place, cosine in zip(
            english.sentences,
            of_english.index[:, 0].tolist(),
            of_english.cosines[:, 0].tolist(),
            strict=True,
        )
    ]


def _mined(foreign: _Side, english: _Side, k: int, device: str) -> list[PairPrediction]:
    of_foreign, of_english = _distinct(foreign), _distinct(english)
    candidates = mine(
        _rows(foreign.vectors, of_foreign.first),
        _rows(english.vectors, of_english.first),
        k,
        device=device,
    )
    return [
        PairPrediction(
            id=foreign.sentences[of_foreign.first[one.x]].id,
            mate=english.sentences[of_english.first[one.y]].id,
            score=one.margin,
        )
        for one in candidates
        if of_foreign.count[one.x] == of_english.count[one.y] == 1
    ]


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """The different texts of a side, in the order of their first sentences."""

    first: list[int]
    """Place of the first sentence with the text."""
    count: list[int]
    """Sentences with the text."""


def _distinct(side: _Side) -> _Texts:
    # Copies would crowd out a sentence's other neighbours.
    first: dict[str, int] = {}
    count: dict[str, int] = {}
    for place, one in enumerate(side.sentences):
        first.setdefault(one.text, place)
        count[one.text] = count.get(one.text, 0) + 1
    return _Texts(first=list(first.values()), count=list(count.values()))


_SEARCHES: dict[str, Callable[[_Side, _Side, int, str], list[PairPrediction]]] = {
    "nearest": _nearest,
    "mine": _mined,
}
