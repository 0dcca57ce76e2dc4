"""The share of words with the right tag: the metric of CCG supertagging.

Clark and Curran 2007 (Computational Linguistics 33:4), section 6: per-word accuracy of the single
best category. No reference implementation: it is a count. Departures: a file without words is an
error.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.metrics.linear import linearised
from harness.metrics.overlap import check_sentences, check_some


def score(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> dict[str, float]:
    """`accuracy`: the share of the words of all sentences, in points (0-100).

    Args:
        gold: the tags of each sentence.
        predictions: a tag for each of them, compared as text.
        where: names the set in errors.

    Raises:
        DataError: no sentences or words, or not one tag for each gold tag.
    """
    right, words = _counts(gold, predictions, where)
    return {"accuracy": 100 * sum(right) / sum(words)}


def items(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> tuple[float, ...]:
    """Each sentence's linearised points (`linear`); arguments and errors as `score`."""
    return linearised(*_counts(gold, predictions, where))


def _counts(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> tuple[list[int], list[int]]:
    """Right words and words of each sentence."""
    check_sentences(gold, predictions, where)
    check_some([tag for tags in gold for tag in tags], "gold tags", where)
    right = [
        sum(tag == other for tag, other in zip(tags, predicted, strict=True))
        for tags, predicted in zip(gold, predictions, strict=True)
    ]
    return right, [len(tags) for tags in gold]
