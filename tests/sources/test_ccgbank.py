"""CCGbank's derivations: words and categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import DataError
from harness.sources.ccgbank import read_auto

LEAVES = "(<L NP/N DT DT The NP_1/N_1>) (<L N NN NN door N>)"
TREE = f"(<T S[dcl] 0 2> (<T NP 0 2> {LEAVES} ) (<L S[dcl]\\NP VBD VBD -LRB- S[dcl]\\NP_1>) )"
SENTENCE = f"ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n{TREE}\n"


def written(tmp_path: Path, text: str) -> Path:
    """An .auto file."""
    path = tmp_path / "wsj_0001.auto"
    path.write_text(text, encoding="utf-8")
    return path


def test_leaves_in_order(tmp_path: Path) -> None:
    """Category and word of every leaf; brackets as people write them."""
    (row,) = read_auto([written(tmp_path, SENTENCE)]).to_pylist()
    assert row == {
        "id": "wsj_0001.1",
        "document": "wsj_0001",
        "tokens": ["The", "door", "("],
        "tags": ["NP/N", "N", "S[dcl]\\NP"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TREE, r"line 1: got .* expected `ID=\.\.\.` before"),
        (SENTENCE + TREE, "line 3: "),
        ("ID=wsj_0001.1 PARSER=GOLD\n(<T NP 0 1> )\n", "line 2: .* leaves"),
        ("ID=wsj_0001.1 PARSER=GOLD\n(<L N NN NN New York N>)\n", "line 2: .* leaves"),
        ("The door shut .\n", "line 1: "),
    ],
)
def test_other_lines_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """File and line are named, and what to bring."""
    with pytest.raises(DataError, match=message):
        read_auto([written(tmp_path, text)])


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """Not UTF-8."""
    (tmp_path / "a.auto").write_bytes(b"ID=\xff")
    with pytest.raises(DataError, match="a readable text file"):
        read_auto([tmp_path / "a.auto"])
