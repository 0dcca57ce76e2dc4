"""Each check passes on sound rows and names the rows and the cause where it fails."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from harness.data_checks.structure import run_checks

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("context", pa.string()),
        ("question", pa.string()),
        (
            "answers",
            pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))]),
        ),
        ("language", pa.string()),
        ("config", pa.string()),
    ]
)
CONTEXT = "Paris is the capital of France."


def row(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A sound row; `text` and `start` replace the answer's, other names a column."""
    texts, starts = [changes.pop("text", "Paris")], [changes.pop("start", 0)]
    sound = {
        "id": f"q{number}",
        "context": CONTEXT,
        "question": "What is the capital?",
        "answers": {"text": texts, "answer_start": starts},
        "language": "en",
        "config": "c",
    }
    return {**sound, **changes}


def checked(*rows: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """Check name -> its outcome."""
    settings = {"expected": {"rows": None, "languages": {}}, "no_answer": False, "realign_max": 0}
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    return {one["name"]: one for one in run_checks(table, **{**settings, **options})}


def failed(*rows: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """The outcomes that didn't pass."""
    return {name: one for name, one in checked(*rows, **options).items() if not one["passed"]}


def test_sound_rows_pass_every_check() -> None:
    """Fourteen checks, thirteen of which would end the run."""
    outcomes = checked(row(1), row(2), expected={"rows": 2, "languages": {"en": 2}})
    assert [one["passed"] for one in outcomes.values()] == [True] * 14
    assert [one["name"] for one in outcomes.values() if one["level"] == "warning"] == [
        "language_script"
    ]
    assert all(one["rows"] == [] and one["cause"] == "" for one in outcomes.values())


def test_no_rows_stop_the_checks() -> None:
    """Every other check would pass on nothing."""
    assert list(checked()) == ["columns", "not_empty"]
    assert list(failed()) == ["not_empty"]


def test_missing_columns_stop_the_checks() -> None:
    """What can't be read isn't checked."""
    table = pa.table({"id": ["1"], "language": ["en"]})
    (only,) = run_checks(table, expected={}, no_answer=False, realign_max=0)
    assert (only["name"], only["passed"]) == ("columns", False)
    assert "without context, question, answers, config" in only["cause"]


@pytest.mark.parametrize("blank", ["", " \t", "\u00a0", None])
@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("id", "ids_not_blank"),
        ("question", "questions_not_blank"),
        ("context", "contexts_not_blank"),
    ],
)
def test_blank_text_fails(column: str, name: str, blank: str | None) -> None:
    """Null, empty and white space are all blank."""
    outcome = failed(row(1), row(2, **{column: blank}))[name]
    assert outcome["observed"] == "1 blank"
    assert outcome["rows"][0]["id"] == str(blank if column == "id" else "q2")


def test_repeated_id_fails() -> None:
    """Within one language."""
    outcome = failed(row(1), row(1), row(2))["ids_unique"]
    assert outcome["rows"] == [{"id": "q1", "text": "twice or more in en"}]


def test_id_may_return_in_another_language() -> None:
    """XQuAD asks each question in every language under one id."""
    french = row(1, language="fr", config="xquad.fr")
    assert failed(row(1), french) == {}


def test_unequal_lists_stop_the_checks() -> None:
    """Two texts and one start can't be read as answers."""
    answers = {"text": ["Paris", "France"], "answer_start": [0]}
    outcomes = failed(row(1), row(2, answers=answers))
    assert list(outcomes) == ["answer_lists"]
    assert outcomes["answer_lists"]["rows"][0]["id"] == "q2"


def test_unanswered_question_fails_unless_declared() -> None:
    """SQuAD 2.0 declares them."""
    unanswered = row(1, answers={"text": [], "answer_start": []})
    assert list(failed(unanswered)) == ["answered"]
    assert failed(unanswered, no_answer=True) == {}


def test_null_answers_are_no_answers() -> None:
    """A null struct, and null lists."""
    nulls = row(2, answers={"text": None, "answer_start": None})
    outcome = failed(row(1, answers=None), nulls)["answered"]
    assert outcome["observed"] == "2 questions without an answer"


def test_blank_answer_fails() -> None:
    """An empty text occurs at every offset."""
    assert "answers_not_blank" in failed(row(1, text="", start=0))


def test_answer_that_occurs_nowhere_fails_whatever_is_allowed() -> None:
    """Realigning can't repair it."""
    outcome = failed(row(1, text="London"), realign_max=9)["answers_in_context"]
    assert outcome["rows"] == [{"id": "q1", "text": "London"}]
    assert "the answers belong to other contexts" in outcome["cause"]


def test_shifted_answers_fail_and_name_the_shift() -> None:
    """France stands at 24; stated 26, as if two characters had been stripped in front."""
    rows = [row(n, text="France", start=26) for n in range(3)]
    outcome = failed(*rows)["answers_at_offset"]
    assert outcome["rows"][0] == {"id": "q0", "text": "France (26 -> 24)"}
    assert outcome["cause"] == "offsets look shifted by -2 (3 of 3): was the context stripped?"


def test_declared_realignments_pass() -> None:
    """Two are allowed, two are needed; three are too many."""
    rows = [row(n, text="France", start=26) for n in range(3)]
    assert failed(*rows[:2], realign_max=2) == {}
    assert failed(*rows, realign_max=2)["answers_at_offset"]["expected"] == "at most 2"


def test_negative_offset_is_not_read_from_the_end() -> None:
    """-7 is where "France." begins, counted from the end."""
    assert "answers_at_offset" in failed(row(1, text="France.", start=-7))


def test_byte_offsets_are_recognised() -> None:
    """Three e-acute before the answer: character 4, byte 7."""
    outcome = failed(row(1, context="ééé Paris", text="Paris", start=7))["answers_at_offset"]
    assert outcome["cause"] == "offsets count UTF-8 bytes, not characters"


def test_utf16_offsets_are_recognised() -> None:
    """An emoji before the answer is one character, two UTF-16 units, four bytes."""
    outcome = failed(row(1, context="😀 Paris", text="Paris", start=3))["answers_at_offset"]
    assert outcome["cause"] == "offsets count UTF-16 units, not characters"


def test_other_case_is_recognised() -> None:
    """The answers come from an unprocessed copy of the text."""
    outcome = failed(row(1, context="paris", text="Paris"))["answers_in_context"]
    assert "case, white space or Unicode form differs" in outcome["cause"]


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ({"rows": 3, "languages": {}}, "row_count"),
        ({"rows": None, "languages": {"en": 1, "fi": 1}}, "language_counts"),
        ({"rows": None, "languages": {"en": 1}}, "language_counts"),
        ({"rows": None, "languages": {"en": 2, "fi": 1}}, "language_counts"),
    ],
)
def test_other_counts_than_promised_fail(expected: dict[str, Any], name: str) -> None:
    """Rows, and rows of every language."""
    assert list(failed(row(1), row(2), expected=expected)) == [name]


def test_questions_in_another_script_are_a_warning() -> None:
    """Korean rows with English questions; a Latin name in a Korean question is fine."""
    mixed = row(1, language="ko", question="Paris는 어느 나라의 수도입니까?")
    outcome = failed(row(2, language="ko"))["language_script"]
    assert failed(mixed) == {}
    assert (outcome["level"], outcome["observed"]) == ("warning", {"ko": 1})
    assert outcome["rows"] == [{"id": "q2", "text": "What is the capital?"}]


def test_few_foreign_questions_are_plausible() -> None:
    """One in ten is the limit."""
    korean = [row(n, language="ko", question="수도는 어디입니까?") for n in range(9)]
    assert failed(*korean, row(9, language="ko")) == {}


def test_at_most_ten_rows_are_shown() -> None:
    """A report names examples, not a whole data set."""
    outcome = failed(*(row(n, text="London") for n in range(12)))["answers_in_context"]
    assert outcome["observed"].startswith("12 answers")
    assert len(outcome["rows"]) == 10
