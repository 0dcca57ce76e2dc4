"""Two run folders -> what differs in each claim that both have, as one JSON document."""

from __future__ import annotations

from typing import Any

from harness.contrast.numbers import effects, flags, levels, predictions
from harness.contrast.origin import deviations, provenance, stages
from harness.errors import HarnessError, UsageError
from harness.run_files import RunFiles, unsound


def contrast(left: RunFiles, right: RunFiles) -> dict[str, Any]:
    """What differs, claim by claim; every "change" is `right` minus `left`.

    Raises:
        UsageError: no such folder, or no claim that both runs have.
        VerificationError: a file isn't what a run writes.
    """
    for one in (left, right):
        _ = one.names
    try:
        return {
            "format": 1,
            "left": str(left.folder),
            "right": str(right.folder),
            "claims": {claim: _claim(claim, left, right) for claim in _common(left, right)},
        }
    except HarnessError:
        raise
    # Nobody has verified the folders: a forged one may lead the code that reads it anywhere.
    except Exception as error:
        got = f"what makes no sense ({type(error).__name__}: {error})"
        raise unsound(f"{left.folder} or {right.folder}", got, "run folders that verify") from error


def _common(left: RunFiles, right: RunFiles) -> list[str]:
    both = [claim for claim in left.comparisons if claim in right.comparisons]
    if not both:
        raise UsageError(
            where=f"{left.folder} and {right.folder}",
            got=f"the claims {', '.join(left.comparisons)}, and {', '.join(right.comparisons)}",
            expected="a claim that both runs have",
            fix="Name two runs of the same claim.",
        )
    return both


def _claim(claim: str, left: RunFiles, right: RunFiles) -> dict[str, Any]:
    keys = (left.run.claims[claim], right.run.claims[claim])
    a, b = left.comparisons[claim], right.comparisons[claim]
    return {
        "verdict": {
            "left": a.verdict.rung,
            "right": b.verdict.rung,
            "flags": flags(a, b),
        },
        "effects": effects(a, b),
        "levels": levels(a, b),
        "stages": stages(left.stages, right.stages, keys),
        "deviations": deviations(a, b),
        "provenance": provenance(left, right, keys),
        "predictions": predictions(left, right, keys),
    }
