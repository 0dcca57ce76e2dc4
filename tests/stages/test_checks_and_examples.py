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
from stage_runs import REALIGN, read_json, reader, run_stage

from harness.errors import DataError
from harness.records import read_examples

CONTEXT = "Paris is the capital of France."


def dataset(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    """What the stage `dataset` would have written."""
    folder = tmp_path / "dataset"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "rows.parquet")
    facts = {"name": "capitals", "split": "train", "rows": len(rows), "languages": {}, "files": {}}
    facts["labels"] = []
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
        "reader": reader(),
        "expected": {"rows": rows, "languages": {}},
        "no_answer": False,
        "realign": {**REALIGN, "max": allowed},
    }
    run_stage("checks", tmp_path / "checks", config, {"dataset": folder})
    return read_json(tmp_path / "checks/checks.json")


def examples(tmp_path: Path, *rows: dict[str, Any], allowed: int = 0) -> list[Any]:
    """The examples that the stage `examples` writes."""
    folder = dataset(tmp_path, *rows)
    config = {"reader": reader(), "realign": {**REALIGN, "max": allowed}}
    out = run_stage("examples", tmp_path / "examples", config, {"dataset": folder})
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
    assert read_json(tmp_path / "examples/repairs.json") == {
        **{"examples": 1, "realigned": 0},
        "dropped": {},
    }


def test_declared_realignment_is_applied_and_counted(tmp_path: Path) -> None:
    """26 becomes 24; the sound row stays."""
    done = examples(tmp_path, row(1, start=26), row(2), allowed=1)
    assert [one.answer_starts for one in done] == [(24,), (24,)]
    assert read_json(tmp_path / "examples/repairs.json") == {
        **{"examples": 2, "realigned": 1},
        "dropped": {},
    }


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


NLI = {"first": "premise", "second": "hypothesis"}
LABELS = ["entailment", "neutral", "contradiction"]


def made(tmp_path: Path, how: dict[str, Any], *rows: dict[str, Any], **realign: Any) -> list[Any]:
    """The examples of rows that another reader reads."""
    rows = tuple({"language": "en", "config": "c", **one} for one in rows)
    folder = dataset(tmp_path, *rows)
    facts = {"name": "any", "split": "train", "labels": how["labels"]}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    config = {"reader": how, "realign": {**REALIGN, **realign}}
    out = run_stage("examples", tmp_path / "examples", config, {"dataset": folder})
    lines = (out / "examples.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def pair(label: int, **changes: Any) -> dict[str, Any]:
    """A row of SNLI."""
    return {"premise": "It rains.", "hypothesis": "It is wet.", "label": label, **changes}


def test_labels_are_named_and_ids_made(tmp_path: Path) -> None:
    """Config, split and number; of each config from 0."""
    how = reader("pair", columns=NLI, labels=LABELS)
    found = made(tmp_path, how, pair(0), pair(2), pair(1, config="d"))
    assert [one["id"] for one in found] == ["c-train-0", "c-train-1", "d-train-0"]
    assert [one["label"] for one in found] == ["entailment", "contradiction", "neutral"]


def test_rows_without_a_label_are_an_error(tmp_path: Path) -> None:
    """Unless the pin says otherwise."""
    with pytest.raises(DataError, match=r"row c-train-1: got no label .*`unlabelled: drop`"):
        made(tmp_path, reader("pair", columns=NLI, labels=LABELS), pair(0), pair(-1))


def test_rows_without_a_label_are_dropped_and_counted(tmp_path: Path) -> None:
    """Where the pin says so; the others keep their numbers."""
    how = reader("pair", columns=NLI, labels=LABELS, unlabelled="drop")
    found = made(tmp_path, how, pair(-1), pair(0), pair(-1), pair(1))
    assert [one["id"] for one in found] == ["c-train-1", "c-train-3"]
    repairs = {"examples": 2, "realigned": 0, "dropped": {"no label": 2}}
    assert read_json(tmp_path / "examples/repairs.json") == repairs


def test_a_split_of_withheld_labels_is_an_error(tmp_path: Path) -> None:
    """Dropping them all leaves nothing to score."""
    how = reader("pair", columns=NLI, labels=LABELS, unlabelled="drop")
    with pytest.raises(DataError, match=r"got none \(2 rows: no label\)"):
        made(tmp_path, how, pair(-1), pair(-1))


def test_a_label_outside_the_set_is_never_dropped(tmp_path: Path) -> None:
    """It is another data set, not a row without a label."""
    how = reader("pair", columns=NLI, labels=LABELS, unlabelled="drop")
    with pytest.raises(DataError, match="got label 3; expected one of 0 entailment"):
        made(tmp_path, how, pair(0), pair(3))


def test_empty_answer_key(tmp_path: Path) -> None:
    """CommonsenseQA's test split."""
    choices = {"label": ["A", "B"], "text": ["sky", "sea"]}
    rows = [
        {"question": f"{n}?", "choices": choices, "answerKey": key} for n, key in enumerate("B ")
    ]
    with pytest.raises(DataError, match="got no label"):
        made(tmp_path / "error", reader("commonsenseqa"), *rows)
    (one,) = made(tmp_path / "drop", reader("commonsenseqa", unlabelled="drop"), *rows)
    assert one["label"] == 1


def test_tags_that_dont_fit_their_words(tmp_path: Path) -> None:
    """A token was lost without its tag."""
    how = reader("tags", columns={"tags": "pos_tags"}, labels=["NOUN", "VERB"])
    with pytest.raises(DataError, match="row c-train-0: got 2 tokens, 1 tags"):
        made(tmp_path, how, {"tokens": ["It", "rains"], "pos_tags": [1]})


def test_translated_answer_that_is_lost(tmp_path: Path) -> None:
    """Dropped and counted where the pin says so; one that moved is found again."""
    lost = row(1, answers={"text": ["London"], "answer_start": [0]})
    (kept,) = made(tmp_path, reader(), lost, row(2, start=3), max=9, unfound="drop")
    assert (kept["id"], kept["answer_starts"]) == ("q2", [24])
    repairs = {"examples": 1, "realigned": 1, "dropped": {"answer not found": 1}}
    assert read_json(tmp_path / "examples/repairs.json") == repairs


def test_one_config_twice(tmp_path: Path) -> None:
    """Its rows would be trained on, or scored, twice."""
    rows = [row(1), row(2), row(1)]
    with pytest.raises(DataError, match="row q1: got a second row of that id in language en"):
        made(tmp_path, reader(), *rows)


def test_translations_share_ids(tmp_path: Path) -> None:
    """XQuAD's configs hold the same questions in each language."""
    found = made(tmp_path, reader(), row(1), row(1, language="de", config="xquad.de"))
    assert [one["id"] for one in found] == ["q1", "q1"]


def test_withheld_labels_are_an_error_of_the_checks(tmp_path: Path) -> None:
    """Named with the cause; a pin that drops them makes it a warning."""
    rows = [{**pair(n % 3, hypothesis=f"It is wet {n}."), "language": "en"} for n in range(9)]
    rows = [{**one, "config": "c"} for one in [*rows, {**rows[0], "label": -1, "premise": "No."}]]
    folder = dataset(tmp_path, *rows)
    facts = {"name": "snli", "split": "train", "labels": LABELS}
    (folder / "dataset.json").write_text(json.dumps(facts), encoding="utf-8")
    config = {
        "suite": "classification",
        "reader": reader("pair", columns=NLI, labels=LABELS),
        "expected": {"rows": 10, "languages": {}},
        "no_answer": False,
        "realign": REALIGN,
    }
    with pytest.raises(DataError, match=r"check labelled: got 1 of 10 rows .*labels are withheld"):
        run_stage("checks", tmp_path / "error", config, {"dataset": folder})
    config["reader"] = {**config["reader"], "unlabelled": "drop"}
    run_stage("checks", tmp_path / "drop", config, {"dataset": folder})
    wrong = [one for one in read_json(tmp_path / "drop/checks.json") if not one["passed"]]
    assert [(one["name"], one["level"]) for one in wrong] == [("labelled", "warning")]
    assert wrong[0]["observed"] == "1 of 10 rows"
