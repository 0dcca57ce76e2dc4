"""Seeds -> estimate -> verdict, by the claim's rule (docs/verdict.md).

Nothing here draws a random number but `calibration`, which takes a Generator.
"""

from harness.statistics.agreement import agreement, printed_differences
from harness.statistics.estimates import effect, estimate, level
from harness.statistics.findings import Circumstances, confidence_at
from harness.statistics.items import ItemScores, combined
from harness.statistics.maxima import best
from harness.statistics.power import more_seeds_would_decide, seeds_needed
from harness.statistics.verdict import judge

__all__ = [
    "Circumstances",
    "ItemScores",
    "agreement",
    "best",
    "combined",
    "confidence_at",
    "effect",
    "estimate",
    "judge",
    "level",
    "more_seeds_would_decide",
    "printed_differences",
    "seeds_needed",
]
