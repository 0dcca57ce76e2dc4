"""Manifests: ours load, a user's are laid over them, and every mistake names file, line and key."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from tiny_manifests import EVIDENCE, RAW

from harness.errors import ManifestError, UsageError
from harness.manifest import choose, load_manifests, merge_override, select_claims
from harness.models import Claim, Task
from harness.plan import Request, build_plan
from harness.schema import SCHEMA_FILE, schema

ROOT = Path(__file__).parent.parent
OURS = "phang2020/tydiqa-english-gain"


@pytest.fixture
def folder(tmp_path):
    """A user's own manifests: RAW as files, `quick` under `required_rung` as in RAW."""
    root = tmp_path / "mine"
    files = {
        "papers/paper1/paper.yaml": RAW["paper"],
        "papers/paper1/claim1.yaml": RAW["claim"],
        "protocols/plain.yaml": RAW["protocol"],
        "profiles/quick.yaml": RAW["profile"],
        "tasks.yaml": {"format": 1, "tasks": RAW["tasks"]},
        "pins.yaml": {"format": 1, "datasets": RAW["datasets"], "encoders": RAW["encoders"]},
    }
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write(root / name, value)
    return root


def write(path, value):
    """A document as YAML, a key a line."""
    # Through JSON: equal parts would be written as anchors and aliases.
    text = yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def edit(path, *changes):
    """Replace text in a file; each text must occur."""
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def line_of(path, text):
    """The first line that holds `text`, from 1."""
    lines = path.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_projects_own_manifests_are_sound():
    """Three claims of one paper."""
    manifests = load_manifests()
    assert list(manifests.papers) == ["phang2020"]
    assert OURS in manifests.claims
    assert {"mini", "small", "paper"} <= set(manifests.profiles)


def test_our_numbers_carry_their_evidence():
    """Every reported number says where it was read."""
    claim = load_manifests().claims[OURS]
    assert claim.reported.effect.value == 14.5
    assert claim.reported.effect.evidence.table == "16"


def test_a_users_folder_is_laid_over_ours(folder):
    """Its claims, protocols, profiles, tasks and pins come beside the project's."""
    manifests = load_manifests(folder)
    assert {OURS, "paper1/claim1"} <= set(manifests.claims)
    assert {"plain", "jiant-xtreme"} <= set(manifests.protocols)
    assert {"quick", "mini"} <= set(manifests.profiles)
    assert {"target", "tydiqa"} <= set(manifests.tasks)
    assert {"questions", "squad"} <= set(manifests.pins.datasets)


def test_a_users_profile_of_our_name_replaces_ours(folder):
    """Laid over: the user's file wins."""
    edit(folder / "profiles/quick.yaml", ("id: quick", "id: mini"))
    (folder / "profiles/quick.yaml").rename(folder / "profiles/mini.yaml")
    edit(folder / "papers/paper1/claim1.yaml", ("quick: DIRECTION", "mini: DIRECTION"))
    assert load_manifests(folder).profiles["mini"].summary == "Quick"


def test_a_pin_file_replaces_all_pins(folder):
    """`--pins FILE`: what isn't in it isn't pinned."""
    with pytest.raises(ManifestError, match="`xlm-roberta-large`, which is not defined"):
        load_manifests(None, folder / "pins.yaml")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    """A typing error must not mean "no manifests of yours"."""
    with pytest.raises(UsageError, match="no such folder"):
        load_manifests(tmp_path / "none")


@pytest.mark.parametrize("name", ["claims/x.yaml", "paper1/x.yaml", "profiles/x.yml", "pin.yaml"])
def test_a_file_that_nothing_reads_is_refused(folder, name):
    """It would pass for checked."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("format: 1\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=re.escape(name) + ": got a manifest in a place"):
        load_manifests(folder)


def test_hidden_folders_are_not_manifests(folder):
    """A repository's own machinery may lie beside them."""
    (folder / ".ci").mkdir()
    (folder / ".ci/x.yml").write_text("a: 1\n", encoding="utf-8")
    assert "paper1/claim1" in load_manifests(folder).claims


def test_an_unknown_key_is_named_with_its_line(folder):
    """File, line and key."""
    path = folder / "papers/paper1/claim1.yaml"
    edit(path, ("metric: em", "metrics: em"))
    line = line_of(path, "metrics")
    message = rf"claim1\.yaml, line {line}: metrics: got unknown key `metrics`"
    with pytest.raises(ManifestError, match=message):
        load_manifests(folder)


def test_a_missing_key_is_named(folder):
    """Pydantic's first complaint, and how many more there are."""
    edit(folder / "papers/paper1/paper.yaml", ("venue: Nowhere 2020\n", ""))
    with pytest.raises(ManifestError, match=r"paper\.yaml, line 1: venue: got nothing"):
        load_manifests(folder)


def test_a_wrong_type_is_shown_with_its_line(folder):
    """What stands there and what was expected."""
    path = folder / "protocols/plain.yaml"
    edit(path, ("epochs: 2", "epochs: two"))
    line = line_of(path, "epochs")
    message = rf"plain\.yaml, line {line}: extractive_qa\.epochs: got 'two'; expected .*integer"
    with pytest.raises(ManifestError, match=message):
        load_manifests(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("papers/paper1/claim1.yaml", "value: 10.0", "value: .nan", "reported.effect.value"),
        ("papers/paper1/claim1.yaml", "value: 10.0", "value: 1e999", "finite number"),
        ("papers/paper1/claim1.yaml", "value: 10.0", "value: 0", "expected reported.effect"),
        ("papers/paper1/claim1.yaml", "kind: gain", "kind: gian", "'gain', 'direction'"),
        ("papers/paper1/claim1.yaml", "treatment: first", "treatment: last", "not `last`"),
        ("papers/paper1/claim1.yaml", "table: '1'", "column: a", "evidence with a table"),
        ("papers/paper1/paper.yaml", "'2001.00001'", "2001.00001", "valid string"),
        ("papers/paper1/paper.yaml", "arxiv_version: v1", "arxiv_version: 1", "valid string"),
        ("papers/paper1/paper.yaml", "id: paper1", "id: paper2", "got `paper2`; expected `paper1`"),
        ("profiles/quick.yaml", "id: quick", "id: quik", "got `quik`; expected `quick`"),
        ("profiles/quick.yaml", "seeds: 2", "seeds: 0", "greater than or equal to 1"),
        ("profiles/quick.yaml", "seeds: 2", "seeds: 2\nseeds: 3", "key `seeds` a second time"),
        ("protocols/plain.yaml", "fraction: 0.1", "fraction: 0.1\n    steps: 5", "either fraction"),
        ("pins.yaml", f"revision: '{'1' * 40}'\n", "no_answer: false\n", "unpinned data is refus"),
        ("pins.yaml", "file: all/train.parquet", "file: ../train.parquet", "stays inside"),
        ("pins.yaml", "file: all/train.parquet", "file: /all/train.parquet", "stays inside"),
    ],
)
def test_what_breaks_a_rule_is_refused(folder, file, old, new, message):
    """One mistake a case; the message names the file and says what was expected."""
    edit(folder / file, (old, new))
    with pytest.raises(ManifestError, match=re.escape(message)) as caught:
        load_manifests(folder)
    assert Path(file).name in caught.value.where


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "papers/paper1/claim1.yaml",
            "targets:\n- target",
            "targets:\n- targte",
            "claim paper1/claim1: got task `targte`, which is not defined; "
            "expected `target`, perhaps",
        ),
        ("papers/paper1/claim1.yaml", "protocol: plain", "protocol: plan", "protocol `plan`"),
        ("papers/paper1/claim1.yaml", "quick: DIR", "quik: DIR", "profile `quik`, which is not"),
        ("papers/paper1/claim1.yaml", "- other", "- another", "task `another`, which"),
        ("protocols/plain.yaml", "id: plain", "id: plain\ntasks: {nix: {}}", "task `nix`, which"),
        ("profiles/quick.yaml", "seeds: 2", "seeds: 2\noverrides: {n: {}}", "family or task `n`"),
        ("papers/paper1/claim1.yaml", "languages: all", "languages: [de]", "language `de`, which"),
        ("papers/paper1/paper.yaml", "encoder: tiny", "encoder: big", "encoder `big`, which"),
        ("tasks.yaml", "dataset: parallel", "dataset: paralel", "data set `paralel`, which"),
        ("tasks.yaml", "- p.de", "- p.xx", "config `p.xx`, which is not defined"),
        ("tasks.yaml", "split: dev", "split: test", "split `test`, which is not defined"),
    ],
)
def test_a_name_that_nothing_defines_is_refused(folder, file, old, new, message):
    """Who names it, and the nearest name that is defined."""
    edit(folder / file, (old, new))
    with pytest.raises(ManifestError, match=re.escape(message)):
        load_manifests(folder)


PAIR = {"treatment": "first", "baseline": "none"}
SEVERAL = {"reference": "none", "alternatives": ["first"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "no_better"}, "a reference with alternatives for `no_better`"),
        ({"compare": SEVERAL}, "a treatment and a baseline for `gain`"),
        ({"kind": "direction", "compare": SEVERAL}, "verdict.at_least for a `direction`"),
        ({"kind": "ordering"}, "compare.order or groups for an `ordering`"),
        ({"kind": "aggregate"}, "several targets for an `aggregate`"),
        ({"kind": "aggregate", "reported": {}}, "reported.effect for a `aggregate`"),
        ({"targets": ["target", "target"]}, "each target once"),
        ({"targets": ["target", "other"]}, "metric `score` and all languages for several"),
        ({"kind": "ordering", "groups": [["target"], ["other"]]}, "groups that hold each target"),
        ({"compare": {**PAIR, **SEVERAL}}, "treatment and baseline, reference and alternatives"),
        ({"compare": {"order": ["first"]}}, "or an order"),
    ],
)
def test_a_claim_that_does_not_fit_its_kind_is_refused(changes, message):
    """Each kind compares in its own way."""
    with pytest.raises(ValidationError, match=re.escape(message)):
        Claim.model_validate({**RAW["claim"], **changes})


@pytest.mark.parametrize(
    ("system", "message"),
    [
        ({"best_of": ["none"], "intermediate": {"tasks": ["a"]}}, "either `intermediate` or"),
        ({"best_of": ["best"]}, "not another `best_of`"),
        ({"best_of": ["nobody"]}, "not `nobody`"),
    ],
)
def test_a_best_of_names_systems_that_are_trained(system, message):
    """It has no training of its own, and none of the best of the best."""
    systems = {**RAW["claim"]["systems"], "best": {"label": "Best", **system}}
    compare = {"treatment": "best", "baseline": "none"}
    changes = {"systems": systems, "compare": compare, "variants": ["first"]}
    with pytest.raises(ValidationError, match=re.escape(message)):
        Claim.model_validate({**RAW["claim"], **changes})


def test_a_system_that_no_file_defines_is_refused(folder):
    """A variant must be one of the systems."""
    path = folder / "papers/paper1/claim1.yaml"
    edit(path, ("reported:", "variants:\n- thrid\nreported:"))
    with pytest.raises(ManifestError, match="one of the systems none, first, not `thrid`"):
        load_manifests(folder)


def test_a_claim_without_its_paper_is_refused(folder):
    """The folder's paper.yaml gives title, version and encoder."""
    (folder / "papers/paper1/paper.yaml").unlink()
    with pytest.raises(ManifestError, match="got paper `paper1`, which is not defined"):
        load_manifests(folder)


def test_an_override_of_nothing_is_refused_when_it_is_read(folder):
    """`validate` finds it, not the first plan."""
    edit(
        folder / "profiles/quick.yaml",
        ("precision: fp32", "precision: fp32\noverrides: {extractive_qa: {learning_rat: 1e-4}}"),
    )
    with pytest.raises(ManifestError, match=r"profile quick: extractive_qa: overrides\.learning_r"):
        load_manifests(folder)


def levels(folder, **evidence):
    """Give the claim two levels that are 14.5 apart, and its effect 10.0 more evidence."""
    claim = json.loads(json.dumps(RAW["claim"]))
    claim["reported"]["effect"]["evidence"] |= evidence
    claim["reported"]["levels"] = {
        "first": {"value": 59.5, "evidence": EVIDENCE},
        "none": {"value": 45.0, "evidence": EVIDENCE},
    }
    write(folder / "papers/paper1/claim1.yaml", claim)


def test_a_gain_that_is_not_the_difference_is_refused(folder):
    """59.5 - 45.0 is 14.5 and not 10.0."""
    levels(folder)
    message = r"claim1\.yaml, line 24: reported\.effect: got 10\.0; expected 14\.50 \(treat"
    with pytest.raises(ManifestError, match=message):
        load_manifests(folder)


def test_a_known_inconsistency_is_kept_and_flagged(folder):
    """The comparison's circumstances carry the doubt, so the verdict shows TRANSCRIPTION_DOUBT."""
    levels(folder, known_inconsistency="printed so in the paper")
    manifests = load_manifests(folder)
    request = Request(claims=("paper1/claim1",), profile="quick", precision="fp32")
    plan = build_plan(manifests, request)
    comparison = plan.by_key()[plan.comparisons["paper1/claim1"]].config["comparison"]
    assert comparison["circumstances"]["transcription_doubt"] is True


def test_description_is_json(folder):
    """It is part of a key, so it holds plain values only."""
    manifests = load_manifests(folder)
    request = Request(claims=("paper1/claim1",), profile="quick", precision="fp32")
    plan = build_plan(manifests, request)
    config = plan.by_key()[plan.comparisons["paper1/claim1"]].config
    assert json.loads(json.dumps(config)) == config


def test_an_unknown_claim_is_suggested():
    """The nearest name."""
    with pytest.raises(UsageError, match=f"expected `{OURS}`, perhaps"):
        select_claims(load_manifests(), ["phang2020/tydiqa-english-gian"])


def test_patterns_select_each_claim_once_in_manifest_order():
    """The order of the patterns doesn't matter: keys of a plan's stages don't depend on it."""
    manifests = load_manifests()
    twice = select_claims(manifests, ["phang2020/*multilingual", "phang2020/*"])
    assert twice == tuple(manifests.claims)


def test_a_pattern_without_match_is_refused():
    """Nothing to do would look like success."""
    with pytest.raises(UsageError, match="no claim of that name"):
        select_claims(load_manifests(), ["nobody/*"])


def test_an_unknown_profile_is_suggested():
    """And the others are listed."""
    with pytest.raises(UsageError, match=r"`mini`, perhaps\. There are also paper, small"):
        choose("profile", "minni", load_manifests().profiles)


def test_an_override_of_a_wrong_type_is_refused():
    """It says which settings there are."""
    base = load_manifests().protocols["jiant-xtreme"].extractive_qa
    with pytest.raises(ManifestError, match=r"x: overrides\.epochs: got 'many'.*Settings are: "):
        merge_override(base, {"epochs": "many"}, "x")


def test_warm_up_is_replaced_whole():
    """A share of the steps gives way to a number of steps."""
    base = load_manifests().protocols["jiant-xtreme"].extractive_qa
    merged = merge_override(base, {"warmup": {"steps": 5}}, "x")
    assert (merged.warmup.steps, merged.warmup.fraction) == (5, None)


def test_the_schema_is_current():
    """manifests/schema.json is made from the models."""
    written = (ROOT / "manifests" / SCHEMA_FILE).read_text("utf-8")
    assert json.loads(written) == schema(), "rewrite it with: python -m harness.schema"


def test_the_schema_command_writes_what_is_there(tmp_path):
    """Byte for byte, so that a rewrite without a change shows no difference."""
    path = tmp_path / SCHEMA_FILE
    command = [sys.executable, "-m", "harness.schema", str(path)]
    subprocess.run(command, cwd=ROOT, check=True)
    assert path.read_bytes() == (ROOT / "manifests" / SCHEMA_FILE).read_bytes()


def test_the_schema_knows_every_kind_of_file():
    """One definition a kind, and no key beside the known ones."""
    defined = schema()["$defs"]
    kinds = {"paper", "claim", "protocol", "profile", "tasks", "pins", "machines", "mirror"}
    assert kinds <= set(defined)
    assert defined["claim"]["additionalProperties"] is False
    assert "How a reader calls it" in defined["System"]["properties"]["label"]["description"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"family": "tagging", "scorer": "squad_v1", "labels": "data"},
            "scorer `seqeval` or `token_accuracy` for tagging, not `squad_v1`",
        ),
        ({"scorer": "accuracy"}, "`squad_v2` or `mlqa` for extractive_qa, not `accuracy`"),
        ({"family": "classification", "scorer": "accuracy"}, "`labels` where there are labels"),
        ({"labels": "index"}, "and nowhere else"),
        ({"family": "masked_lm", "scorer": "accuracy"}, "scorer none for masked_lm"),
    ],
)
def test_a_task_has_a_scorer_of_its_family_and_the_labels_that_it_reads(changes, message):
    """Found when the table is read, not by the first file that is scored."""
    with pytest.raises(ValidationError, match=message):
        Task.model_validate({"title": "A task", "family": "extractive_qa", **changes})
