"""Accuracy: the metric of XNLI, PAWS-X and Tatoeba.

XTREME (Hu et al. 2020, arXiv 2003.11080); reference implementation: `accuracy` of its
`evaluate.py` @838c13b, which counts equal labels, line by line. Departures: none in the figures;
an empty set, which there divides by zero, is an error, and so are sequences of unequal length.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.overlap import check_aligned


def score(gold: Sequence[str], predictions: Sequence[str], where: str) -> dict[str, float]:
    """The share of labels that were predicted, in points (0-100), as `accuracy`.

    Args:
        gold: the label of each item; for Tatoeba the index of the translation.
        predictions: one label for each item, compared as text: "01" isn't "1".
        where: names the set in errors.

    Raises:
        DataError: no items, or not one prediction for each.
    """
    check_aligned(gold, predictions, "labels", where)
    hits = sum(label == predicted for label, predicted in zip(gold, predictions, strict=True))
    return {"accuracy": 100 * hits / len(gold)}
