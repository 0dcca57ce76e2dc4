"""The columns of each reader: names, types, and the names of labels."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from harness.errors import DataError
from harness.sources.schemas import (
    ANSWERS,
    SCHEMAS,
    class_labels,
    columns_of,
    from_rows,
    label_names,
    typed,
)

ROW: dict[str, Any] = {
    "id": "1",
    "context": "The answer is here.",
    "question": "Which?",
    "answers": {"text": ["answer"], "answer_start": [4]},
}


def reader(name: str = "squad", **changes: Any) -> dict[str, Any]:
    """A stage's `reader`."""
    return {"name": name, "columns": {}, "labels": [], "unlabelled": "error", **changes}


PAIR = reader("pair", columns={"first": "premise", "second": "hypothesis"})
NLI = ("entailment", "neutral", "contradiction")


def test_columns_get_their_canonical_type() -> None:
    """Large strings and swapped struct fields, as other conversions have them."""
    answers = pa.struct(
        [("answer_start", pa.list_(pa.int64())), ("text", pa.large_list(pa.large_string()))]
    )
    schema = pa.schema([("id", pa.large_string()), ("context", pa.string())])
    schema = schema.append(pa.field("question", pa.string())).append(pa.field("answers", answers))
    table = typed(pa.Table.from_pylist([ROW], schema=schema), reader(), "here")
    kinds = {name: table.schema.field(name).type for name in table.column_names}
    assert kinds == dict(SCHEMAS["squad"].columns)
    assert table.to_pylist() == [ROW]


def test_null_answers_stay_null() -> None:
    """The data checks refuse them; here nothing is made up."""
    table = typed(pa.Table.from_pylist([ROW, {**ROW, "answers": None}]), reader(), "here")
    assert table.column("answers").to_pylist() == [ROW["answers"], None]


def test_missing_columns_are_named() -> None:
    """Another data set under the pinned name; names are the data set's own."""
    table = pa.table({"premise": ["a"], "labels": [0]})
    with pytest.raises(DataError, match="got columns premise, labels; expected hypothesis, label "):
        typed(table, PAIR, "here")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 7},
        {"answers": [{"text": "answer", "answer_start": 4}]},
        {"answers": {"text": ["answer"]}},
        {"answers": {"text": ["answer"], "answer_start": ["four"]}},
        {"answers": {"text": [7], "answer_start": [[4]]}},
    ],
)
def test_wrong_types_are_refused(changes: dict[str, Any]) -> None:
    """Nothing is converted that would change a value's meaning."""
    with pytest.raises(DataError, match=f"here, column `{next(iter(changes))}`"):
        typed(pa.Table.from_pylist([{**ROW, **changes}]), reader(), "here")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("pair", {"first": ["a"], "second": ["b"], "label": ["neutral"]}),
        ("pair", {"first": ["a"], "second": ["b"], "label": [1.0]}),
        ("tags", {"tokens": [["a"]], "tags": [["NOUN"]]}),
        ("tags", {"tokens": ["a"], "tags": [[1]]}),
        ("commonsenseqa", {"question": ["a"], "choices": [["a"]], "answerKey": ["A"]}),
        ("bucc", {"sentence1": [["a"]], "sentence2": [["a"]], "gold": [[1, 1]]}),
    ],
)
def test_each_reader_has_its_types(name: str, columns: dict[str, Any]) -> None:
    """Labels are whole numbers, tokens are lists, gold pairs are lists of lists."""
    with pytest.raises(DataError, match="expected "):
        typed(pa.table(columns), reader(name), "here")


def test_a_name_for_an_unknown_column_is_refused() -> None:
    """A slip in the pin would otherwise leave the column at its usual name."""
    with pytest.raises(
        DataError, match="got a name for column tag; expected names for tokens, tags"
    ):
        columns_of(reader("tags", columns={"tag": "pos_tags"}))


def test_generated_rows_get_the_readers_types() -> None:
    """Also where every list is empty, which tells no type; other columns keep theirs."""
    row = {**ROW, "answers": {"text": [], "answer_start": []}, "extra": 3}
    table = from_rows([row], reader())
    assert table.schema.field("answers").type == ANSWERS
    assert table.to_pylist() == [row]


@pytest.mark.parametrize("kind", ["Sequence", "List"])
def test_label_names_are_read_from_the_files_metadata(kind: str) -> None:
    """A ClassLabel, or a list of them in either spelling; other columns have none."""
    label = {"names": list(NLI), "_type": "ClassLabel"}
    features = {"label": label, "tags": {"feature": label, "_type": kind}, "text": {"dtype": "x"}}
    info = json.dumps({"info": {"features": features}})
    schema = pa.schema([("label", pa.int64())]).with_metadata({"huggingface": info})
    assert class_labels(schema) == {"label": NLI, "tags": NLI}


@pytest.mark.parametrize("metadata", [None, {"huggingface": "{"}, {"huggingface": '{"info": 3}'}])
def test_metadata_without_features_name_nothing(metadata: dict[str, str] | None) -> None:
    """Other tools write other metadata, or none."""
    assert class_labels(pa.schema([("label", pa.int64())], metadata=metadata)) == {}


def test_names_come_from_pin_or_file() -> None:
    """Whichever has them."""
    assert label_names({**PAIR, "labels": list(NLI)}, [{}], "here") == list(NLI)
    assert label_names(PAIR, [{"label": NLI}], "here") == list(NLI)
    assert label_names(reader(), [{}], "here") == []


@pytest.mark.parametrize(
    ("labels", "stored", "message"),
    [
        (["neutral", "entailment", "contradiction"], [{"label": NLI}], "got labels entailment, n"),
        ([], [{"label": NLI}, {"label": NLI[::-1]}], "expected entailment, neutral, contradiction"),
        ([], [{}], "numbers that neither the pin nor the file names"),
    ],
)
def test_names_that_disagree_are_refused(labels, stored, message: str) -> None:
    """Matched by name: another order would turn every label into another."""
    with pytest.raises(DataError, match=message):
        label_names({**PAIR, "labels": labels}, stored, "here")
