"""Holm's step-down adjustment of p-values (Holm 1979)."""

from __future__ import annotations

from collections.abc import Sequence


def adjusted(values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values, in the order given.

    The k-th smallest of n is multiplied by n - k + 1; each is at least as large as the ones
    before it and at most 1.
    """
    result = [0.0] * len(values)
    highest = 0.0
    order = sorted(range(len(values)), key=lambda place: values[place])
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        result[place] = highest
    return result
