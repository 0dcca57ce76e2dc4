"""Seeded corruptions of real data: how each is made, and which expectation must catch it.

The tables are the first rows of a mirror's files. What the mirror lacks is derived from what it
has: name tags from the parts of speech, a mining task from sentence pairs.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pinned_plans import plan

from harness.canonical import file_sha256
from harness.data_checks.engine import run_plan
from harness.errors import DataError
from harness.models import Mirror, MirrorDataset, MirrorSplit
from harness.sources.mirror import load_mirror, save_mirror
from harness.sources.rows import read_rows

Rows = list[dict[str, Any]]
TYDIQA = "datasets/google-research-datasets/tydiqa/secondary_task/{}-00000-of-00001.parquet"
XQUAD = "datasets/google/xquad/xquad.{}/validation-00000-of-00001.parquet"
XTREME = "datasets/google/xtreme/{}/{}-00000-of-00001.parquet"
PREFIXES = {
    "arabic": "ar",
    "english": "en",
    "finnish": "fi",
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
}
ISO3 = {"ara": "ar", "deu": "de", "fin": "fi", "rus": "ru"}
UPOS = {
    **{0: "ADJ", 1: "ADP", 2: "ADV", 3: "AUX", 4: "CCONJ", 5: "DET", 6: "INTJ", 7: "NOUN"},
    **{8: "NUM", 9: "PART", 10: "PRON", 11: "PROPN", 12: "PUNCT"},
}


@dataclass(frozen=True, kw_only=True)
class Base:
    """A piece of real data and what is declared of it."""

    family: str
    dataset: str
    files: tuple[str, ...]
    languages: Callable[[str, Rows], list[str]]
    """Config, rows -> the declared language of each row."""
    limit: int = 400
    derive: Callable[[Rows], Rows] = lambda rows: rows


def by_id(_: str, rows: Rows) -> list[str]:
    """As the pin of TyDi QA says."""
    return [PREFIXES.get(str(row.get("id")).split("-")[0], "en") for row in rows]


def fixed(code: str) -> Callable[[str, Rows], list[str]]:
    """One language for all rows."""
    return lambda _, rows: [code] * len(rows)


def by_config(config: str, rows: Rows) -> list[str]:
    """The end of the config's name."""
    end = config.rpartition(".")[2]
    return [ISO3.get(end, end)] * len(rows)


def named(rows: Rows) -> Rows:
    """PAN-X's columns: runs of proper nouns become persons."""
    found = []
    for row in rows:
        proper = [UPOS.get(tag) == "PROPN" for tag in row["pos_tags"]]
        before = [False, *proper]
        tags = [(2 if before[i] else 1) if here else 0 for i, here in enumerate(proper)]
        found.append({"tokens": row["tokens"], "ner_tags": tags})
    return found


def mining(rows: Rows) -> Rows:
    """BUCC's columns: one row of lists, gold pairs that count from 1."""
    return [
        {
            "sentence1": [row["source_sentence"] for row in rows],
            "sentence2": [row["target_sentence"] for row in rows],
            "gold": [[i + 1, i + 1] for i in range(len(rows))],
        }
    ]


BASES = {
    "tydiqa train": Base(
        family="extractive_qa",
        dataset="tydiqa",
        files=(TYDIQA.format("train"),),
        languages=fixed("en"),
    ),
    "tydiqa dev": Base(
        family="extractive_qa",
        dataset="tydiqa",
        files=(TYDIQA.format("validation"),),
        languages=by_id,
        limit=4000,
        derive=lambda rows: rows[::10],
    ),
    "xquad es": Base(
        family="extractive_qa",
        dataset="xquad",
        files=(XQUAD.format("es"),),
        languages=by_config,
    ),
    "xquad de+ru": Base(
        family="extractive_qa",
        dataset="xquad",
        files=(XQUAD.format("de"), XQUAD.format("ru")),
        languages=by_config,
    ),
    "tatoeba deu": Base(
        family="retrieval",
        dataset="tatoeba",
        files=(XTREME.format("tatoeba.deu", "validation"),),
        languages=by_config,
    ),
    "udpos en": Base(
        family="tagging",
        dataset="udpos",
        files=(XTREME.format("udpos.English", "train"),),
        languages=fixed("en"),
    ),
    "names en": Base(
        family="tagging",
        dataset="panx",
        files=(XTREME.format("udpos.English", "train"),),
        languages=fixed("en"),
        derive=named,
    ),
    "mining deu": Base(
        family="retrieval",
        dataset="bucc",
        files=(XTREME.format("tatoeba.deu", "validation"),),
        languages=fixed("de"),
        derive=mining,
    ),
}


def each(column: str, change: Callable[[Any], Any], step: int = 1) -> Callable[[Rows], Rows]:
    """Every `step`-th row with its `column` changed."""
    return lambda rows: [
        {**row, column: change(row[column])} if number % step == 0 else row
        for number, row in enumerate(rows)
    ]


def answers(change: Callable[[str, int], tuple[str, Any]], step: int = 1) -> Any:
    """Every `step`-th row with its answers' (text, start) changed."""

    def changed(some: dict[str, Any]) -> dict[str, Any]:
        pairs = [change(*one) for one in zip(some["text"], some["answer_start"], strict=True)]
        return {"text": [one for one, _ in pairs], "answer_start": [one for _, one in pairs]}

    return each("answers", changed, step)


def latin1(text: str) -> str:
    """UTF-8 read as Latin-1."""
    return text.encode().decode("latin-1")


def nfd(text: str) -> str:
    """Decomposed."""
    return unicodedata.normalize("NFD", text)


def without(column: str) -> Callable[[Rows], Rows]:
    """The rows without `column`."""
    return lambda rows: [{k: v for k, v in row.items() if k != column} for row in rows]


def eaten_by_quotes(rows: Rows) -> Rows:
    """Written a token a line without quoting and read with it: a quote eats lines up to the next.

    What lost rows in a well-known copy of these data.
    """
    text = "".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(*row.values(), strict=True)) + "\n"
        for row in rows
    )
    found: Rows = [{"tokens": [], "pos_tags": []}]
    for line in csv.reader(io.StringIO(text), delimiter="\t"):
        if len(line) == 2:
            found[-1]["tokens"].append(line[0])
            found[-1]["pos_tags"].append(int(line[1]))
        else:
            found.append({"tokens": [], "pos_tags": []})
    return [row for row in found if row["tokens"]]


def shuffled(column: str) -> Callable[[Rows], Rows]:
    """The values of a column dealt to other rows."""

    def deal(rows: Rows) -> Rows:
        order = np.random.default_rng(0).permutation(len(rows))
        return [{**row, column: rows[i][column]} for row, i in zip(rows, order, strict=True)]

    return deal


def renumbered(tags: list[int]) -> list[int]:
    """Tags after the label list was sorted the other way round."""
    return [16 - tag for tag in tags]


def foreign_rows(rows: Rows) -> Rows:
    """The context and question of other rows: the first half's language is swapped."""
    half = len(rows) // 2
    texts = [{k: row[k] for k in ("context", "question", "answers")} for row in rows]
    return [{**row, **texts[(i + half) % len(rows)]} for i, row in enumerate(rows)]


def off_by(shift: int) -> Callable[[str, int], tuple[str, int]]:
    """Starts moved by `shift`."""
    return lambda text, start: (text, start + shift)


def byte_offsets(rows: Rows) -> Rows:
    """Starts in UTF-8 bytes."""
    found = []
    for row in rows:
        some = row["answers"]
        starts = [len(row["context"][:start].encode()) for start in some["answer_start"]]
        found.append({**row, "answers": {**some, "answer_start": starts}})
    return found


def swap(a: str, b: str) -> Callable[[Rows], Rows]:
    """Two columns exchanged."""
    return lambda rows: [{**row, a: row[b], b: row[a]} for row in rows]


def cut_in_config(rows: Rows) -> Rows:
    """The second of two configs loses its last rows."""
    return rows[:-25]


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """What is done to a base, the check that must catch it, and part of what it says."""

    name: str
    base: str
    change: Callable[[Rows], Rows] = lambda rows: rows
    caught_by: str
    says: str
    level: str = "error"
    damage: Callable[[bytes], bytes] | None = None
    """What is done to the file's bytes."""


def case(name: str, base: str, change: Any, caught_by: str, says: str, **more: Any) -> Corruption:
    """A corruption, in one line."""
    return Corruption(name=name, base=base, change=change, caught_by=caught_by, says=says, **more)


SHIFTED = "offsets look shifted by"
CORRUPTIONS = (
    case(
        "every offset one too high",
        "tydiqa train",
        answers(off_by(1)),
        "answers_at_offset",
        SHIFTED,
    ),
    case("every offset one too low", "xquad es", answers(off_by(-1)), "answers_at_offset", SHIFTED),
    case(
        "a few offsets shifted",
        "tydiqa train",
        answers(off_by(1), 80),
        "answers_at_offset",
        SHIFTED,
    ),
    case(
        "contexts stripped of 5 characters",
        "tydiqa train",
        each("context", lambda t: t[5:]),
        "answers_at_offset",
        SHIFTED,
    ),
    case(
        "offsets in UTF-8 bytes",
        "tydiqa dev",
        byte_offsets,
        "answers_at_offset",
        "count UTF-8 bytes",
    ),
    case(
        "answers upper-cased",
        "tydiqa train",
        answers(lambda t, s: (t.upper() + "S", s)),
        "answers_in_context",
        "answers",
    ),
    case(
        "answers of other rows",
        "tydiqa train",
        shuffled("answers"),
        "answers_in_context",
        "other contexts",
    ),
    case(
        "contexts cut to 80 characters",
        "tydiqa train",
        each("context", lambda t: t[:80]),
        "answers_in_context",
        "cut or changed",
    ),
    case("one row dropped", "tydiqa train", lambda rows: rows[:-1], "row_count", "1 rows lost"),
    case(
        "half of the rows dropped", "xquad es", lambda rows: rows[::2], "row_count", "200 rows lost"
    ),
    case(
        "one language dropped",
        "tydiqa dev",
        lambda rows: [r for r in rows if not r["id"].startswith("korean")],
        "language_counts",
        "ko",
    ),
    case("csv quoting ate rows", "udpos en", eaten_by_quotes, "row_count", "rows lost"),
    case(
        "rows appended twice",
        "tydiqa train",
        lambda rows: rows + rows[:9],
        "ids_unique",
        "appended twice",
    ),
    case(
        "an id repeated",
        "tydiqa train",
        lambda rows: [{**rows[1]} if i == 0 else r for i, r in enumerate(rows)],
        "ids_unique",
        "appended twice",
    ),
    case(
        "rows repeated under new ids",
        "tydiqa train",
        lambda rows: rows[:-9] + [{**r, "id": r["id"] + "9"} for r in rows[:9]],
        "rows_unique",
        "new ids",
        level="warning",
    ),
    case(
        "nine languages where one was declared",
        "tydiqa dev",
        lambda rows: rows,
        "id_language",
        "arabic, declared en",
    ),
    case(
        "languages of two halves swapped",
        "tydiqa dev",
        foreign_rows,
        "mostly_in_language.context",
        "look like",
    ),
    case(
        "English where German was declared",
        "tatoeba deu",
        swap("source_sentence", "target_sentence"),
        "mostly_in_language.source_sentence",
        "rows declared de look like en",
    ),
    case(
        "the Russian file under the German name",
        "tatoeba deu",
        each("source_sentence", lambda _: "Это было вчера."),
        "mostly_in_language.source_sentence",
        "another script",
    ),
    case(
        "source and target codes swapped",
        "tatoeba deu",
        swap("source_lang", "target_lang"),
        "target_is_english",
        "source and target were swapped",
    ),
    case(
        "one side copied over the other",
        "tatoeba deu",
        lambda rows: [{**r, "target_sentence": r["source_sentence"]} for r in rows],
        "sides_differ",
        "copied over the other",
    ),
    case(
        "a parallel file lost rows",
        "xquad de+ru",
        cut_in_config,
        "configs_parallel",
        "parallel file lost rows",
    ),
    case(
        "UTF-8 read as Latin-1",
        "xquad es",
        each("question", latin1),
        "mostly_decoded.question",
        "wrong character set",
    ),
    case(
        "a few texts read as Latin-1",
        "xquad es",
        each("context", latin1, 90),
        "decoded.context",
        "wrong character set",
        level="warning",
    ),
    case(
        "texts decomposed (NFD)", "xquad es", each("context", nfd), "mostly_composed.context", "NFD"
    ),
    case(
        "a few texts decomposed",
        "xquad es",
        each("question", nfd, 20),
        "normalized.question",
        "decomposed",
        level="warning",
    ),
    case(
        "byte order mark in every question",
        "tydiqa train",
        each("question", lambda t: "\ufeff" + t),
        "byte_order_mark.question",
        "UTF-8 with BOM",
    ),
    case(
        "byte order mark in the first column's name",
        "tydiqa train",
        lambda rows: [{("\ufeffid" if k == "id" else k): v for k, v in r.items()} for r in rows],
        "columns",
        "another conversion",
    ),
    case(
        "zero-width spaces",
        "tydiqa train",
        each("question", lambda t: t.replace(" ", " \u200b"), 50),
        "visible.question",
        "copied from web pages",
        level="warning",
    ),
    case(
        "control characters",
        "tydiqa train",
        each("context", lambda t: t + "\x00", 50),
        "no_control.context",
        "binary data",
        level="warning",
    ),
    case(
        "truncated Parquet",
        "tydiqa train",
        lambda rows: rows,
        "reader",
        "a whole Parquet file",
        damage=lambda b: b[: len(b) // 2],
    ),
    case(
        "a page of the Parquet overwritten",
        "tydiqa train",
        lambda rows: rows,
        "reader",
        "a whole Parquet file",
        damage=lambda b: b[:200] + bytes(4000) + b[4200:],
    ),
    case("an empty table", "tydiqa train", lambda rows: [], "not_empty", "keeps nothing"),
    case(
        "ids as numbers",
        "xquad es",
        lambda rows: [{**r, "id": i} for i, r in enumerate(rows)],
        "text.id",
        "another dtype",
    ),
    case(
        "offsets as text",
        "tydiqa train",
        answers(lambda t, s: (t, str(s))),
        "answers.answers",
        "stored as text",
    ),
    case(
        "an extra column",
        "tydiqa train",
        lambda rows: [{**r, "__index_level_0__": i} for i, r in enumerate(rows)],
        "other_columns",
        "index written as a column",
        level="warning",
    ),
    case("a missing column", "tydiqa train", without("question"), "columns", "another conversion"),
    case(
        "answers null",
        "tydiqa train",
        each("answers", lambda _: None, 40),
        "not_null.answers",
        "lost the column",
    ),
    case(
        "a column of nulls alone",
        "tydiqa train",
        each("question", lambda _: None),
        "not_null.question",
        "lost the column",
    ),
    case(
        "answers withheld",
        "tydiqa train",
        each("answers", lambda _: {"text": [], "answer_start": []}, 40),
        "answered",
        "withheld",
    ),
    case(
        "unanswerable written as empty text",
        "tydiqa train",
        answers(lambda t, s: ("", s), 40),
        "answers_not_blank",
        "empty strings",
    ),
    case(
        "more starts than texts",
        "tydiqa train",
        each("answers", lambda a: {**a, "answer_start": a["answer_start"] * 2}, 40),
        "answer_lists",
        "flattened",
    ),
    case(
        "contexts empty",
        "tydiqa train",
        each("context", lambda _: " ", 40),
        "not_blank.context",
        "lost the text",
    ),
    case(
        "question and context swapped",
        "tydiqa train",
        swap("question", "context"),
        "answers_in_context",
        "answers",
    ),
    case(
        "a whole paragraph as the answer",
        "xquad es",
        lambda rows: [
            {**r, "answers": {"text": [r["context"]], "answer_start": [0]}} for r in rows
        ],
        "answers_fit_window",
        "paragraph",
        level="warning",
    ),
    case(
        "tags re-numbered", "udpos en", each("pos_tags", renumbered), "label_order", "another order"
    ),
    case(
        "tags of other sentences",
        "udpos en",
        shuffled("pos_tags"),
        "lengths_agree",
        "without its tag",
    ),
    case(
        "a tag outside the label list",
        "udpos en",
        each("pos_tags", lambda t: [*t[:-1], 17], 90),
        "labels_known",
        "count from 1",
    ),
    case(
        "a token lost without its tag",
        "udpos en",
        each("tokens", lambda t: t[1:] or t, 90),
        "lengths_agree",
        "dropped without its tag",
    ),
    case(
        "tags as names",
        "udpos en",
        each("pos_tags", lambda t: [str(UPOS.get(x)) for x in t]),
        "tags.pos_tags",
        "stored as names",
    ),
    case(
        "all tags one label",
        "udpos en",
        each("pos_tags", lambda t: [7] * len(t)),
        "label_order",
        "another order",
    ),
    case(
        "I- without B-",
        "names en",
        each("ner_tags", lambda t: [2 if x == 1 else x for x in t]),
        "bio_valid",
        "inside a name",
    ),
    case(
        "O and B- exchanged",
        "names en",
        each("ner_tags", lambda t: [{0: 1, 1: 0}.get(x, x) for x in t]),
        "bio_valid",
        "another order",
    ),
    case(
        "gold pairs counted from 0",
        "mining deu",
        each("gold", lambda g: [[a - 1, b - 1] for a, b in g]),
        "gold_in_range",
        "counted from 0",
    ),
    case(
        "sentences to mine lost",
        "mining deu",
        each("sentence2", lambda s: s[:-50]),
        "gold_in_range",
        "sentences lost",
    ),
)


def base_tables(mirror: Path, base: Base) -> dict[str, Rows]:
    """Config -> its first rows."""
    found = {}
    for file in base.files:
        table = read_rows(mirror / file).slice(0, base.limit)
        found[file.split("/")[-2]] = base.derive(table.to_pylist())
    return found


def outcomes(
    mirror: Path, folder: Path, base: Base, corruption: Corruption | None
) -> list[dict[str, Any]]:
    """The outcomes of every check on a base that was corrupted and pinned again.

    The mirror's own test of the number of rows is left out: the expectations must see it too.
    """
    sound = base_tables(mirror, base)
    promised = {name: base.languages(name, rows) for name, rows in sound.items()}
    every = [code for some in promised.values() for code in some]
    parameters = {
        "rows": len(every),
        "languages": {code: every.count(code) for code in sorted(set(every))},
    }
    last = list(sound)[-1]
    for name, rows in sound.items():
        changed = corruption.change(rows) if corruption and name == last else rows
        data = as_parquet(changed, rows)
        (folder / f"{name}.parquet").write_bytes(
            corruption.damage(data) if corruption and corruption.damage else data
        )
    declared = base
    if corruption and corruption.name.startswith("nine languages"):
        declared = Base(**{**vars(base), "languages": fixed("en")})
        parameters = {"rows": None, "languages": {}}
    pin_again(folder, list(sound))
    try:
        table = read_pinned(folder, declared)
    except DataError as error:
        return [
            {"name": "reader", "level": "error", "passed": False, "rows": [], "cause": str(error)}
        ]
    return run_plan(table, plan(base.family, base.dataset, **parameters))


def as_parquet(rows: Rows, sound: Rows) -> bytes:
    """A Parquet file; an empty one has the columns of the sound rows."""
    table = pa.Table.from_pylist(rows) if rows else pa.Table.from_pylist(sound).slice(0, 0)
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


def pin_again(folder: Path, configs: list[str]) -> None:
    """Write a mirror.yaml that gives the corrupted files' own hashes."""
    splits = {
        name: {
            "validation": MirrorSplit(
                file=f"{name}.parquet", sha256=file_sha256(folder / f"{name}.parquet"), rows=1
            )
        }
        for name in configs
    }
    dataset = MirrorDataset(revision="0" * 40, partial=True, configs=splits)
    save_mirror(Mirror(format=1, datasets={"the/data": dataset}), folder)


def read_pinned(folder: Path, base: Base) -> pa.Table:
    """The rows of every config, with the columns that the stage `dataset` adds."""
    mirror = load_mirror(folder)
    assert mirror is not None
    tables = []
    for config, splits in mirror.datasets["the/data"].configs.items():
        path = folder / splits["validation"].file
        assert file_sha256(path) == splits["validation"].sha256
        table = read_rows(path)
        codes = base.languages(config, table.to_pylist())
        table = table.append_column("language", pa.array(codes, pa.string()))
        tables.append(table.append_column("config", pa.array([config] * len(codes), pa.string())))
    return pa.concat_tables(tables)


def failed(results: list[dict[str, Any]], level: str) -> dict[str, dict[str, Any]]:
    """Name -> outcome of what failed at `level`."""
    return {one["name"]: one for one in results if not one["passed"] and one["level"] == level}
