"""Stage `compare`: from the scores of every item to levels, effects and a verdict."""

import json
from itertools import product

import pytest
from tiny_manifests import CLAIM, tiny

from harness.errors import DataError
from harness.plan import Request, build_plan
from harness.records import Comparison
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
OVERLAP = {
    **{"training": "intermediate 1", "against": "evaluation", "by": "document", "level": "warning"},
    **{
        "passed": False,
        "exact": 2,
        "near": 0,
        "of": 6,
        "cause": "split by passage",
        "examples": [],
    },
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
        language: {"em": sum(values) / len(values), "f1": sum(values) / len(values)}
        | {"items": len(values)}
        for language, values in scores.items()
    }
    write(folder, scores={"scorer": "squad_v1/1", "languages": languages})
    with (folder / "items.jsonl").open("w", encoding="utf-8") as stream:
        for language, values in scores.items():
            for i, value in enumerate(values):
                row = {"id": f"{language}{i}", "language": language, "document": f"d{i}"}
                stream.write(json.dumps({**row, "em": float(value), "f1": float(value)}) + "\n")
    return folder


def inputs(root, planned, scores):
    """A folder for every role that the plan gives the comparison."""
    folders = {}
    for role in planned.inputs:
        stage, _, rest = role.partition("/")
        folder = root / role.replace(" ", "_")
        if stage == "score":
            system, _, seed = rest.partition("/")
            folders[role] = score_artifact(folder, scores[system][int(seed)])
        elif stage in ("intermediate", "finetune"):
            log = {"examples": 8, "windows": 9, "steps": 3, "tokens": 70, "loss": [[3, 0.5]]}
            folders[role] = write(folder, training=log)
        else:
            documents = {
                "dataset": {"dataset": {"rows": 6, "languages": {"en": 6}, "files": {"f": "s"}}},
                "checks": {"checks": CHECKS},
                "examples": {"repairs": {"realigned": 1}},
                "contamination": {"contamination": [OVERLAP], "lengths": LENGTHS},
            }
            folders[role] = write(folder, **documents.get(stage, {}))
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
    assert first.predictions == planned.inputs["predict/none/0"]


def test_every_training_is_listed(compared):
    """Three trainings a seed: none's one, first's two."""
    comparison, planned = compared()
    found = [(one.system, one.seed, one.phase) for one in comparison.training]
    assert found == [
        *product(["none"], (0, 1), ["finetune"]),
        *(("first", seed, phase) for seed in (0, 1) for phase in ("intermediate", "finetune")),
    ]
    assert comparison.training[0].artifact == planned.inputs["finetune/none/0"]
    assert comparison.training[0].loss == ((3, 0.5),)


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
    assert uses["evaluation"].repairs == {"realigned": 1}
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
        "first": {"label": "Other task first", "intermediate": {"task": "other"}},
        "second": {"label": "Target twice", "intermediate": {"task": "target"}},
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
