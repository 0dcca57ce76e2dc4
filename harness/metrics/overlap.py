"""What the scorers of labels, tags and pairs share: aligned sequences, F1 of two sets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Sized
from collections.abc import Set as AbstractSet

from harness.errors import DataError


def check_aligned(gold: Sized, predictions: Sized, what: str, where: str) -> None:
    """Refuse an empty gold sequence, and predictions of another length.

    Args:
        gold: the reference.
        predictions: one for each of `gold`.
        what: their plural in errors, e.g. "labels".
        where: names the set in errors.

    Raises:
        DataError: there is nothing to score, or something without its counterpart.
    """
    check_some(gold, f"gold {what}", where)
    if len(gold) != len(predictions):
        first = min(len(gold), len(predictions)) + 1
        lacking = "prediction" if len(predictions) < len(gold) else "gold counterpart"
        raise DataError(
            where=where,
            got=f"{len(predictions)} predicted {what}: number {first} has no {lacking}",
            expected=f"{len(gold)}, as many as the gold {what}",
            fix="Predictions and gold must be of the same set, in the same order.",
        )


def check_sentences(gold: Sequence[Sized], predictions: Sequence[Sized], where: str) -> None:
    """Refuse sentences, or tags in one of them, without their counterpart; raises DataError."""
    check_aligned(gold, predictions, "sentences", where)
    for number, (tags, predicted) in enumerate(zip(gold, predictions, strict=True), start=1):
        check_aligned(tags, predicted, "tags", f"{where}, sentence {number}")


def check_some(found: Sized, what: str, where: str) -> None:
    """Refuse an empty collection; raises DataError."""
    if not len(found):
        raise DataError(
            where=where,
            got=f"no {what}",
            expected="at least one: an empty set has no score",
            fix="Check the language and the files.",
        )


def set_f1(gold: AbstractSet[Hashable], predicted: AbstractSet[Hashable]) -> dict[str, float]:
    """F1, precision and recall in points (0-100); all 0.0 where the sets share nothing.

    `gold` isn't empty: without it recall is undefined.
    """
    shared = len(gold & predicted)
    if shared == 0:
        return {"f1": 0.0, "precision": 0.0, "recall": 0.0}
    precision, recall = shared / len(predicted), shared / len(gold)
    f1 = 2 * precision * recall / (precision + recall)
    return {"f1": 100 * f1, "precision": 100 * precision, "recall": 100 * recall}
