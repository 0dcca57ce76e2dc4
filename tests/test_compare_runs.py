"""`harness compare RUN RUN`: what was done otherwise, and what came of it."""

import json
import shutil
from pathlib import Path

import pytest
from run_folders import edit, make_run
from tiny_manifests import CLAIM

from harness.contrast.runs import contrast
from harness.differing import ABSENT, Difference, differences
from harness.errors import UsageError, VerificationError
from harness.run_files import RunFiles


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run by another protocol with a seed more, whose training helps less."""
    return make_run(
        tmp_path_factory.mktemp("other"),
        ("protocol/extractive_qa/learning_rate", 3e-5),
        ("profile/seeds", 3),
        ("datasets/questions/configs/all/dev/sha256", "c" * 64),
        gain="1",
    )


@pytest.fixture(scope="module")
def found(sound_run, other):
    """What differs in the one claim."""
    return contrast(RunFiles(sound_run), RunFiles(other))["claims"][CLAIM]


def test_the_estimates_of_both_stand_side_by_side(found):
    """Three more right answers in ten, against one more."""
    (effect,) = found["effects"]
    assert (effect["effect"], effect["metric"]) == ("first minus none", "em")
    assert effect["left"]["value"] == pytest.approx(30)
    assert effect["right"]["value"] == pytest.approx(10)
    assert effect["change"] == pytest.approx(-20)


def test_levels_are_compared_by_language(found):
    """Only the system that was trained first lost."""
    changes = {
        (one["system"], language): sides["change"]
        for one in found["levels"]
        if one["metric"] == "em"
        for language, sides in one["languages"].items()
    }
    assert changes == {
        ("none", "en"): pytest.approx(0),
        ("none", "ru"): pytest.approx(0),
        ("first", "en"): pytest.approx(-20),
        ("first", "ru"): pytest.approx(-20),
    }


def test_changed_predictions_are_counted(found):
    """Two of ten in each language and each of the two seeds that both runs have."""
    changed = {
        (one["system"], one["language"]): (one["changed"], one["items"])
        for one in found["predictions"]
    }
    assert changed == {
        ("none", "en"): (0, 20),
        ("none", "ru"): (0, 20),
        ("first", "en"): (4, 20),
        ("first", "ru"): (4, 20),
    }


def changes_of(found, stage):
    """What changed in the stages of a kind, which changed alike."""
    (one,) = [one for one in found["stages"]["changed"] if one["stage"] == stage]
    return len(one["roles"]), {c["what"]: (c["left"], c["right"]) for c in one["changes"]}


def test_stages_that_changed_alike_stand_together(found):
    """Four fine-tunings (two systems, two seeds) by another learning rate."""
    rate = {"parts number 1 settings learning_rate": ("1e-05", "3e-05")}
    assert changes_of(found, "finetune") == (4, rate)


def test_pins_and_seeds_are_named(found):
    """The data that systems are judged by, and how often they were trained."""
    pin = {"source files all sha256": ("a" * 64, "c" * 64)}
    assert changes_of(found, "dataset") == (1, pin)
    assert changes_of(found, "compare")[1]["seeds"] == ("0, 1", "0, 1, 2")


def test_what_differs_by_its_inputs_alone_is_told_apart(found):
    """Predictions have the same settings; the third seed's stages have nothing beside them."""
    stages = found["stages"]
    assert "predict/none/0/target" in stages["by_inputs_alone"]
    assert "finetune/none/2/target" in stages["right_only"]
    assert stages["left_only"] == []


def test_a_run_beside_itself_differs_in_nothing(sound_run):
    """All stages are the same."""
    found = contrast(RunFiles(sound_run), RunFiles(sound_run))["claims"][CLAIM]
    assert found["stages"]["changed"] == found["provenance"] == []
    assert found["stages"]["same"] == len(RunFiles(sound_run).stages.by_key)
    assert {one["change"] for one in found["effects"] + found["levels"]} == {0.0}
    assert {one["changed"] for one in found["predictions"]} == {0}


def test_other_machines_and_libraries_are_named(sound_run, a_run):
    """With the number of stages that were made so; times are no difference."""

    def another(document):
        for one in document["stages"].values():
            one["libraries"]["torch"] = "9.9"
            one["ended"] = "2030-01-01T00:00:00+00:00"
        document["here"]["machine"]["cpu"] = "abacus"

    edit(a_run / "provenance.json", another)
    found = contrast(RunFiles(sound_run), RunFiles(a_run))["claims"][CLAIM]["provenance"]
    told = {one["what"]: (one["right"], one["count"]) for one in found}
    assert told == {
        "libraries torch": ("9.9", len(RunFiles(a_run).stages.by_key)),
        "where the folder was written: machine cpu": ("abacus", 1),
    }


def test_runs_without_a_common_claim_are_refused(sound_run, a_run):
    """With the claims of both."""
    edit(
        a_run / "comparison.json",
        lambda document: document["comparisons"][0]["claim"].update(id="p/another"),
    )
    with pytest.raises(UsageError, match=rf"{CLAIM}, and p/another; expected a claim that both"):
        contrast(RunFiles(sound_run), RunFiles(a_run))


@pytest.mark.parametrize("name", ["run.json", "comparison.json", "stages.json", "provenance.json"])
def test_a_damaged_run_is_refused(sound_run, a_run, name):
    """In a paragraph that says which file."""
    (a_run / name).write_text("[]", encoding="utf-8")
    with pytest.raises(VerificationError):
        contrast(RunFiles(sound_run), RunFiles(a_run))


def test_the_command_prints_tables(cli, sound_run, other):
    """Of estimates, languages and stages; the longest lines fit a wide terminal."""
    done = cli("compare", sound_run, other)
    assert (done.status, done.err) == (0, "")
    for words in ("first minus none, em", "30.0 (26.8 to 33.2)", "4 of 20", "learning_rate"):
        assert words in done.out
    assert max(map(len, done.out.splitlines())) <= 120


def test_json_is_the_whole_document(cli, sound_run, other):
    """And nothing else."""
    done = cli("compare", sound_run, other, "--json")
    document = json.loads(done.out)
    assert (done.status, list(document["claims"])) == (0, [CLAIM])


def test_a_copy_is_the_same_run(sound_run, tmp_path):
    """Nothing of it depends on where the folders lie."""
    copied = Path(shutil.copytree(sound_run, tmp_path / "copy"))
    left, right = (contrast(RunFiles(sound_run), RunFiles(one)) for one in (sound_run, copied))
    assert left["claims"] == right["claims"]


def test_elements_of_lists_are_matched_by_what_names_them():
    """In another order, with one less."""
    left = [{"id": "a", "x": 1}, {"id": "b", "x": 2}]
    right = [{"id": "b", "x": 3}]
    assert list(differences(left, right)) == [
        Difference(("a",), {"id": "a", "x": 1}, ABSENT),
        Difference(("b", "x"), 2, 3),
    ]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1.0, 1.0 + 1e-12, True),
        (1e6, 1e6 + 1e-4, True),
        (1.0, 1.001, False),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, 0, False),
        ([1.0, 2.0], [1.0, 2.0], True),
    ],
)
def test_numbers_may_differ_in_their_last_digits(left, right, same):
    """Relative to the larger and to 1; True is no number."""
    assert (not list(differences(left, right, tolerance=1e-9))) is same
