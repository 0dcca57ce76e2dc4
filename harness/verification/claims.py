"""Are the claims those of this installation's manifests?"""

from __future__ import annotations

from harness.differing import differences
from harness.manifest import load_manifests
from harness.verification.again import Again
from harness.verification.results import Finding, Outcome


def claims(again: Again, outcome: Outcome) -> None:
    """Statement, systems, reported numbers and rule of each claim, beside its manifest.

    A manifest may have changed since the run, so a difference is only noted.
    """
    known = load_manifests(again.manifests).claims
    for stage in again.files.stages.compared:
        facts = stage.config["comparison"]
        name = facts["claim_id"]
        outcome.compared += 1
        if name not in known:
            outcome.notes.append(Finding(name, "no manifest here has this claim (--manifests DIR)"))
            continue
        here = known[name].model_dump(mode="json")
        for one in differences(facts["claim"], here):
            text = f"{' '.join(one.path)} is {one.left!r} in the run, {one.right!r} in the manifest"
            outcome.notes.append(Finding(name, text))
