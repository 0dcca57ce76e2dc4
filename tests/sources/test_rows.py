"""Parquet and SQuAD's JSON -> Arrow tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources_data import parquet

from harness.errors import DataError
from harness.sources.rows import parquet_rows, read_rows

ROW: dict[str, Any] = {
    "id": "1",
    "context": "The answer is here.",
    "question": "Which?",
    "answers": {"text": ["answer"], "answer_start": [4]},
}


def squad(**question: Any) -> dict[str, Any]:
    """A SQuAD document of one question; `question` replaces its keys."""
    qa = {"id": "1", "question": "Which?", "answers": [{"text": "answer", "answer_start": 4}]}
    paragraph = {"context": "The answer is here.", "qas": [{**qa, **question}]}
    return {"version": "1.1", "data": [{"title": "Answers", "paragraphs": [paragraph]}]}


def written(tmp_path: Path, document: Any) -> Path:
    """`document` as a JSON file."""
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_parquet_is_read_without_metadata(tmp_path: Path) -> None:
    """Two conversions of the same rows give equal schemas."""
    table = pa.Table.from_pylist([ROW]).replace_schema_metadata({"huggingface": "{}"})
    pq.write_table(table, tmp_path / "a.parquet")
    read = read_rows(tmp_path / "a.parquet")
    assert (read.num_rows, read.schema.metadata) == (1, None)


def test_rows_are_counted_by_the_footer(tmp_path: Path) -> None:
    """Three ids, three rows."""
    (tmp_path / "a.parquet").write_bytes(parquet("a", "b", "c"))
    assert parquet_rows(tmp_path / "a.parquet") == 3


@pytest.mark.parametrize("keep", [0, 3, 40, -1])
def test_truncated_parquet_is_refused(tmp_path: Path, keep: int) -> None:
    """Wherever it was cut."""
    (tmp_path / "a.parquet").write_bytes(parquet("a")[:keep])
    with pytest.raises(DataError, match="expected a whole Parquet file"):
        read_rows(tmp_path / "a.parquet")


def test_corrupt_page_is_refused(tmp_path: Path) -> None:
    """The footer is whole, the data isn't."""
    data = bytearray(parquet("a", "b"))
    data[4:60] = bytes(56)
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(DataError, match="expected a whole Parquet file"):
        read_rows(tmp_path / "a.parquet")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """No traceback of the library."""
    with pytest.raises(DataError, match="expected a whole Parquet file"):
        read_rows(tmp_path / "none.parquet")


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    """The suffix decides."""
    with pytest.raises(DataError, match=r"got a \.csv file"):
        read_rows(tmp_path / "a.csv")


def test_absurd_number_of_rows_is_refused(tmp_path: Path, monkeypatch) -> None:
    """A tiny file may claim more rows than the memory holds."""
    monkeypatch.setattr("harness.sources.rows.MAX_ROWS", 1)
    (tmp_path / "a.parquet").write_bytes(parquet("a", "b"))
    with pytest.raises(DataError, match="got 2 rows"):
        read_rows(tmp_path / "a.parquet")


def test_squad_json_has_the_same_rows(tmp_path: Path) -> None:
    """One row for each question, title included."""
    table = read_rows(written(tmp_path, squad()))
    assert table.to_pylist() == [{"title": "Answers", **ROW}]


def test_unanswerable_question_has_empty_answers(tmp_path: Path) -> None:
    """SQuAD 2.0's plausible answers are not answers."""
    table = read_rows(written(tmp_path, squad(is_impossible=True)))
    assert table.to_pylist()[0]["answers"] == {"text": [], "answer_start": []}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "nothing for `data` in the document"),
        ({"data": [{}]}, r"nothing for `paragraphs` in data\[0\]"),
        (squad(id=None), r"nothing for `id` in data\[0\].paragraphs\[0\].qas\[0\]"),
        (squad(question=3), r"int for `question` in .*; expected str"),
        (squad(answers=["answer"]), r"nothing for `text` in .*answers\[0\]"),
        (squad(answers=[{"text": "a", "answer_start": True}]), "bool for `answer_start`"),
        (squad(answers=[{"text": "a", "answer_start": 1 << 40}]), "expected SQuAD's types"),
    ],
)
def test_malformed_squad_json_names_the_place(tmp_path: Path, document, message) -> None:
    """The path of keys says what to mend."""
    with pytest.raises(DataError, match=message):
        read_rows(written(tmp_path, document))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '"\ud800"'])
def test_broken_json_is_refused(tmp_path: Path, text: str) -> None:
    """Cut off, nested without end, not UTF-8."""
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match="expected readable JSON in UTF-8"):
        read_rows(tmp_path / "a.json")
