"""Stage `compare`: from the scores of every item to levels, effects and a verdict."""

import json
from itertools import product

import pytest
from tiny_manifests import CLAIM, RAW, tiny

from harness.errors import DataError
from harness.plan import Request, build_plan
from harness.records import Comparison, Prediction, QaExample, write_rows
from harness.stages import compare, contract
from harness.stages.contract import Resources, StageContext

# System -> seed -> language -> exact match of each item. Hand-made, so that:
#   none:  en 50, 50; ru 0, 50    -> seed means 25 and 50, level 37.5
#   first: en 100, 75; ru 50, 50  -> seed means 75 and 62.5, level 68.75
# so the difference is 50 and 12.5, on average 31.25.
SCORES = {
    "none": [{"en": [100, 100, 0, 0], "ru": [0, 0]}, {"en": [100, 0, 100, 0], "ru": [100, 0]}],
    "first": [
        {"en": [100, 100, 100, 100], "ru": [100, 0]},
        {"en": [100, 100, 100, 0], "ru": [0, 100]},
    ],
}
CHECKS = [
    {
        "name": name,
        "level": level,
        "passed": level == "error",
        "observed": {"ko": 1},
        "expected": "n",
    }
    for name, level in (("columns", "error"), ("not_empty", "error"), ("script", "warning"))
]
ROLES = ("target", "evaluation", "intermediate 1", "intermediate 2")
LENGTHS = {role: {"edges": [0, 9], "counts": [4, 2]} for role in ROLES}
METRICS = ("em", "f1", "score")
TRAINING = {"examples": 8, "windows": 9, "steps": 3, "tokens": 70, "loss": [[3, 0.5]]}
DATA = {
    "dataset": {"dataset": {"rows": 6, "languages": {"en": 6}, "files": {"f": "s"}}},
    "checks": {"checks": CHECKS},
    "examples": {"repairs": {"examples": 5, "realigned": 1, "dropped": {"unlabelled": 2}}},
}


def overlap(planned, target):
    """What stage `contamination` found for a target: its first and its last set share articles."""
    roles = list(planned.config["comparison"]["roles"][target].values())
    return {
        **{"training": roles[-1], "against": "evaluation", "by": "document", "level": "warning"},
        **{"passed": False, "exact": 2, "near": 0, "of": 6, "cause": "split", "examples": []},
    }


def config(*changes):
    """The configuration that a plan of the tiny claim gives the comparison."""
    request = Request(claims=(CLAIM,), profile="quick", precision="fp32")
    plan = build_plan(tiny(*changes), request)
    return plan.by_key()[plan.comparisons[CLAIM]]


def write(folder, **documents):
    """JSON files."""
    folder.mkdir(parents=True)
    for name, value in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def score_artifact(folder, scores):
    """What stage `score` writes: F1 is EM here."""
    languages = {
        language: dict.fromkeys(METRICS, sum(values) / len(values)) | {"items": len(values)}
        for language, values in scores.items()
    }
    write(folder, scores={"scorer": "squad_v1/1", "languages": languages})
    with (folder / "items.jsonl").open("w", encoding="utf-8") as stream:
        for language, values in scores.items():
            for i, value in enumerate(values):
                row = {"id": f"{language}{i}", "language": language, "document": f"d{i}"}
                values_of = {"values": dict.fromkeys(METRICS, float(value))}
                stream.write(json.dumps({**row, **values_of}) + "\n")
    return folder


def predict_artifact(folder, scores):
    """What stage `predict` writes: `yes` where the item is right, else `no`."""
    write(folder, predict={"windows": 10, "tokens": 1000, "beyond": 0})
    (folder / "predictions").mkdir()
    for language, values in scores.items():
        rows = [
            Prediction(id=f"{language}{i}", text="yes" if value else "no", score=0, start=0, end=2)
            for i, value in enumerate(values)
        ]
        write_rows(folder / "predictions" / f"{language}.jsonl", rows)
    return folder


def questions(scores):
    """As many as the largest of the scored sets has; every answer is `yes`."""
    found = [
        s for one in scores.values() for s in (one.values() if isinstance(one, dict) else [one])
    ]
    sizes = {
        language: max(len(seed.get(language, ())) for seeds in found for seed in seeds)
        for seeds in found
        for language in seeds[0]
    }
    for language, size in sizes.items():
        for i in range(size):
            yield QaExample(
                id=f"{language}{i}",
                language=language,
                document=f"d{i}",
                context="z" * 300 + " yes " + "z" * 300,
                question="Is it?",
                answers=("yes",),
                answer_starts=(301,),
            )


def inputs(root, planned, scores):
    """A folder for every role that the plan gives the comparison.

    `scores` is system -> seed -> language -> items, or system -> target -> the same from there.
    """
    folders = {}
    for role in planned.inputs:
        stage, _, rest = role.partition("/")
        folder = root / role.replace(" ", "_")
        if stage == "score":
            system, seed, target = rest.split("/")
            found = scores[system]
            seeds = found[target] if isinstance(found, dict) else found
            folders[role] = score_artifact(folder, seeds[int(seed)])
        elif stage == "predict":
            system, seed, target = rest.split("/")
            found = scores[system]
            seeds = found[target] if isinstance(found, dict) else found
            folders[role] = predict_artifact(folder, seeds[int(seed)])
        elif stage == "examples":
            folders[role] = write(folder, **DATA[stage])
            write_rows(folder / "examples.jsonl", questions(scores))
        elif stage in ("intermediate", "finetune"):
            mixed = {"tasks": [2, 1]} if role.startswith("intermediate/mixed/") else {}
            folders[role] = write(folder, training={**TRAINING, **mixed})
        elif stage == "contamination":
            found = [overlap(planned, rest)]
            folders[role] = write(folder, contamination=found, lengths=LENGTHS)
        else:
            folders[role] = write(folder, **DATA.get(stage, {}))
    return folders


@pytest.fixture
def compared(tmp_path):
    """Compares these scores under the tiny claim, with changes to its manifests."""

    def _compared(*changes, scores=SCORES):
        planned = config(*changes)
        folders = inputs(tmp_path / "in", planned, scores)
        out = tmp_path / "out"
        out.mkdir()
        context = StageContext(
            config=planned.config,
            inputs=folders,
            input_keys=planned.inputs,
            out=out,
            scratch=tmp_path / "scratch",
            resources=Resources(),
            progress=None,
        )
        compare.run(context)
        return Comparison.model_validate_json((out / "comparison.json").read_bytes()), planned

    return _compared


def test_levels_are_means_over_seeds_and_languages(compared):
    """Each language weighs the same, however many items it has."""
    comparison, _ = compared()
    levels = {one.id: one.levels[0] for one in comparison.systems}
    assert (levels["none"].value, levels["none"].per_seed) == (37.5, (25.0, 50.0))
    assert (levels["first"].value, levels["first"].per_seed) == (68.75, (75.0, 62.5))
    assert levels["none"].per_language == {"en": 50.0, "ru": 25.0}


def test_the_effect_is_paired_by_seed(compared):
    """50 in seed 0 and 12.5 in seed 1."""
    comparison, _ = compared()
    (effect,) = comparison.effects
    assert (effect.treatment, effect.baseline) == ("first", "none")
    assert (effect.same_items.value, effect.same_items.per_seed) == (31.25, (50.0, 12.5))
    # v = (4 * 2.5^2 + 1 * 703.125) / 5 = 145.625, SE = sqrt(v / 2).
    assert effect.same_items.standard_error == pytest.approx((145.625 / 2) ** 0.5)
    assert effect.reported.value == 10.0
    assert effect.wins == {"up": 2, "down": 0, "equal": 0}


def test_the_verdict_is_of_the_claims_rule(compared):
    """31.25 - 2.015 * 8.533 = 14.1 is above 0; a quick run can show a direction only."""
    comparison, _ = compared()
    verdict = comparison.verdict
    assert (verdict.rung, verdict.required, verdict.met) == ("DIRECTION", "DIRECTION", True)
    assert "SCALED_DOWN" in verdict.flags


def test_every_score_names_scorer_items_and_predictions(compared):
    """Two systems, two seeds, two languages, two metrics; the claim's metric first."""
    comparison, planned = compared()
    scores = [score for system in comparison.systems for score in system.scores]
    assert len(scores) == 16
    first = scores[0]
    assert (first.system, first.seed, first.language, first.metric) == ("none", 0, "en", "em")
    assert (first.value, first.items, first.scorer) == (50.0, 4, "squad_v1/1")
    assert first.predictions == planned.inputs["predict/none/0/target"]


def test_every_training_is_listed(compared):
    """Three trainings a seed: none's one, first's two."""
    comparison, planned = compared()
    found = [(one.system, one.seed, one.phase) for one in comparison.training]
    assert found == [
        *product(["none"], (0, 1), ["finetune"]),
        *(("first", seed, phase) for seed in (0, 1) for phase in ("intermediate", "finetune")),
    ]
    assert comparison.training[0].artifact == planned.inputs["finetune/none/0/target"]
    assert comparison.training[0].loss == ((3, 0.5),)
    assert [one.target for one in comparison.training[-2:]] == ["", "target"]


def test_data_carries_checks_and_repairs(compared):
    """Two of three checks passed, and a warning doesn't end a run."""
    comparison, _ = compared()
    uses = {one.use: one for one in comparison.data}
    assert list(uses) == [
        "target training",
        "evaluation",
        "intermediate training of “Other task first”",
    ]
    assert uses["evaluation"].checks == {"passed": 2, "failed": 0, "warned": 1}
    found = uses["evaluation"].outcomes[2]
    assert (found.name, found.level, found.passed) == ("script", "warning", False)
    assert found.observed == '{"ko": 1}'
    assert uses["evaluation"].lengths.counts == (4, 2)
    assert uses["evaluation"].repairs == {"realigned": 1, "dropped: unlabelled": 2}
    assert (uses["evaluation"].target, uses["target training"].target) == ("target", "target")
    assert uses["evaluation"].revision == "1" * 40


def test_overlaps_are_told_in_the_reports_words(compared):
    """Uses in place of the stage's roles."""
    (found,) = compared()[0].contamination
    assert found.training == "intermediate training of “Other task first”"
    assert (found.against, found.by, found.exact, found.passed) == (
        "evaluation",
        "document",
        2,
        False,
    )


def test_the_chain_of_artifacts_is_complete(compared):
    """Every stage below the comparison, each after those that it reads."""
    comparison, _ = compared()
    done = set()
    for one in comparison.artifacts:
        assert set(one.inputs.values()) <= done
        done.add(one.key)
    # Encoder 1, data 9, their comparison 1, and for two seeds 3 and 4 stages.
    assert len(comparison.artifacts) == 25


def test_variants_have_effects_of_their_own(compared):
    """Against the baseline; the reported number and the verdict belong to the claim's pair."""
    systems = {
        "none": {"label": "Straight"},
        "first": {"label": "Other task first", "intermediate": {"tasks": ["other"]}},
        "second": {"label": "Target twice", "intermediate": {"tasks": ["target"]}},
    }
    worse = [{"en": [0, 0, 0, 0], "ru": [0, 0]}] * 2
    comparison, _ = compared(
        ("claim/systems", systems),
        ("claim/variants", ["second"]),
        scores={**SCORES, "second": worse},
    )
    pairs = [(one.treatment, one.baseline, one.same_items.value) for one in comparison.effects]
    assert pairs == [("first", "none", 31.25), ("second", "none", -37.5)]
    assert comparison.effects[1].reported is None
    assert comparison.verdict.rung == "DIRECTION"


def items(*seeds):
    """Scores of one English item and, of those that are pairs, of a Russian one, seed by seed."""
    return [{"en": [one[0]] * 2, "ru": [one[1]] * 2} for one in seeds]


MULTI_TASK = {"learning_rate": 1e-5, "warmup": {"fraction": 0.1}, "weight_decay": 0.0}
TWO_TARGETS = (
    ("claim/kind", "aggregate"),
    ("claim/targets", ["target", "second"]),
    ("claim/metric", "score"),
    ("tasks/second", {**RAW["tasks"]["target"], "title": "Second task"}),
)
# Gains: target 20 and 40, second 10 and 10, so 15 and 25, in the mean 20.
TWO = {
    "none": {"target": items((10, 30), (10, 30)), "second": items((50, 50), (50, 50))},
    "first": {"target": items((30, 50), (50, 70)), "second": items((60, 60), (60, 60))},
}


def test_tasks_weigh_the_same_in_an_aggregate(compared):
    """Each task's mean over its languages, then theirs."""
    comparison, _ = compared(*TWO_TARGETS, scores=TWO)
    (effect,) = comparison.effects
    assert effect.same_items.per_seed == (15, 25)
    assert effect.same_items.per_task == {"second": 10, "target": 30}
    assert effect.same_items.per_language["target/ru"] == 30
    assert (effect.same_items.metric, effect.other_metrics) == ("score", ())
    levels = {one.id: one.levels for one in comparison.systems}
    assert levels["none"][0].per_task == {"second": 50, "target": 20}
    assert [level.metric for level in levels["none"]] == ["score"]
    assert comparison.claim.targets == {"target": "Target task", "second": "Second task"}
    assert comparison.claim.average == "Every task weighs the same, and in it every language"
    assert comparison.verdict.rung == "DIRECTION"


def test_scores_and_trainings_name_their_target(compared):
    """Two systems, two targets, two seeds and languages; the last training is the second's."""
    comparison, planned = compared(*TWO_TARGETS, scores=TWO)
    scores = [score for system in comparison.systems for score in system.scores]
    assert [score.task for score in scores] == (["target"] * 4 + ["second"] * 4) * 2
    assert scores[4].predictions == planned.inputs["predict/none/0/second"]
    assert {one.target for one in comparison.training} == {"", "target", "second"}


def test_an_overlap_of_two_intermediate_sets_is_told_once(compared):
    """It is found beside every target; what a target's own sets share is told for each."""
    comparison, _ = compared(*TWO_TARGETS, scores=TWO)
    found = [(one.training, one.against) for one in comparison.contamination]
    assert len(found) == len(set(found)) == 2


def test_the_best_of_several_is_chosen_for_each_target(compared):
    """`first` on the target, `other` on the second; both are candidates, with their own levels."""
    systems = {
        "none": {"label": "Straight"},
        "first": {"label": "Other task first", "intermediate": {"tasks": ["other"]}},
        "again": {"label": "Target first", "intermediate": {"tasks": ["target"]}},
        "best": {"label": "Best", "best_of": ["first", "again"]},
    }
    again = {"target": items((20, 20), (20, 20)), "second": items((90, 90), (90, 90))}
    comparison, planned = compared(
        *TWO_TARGETS,
        ("claim/systems", systems),
        ("claim/compare", {"treatment": "best", "baseline": "none"}),
        scores={**TWO, "again": again},
    )
    results = {one.id: one for one in comparison.systems}
    assert results["best"].chosen == {"target": "first", "second": "again"}
    assert {name: one.role for name, one in results.items()} == {
        **{"none": "baseline", "first": "candidate", "again": "candidate", "best": "treatment"}
    }
    assert results["best"].levels[0].per_task == {"second": 90, "target": 50}
    assert results["best"].scores[4].predictions == planned.inputs["predict/again/0/second"]
    assert comparison.effects[0].same_items.per_task == {"second": 40, "target": 30}
    assert "best is for each target the best of 2 systems" in comparison.verdict.reasons[-1]


def test_an_order_of_systems_compares_neighbours(compared):
    """Two pairs; the first is the other way round by 20 +- 5 points."""
    systems = {
        "none": {"label": "Straight"},
        "first": {"label": "Other task first", "intermediate": {"tasks": ["other"]}},
        "again": {"label": "Target first", "intermediate": {"tasks": ["target"]}},
    }
    comparison, _ = compared(
        ("claim/kind", "ordering"),
        ("claim/reported", {}),
        ("claim/systems", systems),
        ("claim/compare", {"order": ["again", "first", "none"]}),
        scores={
            "none": items((0, 0), (0, 0)),
            "first": items((40, 40), (40, 40)),
            "again": items((20, 20), (20, 20)),
        },
    )
    pairs = [(one.treatment, one.baseline, one.same_items.value) for one in comparison.effects]
    assert pairs == [("again", "first", -20), ("first", "none", 40)]
    assert comparison.verdict.rung == "CONTRADICTED"


def test_an_order_of_groups_compares_their_gains(compared):
    """30 in the target less 10 in the second, 10 and 30 by seed."""
    comparison, _ = compared(
        *TWO_TARGETS,
        ("claim/kind", "ordering"),
        ("claim/reported", {}),
        ("claim/groups", [["target"], ["second"]]),
        scores=TWO,
    )
    (effect,) = comparison.effects
    assert effect.groups == ("target", "second")
    assert (effect.same_items.value, effect.same_items.per_seed) == (20, (10, 30))
    assert comparison.verdict.rung == "DIRECTION"


def test_steps_of_a_mixed_training_are_told_by_task(compared):
    """Two of one task and one of the other."""
    mixed = {"label": "Both first", "intermediate": {"tasks": ["other", "target"]}}
    comparison, _ = compared(
        ("claim/systems", {"none": {"label": "Straight"}, "mixed": mixed}),
        ("claim/compare", {"treatment": "mixed", "baseline": "none"}),
        ("protocol/multi_task", MULTI_TASK),
        scores={"none": SCORES["none"], "mixed": SCORES["first"]},
    )
    found = [one.tasks for one in comparison.training if one.phase == "intermediate"]
    assert found == [{"other": 2, "target": 1}] * 2


def test_bounds_are_those_of_the_first_look(compared):
    """One-sided, 95 %."""
    comparison, _ = compared()
    assert comparison.effects[0].same_items.level == 0.95


def test_a_metric_that_a_scorer_does_not_give_is_refused(compared):
    """No other number stands in for it."""
    with pytest.raises(DataError, match="metrics em, f1, score; expected the claim's metric `accu"):
        compared(("claim/metric", "accuracy"))


@pytest.mark.parametrize(
    "other",
    [
        [{"en": [0, 0, 0], "ru": [0, 0]}] * 2,
        [{"en": [0, 0, 0, 0]}] * 2,
    ],
    ids=["fewer items", "a language less"],
)
def test_systems_that_were_not_scored_on_the_same_items_are_refused(compared, other):
    """A pair would compare different questions."""
    with pytest.raises(DataError):
        compared(scores={**SCORES, "first": other})


def test_the_stage_reads_what_its_contract_says():
    """`comparison` alone."""
    assert contract.stage("compare").reads == ("comparison",)
    assert set(config().config) == {"comparison"}
