"""Seeds -> estimate -> verdict, by the claim's rule (docs/verdict.md).

Nothing here draws a random number but `calibration`, which takes a Generator.
"""

from harness.statistics.estimates import ItemScores, effect, estimate, level
from harness.statistics.kinds import Circumstances, confidence_at
from harness.statistics.power import more_seeds_would_decide, seeds_needed
from harness.statistics.verdict import judge

__all__ = [
    "Circumstances",
    "ItemScores",
    "confidence_at",
    "effect",
    "estimate",
    "judge",
    "level",
    "more_seeds_would_decide",
    "seeds_needed",
]
