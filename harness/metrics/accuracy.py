"""Accuracy: the metric of XNLI, PAWS-X, Tatoeba and of multiple choice.

XTREME (Hu et al. 2020, arXiv 2003.11080); reference implementation: `accuracy` of its
`evaluate.py` @838c13b, which counts equal labels, line by line. Departures: none in the figures;
an empty set, which there divides by zero, is an error, and so are sequences of unequal length.
"""

from __future__ import annotations

import math
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
    return {"accuracy": math.fsum(items(gold, predictions, where)) / len(gold)}


def items(gold: Sequence[str], predictions: Sequence[str], where: str) -> tuple[float, ...]:
    """Each item's points, 0 or 100; arguments and errors as `score`."""
    check_aligned(gold, predictions, "labels", where)
    pairs = zip(gold, predictions, strict=True)
    return tuple(100.0 if label == predicted else 0.0 for label, predicted in pairs)
