"""What a user brings: CCGbank's parse files and SQuAD's machine translations, in their forms."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rehearsal.rows import READERS, Part
from rehearsal.texts import Word, words

Files = dict[str, tuple[str, int]]
"""Place below the folder -> text, and rows in it."""


def write(folder: Path, parts: Sequence[Part]) -> tuple[list[str], int]:
    """Write a split's file or files in its reader's form; returns their texts and rows."""
    files = FORMS[parts[0].pin.reader](parts)
    for place, (text, _) in files.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    texts = [line for text, _ in files.values() for line in text.splitlines()]
    return texts, sum(rows for _, rows in files.values())


def squad_json(parts: Sequence[Part]) -> Files:
    """The one file, in SQuAD 1.1's JSON: articles, paragraphs, questions."""
    rows = [row for part in parts for row in READERS["squad"](part)]
    articles = [{"title": row["title"], "paragraphs": [_paragraph(row)]} for row in rows]
    document = {"version": "1.1", "data": articles}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return {parts[0].split.file: (text, len(rows))}


def _paragraph(row: dict[str, Any]) -> dict[str, Any]:
    pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    answers = [{"text": text, "answer_start": start} for text, start in pairs]
    question = {"id": row["id"], "question": row["question"], "answers": answers}
    return {"context": row["context"], "qas": [question]}


def auto(parts: Sequence[Part]) -> Files:
    """CCGbank's `.auto` files, one for each section that the pin names, with some sentences each.

    A sentence is two lines: one that names it, and its derivation.
    """
    part = parts[0]
    files: Files = {}
    sections = _sections(part.split.file)
    for number in range(max(part.rows, len(sections))):
        section = sections[number % len(sections)]
        place = re.sub(r"\{.*?\}", section, part.split.file).replace("*", f"wsj_{section}00")
        found = words(part.statement(number), part.language)
        line = _tree([_leaf(word, found, at) for at, word in enumerate(found)])
        text, count = files.get(place, ("", 0))
        name = f"ID=wsj_{section}00.{count + 1} PARSER=GOLD NUMPARSE=1"
        files[place] = (f"{text}{name}\n{line}\n", count + 1)
    return files


def _sections(pattern: str) -> list[str]:
    """02, 03, ..., 21 of data/AUTO/{02..21}/*.auto; without braces, the files' own folder."""
    found = re.search(r"\{(\d+)\.\.(\d+)\}", pattern)
    if found is None:
        return [Path(pattern).parent.name]
    return [f"{number:02d}" for number in range(int(found[1]), int(found[2]) + 1)]


def _tree(leaves: Sequence[str]) -> str:
    """Every word takes all that follow it."""
    if len(leaves) == 1:
        return leaves[0]
    return f"(<T NP 0 2> {leaves[0]} {_tree(leaves[1:])} )"


# Kind of a word -> its category and part of speech.
_LEAVES = {
    "name": ("N", "NNP"),
    "number": ("N/N", "CD"),
    "noun": ("N", "NNP"),
    "and": ("conj", "CC"),
    "mark": (",", ","),
}


def _leaf(word: Word, sentence: Sequence[Word], place: int) -> str:
    category, speech = _LEAVES[word.kind]
    after = sentence[place + 1] if place + 1 < len(sentence) else None
    if word.kind == "name" and after is not None and after.inside:
        category = "N/N"
    if word.kind == "mark":
        category = speech = word.text
    text = word.text.replace("(", "-LRB-").replace(")", "-RRB-")
    return f"(<L {category} {speech} {speech} {text} {category}>)"


FORMS = {"squad": squad_json, "ccgbank": auto}
