"""Stage `contamination`: refuses leaked test rows, else writes what it compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stage_runs import read_json, run_stage

from harness.errors import DataError
from harness.models import ContaminationRule
from harness.records import PairExample, QaExample, TextExample, write_rows


def example(number: int, **changes: Any) -> QaExample:
    """A question unlike any other number's."""
    sound = {
        "id": f"q{number}",
        "language": "en",
        "document": f"d{number}",
        "context": f"Number {number} is {number * 7919}.",
        "question": f"What is {number * 104729}?",
        "answers": ("1",),
        "answer_starts": (0,),
    }
    return QaExample(**{**sound, **changes})


def compare(tmp_path: Path, training: list[QaExample], test: list[QaExample], **rule: str) -> Path:
    """Run the stage on a training and an evaluation set."""
    inputs = {}
    for role, rows in (("target", training), ("evaluation", test)):
        inputs[role] = tmp_path / role
        inputs[role].mkdir()
        write_rows(inputs[role] / "examples.jsonl", rows)
    sets = {
        role: {"name": f"questions {role}", "languages": ["en"], "family": "extractive_qa"}
        for role in inputs
    }
    config = {
        "family": "extractive_qa",
        "sets": sets,
        "rule": ContaminationRule(**rule).model_dump(mode="json"),
    }
    return run_stage("contamination", tmp_path / "out", config, inputs)


def test_every_comparison_is_written(tmp_path: Path) -> None:
    """Found or not, so that a report can say what was looked for."""
    out = compare(tmp_path, [example(1)], [example(2, document="d1"), example(3)])
    found = read_json(out / "contamination.json")
    kinds = ["language", "example", "context", "document", "question", "id"]
    assert [one["by"] for one in found] == kinds
    assert [one["by"] for one in found if not one["passed"]] == ["document"]


def test_lengths_are_counted_in_bins(tmp_path: Path) -> None:
    """Characters; an edge belongs to the bin that it begins."""
    rows = [example(n, context=str(n) + "x" * length) for n, length in ((1, 0), (2, 123), (3, 124))]
    out = compare(tmp_path, rows, [example(4, context="y" * 99_999)])
    lengths = read_json(out / "lengths.json")
    assert lengths["target"]["edges"][:2] == [0, 125]
    assert lengths["target"]["counts"][:3] == [2, 1, 0]
    assert lengths["evaluation"]["counts"][-1] == 1


def test_leaked_rows_end_the_run(tmp_path: Path) -> None:
    """The message names both sets, how many, which, and why; nothing is written."""
    leaked = example(2, id="copy", question=example(2).question.upper())
    with pytest.raises(DataError) as caught:
        compare(tmp_path, [example(1), leaked], [example(2), example(3)])
    assert caught.value.exit_code == 3
    message = str(caught.value)
    assert message.startswith("contamination: questions target against questions evaluation: ")
    assert "got 1 of 2 test rows that stand in the training data with their context" in message
    assert "(1 exactly, 0 nearly; e.g. copy = q2: WHAT IS 209458?" in message
    assert "Likely cause: the training file holds test rows" in message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_claim_may_accept_them(tmp_path: Path) -> None:
    """Then they are a finding like others."""
    out = compare(tmp_path, [example(2)], [example(2)], train_test="warning")
    found = {one["by"]: one for one in read_json(out / "contamination.json")}
    assert (found["example"]["level"], found["example"]["passed"]) == ("warning", False)


def test_other_languages_end_the_run(tmp_path: Path) -> None:
    """Of the training set alone."""
    with pytest.raises(DataError, match=r"questions target: got 1 of 2 training rows in a lang"):
        compare(tmp_path, [example(1), example(2, language="te")], [example(3)])


def test_sets_of_several_families(tmp_path: Path) -> None:
    """Pairs before questions, and running text beside them; each set says its own family."""
    pairs = [
        PairExample(id="p", language="en", document="d", first="Rain.", second="Wet.", label="no")
    ]
    text = "A head\n" + "Rain fell. " * 30
    articles = [TextExample(id="a", language="en", document="Rain", text=text)]
    rows = {
        "target": ("extractive_qa", [example(1)]),
        "intermediate 1": ("classification", pairs),
        "intermediate 2": ("masked_lm", articles),
        "evaluation": ("extractive_qa", [example(2)]),
    }
    sets, inputs = {}, {}
    for role, (family, some) in rows.items():
        sets[role] = {"name": role, "languages": ["en"], "family": family}
        inputs[role] = tmp_path / role
        inputs[role].mkdir()
        write_rows(inputs[role] / "examples.jsonl", some)
    rule = ContaminationRule().model_dump(mode="json")
    config = {"family": "extractive_qa", "sets": sets, "rule": rule}
    out = run_stage("contamination", tmp_path / "out", config, inputs)
    found = read_json(out / "contamination.json")
    assert {(one["training"], one["against"]) for one in found} == {
        *((role, role) for role in sets if role != "evaluation"),
        *((role, "evaluation") for role in sets if role != "evaluation"),
        ("intermediate 1", "target"),
        ("intermediate 2", "target"),
    }
    levels = {one["level"] for one in found if one["training"] == "intermediate 2"}
    assert levels == {"info", "error"}
    assert next(one["by"] for one in found if one["training"] == "intermediate 2") == "language"
    # 337 characters of running text stand in the bin from 250 on.
    assert read_json(out / "lengths.json")["intermediate 2"]["counts"][:4] == [0, 0, 1, 0]
