"""What all question-answering scorers share: match answers as bags of tokens, average a language.

Rajpurkar et al. 2016 (arXiv 1606.05250), section 6.1; the official `evaluate-v1.1.py`. They
differ only in how an answer is normalised. Departures: a question without a prediction scores 0
there and is an error here, as are an unknown id, a question without answers and an empty set.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScore:
    """One question; each the best over its gold answers."""

    em: float
    """1.0 if an answer equals the prediction after normalisation, else 0.0."""
    f1: float
    """Of the two bags of tokens, 0-1; 0.0 where either is empty, in SQuAD v1.1 even both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageScore:
    """All questions of one language; every question weighs the same."""

    items: dict[str, ItemScore]
    """In the order of the gold answers."""
    em: float
    """Mean, in points (0-100)."""
    f1: float
    """Mean, in points (0-100)."""


def score_language(
    gold: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
    normalise: Callable[[str], str],
    where: str,
    f1: Callable[[Sequence[str], Sequence[str]], float] | None = None,
) -> LanguageScore:
    """Score one prediction for each question.

    Args:
        gold: id -> gold answers, at least one.
        predictions: id -> predicted text, exactly the ids of `gold`; "" is a prediction.
        normalise: what both sides go through; its result is split at white space.
        where: names the set in errors.
        f1: of the tokens of a prediction and of an answer; None: `token_f1`.

    Raises:
        DataError: no questions, a question without answers, ids that don't match.
    """
    _check_ids(gold, predictions, where)
    overlap = f1 or token_f1
    items = {}
    for id_, answers in gold.items():
        predicted = normalise(predictions[id_])
        accepted = [normalise(answer) for answer in answers]
        items[id_] = ItemScore(
            em=float(predicted in accepted),
            f1=max(overlap(predicted.split(), answer.split()) for answer in accepted),
        )
    return LanguageScore(
        items=items,
        em=100 * _mean(item.em for item in items.values()),
        f1=100 * _mean(item.f1 for item in items.values()),
    )


def token_f1(predicted: Sequence[str], answer: Sequence[str]) -> float:
    """F1 of two bags of tokens, 0-1; 0.0 where nothing is shared."""
    if not set(predicted).intersection(answer):
        return 0.0
    shared = sum((Counter(predicted) & Counter(answer)).values())
    # As the official script computes it, not 2 * shared / total: equal to the last bit.
    precision, recall = shared / len(predicted), shared / len(answer)
    return 2 * precision * recall / (precision + recall)


def _check_ids(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str], where: str
) -> None:
    if not gold:
        raise DataError(
            where=where,
            got="no questions",
            expected="at least one: an empty set has no score",
            fix="Check the language and the files.",
        )
    _refuse_any(
        [id_ for id_, answers in gold.items() if not answers],
        "questions without a gold answer",
        where,
        "Neither exact match nor F1 is defined for them: leave them out of the gold answers.",
    )
    _refuse_any(
        [id_ for id_ in gold if id_ not in predictions],
        "questions without a prediction",
        where,
        'Predict "" where there is no answer: a missing prediction is not a zero.',
    )
    _refuse_any(
        [id_ for id_ in predictions if id_ not in gold],
        "predictions for unknown questions",
        where,
        "The predictions belong to another set or language: name the matching files.",
    )


def _refuse_any(ids: list[str], what: str, where: str, fix: str) -> None:
    if ids:
        more = ", ..." if len(ids) > 5 else ""
        raise DataError(
            where=where,
            got=f"{len(ids)} {what}: {', '.join(ids[:5])}{more}",
            expected="none",
            fix=fix,
        )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
