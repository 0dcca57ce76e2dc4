"""In sentences: how near the run's numbers come to the paper's, and what more seeds would bring."""

from __future__ import annotations

from collections.abc import Iterator

from harness.models import MAX_LOOKS
from harness.records import Agreement, Comparison
from harness.report.sentences import label, pair
from harness.report.words import count, listing, number


def nearness(comparison: Comparison) -> Iterator[str]:
    """CV* of levels, agreement over languages, fewest seeds of each rung, looks."""
    for one in comparison.systems:
        for level in one.levels:
            name = label(comparison, one.id)
            if level.cv is not None:
                yield f"Level of “{name}” beside the paper’s: CV* {number(level.cv)} %."
            if level.agreement:
                yield f"“{name}”, {_agreement(level.agreement)}."
    for effect in comparison.effects:
        if effect.agreement:
            yield f"{pair(comparison, effect)}, {_agreement(effect.agreement)}."
    verdict = comparison.verdict
    if verdict.seeds_needed:
        rungs = [
            f"{rung} {seeds or 'out of reach'}" for rung, seeds in verdict.seeds_needed.items()
        ]
        yield f"Fewest seeds at which a rung is reachable at all: {listing(rungs)}."
    if verdict.looks > 1:
        yield f"Look {verdict.looks} of {MAX_LOOKS} at a result to which seeds were added."


def _agreement(found: Agreement) -> str:
    signs = "" if found.same_sign is None else f"same sign in {found.same_sign}, "
    ranks = found.rank_correlation
    ranked = "" if ranks is None else f"rank correlation {number(ranks, 2)}, "
    many = count(found.languages, "language")
    return (
        f"{many} beside the paper’s: {signs}{ranked}root mean square difference"
        f" {number(found.rmse)} points"
    )
