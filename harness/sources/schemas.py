"""What a reader needs of a table: its columns, their types, and the names of its labels.

Values are never changed here: a column may be given its canonical Arrow type (a string column that
was stored as large_string, a struct whose fields come in the other order), nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from harness.errors import DataError

TEXT, WHOLE = pa.string(), pa.int64()
TEXTS, WHOLES = pa.list_(TEXT), pa.list_(WHOLE)
ANSWERS = pa.struct([("text", TEXTS), ("answer_start", pa.list_(pa.int32()))])
CHOICES = pa.struct([("label", TEXTS), ("text", TEXTS)])
_ANOTHER = "The file is another data set or another conversion of it; fetch the pinned one."


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of one reader, by the names that it gives them."""

    columns: Mapping[str, pa.DataType]
    optional: Mapping[str, pa.DataType] = field(default_factory=dict)
    """Read where they are there."""
    named: str | None = None
    """The column whose whole numbers stand for names of labels."""


# Reader (models.Reader) -> its columns.
SCHEMAS: dict[str, Schema] = {
    "squad": Schema(
        columns={"id": TEXT, "context": TEXT, "question": TEXT, "answers": ANSWERS},
        optional={"title": TEXT},
    ),
    "pair": Schema(columns={"first": TEXT, "second": TEXT, "label": WHOLE}, named="label"),
    "hellaswag": Schema(
        columns={"ctx_a": TEXT, "ctx_b": TEXT, "endings": TEXTS, "label": TEXT},
        optional={"source_id": TEXT},
    ),
    "cosmosqa": Schema(
        columns={
            **dict.fromkeys(("context", "question"), TEXT),
            **dict.fromkeys(("answer0", "answer1", "answer2", "answer3"), TEXT),
            "label": WHOLE,
        },
        optional={"id": TEXT},
    ),
    "commonsenseqa": Schema(
        columns={"question": TEXT, "choices": CHOICES, "answerKey": TEXT},
        optional={"id": TEXT, "question_concept": TEXT},
    ),
    "tags": Schema(columns={"tokens": TEXTS, "tags": WHOLES}, named="tags"),
    "ccgbank": Schema(columns={"id": TEXT, "document": TEXT, "tokens": TEXTS, "tags": TEXTS}),
    "tatoeba": Schema(
        columns={"source_sentence": TEXT, "target_sentence": TEXT},
        optional={"source_lang": TEXT, "target_lang": TEXT},
    ),
    "bucc": Schema(columns={"sentence1": TEXTS, "sentence2": TEXTS, "gold": pa.list_(WHOLES)}),
    "text": Schema(columns={"text": TEXT}, optional={"id": TEXT, "title": TEXT}),
}


def columns_of(reader: Mapping[str, Any]) -> dict[str, str]:
    """The reader's name of each column that it may read -> the data set's.

    Args:
        reader: the stage's `reader`: {name, columns, labels, unlabelled}.

    Raises:
        DataError: the pin renames a column that the reader doesn't know.
    """
    schema = SCHEMAS[reader["name"]]
    names = [*schema.columns, *schema.optional]
    unknown = sorted(set(reader["columns"]) - set(names))
    if unknown:
        raise DataError(
            where=f"reader {reader['name']}",
            got=f"a name for column {', '.join(unknown)}",
            expected=f"names for {', '.join(names)}",
            fix="Mend `columns` of the pin.",
        )
    return {name: reader["columns"].get(name, name) for name in names}


def typed(table: pa.Table, reader: Mapping[str, Any], where: str) -> pa.Table:
    """`table` with the reader's columns in their canonical types, the others untouched.

    Raises:
        DataError: a column is missing, or holds something that can't be that type unchanged.
    """
    schema, names = SCHEMAS[reader["name"]], columns_of(reader)
    missing = sorted({names[name] for name in schema.columns} - set(table.column_names))
    if missing:
        raise DataError(
            where=where,
            got=f"columns {', '.join(table.column_names)}",
            expected=f"{', '.join(missing)} among them",
            fix=_ANOTHER,
        )
    for name, kind in {**schema.columns, **schema.optional}.items():
        if names[name] in table.column_names:
            index = table.column_names.index(names[name])
            column = _cast(table.column(index), names[name], kind, where)
            table = table.set_column(index, names[name], column)
    return table


def from_rows(rows: Sequence[Mapping[str, Any]], reader: Mapping[str, Any]) -> pa.Table:
    """Generated rows as a table with the reader's types; all have the first one's keys."""
    schema, names = SCHEMAS[reader["name"]], columns_of(reader)
    kinds = {names[name]: kind for name, kind in {**schema.columns, **schema.optional}.items()}
    found = {
        name: pa.array([row[name] for row in rows], kinds.get(name))
        for name in (rows[0] if rows else ())
    }
    return pa.table(found)


def class_labels(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Column -> the names of its labels, as the Hub's files carry them in their metadata."""
    try:
        text = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = text["info"]["features"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    found = {name: _names(feature) for name, feature in features}
    return {name: names for name, names in found.items() if names}


def label_names(
    reader: Mapping[str, Any], stored: Sequence[Mapping[str, Sequence[str]]], where: str
) -> list[str]:
    """The names of the labels, from 0, that pin and files agree on; empty where none are needed.

    Args:
        reader: the stage's `reader`; `labels` are the pin's.
        stored: `class_labels` of each file.
        where: the data set, for messages.

    Raises:
        DataError: the pin and a file, or two files, name labels otherwise, or nobody names them.
    """
    named = SCHEMAS[reader["name"]].named
    if named is None:
        return []
    column = columns_of(reader)[named]
    pinned = tuple(reader["labels"])
    for names in [tuple(one[column]) for one in stored if column in one]:
        pinned = pinned or names
        if names != pinned:
            raise DataError(
                where=f"{where}, column `{column}`",
                got=f"labels {', '.join(names)}",
                expected=f"{', '.join(pinned)}, in this order",
                fix="Mend `labels` of the pin, or fetch the pinned data set.",
            )
    if not pinned:
        raise DataError(
            where=f"{where}, column `{column}`",
            got="numbers that neither the pin nor the file names",
            expected="the names of the labels, from 0",
            fix="Add `labels` to the pin.",
        )
    return list(pinned)


def _names(feature: Any) -> tuple[str, ...]:
    """Of a ClassLabel, or of a list of them."""
    while isinstance(feature, dict) and "names" not in feature and "feature" in feature:
        feature = feature["feature"]
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
        return tuple(feature.get("names") or ())
    return ()


def _cast(column: pa.ChunkedArray, name: str, kind: pa.DataType, where: str) -> pa.ChunkedArray:
    try:
        if not _fits(column.type, kind):
            raise pa.ArrowInvalid("another type")
        if not pa.types.is_struct(kind):
            return column.cast(kind)
        parts = [pc.struct_field(column, one.name).cast(one.type) for one in kind]
        combined = [_whole(part) for part in parts]
        absent = _whole(column.is_null())
        return pa.chunked_array(
            [pa.StructArray.from_arrays(combined, fields=list(kind), mask=absent)]
        )
    except pa.ArrowException as error:
        raise DataError(
            where=f"{where}, column `{name}`",
            got=str(column.type),
            expected=str(kind),
            fix=_ANOTHER,
        ) from error


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """All chunks as one array; some versions of Arrow give a chunked one of one chunk."""
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _fits(found: pa.DataType, kind: pa.DataType) -> bool:
    """Whether a column of type `found` may hold `kind` without any value changing its meaning."""
    if pa.types.is_null(found):
        return True
    if pa.types.is_struct(kind):
        if not pa.types.is_struct(found):
            return False
        inner = {found.field(place).name: found.field(place).type for place in range(len(found))}
        return all(one.name in inner and _fits(inner[one.name], one.type) for one in kind)
    if pa.types.is_list(kind):
        return _is_list(found) and _fits(found.value_type, kind.value_type)
    if pa.types.is_string(kind):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return bool(pa.types.is_integer(found))


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
