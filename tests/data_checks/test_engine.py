"""The suite of extractive QA on small tables: what passes, fails, stops and raises."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from harness.data_checks.engine import run_plan
from harness.data_checks.gx import gx
from harness.data_checks.suites import Check, Plan, plan_checks
from harness.errors import ManifestError

ANSWERS = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("context", pa.string()),
        ("question", pa.string()),
        ("answers", ANSWERS),
        ("language", pa.string()),
        ("config", pa.string()),
    ]
)
CONTEXT = "Paris is the capital of France."
RUN = {"rows": None, "languages": {}, "no_answer": False, "realign": 0}


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A sound row; `text` and `start` replace the answer's, other names a column."""
    texts, starts = [changes.pop("text", "Paris")], [changes.pop("start", 0)]
    sound = {
        "id": f"q{number}",
        "context": CONTEXT,
        "question": f"What is the capital of France, number {number}?",
        "answers": {"text": texts, "answer_start": starts},
        "language": "en",
        "config": "c",
    }
    return {**sound, **changes}


def checked(*rows: Mapping[str, Any], **run: Any) -> dict[str, dict[str, Any]]:
    """Check name -> its outcome."""
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    plan = plan_checks("extractive_qa", "capitals", {**RUN, **run})
    return {one["name"]: one for one in run_plan(table, plan)}


def failed(*rows: Mapping[str, Any], **run: Any) -> dict[str, dict[str, Any]]:
    """The outcomes that didn't pass."""
    return {name: one for name, one in checked(*rows, **run).items() if not one["passed"]}


def custom(*checks: Check) -> Plan:
    """A plan of these checks alone."""
    return Plan(path=Path("own.yaml"), rows_by="id", shows="question", gate=(), checks=checks)


def check(kind: str, **kwargs: Any) -> Check:
    """A check of level error."""
    return Check(name="one", type=kind, level="error", expect="x", cause="y", kwargs=kwargs)


def test_no_rows_stop_the_checks() -> None:
    """Great Expectations would pass every other check on nothing."""
    outcomes = checked()
    assert [name for name, one in outcomes.items() if not one["passed"]] == ["not_empty"]
    assert "row_count" not in outcomes


def test_missing_columns_stop_the_checks() -> None:
    """What can't be read isn't checked."""
    table = pa.table({"id": ["1"], "language": ["en"]})
    results = run_plan(table, plan_checks("extractive_qa", "capitals", RUN))
    outcome = next(one for one in results if one["name"] == "columns")
    assert not outcome["passed"]
    assert "row_count" not in [one["name"] for one in results]


def test_check_that_raises_has_failed() -> None:
    """A column that isn't there; the reason is the cause."""
    table = pa.Table.from_pylist([row()], schema=SCHEMA)
    (one,) = run_plan(table, custom(check("expect_column_values_to_be_unique", column="nope")))
    assert not one["passed"]
    assert one["cause"].startswith("the check itself failed: ")
    assert "nope" in one["observed"]


@pytest.mark.parametrize(
    "wrong",
    [check("expect_nothing_known"), check("expect_text_to_be", column="id", colour="red")],
    ids=["type", "argument"],
)
def test_unknown_expectation_is_a_manifest_error(wrong: Check) -> None:
    """With the file that names it."""
    table = pa.Table.from_pylist([row()], schema=SCHEMA)
    with pytest.raises(ManifestError, match=r"own\.yaml: one"):
        run_plan(table, custom(wrong))


def test_nothing_is_sent_or_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No connection, no progress bar, no telemetry."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert failed(row(1), row(2)) == {}
    assert capfd.readouterr() == ("", "")
    assert gx.get_context(mode="ephemeral").config.analytics_enabled is not True


@pytest.mark.parametrize("blank", ["", " \t", "\u00a0"])
@pytest.mark.parametrize("column", ["id", "question", "context"])
def test_blank_text_fails(column: str, blank: str) -> None:
    """Empty and white space are blank."""
    outcome = failed(row(1), row(2, **{column: blank}))[f"not_blank.{column}"]
    assert outcome["observed"] == "1 of 2 rows"
    assert outcome["rows"][0]["id"] == (blank if column == "id" else "q2")


def test_null_fails() -> None:
    """In every required column."""
    assert list(failed(row(1), row(2, question=None))) == ["not_null.question", "text.question"][:1]


def test_id_may_return_in_another_language() -> None:
    """XQuAD asks each question in every language under one id."""
    german = row(1, language="de", config="xquad.de", question="Was ist die Hauptstadt?")
    assert "ids_unique" not in failed(row(1), german)
    assert "ids_unique" in failed(row(1), row(1))


def test_unanswered_question_fails_unless_declared() -> None:
    """SQuAD 2.0 declares them."""
    unanswered = row(1, answers={"text": [], "answer_start": []})
    assert list(failed(unanswered)) == ["answered"]
    assert failed(unanswered, no_answer=True) == {}


def test_shifted_answers_name_the_shift() -> None:
    """France stands at 24; stated 26, as if two characters had been stripped in front."""
    outcome = failed(*(row(n, text="France", start=26) for n in range(3)))["answers_at_offset"]
    assert outcome["rows"][0] == {"id": "q0", "text": "France (26 -> 24)"}
    assert outcome["cause"] == "offsets look shifted by -2 (3 of 3): was the context stripped?"


def test_declared_realignments_pass_and_are_reported() -> None:
    """Two are allowed, two are needed; three are too many."""
    rows = [row(n, text="France", start=26) for n in range(3)]
    assert list(failed(*rows[:2], realign=2)) == ["answers_to_realign"]
    assert failed(*rows, realign=2)["answers_at_offset"]["expected"] == "at most 2"


def test_answer_that_occurs_nowhere_fails_whatever_is_allowed() -> None:
    """Realigning can't repair it."""
    outcome = failed(row(1, text="London"), realign=9)["answers_in_context"]
    assert outcome["rows"] == [{"id": "q1", "text": "London"}]
    assert "the answers belong to other contexts" in outcome["cause"]


@pytest.mark.parametrize(
    ("changes", "check_name", "cause"),
    [
        ({"text": "France.", "start": -7}, "answers_at_offset", "shifted"),
        (
            {"context": "ééé Paris", "start": 7},
            "answers_at_offset",
            "offsets count UTF-8 bytes, not characters",
        ),
        (
            {"context": "😀 Paris", "start": 3},
            "answers_at_offset",
            "offsets count UTF-16 units, not characters",
        ),
        ({"context": "paris"}, "answers_in_context", "case, white space or Unicode form differs"),
    ],
)
def test_cause_of_a_wrong_offset(changes: dict[str, Any], check_name: str, cause: str) -> None:
    """Negative (never counted from the end), in bytes, in UTF-16 units, in another case."""
    assert cause in failed(row(1, **changes))[check_name]["cause"]


@pytest.mark.parametrize(
    ("run", "name"),
    [
        ({"rows": 3}, "row_count"),
        ({"languages": {"en": 1, "fi": 1}}, "language_counts"),
        ({"languages": {"en": 1}}, "language_counts"),
        ({"languages": {"fi": 2}}, "language_counts"),
    ],
)
def test_other_counts_than_promised_fail(run: dict[str, Any], name: str) -> None:
    """Rows, and rows of every language."""
    assert list(failed(row(1), row(2), **run)) == [name]


def test_at_most_ten_rows_are_shown() -> None:
    """A report names examples, not a whole data set."""
    outcome = failed(*(row(n, text="London") for n in range(12)))["answers_in_context"]
    assert outcome["observed"].startswith("12 answers")
    assert len(outcome["rows"]) == 10
