"""The whole way, from claims to a run folder, as a user goes it: real encoder, real training.

The profile `tiny` (tests/tiny) has a few of the mini profile's questions. One run serves most
tests; the others are made to be compared with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import BEST, GAIN, RUNS, TINY, harness, run

PROVENANCE = ("provenance.html", "provenance.json", "ro-crate-metadata.json")
NO_BETTER = "phang2020/tydiqa-no-better-multilingual"


def deterministic_files(folder: Path) -> dict[str, bytes]:
    """Everything in a run folder that equal runs must have in common."""
    free = {*PROVENANCE, "run.json", "attestation.intoto.json"}
    paths = [path for path in (folder / "run").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder / "run")): path.read_bytes()
        for path in paths
        if path.name not in free
    }


def test_a_run_needs_no_network_and_leaves_a_report(first: Path) -> None:
    """In a namespace without interfaces, every part of the run folder gets written."""
    names = {path.name for path in (first / "run").iterdir()}
    assert names == {
        *("comparison.json", "scores.json", "stages.json", "predictions", "gold", "material"),
        *("report.html", *PROVENANCE, "run.json", "croissant", "attestation.intoto.json"),
    }
    comparisons = json.loads((first / "run" / "comparison.json").read_bytes())["comparisons"]
    assert [one["claim"]["id"] for one in comparisons] == [GAIN, BEST]
    assert all(
        one["verdict"]["rung"] in ("DIRECTION", "CONTRADICTED", "INCONCLUSIVE")
        for one in comparisons
    )


def test_every_evaluation_question_is_scored_once_for_each_system(first: Path) -> None:
    """Nine languages of six questions: a score for each language, metric and system."""
    scores = json.loads((first / "run" / "scores.json").read_bytes())["claims"][GAIN]
    assert len(scores) == 9 * 2 * 3  # languages x metrics x systems
    assert {score["items"] for score in scores} == {6}


def test_a_second_run_makes_nothing_and_changes_no_byte(first: Path) -> None:
    """All stages come from the store, and the run folder has the same bytes."""
    before = deterministic_files(first)
    done = run(harness(first, GAIN, BEST))
    assert done.returncode in RUNS, done.stderr
    assert "\n0 stages run, " in done.stdout
    assert deterministic_files(first) == before


def test_two_stores_give_the_same_bytes(first: Path, tmp_path: Path) -> None:
    """A run into another store gives byte-identical scores, predictions and report.

    Its stages run side by side, those of the first one by one.
    """
    done = run(harness(tmp_path, GAIN, BEST, "--jobs", "2"))
    assert done.returncode in RUNS, done.stderr
    assert deterministic_files(tmp_path) == deterministic_files(first)


def test_killed_runs_go_on_to_the_same_bytes(first: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL in the middle of stages, the same command ends as if it hadn't been."""
    command = harness(tmp_path, GAIN, BEST, "--jobs", "2")
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finished = tmp_path / "store" / "artifacts"
    # Past the data stages there is always a training or prediction under way.
    while victim.poll() is None and len(list(finished.glob("*/*/meta.json"))) < 23:
        time.sleep(0.05)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    left = {path.parent.name for path in finished.glob("*/*/meta.json")}
    done = run(command)
    assert done.returncode in RUNS, done.stderr
    assert {path.parent.name for path in finished.glob("*/*/meta.json")} > left
    assert deterministic_files(tmp_path) == deterministic_files(first)


def test_a_copied_store_is_valid_and_complete(first: Path, tmp_path: Path) -> None:
    """Keys hold no paths: a copy elsewhere verifies, and a run on it makes nothing."""
    shutil.copytree(first / "store", tmp_path / "store")
    store = ["--store", str(tmp_path / "store")]
    verified = run([sys.executable, "-m", "harness.cli", "store", "verify", *store])
    assert verified.returncode == 0, verified.stderr
    assert "\n0 stages run, " in run(harness(tmp_path, GAIN, BEST)).stdout


def test_a_flipped_bit_in_the_store_is_found_and_made_again(first: Path, tmp_path: Path) -> None:
    """`store verify` names the file, `store gc --broken` drops it, a run makes it again."""
    shutil.copytree(first / "store", tmp_path / "store")
    scores = next((tmp_path / "store" / "artifacts").glob("*/*/items.jsonl"))
    raw = bytearray(scores.read_bytes())
    raw[len(raw) // 2] ^= 1
    scores.write_bytes(bytes(raw))
    cli = [sys.executable, "-m", "harness.cli", "store"]
    store = ["--store", str(tmp_path / "store")]
    verified = run([*cli, "verify", *store])
    assert verified.returncode == 5
    assert f"{scores.parent.name[:12]}/items.jsonl: sha256 differs" in verified.stderr
    run([*cli, "gc", "--broken", *store])
    assert "\n1 stage run, " in run(harness(tmp_path, GAIN, BEST)).stdout
    assert run([*cli, "verify", *store]).returncode == 0


def test_json_is_one_document_with_what_the_report_shows(first: Path) -> None:
    """--json prints the comparison that the run folder holds, and nothing else."""
    done = run(harness(first, GAIN, BEST, "--json"))
    printed = json.loads(done.stdout)["comparisons"]
    written = json.loads((first / "run" / "comparison.json").read_bytes())["comparisons"]
    assert list(printed.values()) == written
    assert done.stderr == ""


def test_the_report_is_a_function_of_the_comparison_alone(first: Path, tmp_path: Path) -> None:
    """Rendered again from comparison.json in a folder of its own, it has the same bytes."""
    shutil.copy(first / "run" / "comparison.json", tmp_path)
    done = run([sys.executable, "-m", "harness.cli", "report", str(tmp_path)])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").read_bytes() == (first / "run" / "report.html").read_bytes()


@pytest.mark.parametrize("made", ["first", "systems"])
def test_a_run_of_every_task_verifies(made: str, request: pytest.FixtureRequest) -> None:
    """Every family's scores, of a best-of and of eighteen targets at once, are made again."""
    folder = request.getfixturevalue(made) / "run"
    command = [sys.executable, "-m", "harness.cli", "verify", str(folder), "--manifests", str(TINY)]
    done = run(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "All agrees." in done.stdout


def test_real_data_from_a_partial_mirror(tmp_path: Path) -> None:
    """Six of nine languages are there: the report says which are not, and where the rows lie."""
    mirror = os.environ.get("HARNESS_MIRROR")
    if mirror is None:
        pytest.skip("needs HARNESS_MIRROR")
    places = ["--store", tmp_path / "store", "--out", tmp_path / "run", "--mirror", mirror]
    tiny = ["--manifests", TINY, "--profile", "tiny-real", "--device", "cpu", "--json"]
    command = [sys.executable, "-m", "harness.cli", "reproduce", NO_BETTER, *tiny, *places]
    done = run([str(part) for part in command])
    assert done.returncode in RUNS, done.stderr
    comparison = json.loads(done.stdout)["comparisons"][NO_BETTER]
    assert comparison["missing_languages"] == {"tydiqa": ["bn", "sw", "te"]}
    data = {one["use"]: one for one in comparison["data"]}
    assert data["target training"]["rows"] == 32
    assert data["evaluation"]["languages"] == dict.fromkeys(["ar", "en", "fi", "id", "ko", "ru"], 4)
    spread = data["intermediate training of “SQuAD in other languages first”"]["languages"]
    assert spread == dict.fromkeys(["ar", "de", "hi", "vi", "zh"], 5)
    assert "HASH_ON_FIRST_USE" in comparison["verdict"]["flags"]


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of every task, of all nine together, with masked LM and translations."""
    folder = tmp_path_factory.mktemp("systems")
    done = run(harness(folder, "every-task/*", NO_BETTER))
    assert done.returncode in RUNS, done.stderr
    return folder


def comparison_of(folder: Path, claim: str) -> dict[str, Any]:
    """What the run says of a claim."""
    found = json.loads((folder / "run" / "comparison.json").read_bytes())["comparisons"]
    (one,) = [one for one in found if one["claim"]["id"] == claim]
    return dict(one)


def test_every_task_trains_and_scores_in_every_language(systems: Path) -> None:
    """Eighteen tasks; all but the two searches are tuned for.

    A few rows are enough to learn from for questions and tags; the encoder alone finds sentences.
    """
    found = comparison_of(systems, "every-task/straight")
    scores = {(one["task"], one["language"]) for one in found["systems"][0]["scores"]}
    expected = {(task, one) for task, many in found["languages"].items() for one in many}
    assert scores == expected
    trained = {one["target"]: one["loss"] for one in found["training"] if one["system"] == "none"}
    assert set(found["claim"]["targets"]) - set(trained) == {"bucc", "tatoeba"}
    for task in ("squad", "squad_v2", "tydiqa", "ccg", "udpos", "panx"):
        assert trained[task][-1][1] < trained[task][0][1] - 0.1
    levels = found["systems"][0]["levels"][0]["per_task"]
    assert min(levels[task] for task in ("bucc", "tatoeba", "ccg", "udpos")) > 30


def test_all_nine_tasks_are_trained_at_once(systems: Path) -> None:
    """Each for some of the steps; the result isn't the encoder that it started from."""
    found = comparison_of(systems, "every-task/together")
    (together,) = [one for one in found["training"] if one["phase"] == "intermediate"]
    assert len(together["tasks"]) == 9
    assert sum(together["tasks"].values()) == together["steps"] == 12


def test_masked_lm_and_translations_make_other_models(systems: Path) -> None:
    """Three intermediate trainings on the same questions: other weights, dropped rows counted."""
    found = comparison_of(systems, NO_BETTER)
    firsts = {one["system"]: one for one in found["training"] if one["phase"] == "intermediate"}
    assert set(firsts) == {"english", "multilingual", "english-mlm"}
    assert len({weights(systems, one["artifact"]) for one in firsts.values()}) == 3
    english, mixed = firsts["english"], firsts["english-mlm"]
    assert sum(mixed["tasks"].values()) == mixed["steps"] == 2 * english["steps"]
    use = "intermediate training of “SQuAD in other languages first”"
    (translated,) = [one for one in found["data"] if one["use"] == use]
    assert translated["repairs"]["dropped: answer not found"] > 0


def weights(folder: Path, key: str) -> str:
    """Digest of what a training changed."""
    (path,) = (folder / "store" / "artifacts").glob(f"*/{key}*/delta.safetensors")
    return hashlib.sha256(path.read_bytes()).hexdigest()
