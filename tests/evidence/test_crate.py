"""The run crate: what the profiles of Workflow Run RO-Crate require of it."""

import json
from collections import Counter
from pathlib import Path

import pytest
import rocrate
from rocrate.rocrate import ROCrate

from harness.canonical import file_sha256

WFRUN = "https://w3id.org/ro/wfrun"


@pytest.fixture
def entities(folder):
    """Id -> entity."""
    document = json.loads((folder / "ro-crate-metadata.json").read_bytes())
    graph = document["@graph"]
    assert max(Counter(one["@id"] for one in graph).values()) == 1
    return {one["@id"]: one for one in graph}


def listed(value):
    """Ids that a property points to."""
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def of_type(entities, kind):
    """Entities of a type."""
    return [one for one in entities.values() if kind in [one["@type"], *one["@type"]]]


def references(entity):
    """Every id that an entity points to."""
    for value in entity.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield one["@id"]


def test_rocrates_own_library_reads_it(folder):
    """Root, main entity, and the files that are there."""
    crate = ROCrate(folder)
    assert crate.mainEntity.id == "stages.json"
    assert "report.html" in {one.id for one in crate.data_entities}


def test_it_says_which_profiles_it_follows(entities):
    """Process, workflow and provenance run crates 0.5; each profile is described."""
    profiles = listed(entities["./"]["conformsTo"])
    assert {f"{WFRUN}/{name}/0.5" for name in ("process", "workflow", "provenance")} < set(profiles)
    assert all(entities[one]["@type"] == "CreativeWork" for one in profiles)


def test_every_reference_within_the_crate_resolves(entities):
    """No dangling id; what is elsewhere has an address."""
    for entity in entities.values():
        for ident in references(entity):
            assert ident in entities or ident.startswith("https://"), (entity["@id"], ident)


def test_every_term_is_in_the_context(folder, entities):
    """RO-Crate's own, as its library carries it, or defined beside it."""
    packaged = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
    known = set(json.loads(packaged.read_bytes())["@context"])
    document = json.loads((folder / "ro-crate-metadata.json").read_bytes())
    known |= set(document["@context"][1])
    for one in entities.values():
        kinds = one["@type"] if isinstance(one["@type"], list) else [one["@type"]]
        used = {*kinds, *one} - {"@id", "@type"}
        assert used <= known, (one["@id"], used - known)


def test_files_carry_their_hashes(folder, entities):
    """All but the two that are written after it; each file and folder of the root is there."""
    for name in listed(entities["./"]["hasPart"]):
        assert (folder / name).exists(), name
        stated = entities[name].get("sha256")
        if name not in ("run.json", "attestation.intoto.json") and not name.endswith("/"):
            assert stated == file_sha256(folder / name)


def test_every_stage_has_step_control_and_action(made, entities):
    """HowToStep -> tool; ControlAction -> step, action; CreateAction -> tool, artifact, times."""
    stages = list(made.stages.by_key.values())
    steps = set(listed(entities["stages.json"]["step"]))
    assert steps == {one["@id"] for one in of_type(entities, "HowToStep")}
    assert len(steps) == len(stages)
    controls = of_type(entities, "ControlAction")
    assert {listed(one["instrument"])[0] for one in controls} == steps
    for one in controls:
        action = entities[listed(one["object"])[0]]
        assert "SoftwareApplication" in entities[listed(action["instrument"])[0]]["@type"]
        assert action["startTime"] <= action["endTime"]
    (engine,) = of_type(entities, "OrganizeAction")
    assert set(listed(engine["object"])) == {one["@id"] for one in controls}
    assert entities[listed(engine["result"])[0]]["instrument"] == {"@id": "stages.json"}


def test_artifacts_link_stages(made, entities):
    """What a stage's action results in is what those that read it take; predictions lie here."""
    predict = next(one for one in made.stages.by_key.values() if one.stage == "predict")
    made_by = entities[f"#action-{predict.short}"]
    assert listed(made_by["result"]) == [f"predictions/{predict.short}/"]
    reading = [one for one in made.stages.by_key.values() if predict.key in one.inputs.values()]
    for one in reading:
        assert f"predictions/{predict.short}/" in listed(entities[f"#action-{one.short}"]["object"])
    assert len(reading) == 2


def test_the_workflow_is_the_plan(entities):
    """A file of the crate with its language, tools, parameters."""
    plan = entities["stages.json"]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"} == set(plan["@type"])
    assert entities[plan["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    tools = set(listed(plan["hasPart"]))
    assert {listed(one["workExample"])[0] for one in of_type(entities, "HowToStep")} == tools
    for name in ("input", "output"):
        assert entities[plan[name]["@id"]]["@type"] == "FormalParameter"
    assert of_type(entities, "ComputerLanguage")
    used = {ident for one in entities.values() for ident in references(one)}
    assert {"#data", "#report"} <= used
