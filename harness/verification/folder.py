"""Is the folder whole: its files, run.json, and what is kept of each stage?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.evidence import ATTESTATION
from harness.run_files import RunFiles
from harness.run_folder import PARTS, RUN, json_text, own_digest
from harness.run_stages import Stages
from harness.verification.again import Again
from harness.verification.results import Outcome

# The attestation is written over run.json, which therefore can't name it.
_UNNAMED = {RUN, ATTESTATION}
_PARTS = {part.name for part in PARTS}


def files(again: Again, outcome: Outcome) -> None:
    """Every file is in run.json with its sha256, and every entry of run.json is a file."""
    found = again.files
    for name in sorted(found.names):
        if name not in _UNNAMED and name.partition("/")[0] not in _PARTS:
            outcome.differs(name, "no part of a run folder")
    for name, why in sorted(found.odd.items()):
        outcome.differs(name, why)
    recorded = found.run.files
    for name in sorted(found.names - _UNNAMED):
        outcome.compared += 1
        if name not in recorded:
            outcome.differs(name, "not in run.json")
        elif found.sha256(name) != recorded[name]:
            outcome.differs(name, "its sha256 isn't the one in run.json: changed since the run")
    for name in sorted(set(recorded) - found.names):
        outcome.differs(name, "missing, though run.json names it")


def record(again: Again, outcome: Outcome) -> None:
    """run.json is what a run writes, of these claims and stages."""
    run, found = again.files.run, again.files
    raw = run.model_dump(mode="json")
    outcome.compared += 1
    if own_digest(raw) != run.sha256:
        outcome.differs(RUN, "its own sha256 isn't that of what it says: changed since the run")
    if found.whole(RUN) != json_text(raw).encode():
        outcome.differs(RUN, "other bytes than a run writes")
    stages, comparisons = found.stages.by_key, found.comparisons
    expected = {
        "artifacts": list(stages),
        "claims": {one.config["comparison"]["claim_id"]: one.key for one in found.stages.compared},
        "protocols": {name: one.protocol.id for name, one in comparisons.items()},
    }
    for name, value in expected.items():
        if raw[name] != value:
            outcome.differs(RUN, f"its {name} aren't those of stages.json and comparison.json")
    if set(run.claims) != set(comparisons):
        outcome.differs(RUN, "its claims aren't those of comparison.json")
    for name, one in comparisons.items():
        if one.profile.id != run.profile:
            outcome.differs(name, f"profile {one.profile.id}, in run.json {run.profile}")


def stages(again: Again, outcome: Outcome) -> None:
    """Each key is the digest of what its stage is, and all of its inputs are there."""
    found = again.files.stages
    for key, one in found.by_key.items():
        outcome.compared += 1
        name = f"stages.json, {one.stage} {key[:12]} ({one.label})"
        if one.identity() != key:
            outcome.differs(name, "its key isn't the digest of its configuration and inputs")
        lacking = [role for role, of in one.inputs.items() if of not in found.by_key]
        if lacking:
            outcome.differs(name, f"no stage for its input {lacking[0]}")
    short = {one.short for one in found.by_key.values()}
    if len(short) < len(found.by_key):
        outcome.differs("stages.json", "two stages whose keys begin alike")
    behind = found.behind(again.files.run.claims.values()).by_key
    for key in found.by_key.keys() - behind.keys():
        outcome.differs("stages.json", f"stage {key[:12]}, on which no claim rests")
    for one in found.compared:
        _check_artifacts(found, one.key, outcome)


def parts(again: Again, outcome: Outcome) -> None:
    """Predictions, gold and material are there for each stage that has some, and for no other."""
    files = again.files
    expected = dict(_expected(files))
    for name, why in expected.items():
        outcome.compared += 1
        if not (files.below(name[:-1]) if name.endswith("/") else name in files.names):
            outcome.differs(name, f"missing: {why}")
    for folder in ("predictions", "gold", "material", "croissant"):
        for name in files.below(folder):
            if name not in expected and name[: name.rfind("/") + 1] not in expected:
                outcome.differs(name, "of no stage in stages.json that a run keeps this of")


def _expected(files: RunFiles) -> Iterator[tuple[str, str]]:
    """(file, or folder with a slash at its end; whose it is)."""
    stages = files.stages
    for predict, examples in stages.evaluated.values():
        yield f"predictions/{predict.short}/", f"predictions of {predict.label}"
        if stages.is_licensed(examples):
            yield f"gold/{examples.short}/digest.json", f"digest of {examples.label}"
        else:
            yield f"gold/{examples.short}/", f"gold of {examples.label}"
    for one, names in stages.material():
        for name in names:
            yield f"material/{one.short}/{name}", f"{one.stage} {one.label}"
    for comparison in files.comparisons.values():
        for use in comparison.data:
            yield f"croissant/{use.name}.json", f"metadata of {use.title}"


def _check_artifacts(stages: Stages, comparison: str, outcome: Outcome) -> None:
    """A comparison names the stages that it rests on; are they those of its inputs?"""
    one = stages.by_key[comparison]
    facts = one.config["comparison"]
    told = {part["key"]: (part["stage"], part["inputs"]) for part in facts["artifacts"]}
    behind = stages.behind(one.inputs.values()).by_key
    if told != {key: (part.stage, part.inputs) for key, part in behind.items()}:
        outcome.differs(facts["claim_id"], "names other stages than it rests on in stages.json")
