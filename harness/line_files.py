"""Reads the line files that XTREME's evaluate.py reads: labels, tags or pairs of ids.

Where a line has several tab-separated columns, as in XTREME's data files, a label or tag is the
last of them. Every error names the file, and the line where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import DataError
from harness.strict_json import read_bytes

# A hundred times the largest test set.
_MOST = 1 << 30
# What a file may hold: these labels, whole numbers from 0 on, or any (only training data know).
Labels = Literal["index", "data"] | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a tag file."""

    line: int
    """Of its first tag, counted from 1."""
    tags: tuple[str, ...]


def read_text(path: Path) -> str:
    """The file's text, without a byte-order mark.

    Raises:
        DataError: it can't be read, or isn't UTF-8.
    """
    raw = read_raw(path)
    try:
        # Some editors put the mark before the text; it carries no meaning.
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(path, f"byte {error.start} isn't UTF-8", "UTF-8 text") from error


def read_raw(path: Path) -> bytes:
    """The file's bytes; DataError where it can't be read, or never ends."""
    try:
        return read_bytes(path, _MOST)
    except OSError as error:
        raise malformed(path, error.strerror or str(error), "a readable file") from error
    except ValueError as error:
        raise malformed(path, str(error), "the answers or labels of one test set") from error


def malformed(where: Path | str, got: str, expected: str) -> DataError:
    """The error of a file that isn't as it should be."""
    return DataError(where=str(where), got=got, expected=expected, fix="Correct the file.")


def read_labels(path: Path, known: Labels) -> list[str]:
    """The label of each line.

    Raises:
        DataError: no readable file, no line, an empty line, a label that isn't known.
    """
    return [_label(line, known, _at(path, i)) for i, line in enumerate(_lines(path), start=1)]


def read_tags(path: Path, known: Labels) -> list[Sentence]:
    """The sentences: a tag a line, empty lines between sentences.

    Raises:
        DataError: no readable file, no tag, a tag that isn't known.
    """
    sentences: list[Sentence] = []
    tags: list[str] = []
    # The empty line at the end closes the last sentence.
    for i, line in enumerate((*_lines(path), ""), start=1):
        if line:
            tags.append(_label(line, known, _at(path, i)))
        elif tags:
            sentences.append(Sentence(line=i - len(tags), tags=tuple(tags)))
            tags = []
    return sentences


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The two tab-separated ids of each line.

    Raises:
        DataError: no readable file, no line, a line that isn't two ids.
    """
    pairs = []
    for i, line in enumerate(_lines(path), start=1):
        ids = [part.strip() for part in line.split("\t")]
        if len(ids) != 2 or not all(ids):
            raise malformed(_at(path, i), f"`{line[:60]}`", "two ids with a tab between them")
        pairs.append((ids[0], ids[1]))
    return pairs


def check_same_lines(gold: int, predictions: int, path: Path) -> None:
    """Refuse predictions of another number of lines; raises DataError."""
    if gold != predictions:
        first = min(gold, predictions) + 1
        lacking = "no such line" if predictions < gold else "a line beyond the last of the gold"
        expected = f"{gold} lines, one for each of the gold file's"
        raise malformed(_at(path, first), f"{lacking} ({predictions} in all)", expected)


def check_same_sentences(gold: list[Sentence], predictions: list[Sentence], path: Path) -> None:
    """Refuse predictions that part from the gold sentences; the first place is named.

    Raises:
        DataError: a sentence with another number of tags, or another number of sentences.
    """
    for number, (one, other) in enumerate(zip(gold, predictions, strict=False), start=1):
        if len(one.tags) != len(other.tags):
            raise malformed(
                _at(path, other.line),
                f"{len(other.tags)} tags in sentence {number}",
                f"{len(one.tags)}, as from line {one.line} of the gold file on",
            )
    if len(gold) != len(predictions):
        place = _at(path, predictions[len(gold)].line) if len(predictions) > len(gold) else path
        got, expected = f"{len(predictions)} sentences", f"{len(gold)}, as in the gold file"
        raise malformed(place, got, expected)


def _at(path: Path, line: int) -> str:
    return f"{path}, line {line}"


def _lines(path: Path) -> list[str]:
    """The lines, stripped. Only line feeds end one: sentences may hold other separators."""
    lines = [line.strip() for line in read_text(path).split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise malformed(path, "an empty file", "at least one line: an empty set has no score")
    return lines


def _label(line: str, known: Labels, where: str) -> str:
    label = line.split("\t")[-1].strip()
    if known == "index":
        if not (label.isascii() and label.isdecimal()):
            raise malformed(where, f"`{label[:60]}`", "a whole number, 0 or more")
    elif not label or (known != "data" and label not in known):
        names = "a label" if known == "data" else f"one of {', '.join(known)}"
        expected = f"{names}, alone or in the last column"
        raise malformed(where, f"`{label[:60]}`" if label else "an empty line", expected)
    return label
