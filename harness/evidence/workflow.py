"""The plan of a run as a document: every stage with its key, settings and inputs."""

from __future__ import annotations

from typing import Any

from harness.plan import Plan

WORKFLOW = "workflow.json"


def workflow(plan: Plan) -> dict[str, Any]:
    """Stages in the order in which they run.

    What stage `compare` reads beside its inputs stands in comparison.json, and not here again.
    """
    return {
        "format": 1,
        "profile": plan.profile.id,
        "claims": dict(plan.comparisons),
        "stages": [
            {
                "key": one.key,
                "stage": one.stage,
                "version": one.version,
                "label": one.label,
                "config": {} if one.stage == "compare" else dict(one.config),
                "inputs": dict(one.inputs),
            }
            for one in plan.stages
        ],
    }
