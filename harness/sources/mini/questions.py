"""Questions about passages, in the forms of TyDi QA, SQuAD 1.1 and 2.0, XQuAD and MLQA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from harness.sources.mini.draws import one, rivals
from harness.sources.mini.outlines import Outline, draw_outlines, known, seeded
from harness.sources.mini.passages import ask, named, render
from harness.sources.mini.sizes import INTERMEDIATE, LOST_TRANSLATION, Recipe
from harness.sources.mini.values import Fact, Value

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
_QUESTION_PHRASINGS = 4

Row = dict[str, Any]


def tydiqa(purpose: str, recipe: Recipe, language: str) -> list[Row]:
    """Rows {id, title, context, question, answers}; passages of their own in each language."""
    purpose = f"{purpose} {language}"
    documents = seeded(f"mini: documents of {purpose}").integers(
        10**18, 9 * 10**18, recipe.passages
    )
    rows: list[Row] = []
    for document, outline in zip(documents, draw_outlines(purpose, recipe), strict=True):
        stem = f"{_ID_PREFIX[language]}-{document}"
        rows += _rows(outline, language, [f"{stem}-{i}" for i in range(len(outline.questions))])
    return rows


def squad(purpose: str, recipe: Recipe, language: str) -> list[Row]:
    """As `tydiqa`, but with SQuAD's ids and parallel over languages."""
    stem = "squad" if recipe == INTERMEDIATE else purpose
    rows: list[Row] = []
    for number, outline in enumerate(draw_outlines(purpose, recipe)):
        ids = [_hash(f"{stem} {number} {i}") for i in range(len(outline.questions))]
        rows += _rows(outline, language, ids)
    return rows


def translated(purpose: str, recipe: Recipe, language: str) -> list[Row]:
    """As `squad`, with a few answers that don't stand in their context: the digits differ.

    Such an answer keeps the English offset, as a translator of texts alone leaves it.
    """
    rows = squad(purpose, recipe, language)
    english = squad(purpose, recipe, "en")
    rng = seeded(f"mini: lost translations {language}")
    for row, source, fact in zip(rows, english, _asked(purpose, recipe), strict=True):
        if fact.value.kind != "number" or int(rng.integers(LOST_TRANSLATION)):
            continue
        if fact.value.key not in row["context"]:
            start = source["answers"]["answer_start"][0]
            row["answers"] = {"text": [fact.value.key], "answer_start": [start]}
    return rows


def squad_v2(purpose: str, recipe: Recipe, language: str) -> list[Row]:
    """As `squad`, and after a passage's questions one that it doesn't answer.

    That asks the same of a country that the passage doesn't name, or of its first country
    something that it doesn't say.
    """
    rng = seeded(f"mini: unanswerable questions of {purpose}")
    rows: list[Row] = []
    for number, outline in enumerate(draw_outlines(purpose, recipe)):
        count = len(outline.questions)
        ids = [_hash(f"{purpose} {number} {i}") for i in range(count + 1)]
        answered = list(_rows(outline, language, ids[:count]))
        fact = _unsaid(rng, outline, recipe.group, another=bool(number % 2))
        question = ask(fact, int(rng.integers(_QUESTION_PHRASINGS)), language)
        nothing: dict[str, list[Any]] = {"text": [], "answer_start": []}
        rows += [
            *answered,
            {**answered[0], "id": ids[-1], "question": question, "answers": nothing},
        ]
    return rows


def xquad(purpose: str, recipe: Recipe, language: str) -> list[Row]:
    """As `squad`, without titles."""
    rows = squad(purpose, recipe, language)
    return [{key: value for key, value in row.items() if key != "title"} for row in rows]


def outlines_of(generator: str, purpose: str, recipe: Recipe, language: str) -> list[Outline]:
    """What the passages of a split were made of, in order."""
    own = generator == "tydiqa"
    return draw_outlines(f"{purpose} {language}" if own else purpose, recipe)


def _hash(text: str) -> str:
    return hashlib.sha256(f"mini: {text}".encode()).hexdigest()[:24]


def _asked(purpose: str, recipe: Recipe) -> list[Fact]:
    return [
        outline.statements[question.statement].fact
        for outline in draw_outlines(purpose, recipe)
        for question in outline.questions
    ]


def _unsaid(rng: np.random.Generator, outline: Outline, group: str, *, another: bool) -> Fact:
    said = [statement.fact for statement in outline.statements]
    about = {fact.subject for fact in said}
    asked = said[outline.questions[0].statement]
    facts = [fact for of_one in known(group).values() for fact in of_one.values()]
    own = [fact for fact in facts if fact.subject == asked.subject and fact not in said]
    strangers = [fact for fact in rivals(asked, facts) if fact.subject not in about]
    return one(rng, strangers if another or not own else own)


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
