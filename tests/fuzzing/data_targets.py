"""Targets that read data: every reader of `harness.sources`, the scorers, the predictions."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from fuzzing.mutations import as_json, damaged_bytes, damaged_tree
from harness.metrics import SCORERS
from harness.metrics.families import Language, score_language
from harness.models import Family
from harness.records import read_examples, read_predictions
from harness.score_files import score_files
from harness.sources import ccgbank, files, readers, rows, schemas

NLI = ("entailment", "neutral", "contradiction")
ROWS: dict[str, dict[str, Any]] = {
    "squad": {
        "id": "q1",
        "title": "Paris",
        "context": "Paris is in France.",
        "question": "Where?",
        "answers": {"text": ["France"], "answer_start": [12]},
    },
    "pair": {"first": "It rains.", "second": "It is wet.", "label": 2},
    "hellaswag": {
        "ctx_a": "A man stands.",
        "ctx_b": "He",
        "endings": ["sits.", "runs."],
        "label": "1",
        "source_id": "video~7",
    },
    "cosmosqa": {
        "id": "c1",
        "context": "It rained.",
        "question": "Why?",
        **{f"answer{place}": f"Because {place}." for place in range(4)},
        "label": 3,
    },
    "commonsenseqa": {
        "id": "k1",
        "question": "Where is rain?",
        "question_concept": "rain",
        "choices": {"label": ["A", "B"], "text": ["sky", "sea"]},
        "answerKey": "B",
    },
    "tags": {"tokens": ["It", "rains"], "tags": [1, 0]},
    "ccgbank": {"id": "w.1", "document": "w", "tokens": ["It", "rains"], "tags": ["NP", "S\\NP"]},
    "tatoeba": {"source_sentence": "Es regnet.\n", "target_sentence": "It rains.\n"},
    "bucc": {"sentence1": ["Ja.", "Es regnet."], "sentence2": ["It rains."], "gold": [[2, 1]]},
    "text": {"id": "9", "title": "Rain", "text": "It rains.\nStill."},
}
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "Paris",
            "paragraphs": [
                {
                    "context": "Paris is in France.",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Where?",
                            "answers": [{"text": "France", "answer_start": 12}],
                        },
                        {"id": "q2", "question": "Who?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}
AUTO = (
    b"ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n"
    b"(<T S[dcl] 0 2> (<L NP PRP PRP It NP>) (<L S[dcl]\\NP VBZ VBZ rains S[dcl]\\NP>) )\n"
)
# A second column's metadata is what `datasets` writes into the files of the Hub.
FEATURES = {"info": {"features": {"label": {"names": list(NLI), "_type": "ClassLabel"}}}}


def parquet(row: dict[str, Any], **options: Any) -> bytes:
    """A Parquet file of three such rows."""
    stream = io.BytesIO()
    table = pa.Table.from_pylist([row] * 3)
    table = table.replace_schema_metadata({b"huggingface": json.dumps(FEATURES).encode()})
    pq.write_table(table, stream, **options)
    return stream.getvalue()


def _pipeline(name: str, path: Path) -> None:
    """A file -> checked types -> examples, as the stages `dataset` and `examples` do it."""
    reader = {"name": name, "columns": {}, "labels": [], "unlabelled": "drop"}
    rows.parquet_rows(path)
    stored = rows.parquet_labels(path)
    rows.read_rows(path, 2)
    table = schemas.typed(rows.read_rows(path), reader, "fuzzed")
    labels = schemas.label_names(reader, [stored, {"tags": NLI}], "fuzzed")
    _examples(name, table, labels)


def _examples(name: str, table: pa.Table, labels: Sequence[str]) -> None:
    for number, values in enumerate(table.to_pylist()):
        row = readers.Row(id=f"c-{number}", language="en", values=values, labels=labels)
        try:
            list(readers.read(name, row))
        except readers.UnlabelledError:
            continue


def parquet_bytes() -> st.SearchStrategy[Any]:
    """Sound files of every reader, damaged byte by byte."""
    sound = [(name, parquet(row)) for name, row in ROWS.items()]
    sound += [(name, parquet(row, compression="none")) for name, row in ROWS.items()]
    return st.sampled_from(sound).flatmap(
        lambda one: st.tuples(st.just(one[0]), damaged_bytes([one[1]]))
    )


def read_parquet_bytes(value: Any, folder: Path) -> None:
    """The whole way."""
    path = folder / "fuzzed.parquet"
    path.write_bytes(value[1])
    _pipeline(value[0], path)


def parquet_tables() -> st.SearchStrategy[Any]:
    """Well-formed files of rows that aren't what they should be."""
    return st.sampled_from(sorted(ROWS)).flatmap(
        lambda name: st.tuples(st.just(name), damaged_tree([[ROWS[name]] * 2]))
    )


def read_parquet_tables(value: Any, folder: Path) -> None:
    """What Arrow can't hold at all isn't a file."""
    path = folder / "fuzzed.parquet"
    try:
        table = pa.Table.from_pylist([one for one in value[1] if isinstance(one, dict)])
        pq.write_table(table, path)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, AttributeError):
        return
    _pipeline(value[0], path)


def squad_json() -> st.SearchStrategy[Any]:
    """Damaged documents, and damaged bytes of a sound one."""
    return st.one_of(damaged_tree([SQUAD]).map(as_json), damaged_bytes([as_json(SQUAD)]))


def read_squad_json(value: bytes, folder: Path) -> None:
    """The whole way."""
    path = folder / "fuzzed.json"
    path.write_bytes(value)
    reader = {"name": "squad", "columns": {}, "labels": [], "unlabelled": "drop"}
    table = schemas.typed(rows.read_rows(path), reader, "fuzzed")
    _examples("squad", table, ())
    pq.write_table(table, folder / "rows.parquet")


def auto() -> st.SearchStrategy[Any]:
    """CCGbank's files."""
    return damaged_bytes([AUTO, AUTO * 3])


def read_auto(value: bytes, folder: Path) -> None:
    """The whole way."""
    path = folder / "wsj_0001.auto"
    path.write_bytes(value)
    _examples("ccgbank", ccgbank.read_auto([path]), ())


def brought() -> st.SearchStrategy[Any]:
    """Names of files, as a pin has them."""
    sound = ("{02..21}/*.auto", "train/*.json", "a.json")
    return st.one_of(st.sampled_from(sound), st.text("{}.0123456789*/[]a", max_size=30))


def locate_brought(value: str, folder: Path) -> None:
    """Nothing outside the folder is ever found."""
    inside = folder / "brought"
    inside.mkdir(exist_ok=True)
    (inside / "a.json").write_text("{}")
    (folder / "secret.json").write_text("{}")
    paths, _ = files.locate({"x": inside}, "x", value)
    for path in paths:
        assert path.resolve().is_relative_to(inside.resolve()), path


GOLD_LINES: dict[str, tuple[tuple[bytes, bytes], Any]] = {
    "labels": ((b"entailment\nneutral\n", b"neutral\nneutral\n"), NLI),
    "tags": ((b"B-PER\nO\n\nO\n", b"B-PER\nI-PER\n\nO\n"), "data"),
    "pairs": ((b"de-1\ten-1\nde-2\ten-2\n", b"de-1\ten-1\nde-9\ten-2\n"), ()),
}


def scored() -> st.SearchStrategy[Any]:
    """A scorer, its labels, a gold file and a prediction file, one or both damaged."""
    return st.sampled_from(sorted(SCORERS)).flatmap(_files_of)


def _files_of(name: str) -> st.SearchStrategy[Any]:
    reads = SCORERS[name].reads
    if reads == "answers":
        answers = {"q1": "France", "q2": ""}
        gold, found = as_json(SQUAD), as_json(answers)
        bad_gold = st.one_of(damaged_tree([SQUAD]).map(as_json), damaged_bytes([gold]))
        bad_found = st.one_of(damaged_tree([answers]).map(as_json), damaged_bytes([found]))
        labels: Any = ()
    else:
        (gold, found), labels = GOLD_LINES[reads]
        bad_gold, bad_found = damaged_bytes([gold]), damaged_bytes([found])
    both = st.one_of(
        st.tuples(st.just(gold), bad_found),
        st.tuples(bad_gold, st.just(found)),
        bad_gold.map(lambda one: (one, one)),
    )
    language = st.sampled_from(("en", "zh", "ar", "de", "xx"))
    known = st.sampled_from((labels, "index", "data"))
    return st.tuples(st.just(name), language, both, known)


def score(value: Any, folder: Path) -> None:
    """As `harness score` does; points are points."""
    name, language, both, labels = value
    gold, predictions = folder / "gold", folder / "predictions"
    gold.write_bytes(both[0])
    predictions.write_bytes(both[1])
    result = score_files("task", name, language, gold, predictions, labels)
    for metric, points in result.items():
        if isinstance(points, float):
            assert 0 <= points <= 100, (metric, points)
    json.dumps(result, allow_nan=False).encode()


EXAMPLES: dict[Family, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "extractive_qa": (
        "squad_v1",
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "context": "Paris is in France.",
            "question": "Where?",
            "answers": ["France"],
            "answer_starts": [12],
        },
        {"id": "q1", "text": "France", "score": 1.5, "start": 12, "end": 18},
    ),
    "classification": (
        "accuracy",
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "first": "a",
            "second": "b",
            "label": "neutral",
        },
        {"id": "q1", "label": "neutral", "logits": [0.1, 0.9]},
    ),
    "multiple_choice": (
        "accuracy",
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "context": "a",
            "question": "",
            "choices": ["a", "b"],
            "label": 1,
        },
        {"id": "q1", "label": "1", "logits": [0.1, 0.9]},
    ),
    "tagging": (
        "seqeval",
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "words": ["Al", "is"],
            "tags": ["B-PER", "O"],
        },
        {"id": "q1", "tags": ["B-PER", "O"]},
    ),
    "retrieval": (
        "bucc_f1",
        {
            "id": "q1",
            "language": "de",
            "document": "d",
            "side": "foreign",
            "text": "Ja.",
            "mates": ["e1"],
        },
        {"id": "q1", "mate": "e1", "score": 1.1},
    ),
}
ENGLISH = {**EXAMPLES["retrieval"][1], "id": "e1", "side": "english", "mates": ["q1"]}


def predicted() -> st.SearchStrategy[Any]:
    """A family, its examples and predictions as JSON lines, damaged."""
    return st.sampled_from(sorted(EXAMPLES)).flatmap(_lines_of)


def _lines_of(family: Family) -> st.SearchStrategy[Any]:
    _, example, prediction = EXAMPLES[family]
    gold = [example, ENGLISH] if family == "retrieval" else [example]
    return st.tuples(st.just(family), _damaged_lines(gold), _damaged_lines([prediction]))


def _damaged_lines(rows_: list[Any]) -> st.SearchStrategy[bytes]:
    sound = b"".join(as_json(one) + b"\n" for one in rows_)
    trees = damaged_tree([rows_], most=2).map(_joined)
    return st.one_of(st.just(sound), st.just(sound), trees, damaged_bytes([sound]))


def _joined(value: Any) -> bytes:
    parts = value if isinstance(value, list) else [value]
    return b"".join(as_json(one, ascii_only=False) + b"\n" for one in parts)


def read_predicted(value: Any, folder: Path) -> None:
    """As the stage `score` reads them."""
    family, gold, found = value
    for name, data in (("gold", gold), ("found", found)):
        (folder / name).write_bytes(data)
    one = Language(
        scorer=EXAMPLES[family][0],
        labels=(),
        language="en",
        examples=read_examples(folder / "gold", family),
        predictions=read_predictions(folder / "found", family),
    )
    json.dumps(dict(score_language(family, one).figures), allow_nan=False)


TARGETS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[[Any, Path], None]]] = {
    "parquet-bytes": (parquet_bytes, read_parquet_bytes),
    "parquet-tables": (parquet_tables, read_parquet_tables),
    "squad-json": (squad_json, read_squad_json),
    "ccgbank": (auto, read_auto),
    "brought-files": (brought, locate_brought),
    "score": (scored, score),
    "predictions": (predicted, read_predicted),
}
