"""A ratio of two sums over a corpus, spread over its items.

F1 and the share of right words are no means of items: each is A / B with sums A and B over all of
them. The linearised value of item i (the delta method; Wolter 2007, "Introduction to Variance
Estimation", chapter 6) is

    z_i = R + N (a_i - R b_i) / B        R = A / B, N items

The mean of the z_i is exactly R, and their variance, over items or over documents of items, is the
linearised variance of R. A z_i may lie outside 0-100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def linearised(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, ...]:
    """The linearised value of each item, in points; all 0.0 where the numerators' sum is 0.

    Args:
        numerators: a_i of each item. Of F1: twice the item's right chunks or pairs.
        denominators: b_i; their sum is above 0. Of F1: its predicted and its gold ones.
    """
    whole = math.fsum(denominators)
    ratio, size = math.fsum(numerators) / whole, len(numerators)
    return tuple(
        100 * (ratio + size * (part - ratio * of) / whole)
        for part, of in zip(numerators, denominators, strict=True)
    )
