"""Plans of every form of system and claim: several targets and tasks, masked LM, best of, none."""

from collections import Counter

import pytest
from tiny_manifests import CLAIM, EVIDENCE, RAW, tiny

from harness.errors import ManifestError, UsageError
from harness.manifest import settings_of
from harness.plan import Request, build_plan

SENTENCES = {
    "learning_rate": 1e-5,
    "epochs": 2,
    "batch_size": 10,
    "warmup": {"fraction": 0.1},
    "weight_decay": 0.01,
    "max_length": 64,
}
MULTI = {name: SENTENCES[name] for name in ("learning_rate", "warmup", "weight_decay")}
RETRIEVAL = {"search": "nearest", "pooling": "mean", "layer": 1, "max_length": 64}
TEXT = {"batch_size": 5, "max_length": 20}
ROWS = {"dataset": "parallel", "configs": ["p.de"], "split": "train"}
MORE_ROWS = {"dataset": "parallel", "configs": ["p.fr"], "split": "train"}
PAIRS = {
    "title": "Pairs",
    "family": "classification",
    "scorer": "accuracy",
    "labels": ["yes", "no"],
    "languages": ["de"],
    "train": [ROWS, MORE_ROWS],
    "evaluation": {"dataset": "parallel", "configs": ["p.de"], "split": "train"},
}
SEARCH = {
    "title": "Search",
    "family": "retrieval",
    "scorer": "accuracy",
    "labels": "index",
    "languages": ["de"],
    "evaluation": {"dataset": "parallel", "configs": ["p.de"], "split": "train"},
}
READING = {
    "title": "Reading",
    "family": "masked_lm",
    "train": {"dataset": "parallel", "configs": ["p.de", "p.fr"], "split": "train"},
}
TASKS = {"pairs": PAIRS, "search": SEARCH, "reading": READING}


def manifests_of(*changes):
    """The tiny manifests with a task of most families and settings for all."""
    tasks = {**RAW["tasks"], **TASKS}
    families = [
        ("protocol/classification", SENTENCES),
        ("protocol/multi_task", MULTI),
        ("protocol/retrieval", RETRIEVAL),
        ("protocol/masked_lm", TEXT),
    ]
    return tiny(("tasks", tasks), *families, *changes)


def plan_of(*changes, seeds=1, **request):
    """The plan of the one claim, one seed."""
    request = {"claims": (CLAIM,), "profile": "quick", "precision": "fp32", **request}
    return build_plan(manifests_of(*changes), Request(seeds=seeds, **request))


def kinds(plan):
    """Stages of each kind."""
    return Counter(one.stage for one in plan.stages)


def only(plan, stage):
    """The one stage of its kind."""
    (found,) = [one for one in plan.stages if one.stage == stage]
    return found


def facts(plan):
    """What the comparison is told."""
    return plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]


def first(*tasks, masked_lm=None):
    """A change of the treatment's intermediate training."""
    return ("claim/systems/first/intermediate", {"tasks": list(tasks), "masked_lm": masked_lm})


AGGREGATE = (
    ("claim/kind", "aggregate"),
    ("claim/metric", "score"),
    ("claim/targets", ["target", "pairs", "search"]),
)


def test_an_intermediate_training_serves_every_target():
    """Two systems, three targets, one seed; nothing is trained for the search."""
    found = kinds(plan_of(*AGGREGATE))
    assert found["intermediate"] == 1
    assert found["finetune"] == 2 * 2
    assert found["predict"] == found["score"] == 2 * 3
    assert found["contamination"] == 2


def test_a_search_predicts_with_the_encoder_and_the_intermediate_training():
    """No fine-tuning, so no model."""
    plan = plan_of(("claim/targets", ["search"]), ("claim/metric", "accuracy"))
    roles = {frozenset(one.inputs) for one in plan.stages if one.stage == "predict"}
    assert roles == {
        frozenset({"encoder", "examples"}),
        frozenset({"encoder", "intermediate", "examples"}),
    }


def test_targets_that_train_on_the_same_rows_share_their_fine_tuning():
    """As XQuAD and MLQA do: only the evaluation differs."""
    twin = {**RAW["tasks"]["target"], "title": "Twin"}
    twin["evaluation"] = {**twin["evaluation"], "limit": 5}
    changes = (("claim/targets", ["target", "twin"]), ("tasks/twin", twin))
    found = kinds(plan_of(*AGGREGATE[:2], *changes))
    assert (found["finetune"], found["predict"]) == (2, 4)


def test_a_task_of_several_data_sets_reads_them_as_one_part():
    """As ANLI+ does: examples/0/0 and examples/0/1, one entry of `parts`."""
    training = only(plan_of(first("pairs")), "intermediate")
    assert {"examples/0/0", "examples/0/1"} < set(training.inputs)
    assert len(training.config["parts"]) == 1
    assert training.config["mix"] is None


def test_several_tasks_are_parts_in_the_manifests_order():
    """Each with its own settings and labels, and how they are mixed."""
    training = only(plan_of(first("other", "pairs")), "intermediate")
    families = [part["family"] for part in training.config["parts"]]
    assert families == ["extractive_qa", "classification"]
    assert training.config["parts"][1]["labels"] == ["yes", "no"]
    assert training.config["mix"]["multi_task"]["sampling"] == "proportional"
    assert training.config["mix"]["masked_lm"] is None
    assert {"examples/0/0", "examples/1/0", "examples/1/1"} < set(training.inputs)


def test_masked_lm_reads_the_languages_of_the_manifest():
    """Of the two that the text has, one is asked for."""
    mix = {"task": "reading", "languages": ["fr"], "share": 0.5}
    plan = plan_of(first("other", masked_lm=mix))
    training = only(plan, "intermediate")
    text = plan.by_key()[training.inputs["text/0"]]
    rows = plan.by_key()[text.inputs["dataset"]]
    assert rows.config["languages"] == ["fr"]
    assert rows.config["configs"] == ["p.fr"]
    assert training.config["mix"]["masked_lm"] == {
        "settings": {"batch_size": 5, "max_length": 20, "mask_share": 0.15},
        "share": 0.5,
    }


def test_a_name_of_a_task_is_no_part_of_a_training():
    """Two rows of the table that read the same are one stage."""
    tasks = {**RAW["tasks"], **TASKS, "again": PAIRS}
    keys = {
        only(plan_of(("tasks", tasks), first(task)), "intermediate").key
        for task in ("pairs", "again")
    }
    assert len(keys) == 1


BEST = {
    "none": {"label": "Straight"},
    "a": {"label": "A", "intermediate": {"tasks": ["other"]}},
    "b": {"label": "B", "intermediate": {"tasks": ["pairs"]}},
    "best": {"label": "The best", "best_of": ["a", "b"]},
}
BEST_CHANGES = (
    ("claim/systems", BEST),
    ("claim/compare", {"treatment": "best", "baseline": "none"}),
)


def test_a_best_of_runs_its_candidates_and_has_no_stages_itself():
    """Three systems are trained; the comparison knows four."""
    plan = plan_of(*BEST_CHANGES)
    assert kinds(plan)["finetune"] == 3
    roles = {one["id"]: one["role"] for one in facts(plan)["systems"]}
    assert roles == {
        "none": "baseline",
        "a": "candidate",
        "b": "candidate",
        "best": "treatment",
    }
    assert facts(plan)["best_of"] == {"best": ["a", "b"]}


def test_a_profile_may_run_only_the_first_candidates():
    """It is listed, and the run departs from the protocol."""
    plan = plan_of(*BEST_CHANGES, ("profile/best_of", 1))
    assert kinds(plan)["finetune"] == 2
    assert facts(plan)["best_of"] == {"best": ["a"]}
    told = [one for one in facts(plan)["deviations"] if "behind" in one["what"]]
    assert [(one["paper"], one["here"]) for one in told] == [("A; B", "A")]
    assert facts(plan)["circumstances"]["protocol_deviation"]


def test_data_of_a_claim_with_several_targets_name_theirs():
    """In the report's words."""
    uses = facts(plan_of(*AGGREGATE))["data"]
    assert list(uses) == [
        "target training: Target task",
        "evaluation: Target task",
        "target training: Pairs (Parallel questions, train)",
        "evaluation: Pairs",
        "evaluation: Search",
        "intermediate training of “Other task first”",
    ]
    assert uses["evaluation: Search"]["target"] == "search"


def test_a_protocol_that_knows_nothing_of_a_family_is_refused():
    """Nobody's guess stands in for the authors' settings."""
    message = "protocol plain: got nothing about classification; .*`pairs` is of that family"
    with pytest.raises(UsageError, match=message):
        plan_of(first("pairs"), ("protocol/classification", None))


def test_a_target_without_training_data_is_refused():
    """Only a search does without."""
    bare = {name: value for name, value in PAIRS.items() if name != "train"}
    with pytest.raises(ManifestError, match=r"tasks\.yaml: pairs: got no `train` data"):
        plan_of(("tasks/pairs", bare), *AGGREGATE)


def test_a_tasks_settings_come_after_its_familys_and_the_profiles_last():
    """Epochs: 2 in the family, 5 for the task, 1 for the family in the profile; length from all."""
    manifests = manifests_of(
        ("protocol/tasks", {"pairs": {"epochs": 5, "max_length": 32}}),
        ("profile/overrides", {"classification": {"epochs": 1}}),
    )
    protocol, profile = manifests.protocols["plain"], manifests.profiles["quick"]
    own = settings_of(protocol, None, "pairs", "classification")
    scaled = settings_of(protocol, profile, "pairs", "classification")
    assert (own.epochs, own.max_length) == (5, 32)
    assert (scaled.epochs, scaled.max_length) == (1, 32)


def test_switches_are_listed_where_their_family_is_in_play():
    """One about tagging says nothing about a claim on questions."""
    words = {"original": "one way", "here": "another"}
    switches = [
        {"name": "tags", "about": ["tagging"], **words},
        {"name": "answers", "about": ["extractive_qa"], **words},
    ]
    told = [one["what"] for one in facts(plan_of(("protocol/switches", switches)))["deviations"]]
    assert told == ["answers"]


def test_the_cost_of_masked_lm_counts_the_vocabulary():
    """By hand: one task of 100 rows, 2 epochs of 7 batches of 16, so 14 steps, and 14 of text.

    The task: 100 * 200 * 2 = 40,000 tokens; text: 14 * 5 * 20 = 1,400 tokens, of which 15 % are
    multiplied with 100 word vectors, 4 wide, for 2 operations each; backwards costs twice that.
    """
    mix = {"task": "reading", "languages": ["fr"], "share": 0.5}
    plain = only(plan_of(first("other")), "intermediate").cost
    mixed = only(plan_of(first("other", masked_lm=mix)), "intermediate").cost
    assert (plain.tokens, mixed.tokens) == (40_000, 41_400)
    text = 3 * 1_400 * (2 * 600 + 4 * 2 * 4 * 20) + 3 * 1_400 * 0.15 * 2 * 100 * 4
    assert mixed.training_flops - plain.training_flops == pytest.approx(text)
    assert mixed.disk_bytes == 1000 * 4


def test_an_order_of_systems_compares_neighbours():
    """The effect of each adjacent pair is what the verdict reads."""
    changes = (
        ("claim/kind", "ordering"),
        ("claim/compare", {"order": ["first", "none"]}),
        ("claim/reported", {}),
    )
    roles = {one["id"]: one["role"] for one in facts(plan_of(*changes))["systems"]}
    assert roles == {"none": "ordered", "first": "ordered"}


def test_evidence_is_shared_by_the_tiny_claims():
    """The plan reads statuses only; the rest of the evidence is the report's."""
    unverified = {"value": 10.0, "evidence": {**EVIDENCE, "status": "unverified"}}
    plan = plan_of(("claim/reported/effect", unverified))
    assert facts(plan)["circumstances"]["unverified_evidence"]
