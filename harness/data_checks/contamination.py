"""Do training sets hold what the claim is judged by? Overlap by example, context, document.

Texts count as the same after normalisation (harness/data_checks/near.py), or nearly where their
n-grams are. Translations share no text, so overlap is always within a language; ids that parallel
sets share are told by themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.data_checks.languages import foreign, known, votes_of
from harness.data_checks.near import CONTEXT, QUESTION, Grain, near, normalise
from harness.records import QaExample

SHOWN = 10
_TEXT = 240
# Questions name foreign people and firms: single ones may look like another language.
_MANY = 0.1
_TYDI_ID = re.compile(r"([a-z]+)--?\d+-\d+")
Finding = dict[str, Any]
# Row of the training set, row of the other, similarity (1: the same after normalisation).
_Match = tuple[int, int, float]
_CAUSES = {
    "example": "the training file holds test rows: another split, or the two were joined?",
    "context": "splits were made by question and not by article?",
    "document": "splits were made by passage and not by article?",
    "question": "questions that fit many passages, or a leak with other passages?",
    "id": "parallel sets: the same questions in another language?",
    "language": "a download that joined all languages where one was asked for?",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A data set that the claim reads."""

    name: str
    """Data set and split, for people."""
    languages: Sequence[str]
    """Declared; empty where nobody says."""
    examples: Sequence[QaExample]

    @cached_property
    def questions(self) -> _Texts:
        """Every distinct question."""
        return _Texts.of(one.question for one in self.examples)

    @cached_property
    def contexts(self) -> _Texts:
        """Every distinct context."""
        return _Texts.of(one.context for one in self.examples)


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """Distinct normalised texts, and which of them each row has."""

    distinct: Sequence[str]
    places: Mapping[str, int]
    of_row: Sequence[int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> _Texts:
        raw: dict[str, int] = {}
        places: dict[str, int] = {}
        of_row = []
        for text in texts:
            if text not in raw:
                raw[text] = places.setdefault(normalise(text), len(places))
            of_row.append(raw[text])
        return cls(distinct=list(places), places=places, of_row=of_row)

    def rows(self) -> dict[int, list[int]]:
        """Distinct text -> the rows that have it."""
        found: dict[int, list[int]] = {}
        for row, place in enumerate(self.of_row):
            found.setdefault(place, []).append(row)
        return found


def survey(parts: Mapping[str, Part], rule: Mapping[str, str]) -> list[Finding]:
    """Every comparison that was made and what it found, in a fixed order.

    Args:
        parts: role -> data; "evaluation" is what the claim is judged by, "target" trains the
            target task, all others train before it.
        rule: models.ContaminationRule as plain values: kind of overlap -> level.

    Returns:
        {training, against, by, level, passed, exact, near, of, cause, examples} each. `exact` and
        `near` count rows of `against` (for `by` "language" rows of the training set itself), `of`
        is how many there are; `examples` holds up to ten {training_id, id, similarity,
        training_text, text}.
    """
    findings = []
    for role, part in parts.items():
        if role != "evaluation":
            findings.append(_foreign(role, part, rule["language"]))
            findings += _pair(role, part, "evaluation", parts["evaluation"], rule)
    for role, part in parts.items():
        if role not in ("evaluation", "target") and "target" in parts:
            # Training on the same rows twice is odd; nothing that is measured leaks by it.
            mild = dict.fromkeys(rule, "info") | {"train_test": rule["train_train"]}
            findings += _pair(role, part, "target", parts["target"], mild)
    return findings


def _pair(
    role: str, training: Part, other_role: str, other: Part, rule: Mapping[str, str]
) -> Iterator[Finding]:
    contexts = _alike(training.contexts, other.contexts, CONTEXT)
    questions = _alike(training.questions, other.questions, QUESTION)
    kinds: dict[str, tuple[str, Iterable[_Match]]] = {
        "example": (rule["train_test"], _same_examples(training, other, contexts, questions)),
        "context": (rule["context"], _spread(training.contexts, other.contexts, contexts)),
        "document": (rule["document"], _same_documents(training, other)),
        "question": (rule["question"], _spread(training.questions, other.questions, questions)),
        "id": (rule["id"], _same_ids(training, other)),
    }
    for kind, (level, matches) in kinds.items():
        found = list(matches)
        examples = [_shown(kind, training, other, match) for match in found[:SHOWN]]
        exact = sum(similarity == 1.0 for _, _, similarity in found)
        yield {
            "training": role,
            "against": other_role,
            "by": kind,
            "level": level,
            "passed": not found,
            "exact": exact,
            "near": len(found) - exact,
            "of": len(other.examples),
            "cause": _CAUSES[kind] if found else "",
            "examples": examples,
        }


def _alike(training: _Texts, other: _Texts, grain: Grain) -> dict[int, dict[int, float]]:
    """Distinct text of `other` -> the training texts like it, each with its similarity."""
    found: dict[int, dict[int, float]] = {}
    for text, place in other.places.items():
        # An empty text equals every empty text; the data checks refuse it.
        if text and text in training.places:
            found[place] = {training.places[text]: 1.0}
    for mine, its, similarity in near(training.distinct, other.distinct, grain):
        # n-grams of unequal texts can be the same: "aaaaaa" and "aaaaaaa".
        found.setdefault(its, {})[mine] = min(similarity, 0.999)
    return found


def _spread(
    training: _Texts, other: _Texts, alike: Mapping[int, Mapping[int, float]]
) -> Iterator[_Match]:
    """One match for each row of `other`, with the training row that is most like it."""
    first = {place: rows[0] for place, rows in training.rows().items()}
    for row, place in enumerate(other.of_row):
        if place in alike:
            similarity, mine = max((value, -key) for key, value in alike[place].items())
            yield first[-mine], row, similarity


def _same_examples(
    training: Part,
    other: Part,
    contexts: Mapping[int, Mapping[int, float]],
    questions: Mapping[int, Mapping[int, float]],
) -> Iterator[_Match]:
    """Rows whose question stands in training with the same context, one of the two exactly.

    Of a context that both have, a question may be nearly another ("When did ..." and "Where did
    ..."): it is the same only if it has an answer in common with it.
    """
    pairs: dict[int, dict[int, list[int]]] = {}
    for row, (question, context) in enumerate(
        zip(training.questions.of_row, training.contexts.of_row, strict=True)
    ):
        pairs.setdefault(context, {}).setdefault(question, []).append(row)
    for row, (question, context) in enumerate(
        zip(other.questions.of_row, other.contexts.of_row, strict=True)
    ):
        if question not in questions or context not in contexts:
            continue
        found = _joint(questions[question], contexts[context], pairs)
        mine = _answers(other.examples[row])
        best = max(
            (
                (similarity, -one)
                for similarity, close, one in found
                if close == 1.0 or mine & _answers(training.examples[one])
            ),
            default=None,
        )
        if best is not None:
            yield -best[1], row, best[0]


def _joint(
    questions: Mapping[int, float],
    contexts: Mapping[int, float],
    pairs: Mapping[int, Mapping[int, Sequence[int]]],
) -> Iterator[tuple[float, float, int]]:
    """(similarity, that of the questions, row) of training rows with such question and context."""
    for context, close in contexts.items():
        for question in questions.keys() & pairs[context].keys():
            if max(close, questions[question]) == 1.0:
                for row in pairs[context][question]:
                    yield min(close, questions[question]), questions[question], row


def _answers(one: QaExample) -> set[str]:
    return {normalise(text) for text in one.answers}


def _same_documents(training: Part, other: Part) -> Iterator[_Match]:
    first: dict[tuple[str, str], int] = {}
    for row, one in enumerate(training.examples):
        first.setdefault((one.language, one.document), row)
    for row, one in enumerate(other.examples):
        mine = first.get((one.language, one.document))
        if mine is not None and not _named_by_context(one):
            yield mine, row, 1.0


def _named_by_context(one: QaExample) -> bool:
    """Whether the document is the context itself, for want of a title (stage `examples`)."""
    return hashlib.sha256(one.context.encode("utf-8")).hexdigest().startswith(one.document)


def _same_ids(training: Part, other: Part) -> Iterator[_Match]:
    first: dict[str, int] = {}
    for row, one in enumerate(training.examples):
        first.setdefault(one.id, row)
    for row, one in enumerate(other.examples):
        if one.id in first:
            yield first[one.id], row, 1.0


def _shown(kind: str, training: Part, other: Part, match: _Match) -> dict[str, Any]:
    mine, its = training.examples[match[0]], other.examples[match[1]]
    return {
        "training_id": mine.id,
        "id": its.id,
        "similarity": round(match[2], 3),
        "training_text": _text(kind, mine),
        "text": _text(kind, its),
    }


def _text(kind: str, one: QaExample) -> str:
    if kind == "document":
        return f"{one.document}: {one.context}"[:_TEXT]
    if kind == "context":
        return one.context[:_TEXT]
    return (f"{one.question} | {one.context}" if kind == "example" else one.question)[:_TEXT]


def _foreign(role: str, part: Part, level: str) -> Finding:
    """Rows in a language that was not declared: by label, by id, by what they read like."""
    rows = sorted({*_mislabelled(part), *_other_prefixes(part), *_other_languages(part)})
    examples = [
        {
            "training_id": part.examples[row].id,
            "id": "",
            "similarity": 1.0,
            "training_text": f"{part.examples[row].language}: {part.examples[row].question}"[
                :_TEXT
            ],
            "text": "",
        }
        for row in rows[:SHOWN]
    ]
    return {
        "training": role,
        "against": role,
        "by": "language",
        "level": level,
        "passed": not rows,
        "exact": len(rows),
        "near": 0,
        "of": len(part.examples),
        "cause": _CAUSES["language"] if rows else "",
        "examples": examples,
    }


def _mislabelled(part: Part) -> Iterator[int]:
    if part.languages:
        for row, one in enumerate(part.examples):
            if one.language not in part.languages:
                yield row


def _other_prefixes(part: Part) -> Iterator[int]:
    """TyDi QA's ids begin with the language: more kinds than languages were declared."""
    matches = [_TYDI_ID.fullmatch(one.id) for one in part.examples]
    kinds = Counter(match[1] for match in matches if match)
    if not part.languages or len(kinds) <= len(part.languages):
        return
    usual = {name for name, _ in kinds.most_common(len(part.languages))}
    for row, match in enumerate(matches):
        if match and match[1] not in usual:
            yield row


def _other_languages(part: Part) -> Iterator[int]:
    """Rows whose question reads like another language, where many of their language do."""
    totals = Counter(one.language for one in part.examples)
    doubtful: dict[str, list[int]] = {}
    for row, one in enumerate(part.examples):
        text, code = one.question, one.language
        if known(code) and foreign(text, code, votes_of(text)):
            doubtful.setdefault(code, []).append(row)
    for code, rows in doubtful.items():
        if len(rows) > _MANY * totals[code]:
            yield from rows
