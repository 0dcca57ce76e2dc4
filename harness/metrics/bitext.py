"""F1 of mined sentence pairs: the metric of BUCC 2018.

Zweigenbaum et al. 2018; XTREME (arXiv 2003.11080); reference implementation: `bucc_f1` of
XTREME's `evaluate.py` @838c13b. As there, a pair that is predicted twice counts once, and a pair
is right only as a whole. Departure: a set without gold pairs is an error, there it scores 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.overlap import check_some, set_f1

Pair = tuple[str, str]
"""Ids of the sentence in the other language and of the English one, in this order."""


def score(gold: Sequence[Pair], predictions: Sequence[Pair], where: str) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the set of predicted pairs, in points (0-100).

    No predicted pair is a prediction, and scores 0.

    Raises:
        DataError: there are no gold pairs.
    """
    check_some(gold, "gold pairs", where)
    return set_f1(set(gold), set(predictions))
