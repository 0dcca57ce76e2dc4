"""Stages `checks` and `examples`: refuse unsound rows, repair what the pin declares."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_runs import read_json, run_stage

from harness.errors import DataError
from harness.records import read_examples

CONTEXT = "Paris is the capital of France."


def dataset(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    """What the stage `dataset` would have written."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "rows.parquet")
    facts = {"name": "capitals", "split": "train", "rows": len(rows), "languages": {}, "files": {}}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def row(number: int = 0, *, start: int = 24, **changes: Any) -> dict[str, Any]:
    """A row whose answer, France, stands at 24."""
    sound = {
        "id": f"q{number}",
        "context": CONTEXT,
        "question": "Whose capital is Paris?",
        "answers": {"text": ["France"], "answer_start": [start]},
        "language": "en",
        "config": "c",
    }
    return {**sound, **changes}


def check(tmp_path: Path, folder: Path, *, rows: int | None = None, allowed: int = 0) -> Any:
    """The outcomes that the stage `checks` writes."""
    config = {
        "suite": "extractive_qa",
        "expected": {"rows": rows, "languages": {}},
        "no_answer": False,
        "realign": {"max": allowed},
    }
    run_stage("checks", tmp_path / "checks", config, {"dataset": folder})
    return read_json(tmp_path / "checks/checks.json")


def examples(tmp_path: Path, *rows: dict[str, Any], allowed: int = 0) -> list[Any]:
    """The examples that the stage `examples` writes."""
    folder = dataset(tmp_path, *rows)
    inputs = {"dataset": folder, "checks": tmp_path}
    out = run_stage("examples", tmp_path / "examples", {"realign": {"max": allowed}}, inputs)
    return read_examples(out / "examples.jsonl")


def test_sound_rows_pass(tmp_path: Path) -> None:
    """Every outcome is written, not only failures."""
    outcomes = check(
        tmp_path, dataset(tmp_path, row(1), row(2, question="And its capital?")), rows=2
    )
    assert len(outcomes) > 50
    assert [one["name"] for one in outcomes if not one["passed"]] == []
    assert [one["name"] for one in outcomes[:3]] == ["not_empty", "columns", "not_null.id"]


def test_warning_ends_nothing(tmp_path: Path) -> None:
    """An English question among the Korean ones is odd, not impossible."""
    korean = {"language": "ko", "context": "France는 파리의 나라입니다."}
    rows = [row(n, start=0, question=f"수도는 어디입니까 {n}?", **korean) for n in range(4)]
    odd = row(9, start=0, **korean)
    outcomes = check(tmp_path, dataset(tmp_path, *rows, odd))
    (found,) = (one for one in outcomes if not one["passed"])
    assert (found["name"], found["level"]) == ("in_language.question", "warning")
    assert found["rows"] == [{"id": "q9", "text": "Whose capital is Paris?"}]


def test_declared_realignment_is_reported(tmp_path: Path) -> None:
    """It passes, and a warning says how many."""
    outcomes = check(tmp_path, dataset(tmp_path, row(1, start=26)), allowed=1)
    (found,) = (one for one in outcomes if not one["passed"])
    assert (found["name"], found["level"]) == ("answers_to_realign", "warning")
    assert found["observed"] == "1 answers that stand elsewhere"


def test_great_expectations_is_loaded_by_the_running_stage_alone() -> None:
    """Nothing that a plan or another stage imports waits for it."""
    script = (
        "import sys, harness.cli, harness.plan, harness.run, harness.stages.examples;"
        "import harness.data_checks.suites;"
        "print('great_expectations' in sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_refusal_names_data_set_check_rows_and_cause(tmp_path: Path) -> None:
    """And the other checks that failed; nothing is written."""
    folder = dataset(tmp_path, row(1, start=26), row(2))
    with pytest.raises(DataError) as caught:
        check(tmp_path, folder, rows=9)
    message = str(caught.value)
    assert message.startswith("data set capitals, split train, check answers_at_offset: got 1 ")
    assert "q1: France (26 -> 24)" in message
    assert "Likely cause: offsets look shifted by -2 (1 of 1)" in message
    assert "Also failed: row_count" in message
    assert list((tmp_path / "checks").iterdir()) == []


def test_examples_are_the_rows(tmp_path: Path) -> None:
    """Nothing moved, nothing counted."""
    (one,) = examples(tmp_path, row(1))
    assert (one.id, one.language, one.context) == ("q1", "en", CONTEXT)
    assert (one.answers, one.answer_starts) == (("France",), (24,))
    assert read_json(tmp_path / "examples/repairs.json") == {"examples": 1, "realigned": 0}


def test_declared_realignment_is_applied_and_counted(tmp_path: Path) -> None:
    """26 becomes 24; the sound row stays."""
    done = examples(tmp_path, row(1, start=26), row(2), allowed=1)
    assert [one.answer_starts for one in done] == [(24,), (24,)]
    assert read_json(tmp_path / "examples/repairs.json") == {"examples": 2, "realigned": 1}


def test_more_realignments_than_declared_are_an_error(tmp_path: Path) -> None:
    """Also if the checks were made with another limit."""
    with pytest.raises(DataError, match=r"got 2 answers .*; expected at most 1"):
        examples(tmp_path, row(1, start=26), row(2, start=26), allowed=1)


def test_answer_that_occurs_nowhere_is_an_error(tmp_path: Path) -> None:
    """It is never dropped in silence."""
    lost = row(1, answers={"text": ["London"], "answer_start": [0]})
    with pytest.raises(DataError, match="row q1: got answer 'London', which occurs nowhere"):
        examples(tmp_path, lost, allowed=9)


def test_question_without_an_answer(tmp_path: Path) -> None:
    """Empty lists stay empty."""
    rows = [row(1), row(2, answers={"text": [], "answer_start": []})]
    assert examples(tmp_path, *rows)[1].answers == ()


@pytest.mark.parametrize(
    ("changes", "document"),
    [
        ({"id": "arabic--335-35", "title": "Quartz"}, "Quartz"),
        ({"title": "Paris"}, "Paris"),
        ({"title": " "}, hashlib.sha256(CONTEXT.encode()).hexdigest()[:16]),
        ({}, hashlib.sha256(CONTEXT.encode()).hexdigest()[:16]),
    ],
)
def test_document_of_an_example(tmp_path: Path, changes: dict[str, Any], document: str) -> None:
    """TyDi QA's article number, else the title, else the context itself."""
    (one,) = examples(tmp_path, row(1, **changes))
    assert one.document == document
