"""Data files -> Arrow tables: Parquet as the Hub stores it, and SQuAD's JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness import strict_json
from harness.errors import DataError
from harness.sources.schemas import SCHEMAS, class_labels

_SQUAD = SCHEMAS["squad"]
_SQUAD_JSON = pa.schema([*_SQUAD.optional.items(), *_SQUAD.columns.items()])

# Far above every data set here; a file that claims more would only exhaust the memory.
MAX_ROWS = 5_000_000
MAX_BYTES = 8 << 30
# As Python objects JSON takes ten times its size.
MAX_JSON = 1 << 30
_BATCH = 1024
# Pages may say "this value, a million times", and a footer less than there is: what is unpacked is
# measured. Text packs to a fifth, repeated contexts to a thirtieth.
_MOST_UNPACKED = 500
_ALWAYS_ALLOWED = 256 << 20
_MEASURED_AT_ONCE = 64


def read_rows(path: Path, most: int | None = None) -> pa.Table:
    """The rows of a data file: `.parquet`, or `.json` in SQuAD's form.

    Args:
        path: the file.
        most: only the first so many rows of a Parquet file (an article collection's may be large).

    Raises:
        DataError: another kind of file, unreadable, truncated, too large, or not in its format.
    """
    if path.suffix == ".parquet":
        return read_parquet(path, most)
    if path.suffix == ".json":
        return read_squad_json(path)
    raise _error(path, f"a {path.suffix or 'nameless'} file", "a .parquet or .json file")


def parquet_rows(path: Path) -> int:
    """Rows of a Parquet file, by its footer; DataError as `read_parquet`."""
    return int(_footer(path).num_rows)


def parquet_labels(path: Path) -> dict[str, tuple[str, ...]]:
    """Column -> the label names that a Parquet file carries; DataError as `read_parquet`."""
    _footer(path)
    with _reading(path):
        return class_labels(pq.read_schema(path))


def read_parquet(path: Path, most: int | None = None) -> pa.Table:
    """The rows of a Parquet file (None: all), without the schema's metadata.

    Raises:
        DataError: missing, truncated, corrupt, or larger than this module reads.
    """
    _footer(path)
    with _reading(path), pq.ParquetFile(path) as file:
        if most is None:
            for _ in _measured(file, path, _MEASURED_AT_ONCE):
                pass
            table = file.read()
        else:
            table = _first(file, path, most)
        # Also that text is UTF-8, which nobody checked yet.
        table.validate(full=True)
    return table.replace_schema_metadata(None)


def _measured(file: pq.ParquetFile, path: Path, size: int) -> Iterator[pa.RecordBatch]:
    """The file's rows, `size` at a time, until they are more than a file of its size can hold."""
    most = min(MAX_BYTES, max(_ALWAYS_ALLOWED, _MOST_UNPACKED * path.stat().st_size))
    unpacked = 0
    for batch in file.iter_batches(batch_size=size):
        unpacked += batch.nbytes
        if unpacked > most:
            got = f"more than {most} bytes out of {path.stat().st_size}"
            raise _error(path, got, f"at most {_MOST_UNPACKED} times as many")
        yield batch


def _first(file: pq.ParquetFile, path: Path, most: int) -> pa.Table:
    batches, rows = [], 0
    for batch in _measured(file, path, min(most, _BATCH)):
        batches.append(batch)
        rows += batch.num_rows
        if rows >= most:
            break
    return pa.Table.from_batches(batches, schema=file.schema_arrow).slice(0, most)


def read_squad_json(path: Path) -> pa.Table:
    """All questions of a file in SQuAD's JSON, with the columns of rajpurkar/squad.

    An unanswerable question (`is_impossible`, SQuAD 2.0) has empty answers; its plausible ones
    are not read.

    Raises:
        DataError: not JSON, or a key is missing; the message names the place.
    """
    try:
        document = strict_json.loads(strict_json.read_bytes(path, MAX_JSON))
    except (OSError, ValueError) as error:
        raise _error(path, _first_line(error), "readable JSON in UTF-8") from error
    try:
        return pa.Table.from_pylist(list(_questions(document, path)), schema=_SQUAD_JSON)
    except (pa.ArrowException, OverflowError) as error:
        raise _error(path, _first_line(error), "SQuAD's types") from error


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Arrow's own errors, and those that broken names and numbers raise on their way to Python."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise _error(path, _first_line(error), "a whole Parquet file") from error


def _footer(path: Path) -> pq.FileMetaData:
    with _reading(path):
        footer = pq.read_metadata(path)
    size = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    if footer.num_rows > MAX_ROWS or size > MAX_BYTES:
        got = f"{footer.num_rows} rows, {size} bytes"
        raise _error(path, got, f"at most {MAX_ROWS} rows and {MAX_BYTES} bytes")
    return footer


def _questions(document: Any, path: Path) -> Iterator[dict[str, Any]]:
    articles = _get(document, "data", list, path, "the document")
    for a, article in enumerate(articles):
        at = f"data[{a}]"
        paragraphs = _get(article, "paragraphs", list, path, at)
        title = article.get("title")
        for p, paragraph in enumerate(paragraphs):
            here = f"{at}.paragraphs[{p}]"
            context = _get(paragraph, "context", str, path, here)
            for q, question in enumerate(_get(paragraph, "qas", list, path, here)):
                row = _question(question, path, f"{here}.qas[{q}]")
                yield {"title": title if isinstance(title, str) else None, "context": context} | row


def _question(question: Any, path: Path, at: str) -> dict[str, Any]:
    answers = [] if _impossible(question) else _get(question, "answers", list, path, at)
    places = [f"{at}.answers[{n}]" for n in range(len(answers))]
    return {
        "id": _get(question, "id", str, path, at),
        "question": _get(question, "question", str, path, at),
        "answers": {
            "text": [
                _get(one, "text", str, path, place)
                for one, place in zip(answers, places, strict=True)
            ],
            "answer_start": [
                _get(one, "answer_start", int, path, place)
                for one, place in zip(answers, places, strict=True)
            ],
        },
    }


def _impossible(question: Any) -> bool:
    return isinstance(question, dict) and question.get("is_impossible") is True


def _get(value: Any, key: str, kind: type, path: Path, at: str) -> Any:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, kind) or isinstance(found, bool):
        got = "nothing" if found is None else type(found).__name__
        raise _error(path, f"{got} for `{key}` in {at}", f"{kind.__name__}, as SQuAD has it")
    return found


def _first_line(error: BaseException) -> str:
    line = (str(error).strip() or type(error).__name__).split("\n")[0]
    return line[:200].rstrip(".")


def _error(path: Path, got: str, expected: str) -> DataError:
    fix = "Fetch the file again, or bring an undamaged copy."
    return DataError(where=str(path), got=got, expected=expected, fix=fix)
