"""What predictions are compared with, as a run folder keeps it: a file for each language.

Ids, documents and references; no text but the answers: contexts and sentences may be somebody's.
It is all that a scorer reads, so scores can be made again from it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from harness.models import Family
from harness.records import EXAMPLES, iterate_examples, parse_row


def write_gold(examples: Path, folder: Path, family: Family) -> None:
    """Write `folder`/<language>.jsonl, in the order of the examples.

    Args:
        examples: the folder of a finished `examples` stage.
        folder: where the files go; it exists.
        family: of the examples.
    """
    with contextlib.ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for one in iterate_examples(examples / "examples.jsonl", family):
            if one.language not in files:
                path = folder / f"{one.language}.jsonl"
                stream = path.open("w", encoding="utf-8", newline="\n")
                files[one.language] = stack.enter_context(stream)
            files[one.language].write(gold_line(one, family) + "\n")


def gold_line(example: Any, family: Family) -> str:
    """The line of an example."""
    row = {"id": example.id, "document": example.document, **_REFERENCES[family](example)}
    return json.dumps(row, ensure_ascii=False, sort_keys=True)


def unknown(id_: str, document: str, family: Family, language: str) -> Any:
    """An example of which only the id and the document are known."""
    row = {"id": id_, "document": document, **_NOTHING[family]}
    return read_gold(row, family, language)


def read_gold(row: Mapping[str, Any], family: Family, language: str) -> Any:
    """The example of a line, with everything empty that no scorer reads.

    Raises:
        KeyError, TypeError, ValueError: `gold_line` didn't write it.
    """
    values = {"language": language, **_UNREAD[family], **row}
    if family == "multiple_choice":
        if not 0 <= row["choices"] <= _MOST_CHOICES:
            raise ValueError(f"{row['choices']} choices")
        values["choices"] = ("",) * row["choices"]
    elif family == "tagging":
        values["words"] = ("",) * len(row["tags"])
    elif family == "extractive_qa":
        values["answer_starts"] = (0,) * len(row["answers"])
    return parse_row(json.dumps(values).encode(), EXAMPLES[family])


# Family -> what an example's prediction is compared with.
_REFERENCES: dict[Family, Callable[[Any], dict[str, Any]]] = {
    "extractive_qa": lambda one: {"answers": list(one.answers)},
    "classification": lambda one: {"label": one.label},
    # How many there are to choose from says which answers there may be.
    "multiple_choice": lambda one: {"label": one.label, "choices": len(one.choices)},
    "tagging": lambda one: {"tags": list(one.tags)},
    # Of both sides, those without a translation too: what is found for them is wrong.
    "retrieval": lambda one: {"side": one.side, "mates": list(one.mates)},
}
# Fields of an example that no scorer reads.
_UNREAD: dict[Family, dict[str, Any]] = {
    "extractive_qa": {"context": "", "question": ""},
    "classification": {"first": "", "second": ""},
    "multiple_choice": {"context": "", "question": ""},
    "tagging": {},
    "retrieval": {"text": ""},
}
_NOTHING: dict[Family, dict[str, Any]] = {
    "extractive_qa": {"answers": ()},
    "classification": {"label": ""},
    "multiple_choice": {"label": 0, "choices": 0},
    "tagging": {"tags": ()},
    "retrieval": {"side": "foreign", "mates": ()},
}
_MOST_CHOICES = 1000
