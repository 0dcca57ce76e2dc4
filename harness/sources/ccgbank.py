"""CCGbank's `.auto` files: one derivation a line, of which the words and their categories are read.

A leaf is `(<L category pos pos word category>)`; a sentence is named by the line before it,
`ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1` (Hockenmaier and Steedman 2007, and the corpus manual).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from harness.errors import DataError
from harness.sources.schemas import SCHEMAS

_LEAF = re.compile(r"\(<L ([^>]*)>\)")
_FIELDS = 5
_ID = re.compile(r"ID=(\S+)\.(\d+)\b")
# Brackets are written as in the Penn Treebank; in the derivation they'd be structure.
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LCB-": "{", "-RCB-": "}", "-LSB-": "[", "-RSB-": "]"}


def read_auto(paths: Sequence[Path]) -> pa.Table:
    """The sentences of `.auto` files, in order, with the columns id, document, tokens and tags.

    The document is the article of the Wall Street Journal (wsj_0001), the tags are categories.

    Raises:
        DataError: a line is neither a name nor a derivation; names file and line.
    """
    rows = [row for path in paths for row in _sentences(path)]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(SCHEMAS["ccgbank"].columns.items())))


def _sentences(path: Path) -> Iterator[dict[str, object]]:
    name: tuple[str, str] | None = None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise _error(path, 1, str(error).split("\n")[0], "a readable text file") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        found = _ID.match(line)
        if found:
            name = (found[1], found[2])
            continue
        if name is None or not line.startswith("("):
            raise _error(path, number, repr(line[:60]), "`ID=...` before each derivation")
        leaves = [leaf.split(" ") for leaf in _LEAF.findall(line)]
        if not leaves or any(len(leaf) != _FIELDS for leaf in leaves):
            raise _error(path, number, repr(line[:60]), "leaves `(<L cat pos pos word cat>)`")
        yield {
            "id": ".".join(name),
            "document": name[0],
            "tokens": [_BRACKETS.get(leaf[3], leaf[3]) for leaf in leaves],
            "tags": [leaf[0] for leaf in leaves],
        }
        name = None


def _error(path: Path, line: int, got: str, expected: str) -> DataError:
    return DataError(
        where=f"{path}, line {line}",
        got=got,
        expected=expected,
        fix="Bring CCGbank's own .auto files, unchanged.",
    )
