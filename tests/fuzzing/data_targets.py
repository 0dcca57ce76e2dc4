"""Targets that read data: every reader of `harness.sources`, the scorers, the predictions."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from fuzzing.mutations import as_json, damaged_bytes, damaged_tree
from fuzzing.sound import (
    AUTO,
    ENGLISH,
    EXAMPLES,
    GOLD_LINES,
    NLI,
    RENAMED,
    ROWS,
    SQUAD,
    WITHHELD,
    parquet,
)
from harness.metrics import SCORERS
from harness.metrics.families import Language, score_language
from harness.models import Family
from harness.records import read_examples, read_predictions
from harness.score_files import score_files
from harness.sources import bert_folder, ccgbank, embedded, files, readers, rows, schemas


def _pipeline(name: str, path: Path, said: Any = None) -> None:
    """A file -> checked types -> examples, as the stages `dataset` and `examples` do it.

    `said` is what a pin says of columns and labels.
    """
    reader = {"name": name, "columns": {}, "labels": [], "unlabelled": "drop", **(said or {})}
    rows.parquet_rows(path)
    stored = rows.parquet_labels(path)
    rows.read_rows(path, 2)
    table = schemas.typed(rows.read_rows(path), reader, "fuzzed")
    column = reader["columns"].get("tags", "tags")
    labels = schemas.label_names(reader, [stored, {column: NLI}], "fuzzed")
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
    """Well-formed files of rows that aren't what they should be, and what a pin says of them."""
    return st.sampled_from(sorted(ROWS)).flatmap(
        lambda name: st.tuples(
            st.just(name),
            damaged_tree([[ROWS[name]] * 2, [WITHHELD[name], ROWS[name]], [_renamed(name)]]),
            st.sampled_from(
                (None, {"labels": list(NLI)}, {"columns": RENAMED.get(name, {"no": "such"})})
            ),
        )
    )


def _renamed(name: str) -> dict[str, Any]:
    return {RENAMED.get(name, {}).get(key, key): value for key, value in ROWS[name].items()}


def read_parquet_tables(value: Any, folder: Path) -> None:
    """What Arrow can't hold at all isn't a file."""
    path = folder / "fuzzed.parquet"
    try:
        table = pa.Table.from_pylist([one for one in value[1] if isinstance(one, dict)])
        pq.write_table(table, path)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, AttributeError):
        return
    _pipeline(value[0], path, value[2])


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
    """Names of files, as a pin has them, and whether it says what their bytes are."""
    sound = ("{02..03}/*.auto", "{02..21}/*.auto", "train/*.json", "a.json")
    name = st.text("{}.0123456789*/[]a", max_size=30)
    near = damaged_bytes([one.encode() for one in sound]).map(lambda one: one.decode("latin-1"))
    return st.tuples(st.one_of(st.sampled_from(sound), near, name), st.sampled_from((None, "a")))


def locate_brought(value: Any, folder: Path) -> None:
    """Nothing outside the folder is ever found."""
    inside = folder / "brought"
    inside.mkdir(exist_ok=True)
    for name in ("a.json", "02/wsj_0201.auto", "03/wsj_0301.auto", "train/a.json"):
        (inside / name).parent.mkdir(exist_ok=True)
        (inside / name).write_text("{}")
    (folder / "secret.json").write_text("{}")
    paths, _ = files.locate({"x": inside}, "x", *value)
    for path in paths:
        assert path.resolve().is_relative_to(inside.resolve()), path


def scored() -> st.SearchStrategy[Any]:
    """A scorer, its labels, a gold file and a prediction file, one or both damaged."""
    return st.sampled_from(sorted(SCORERS)).flatmap(_files_of)


def _files_of(name: str) -> st.SearchStrategy[Any]:
    reads = SCORERS[name].reads
    if reads == "answers":
        # Only squad_v2 has questions without an answer.
        empty = name == "squad_v2"
        answers = {"q1": "France", "q2": ""} if empty else {"q1": "in  France!"}
        sound = SQUAD if empty else {**SQUAD, "data": [_answered(SQUAD["data"][0])]}
        gold, found = as_json(sound), as_json(answers)
        bad_gold = st.one_of(damaged_tree([sound]).map(as_json), damaged_bytes([gold]))
        bad_found = st.one_of(damaged_tree([answers]).map(as_json), damaged_bytes([found]))
        labels: Any = ()
    else:
        (gold, found), labels = GOLD_LINES[reads]
        bad_gold, bad_found = damaged_bytes([gold]), damaged_bytes([found])
    both = st.one_of(
        st.tuples(st.just(gold), bad_found),
        st.tuples(bad_gold, st.just(found)),
        bad_gold.map(lambda one: (one, one)),
        st.just((gold, found)),
    )
    language = st.sampled_from(("en", "zh", "ar", "de", "xx"))
    known = st.sampled_from((labels, "index", "data"))
    return st.tuples(st.just(name), language, both, known)


def _answered(article: Any) -> Any:
    (paragraph,) = article["paragraphs"]
    return {**article, "paragraphs": [{**paragraph, "qas": paragraph["qas"][:1]}]}


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


def predicted() -> st.SearchStrategy[Any]:
    """A family, its examples and predictions as JSON lines, damaged."""
    return st.sampled_from(sorted(EXAMPLES)).flatmap(_lines_of)


def _lines_of(family: Family) -> st.SearchStrategy[Any]:
    scorers, example, prediction = EXAMPLES[family]
    gold = [example, ENGLISH] if family == "retrieval" else [example]
    return st.tuples(
        st.just(family),
        _damaged_lines(gold),
        _damaged_lines([prediction]),
        st.sampled_from(scorers),
        st.sampled_from(("en", "zh", "xx")),
    )


def _damaged_lines(rows_: list[Any]) -> st.SearchStrategy[bytes]:
    sound = b"".join(as_json(one) + b"\n" for one in rows_)
    trees = damaged_tree([rows_], most=2).map(_joined)
    return st.one_of(st.just(sound), st.just(sound), trees, damaged_bytes([sound]))


def _joined(value: Any) -> bytes:
    parts = value if isinstance(value, list) else [value]
    return b"".join(as_json(one, ascii_only=False) + b"\n" for one in parts)


def read_predicted(value: Any, folder: Path) -> None:
    """As the stage `score` reads them."""
    family, gold, found, scorer, language = value
    for name, data in (("gold", gold), ("found", found)):
        (folder / name).write_bytes(data)
    one = Language(
        scorer=scorer,
        labels=(),
        language=language,
        examples=read_examples(folder / "gold", family),
        predictions=read_predictions(folder / "found", family),
    )
    json.dumps(dict(score_language(family, one).figures), allow_nan=False)


@functools.cache
def _encoder() -> bytes:
    """A sound encoder of one layer, from the tests of its reader."""
    sys.path.append(str(Path(__file__).parent.parent / "sources"))
    data: bytes = importlib.import_module("test_embedded").tiny()
    return data


def encoders() -> st.SearchStrategy[Any]:
    """The packaged encoder's file; half of the damage is to its first bytes, where sizes are."""
    sound = _encoder()
    head = damaged_bytes([sound[:600]]).map(lambda one: one + sound[600:])
    return st.one_of(damaged_bytes([sound]), head)


def read_encoder(value: bytes, folder: Path) -> None:
    """As the stage `encoder` does: a folder for transformers."""
    path, out = folder / "fuzzed.bin", folder / "encoder"
    path.unlink(missing_ok=True)
    path.write_bytes(value)
    out.mkdir(exist_ok=True)
    bert_folder.write_bert_folder(embedded.read_embedded(path), out)


TARGETS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[[Any, Path], None]]] = {
    "parquet-bytes": (parquet_bytes, read_parquet_bytes),
    "parquet-tables": (parquet_tables, read_parquet_tables),
    "squad-json": (squad_json, read_squad_json),
    "ccgbank": (auto, read_auto),
    "encoder": (encoders, read_encoder),
    "brought-files": (brought, locate_brought),
    "score": (scored, score),
    "predictions": (predicted, read_predicted),
}
