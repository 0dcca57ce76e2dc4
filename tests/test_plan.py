"""The plan: what is shared, what a key depends on and what it doesn't, and the order."""

from collections import Counter

import pytest
from tiny_manifests import CLAIM, EVIDENCE, RAW, tiny

from harness.errors import UsageError
from harness.manifest import load_manifests
from harness.models import Mirror
from harness.plan import Request, build_plan

TRAINED = {"finetune", "predict", "score", "compare"}
ALL = {"intermediate", *TRAINED}
DATA = {"dataset", "checks", "examples", "contamination"}


def plan_of(manifests, claims=(CLAIM,), profile="quick", mirror=None, **request):
    """The plan of these claims, in fp32 unless said."""
    request = {"precision": "fp32", **request}
    return build_plan(manifests, Request(claims=tuple(claims), profile=profile, **request), mirror)


def changed(*changes, **request):
    """Kinds of stages whose keys the changes to the tiny manifests touch."""
    before, after = plan_of(tiny()), plan_of(tiny(*changes), **request)
    keys = [Counter((one.stage, one.key) for one in plan.stages) for plan in (before, after)]
    return {stage for stage, _ in (keys[0] - keys[1]) + (keys[1] - keys[0])}


# A plan's identity. Never edit a literal: raise the version of the stage whose results changed.
# The comparison isn't among them: it holds the claim's words, and judging again costs nothing.
LITERALS = {
    "encoder": "87a9d454e4b081a3ebf535a519bd1943adde9818289ab620afc3d97bfc9f8198",
    "dataset": "da91792ae7454bb20b64f460a64d0a314546f9de214bc4b22980252faa9dd973",
    "checks": "ff9713ecc25166a08580f6f04c049ce7eb38e605b77a6e3d1fb3228d3f00db55",
    "examples": "b1ef80499e4c8074a60ba56ad95c6b746d60f205bb6cc4bde24539c5307fbdd3",
    "finetune": "35ff1887a1225c36e69a78daaed6e5e88e2ba7666a5158fb646aab652fe1f2eb",
    "predict": "5738722b7f50a46eab7081016e6555682ec3c9f048d9091e0f6c01327f7bd517",
    "score": "7a6d8e2b2419770764e5ff1e27e9c5d787a7db02fe5454ff1608064921cd2aad",
    "contamination": "c47f86831d0eef25771186ae53a472e4d11cbb0ad2f397f778b9be7277802a26",
    "intermediate": "56e1b6e440a0b6b081ee8be8db492f3013950916f7cdac55240f0aff88c236c1",
}


def test_keys_of_a_fixed_plan_are_literals():
    """The first stage of each kind in the plan of the tiny manifests."""
    found = {}
    for one in plan_of(tiny()).stages:
        found.setdefault(one.stage, one.key)
    del found["compare"]
    assert found == LITERALS


TYDIQA = tuple(
    f"phang2020/tydiqa-{name}"
    for name in ("english-gain", "english-gain-f1", "no-better-multilingual")
)


def test_equal_stages_are_merged():
    """Three claims under `mini`, two seeds.

    Demanded, each claim for itself: an encoder, two data sets of three stages, a comparison: 8;
    and the data beside one another: 1.
    A system: 3 stages a seed, and 1 more a seed and 3 for each further set of data where it has an
    intermediate training: 6, 11, or 14 with text for masked LM.
    Two gain claims: 2 * (9 + 6 + 11 + 11) = 74; the third: 9 + 11 + 11 + 14 = 45.
    Distinct: encoder 1; data of target, evaluation, SQuAD 1.1 and 2.0, spread questions and text
    6 * 3; chains without and with four intermediate trainings 6 + 4 * 8; comparisons 3; the two
    gain claims read the same data, so 2 of data.
    """
    plan = plan_of(load_manifests(), TYDIQA, "mini")
    assert (len(plan.stages), plan.demanded) == (1 + 18 + 38 + 3 + 2, 74 + 45)


def test_the_papers_profile_shares_as_much():
    """Three seeds: chains of 9 and 4 * 12 instead."""
    plan = plan_of(load_manifests(), TYDIQA, "paper")
    assert len(plan.stages) == 1 + 18 + 9 + 4 * 12 + 3 + 2


def test_the_whole_paper_shares_its_fine_tunings():
    """Thirteen starting points (none, nine tasks, all nine, masked LM, translated), one seed.

    Each is tuned for XNLI, PAWS-X, UDPOS, PAN-X, TyDi QA, and once for XQuAD and MLQA, and
    predicts nine tasks; SQuAD 2.0 with TyDi QA, XNLI and the rest is among them.
    """
    manifests = load_manifests()
    plan = plan_of(manifests, manifests.claims, "paper", seeds=1)
    kinds = Counter(one.stage for one in plan.stages)
    assert kinds["intermediate"] == 12
    assert kinds["finetune"] == 13 * 6
    assert kinds["predict"] == kinds["score"] == 13 * 9
    assert plan.demanded > 5 * len(plan.stages)


def test_a_claim_has_the_same_key_whatever_is_planned_beside_it():
    """A verdict never depends on the other claims of a run."""
    manifests = load_manifests()
    together = plan_of(manifests, manifests.claims, "mini")
    backwards = plan_of(manifests, reversed(list(manifests.claims)), "mini")
    for name in manifests.claims:
        alone = plan_of(manifests, [name], "mini")
        assert alone.comparisons[name] == together.comparisons[name]
        assert alone.comparisons[name] == backwards.comparisons[name]
        assert set(alone.by_key()) <= set(together.by_key())


def test_inputs_come_before_the_stages_that_read_them():
    """The order is one in which a plan can run."""
    manifests = load_manifests()
    done = set()
    for one in plan_of(manifests, manifests.claims, "mini").stages:
        assert set(one.inputs.values()) <= done
        done.add(one.key)


def test_all_data_comes_before_any_training():
    """A missing data set or a failed check is found in seconds, not after hours."""
    manifests = load_manifests()
    kinds = [one.stage for one in plan_of(manifests, manifests.claims, "paper").stages]
    data = {"encoder", *DATA}
    first = next(place for place, kind in enumerate(kinds) if kind not in data)
    assert set(kinds[:first]) == data
    assert not data & set(kinds[first:])


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        # Numbers that training reads.
        ("protocol/extractive_qa/learning_rate", 2e-5, ALL),
        ("protocol/extractive_qa/epochs", 3, ALL),
        ("protocol/extractive_qa/warmup", {"steps": 5}, ALL),
        ("protocol/extractive_qa/max_length", 256, ALL),
        ("profile/overrides", {"extractive_qa": {"learning_rate": 1e-4}}, ALL),
        ("profile/threads", 4, ALL),
        # Numbers that only prediction reads.
        ("protocol/extractive_qa/n_best", 10, {"predict", "score", "compare"}),
        ("protocol/extractive_qa/max_answer_length", 15, {"predict", "score", "compare"}),
        ("tasks/target/scorer", "mlqa", {"score", "compare"}),
        # The bytes that are read.
        ("encoders/tiny/revision", "4" * 40, {"encoder", *ALL}),
        ("encoders/tiny/files/config.json", "c" * 64, {"encoder", *ALL}),
        ("datasets/parallel/revision", "4" * 40, {*DATA, *ALL}),
        ("tasks/other/train/combine", "spread", {*DATA, *ALL}),
        (
            "tasks/target/evaluation/limit",
            5,
            DATA | TRAINED - {"finetune"},
        ),
        ("datasets/parallel/configs/p.de/train/realign", {"max": 2}, {*DATA, *ALL} - {"dataset"}),
        # Words, and what only estimates and verdicts read.
        ("encoders/tiny/title", "Another title", {"compare"}),
        ("encoders/tiny/license", "Apache-2.0", {"compare"}),
        ("datasets/questions/title", "Another title", {"compare"}),
        ("datasets/questions/tokens_per_row", 90.0, set()),
        ("claim/title", "Another title", {"compare"}),
        ("claim/systems/first/label", "Another label", {"compare"}),
        ("claim/verdict/retention", 0.25, {"compare"}),
        ("claim/contamination", {"train_test": "warning"}, {"contamination", "compare"}),
        ("claim/metric", "f1", {"compare"}),
        ("protocol/summary", "Other words", {"compare"}),
        ("protocol/version", 2, {"compare"}),
        ("profile/summary", "Other words", {"compare"}),
        ("tasks/target/title", "Another title", {"compare"}),
    ],
)
def test_a_change_touches_the_stages_that_read_it(path, value, expected):
    """Those stages and all that rest on them, and no other."""
    assert changed((path, value)) == expected


def test_precision_is_part_of_what_trains_and_predicts():
    """bf16 and fp32 give other bits."""
    assert changed(precision="bf16") == ALL


def test_a_protocol_of_the_same_values_trains_the_same():
    """A key holds the values and not the name."""
    protocol = {**RAW["protocol"], "id": "again"}
    manifests = tiny()
    again = tiny(("protocol", protocol), ("claim/protocol", "again"))
    manifests = type(manifests)(
        **{**vars(manifests), "protocols": {**manifests.protocols, **again.protocols}}
    )
    plans = [plan_of(manifests), plan_of(manifests, protocol="again")]
    keys = [{one.key for one in plan.stages if one.stage != "compare"} for plan in plans]
    assert keys[0] == keys[1]
    assert plans[0].comparisons != plans[1].comparisons


def test_more_seeds_keep_the_first_ones():
    """Seed 0 and 1 are trained once, whether two or three are asked for."""
    two, three = plan_of(tiny()), plan_of(tiny(), seeds=3)
    trained = [
        {one.key for one in plan.stages if one.stage in ALL - {"compare"}} for plan in (two, three)
    ]
    assert trained[0] < trained[1]
    # none: 3 stages, first: 4 stages a seed.
    assert len(trained[1] - trained[0]) == 7


def test_every_seed_has_keys_of_its_own():
    """Two systems, two seeds: four fine-tunings."""
    kinds = Counter(one.stage for one in plan_of(tiny()).stages)
    assert kinds == {
        "encoder": 1,
        **dict.fromkeys(("dataset", "checks", "examples"), 3),
        "intermediate": 2,
        **dict.fromkeys(("finetune", "predict", "score"), 4),
        **dict.fromkeys(("contamination", "compare"), 1),
    }


def test_a_variant_of_the_same_stages_is_told_and_not_shown_twice():
    """`again` trains on the same data as the treatment: a deviation names it."""
    systems = {**RAW["claim"]["systems"]}
    systems["again"] = {"label": "Same again", "intermediate": {"tasks": ["other"]}}
    manifests = tiny(("claim/systems", systems), ("claim/variants", ["again"]))
    plan = plan_of(manifests)
    comparison = plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]
    assert [one["id"] for one in comparison["systems"]] == ["none", "first"]
    assert comparison["deviations"][-1]["what"] == "variant “Same again”"
    assert len(plan.stages) == len(plan_of(tiny()).stages)


def test_deviations_name_encoder_overrides_data_and_switches():
    """What the profile changed, in the order of the description."""
    switch = {"name": "a-switch", "original": "one way", "here": "another"}
    spec = {"dataset": "parallel", "configs": ["p.de"], "split": "train"}
    plan = plan_of(
        tiny(
            ("profile/overrides", {"extractive_qa": {"epochs": 1, "batch_size": 16}}),
            ("profile/bind", {"target": {"train": spec}}),
            ("protocol/switches", [switch]),
            ("claim/deviations", [{"what": "ours", "paper": "a", "here": "b"}]),
        )
    )
    found = plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]["deviations"]
    assert [(one["what"], one["paper"], one["here"], one["why"]) for one in found] == [
        ("epochs", "2", "1", "profile quick"),
        ("a switch", "one way", "another", "protocol plain"),
        ("ours", "a", "b", "claim"),
        ("Target task: training data", "Questions", "Parallel questions", "profile quick"),
    ]


def test_a_deviation_that_only_some_tasks_have_names_them():
    """A setting with two values in a family stands once for each that isn't the protocol's."""
    family = {"epochs": 1, "batch_size": 8}
    plan = plan_of(tiny(("profile/overrides", {"extractive_qa": family, "other": {"epochs": 5}})))
    found = plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]["deviations"]
    assert [(one["what"], one["paper"], one["here"]) for one in found] == [
        ("epochs, Target task", "2", "1"),
        ("epochs, Other task", "2", "5"),
        ("batch size", "16", "8"),
    ]


def test_circumstances_tell_what_limits_the_verdict():
    """Evidence that nobody read, and a profile that changes the protocol."""
    before = plan_of(tiny())
    after = plan_of(
        tiny(
            ("claim/reported/effect/evidence", {**EVIDENCE, "status": "unverified"}),
            ("profile/overrides", {"extractive_qa": {"epochs": 1}}),
            ("datasets/parallel/configs/p.de/train/sha256", None),
        )
    )
    found = [
        plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]["circumstances"]
        for plan in (before, after)
    ]
    flags = ("unverified_evidence", "protocol_deviation", "hash_on_first_use")
    assert [found[0][flag] for flag in flags] == [False, False, False]
    assert [found[1][flag] for flag in flags] == [True, True, True]
    assert found[1]["scaled_down"] is True


def test_languages_that_the_mirror_lacks_are_listed():
    """The comparison runs over the rest and says so."""
    split = {"sha256": "a" * 64, "rows": 60, "languages": {"english": 60}}
    files = {name: {"file": f"{name}.parquet", **split} for name in ("train", "dev")}
    dataset = {"revision": "1" * 40, "partial": True, "configs": {"all": files}}
    mirror = Mirror.model_validate({"format": 1, "datasets": {"someone/questions": dataset}})
    plan = plan_of(tiny(), mirror=mirror)
    comparison = plan.by_key()[plan.comparisons[CLAIM]].config["comparison"]
    assert comparison["languages"] == {"target": ["en"]}
    assert comparison["missing_languages"] == {"target": ["ru"]}
    assert comparison["deviations"][-1]["here"] == "no rows in ru"


def test_a_mirror_without_training_data_is_refused_by_the_plan():
    """Before anything runs."""
    dataset = {"revision": "2" * 40, "partial": True, "configs": {}}
    mirror = Mirror.model_validate({"format": 1, "datasets": {"someone/parallel": dataset}})
    plan = plan_of(tiny(), mirror=mirror)
    assert (plan.stages, plan.comparisons, plan.demanded) == ((), {}, 0)
    assert (plan.claims, list(plan.refused)) == ((CLAIM,), [CLAIM])
    assert "mirror: parallel: got no p.de train" in str(plan.refused[CLAIM])


@pytest.mark.parametrize(
    ("seeds", "expected"), [(0, "1 or more"), (-1, "1 or more"), (10**9, "1000 at most")]
)
def test_a_seed_is_needed_and_not_a_million(seeds, expected):
    """A mean over nothing isn't a number, and a plan must fit into memory."""
    with pytest.raises(UsageError, match=rf"--seeds: got {seeds}; expected {expected}"):
        plan_of(tiny(), seeds=seeds)


def test_an_unknown_profile_is_suggested():
    """The nearest name."""
    with pytest.raises(UsageError, match=r"profile `quik`.*`quick`, perhaps"):
        plan_of(tiny(), profile="quik")


def test_an_unknown_protocol_is_suggested():
    """The nearest name."""
    with pytest.raises(UsageError, match=r"protocol `plan`.*`plain`, perhaps"):
        plan_of(tiny(), protocol="plan")


def contamination_of(*changes):
    """The stage that compares the data of the tiny claim."""
    return next(one for one in plan_of(tiny(*changes)).stages if one.stage == "contamination")


FAMILY = {"family": "extractive_qa"}


def test_data_are_compared_under_roles():
    """Declared languages go with them; uses that read the same rows share a role."""
    systems = {**RAW["claim"]["systems"]}
    systems["again"] = {"label": "Same again", "intermediate": {"tasks": ["other"]}}
    one = contamination_of(("claim/systems", systems), ("claim/variants", ["again"]))
    assert one.config["sets"] == {
        "intermediate 1": {"name": "parallel train", "languages": ["de", "fr"], **FAMILY},
        "evaluation": {"name": "questions dev", "languages": ["en", "ru"], **FAMILY},
        "target": {"name": "questions train", "languages": ["en"], **FAMILY},
    }
    roles = set(one.config["sets"])
    assert set(one.inputs) == roles | {f"checks/{role}" for role in roles}


def test_training_on_the_evaluation_data_is_compared_with_them():
    """The same rows in two roles: that is what is looked for."""
    spec = {"dataset": "questions", "configs": ["all"], "split": "dev", "languages": ["en", "ru"]}
    one = contamination_of(("tasks/other/train", spec))
    assert one.inputs["intermediate 1"] == one.inputs["evaluation"]


def test_no_training_rests_on_the_comparison_of_data():
    """Its rules and its code may change without a training anew; the order is the plan's."""
    role = "contamination/target"
    readers = {one.stage for one in plan_of(tiny()).stages if role in one.inputs}
    assert readers == {"compare"}


def test_costs_add_up():
    """By hand: what a fine-tuning on 60 rows costs.

    60 rows * 200 tokens * 2 epochs = 24,000 tokens; 1000 - 100 * 4 = 600 weights that multiply;
    3 * 24,000 * (2 * 600 + 4 * 2 layers * 4 wide * 200 tokens) = 547,200,000 operations.
    """
    cost = next(one.cost for one in plan_of(tiny()).stages if one.stage == "finetune")
    assert (cost.tokens, cost.training_flops, cost.inference_flops) == (24_000, 547_200_000, 0)
    assert cost.seconds({"training": 1e9, "inference": 2e9}) == pytest.approx(0.5472)
