"""The folder that a run leaves: complete, deterministic, and never a mixture of two runs."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fake_stages
import pytest
from tiny_manifests import CLAIM, tiny

from harness.artifacts import Store
from harness.backends import OneAtATime
from harness.canonical import bytes_sha256, canonical_json, file_sha256
from harness.console import watching
from harness.errors import MachineError, UsageError, VerificationError
from harness.evidence import ATTESTATION, CRATE
from harness.gold import gold_line, read_gold, write_gold
from harness.plan import Request, build_plan
from harness.records import ChoiceExample, PairExample, Sentence, TagExample, write_rows
from harness.run import execute, read_comparisons
from harness.run_folder import PARTS, Pages, check_replaceable, default_out, write_run
from harness.stages import contract
from harness.stages.contract import Resources
from harness.worker import run_stage

PAGES = Pages(report="<p>report</p>", provenance=lambda facts: "<p>provenance</p>")


@pytest.fixture
def finished(tmp_path, tmp_path_factory, monkeypatch):
    """A finished run of the tiny claim: plan, store and comparisons."""
    monkeypatch.setattr(contract, "STAGES", fake_stages.pipeline())
    plan = build_plan(tiny(), Request(claims=(CLAIM,), profile="quick", precision="fp32"))
    store = Store(tmp_path / "store")
    resources = Resources(mirror=tmp_path_factory.mktemp("mirror"))
    with watching(quiet=True) as watcher:
        assert execute(plan, store, OneAtATime(run_stage), resources, watcher).failed == {}
    return plan, store, read_comparisons(plan, store)


def names(folder):
    """Every file in the folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_run_folder_holds_everything_behind_the_numbers(finished, tmp_path):
    """Four predictions (two systems, two seeds) in two languages, and the gold beside them."""
    write_run(tmp_path / "run", *finished, PAGES)
    plan, _, _ = finished
    predicted = [one.key[:16] for one in plan.stages if one.stage == "predict"]
    assert len(predicted) == 4
    assert sorted(path.name for path in (tmp_path / "run/predictions").iterdir()) == sorted(
        predicted
    )
    found = {name.partition("/")[0] for name in names(tmp_path / "run")}
    assert found == {"run.json", ATTESTATION, *(part.name for part in PARTS)}


def test_gold_holds_ids_documents_and_answers(finished, tmp_path):
    """Enough to score again; no context, which may be somebody's text."""
    write_run(tmp_path / "run", *finished, PAGES)
    (gold,) = (tmp_path / "run/gold").iterdir()
    rows = [json.loads(line) for line in (gold / "ru.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 10
    assert rows[3] == {"answers": ["yes"], "document": "ru-3", "id": "ru-3"}


GOLD = {
    "classification": (
        PairExample(id="x", language="en", document="d", first="a", second="b", label="neutral"),
        {"label": "neutral"},
    ),
    "multiple_choice": (
        ChoiceExample(
            id="x",
            language="en",
            document="d",
            context="c",
            question="",
            choices=("a", "b"),
            label=1,
        ),
        {"label": 1, "choices": 2},
    ),
    "tagging": (
        TagExample(id="x", language="en", document="d", words=("a",), tags=("NOUN",)),
        {"tags": ["NOUN"]},
    ),
    "retrieval": (
        Sentence(id="x", language="en", document="d", side="foreign", text="a", mates=("y",)),
        {"side": "foreign", "mates": ["y"]},
    ),
}


@pytest.mark.parametrize("family", GOLD)
def test_gold_of_a_family_is_its_reference(tmp_path, family):
    """Labels, choices, tags or translations by id; never the text."""
    example, reference = GOLD[family]
    write_rows(tmp_path / "examples.jsonl", [example])
    write_gold(tmp_path, tmp_path, family)
    (line,) = (tmp_path / "en.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line) == {"id": "x", "document": "d", **reference}


@pytest.mark.parametrize("family", GOLD)
def test_gold_is_read_back_as_examples_of_the_family(family):
    """With everything that a scorer reads; written again, the same line."""
    example, _ = GOLD[family]
    line = gold_line(example, family)
    again = read_gold(json.loads(line), family, example.language)
    assert type(again) is type(example)
    assert gold_line(again, family) == line


def test_gold_of_mining_has_both_sides(tmp_path):
    """Sentences without a translation too: a pair that is found for one is wrong."""
    row = {"language": "de", "document": "d", "text": "a"}
    rows = [
        Sentence(id="de-1", side="foreign", mates=("en-1",), **row),
        Sentence(id="de-2", side="foreign", mates=(), **row),
        Sentence(id="en-1", side="english", mates=("de-1",), **row),
    ]
    write_rows(tmp_path / "examples.jsonl", rows)
    write_gold(tmp_path, tmp_path, "retrieval")
    lines = (tmp_path / "de.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["de-1", "de-2", "en-1"]


def test_gold_of_licensed_data_is_a_digest(finished, tmp_path):
    """The data set that the user brought isn't copied; the digest tells it apart."""
    plan, store, comparisons = finished
    licensed = {"source": {"kind": "files"}}
    stages = tuple(
        replace(one, config={**one.config, **licensed}) if one.stage == "dataset" else one
        for one in plan.stages
    )
    write_run(tmp_path / "run", replace(plan, stages=stages), store, comparisons, PAGES)
    (gold,) = (tmp_path / "run/gold").iterdir()
    (path,) = gold.iterdir()
    digest = json.loads(path.read_bytes())
    (examples,) = [one for one in plan.stages if one.key[:16] == gold.name]
    assert path.name == "digest.json"
    assert digest["sha256"] == file_sha256(store.get(examples.key) / "examples.jsonl")


def test_run_json_names_the_digest_of_every_other_file(finished, tmp_path):
    """And of itself, with that field empty; the attestation names run.json, not the reverse."""
    out = tmp_path / "run"
    write_run(out, *finished, PAGES)
    run = json.loads((out / "run.json").read_bytes())
    assert run["files"] == {
        name: file_sha256(out / name)
        for name in names(out)
        if name not in ("run.json", ATTESTATION)
    }
    assert run["claims"] == finished[0].comparisons
    assert bytes_sha256(canonical_json({**run, "sha256": ""})) == run["sha256"]


def test_two_equal_runs_differ_in_provenance_only(
    finished, tmp_path, tmp_path_factory, monkeypatch
):
    """Another store, another time: the same bytes but for provenance and its digests.

    The run crate says when each stage ran; run.json and the attestation name digests of those two.
    """
    plan, _, _ = finished
    store = Store(tmp_path / "other store")
    with watching(quiet=True) as watcher:
        resources = Resources(mirror=tmp_path_factory.mktemp("mirror"))
        execute(plan, store, OneAtATime(run_stage), resources, watcher)
    write_run(tmp_path / "one", *finished, PAGES)
    write_run(tmp_path / "two", plan, store, read_comparisons(plan, store), PAGES)
    one, two = tmp_path / "one", tmp_path / "two"
    assert names(one) == names(two)
    differ = {name for name in names(one) if (one / name).read_bytes() != (two / name).read_bytes()}
    assert differ <= {"provenance.json", CRATE, "run.json", ATTESTATION}


def test_an_earlier_run_is_replaced_whole(finished, tmp_path):
    """Nothing of the old one stays."""
    out = tmp_path / "run"
    write_run(out, *finished, PAGES)
    (out / "predictions" / "stale").write_text("", encoding="utf-8")
    write_run(out, *finished, PAGES)
    assert "predictions/stale" not in names(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "store"]


def test_a_failure_leaves_the_earlier_run(finished, tmp_path):
    """Built beside its place and renamed: the old one or the new one."""
    plan, store, comparisons = finished
    out = tmp_path / "run"
    write_run(out, *finished, PAGES)
    before = {name: (out / name).read_bytes() for name in names(out)}
    predict = next(one for one in plan.stages if one.stage == "predict")
    shutil.rmtree(store.get(predict.key) / "predictions")
    with pytest.raises(VerificationError, match=r"predictions/en\.jsonl: missing"):
        write_run(out, plan, store, comparisons, PAGES)
    assert {name: (out / name).read_bytes() for name in names(out)} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "store"]


def test_an_empty_folder_may_be_filled(finished, tmp_path):
    """Made by the user beforehand."""
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run", *finished, PAGES)
    assert "run.json" in names(tmp_path / "run")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_no_run_folder_is_not_replaced(tmp_path, kind):
    """Nobody loses photographs."""
    out = tmp_path / "photos"
    if kind == "folder":
        out.mkdir()
        (out / "cat.jpg").write_text("cat", encoding="utf-8")
    else:
        out.write_text("cat", encoding="utf-8")
    with pytest.raises(UsageError, match=r"not a run folder.*nothing was touched"):
        check_replaceable(out)


def test_a_file_in_the_way_is_a_machine_error(finished, tmp_path):
    """A run folder below a file can't be made."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MachineError, match="file, where nothing can be written"):
        write_run(tmp_path / "file" / "run", *finished, PAGES)


MOUNTED = """
import sys
from pathlib import Path
import fake_stages
from tiny_manifests import CLAIM, tiny
from harness.artifacts import Store
from harness.plan import Request, build_plan
from harness.run import read_comparisons
from harness.run_folder import Pages, check_replaceable, write_run
out, root = map(Path, sys.argv[1:])
plan = build_plan(tiny(), Request(claims=(CLAIM,), profile="quick", precision="fp32"))
store = Store(root)
for report in ("one", "two"):
    write_run(out, plan, store, read_comparisons(plan, store), Pages(report=report, provenance=str))
    check_replaceable(out)
print(*sorted(path.name for path in out.iterdir()), (out / "report.html").read_text())
"""


def test_a_mounted_folder_is_filled_in_place(finished, tmp_path):
    """A container's --out is a mount point, which can't be renamed."""
    out = tmp_path / "mounted"
    out.mkdir()
    (tmp_path / "script.py").write_text(MOUNTED, encoding="utf-8")
    mount = f"mount -t tmpfs -o size=8m none {out} || exit 77; exec {sys.executable} "
    tests = Path(__file__).parent
    result = subprocess.run(
        [
            "unshare",
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            mount + f"{tmp_path}/script.py {out} {finished[1].root}",
        ],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip("needs a mount namespace")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [
        *("attestation.intoto.json", "comparison.json", "croissant", "gold", "material"),
        *("predictions", "provenance.html", "provenance.json", "report.html"),
        *("ro-crate-metadata.json", "run.json", "scores.json", "stages.json", "two"),
    ]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (["p/a"], "runs/a-mini"),
        (["p/a", "p/b"], "runs/p-mini"),
        (["q/a", "p/b"], "runs/p-q-mini"),
    ],
)
def test_the_folder_is_named_after_claim_or_paper(claims, expected):
    """One claim by its own name, several by their papers'."""
    assert default_out(claims, "mini").as_posix() == expected
