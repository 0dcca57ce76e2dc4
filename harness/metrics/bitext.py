"""F1 of mined sentence pairs: the metric of BUCC 2018.

Zweigenbaum et al. 2018; XTREME (arXiv 2003.11080); reference implementation: `bucc_f1` of
XTREME's `evaluate.py` @838c13b. As there, a pair that is predicted twice counts once, and a pair
is right only as a whole. Departure: a set without gold pairs is an error, there it scores 0.

Which candidates are predicted is decided by a threshold that is chosen *on the set that is
scored*, as `bucc_optimize` and `bucc_extract` of XTREME's `utils_retrieve.py` (from LASER) do: the
candidates stand in falling order of margin, F1 is taken after each, and the threshold lies half-way
between the margins of the last one that belongs to the first best F1 and of the next; all from it
on are predicted. So the F1 is the best that any threshold gives, and flatters a system a little.
Departures: a cut never parts candidates of equal margin, among which the reference's order is that
of its file; where all candidates are taken the threshold is the lowest margin, where the reference
reads past its list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

from harness.metrics.linear import linearised
from harness.metrics.overlap import check_some, set_f1

Pair = tuple[str, str]
"""Ids of the sentence in the other language and of the English one, in this order."""


def score(gold: Collection[Pair], predictions: Collection[Pair], where: str) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the set of predicted pairs, in points (0-100).

    No predicted pair is a prediction, and scores 0.

    Raises:
        DataError: there are no gold pairs.
    """
    check_some(gold, "gold pairs", where)
    return set_f1(set(gold), set(predictions))


def items(
    ids: Sequence[str], gold: AbstractSet[Pair], predictions: AbstractSet[Pair], where: str
) -> tuple[float, ...]:
    """The linearised F1 (`linear`) of each sentence of the other language, in points.

    A pair belongs to its sentence in the other language.

    Args:
        ids: of all of that language's sentences, each once.
        gold: the pairs that there are.
        predictions: those that were extracted.
        where: names the set in errors.

    Raises:
        DataError: there are no gold pairs.
    """
    check_some(gold, "gold pairs", where)
    right, known, found = (
        Counter(foreign for foreign, _ in pairs)
        for pairs in (gold & predictions, gold, predictions)
    )
    return linearised([2 * right[id_] for id_ in ids], [known[id_] + found[id_] for id_ in ids])


def best_threshold(margins: Mapping[Pair, float], gold: AbstractSet[Pair]) -> float:
    """The threshold with the best F1 against `gold`; 0.0 where no candidate is right."""
    ordered = sorted(margins.items(), key=lambda one: -one[1])
    threshold, best, right = 0.0, 0.0, 0
    for taken, (pair, margin) in enumerate(ordered, start=1):
        right += pair in gold
        lower = ordered[taken][1] if taken < len(ordered) else margin
        if taken < len(ordered) and lower == margin:
            continue
        f1 = 2 * right / (taken + len(gold))
        if f1 > best:
            # Halved first: the sum of two may be no float any more.
            middle = margin / 2 + lower / 2
            # Between neighbouring floats there is no middle.
            best, threshold = f1, middle if middle > lower else margin
    return threshold


def extract(margins: Mapping[Pair, float], threshold: float) -> set[Pair]:
    """The candidates whose margin reaches the threshold."""
    return {pair for pair, margin in margins.items() if margin >= threshold}
