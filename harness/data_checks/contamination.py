"""Do training sets hold what the claim is judged by? Overlap by example, context, document.

What an example's context and question are, its family says (contents.py); the two sets needn't be
of one family. Texts count as the same after normalisation (near.py), or nearly where their n-grams
are. Translations share no text, so overlap is always within a language; ids that parallel sets
share are told by themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.data_checks.contents import Item
from harness.data_checks.languages import foreign, known, votes_of
from harness.data_checks.near import normalise
from harness.data_checks.parts import Part, Texts, alike

SHOWN = 10
_TEXT = 240
# Questions name foreign people and firms: single ones may look like another language.
_MANY = 0.1
# Treebanks and Wikipedia repeat short sentences; a test file in the training data repeats them all.
_LEAKED = 0.2
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
            findings += _pair(role, part, "evaluation", parts["evaluation"], _fitting(part, rule))
    for role, part in parts.items():
        if role not in ("evaluation", "target") and "target" in parts:
            # Training on the same rows twice is odd; nothing that is measured leaks by it.
            mild = dict.fromkeys(rule, "info") | {"train_test": rule["train_train"]}
            findings += _pair(role, part, "target", parts["target"], _fitting(part, mild))
    return findings


def _fitting(training: Part, rule: Mapping[str, str]) -> Mapping[str, str]:
    """Running text holds no questions or labels: what of a test stands in it is only told."""
    return dict.fromkeys(rule, "info") if training.family == "masked_lm" else rule


def _pair(
    role: str, training: Part, other_role: str, other: Part, rule: Mapping[str, str]
) -> Iterator[Finding]:
    # Two training sets may have a million texts: there only equal ones are looked for.
    nearly = other_role == "evaluation"
    contexts = alike(training.contexts, other.contexts, nearly=nearly)
    questions = alike(training.questions, other.questions, nearly=nearly)
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
            "of": len(other.items),
            "cause": _CAUSES[kind] if found else "",
            "examples": examples,
        }


def _spread(
    training: Texts, other: Texts, alike: Mapping[int, Mapping[int, float]]
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

    Of sentences with tags, those with the same words and tags, where they are many.

    Of a context that both have, a question may be nearly another ("When did ..." and "Where did
    ..."): it is the same only if it has an answer in common with it.
    """
    if training.family == other.family == "tagging":
        yield from _same_sentences(training, other)
        return
    pairs: dict[int, dict[int, list[int]]] = {}
    wanted = {context for some in contexts.values() for context in some}
    for row, (question, context) in enumerate(
        zip(training.questions.of_row, training.contexts.of_row, strict=True)
    ):
        if context not in wanted:
            continue
        pairs.setdefault(context, {}).setdefault(question, []).append(row)
    for row, (question, context) in enumerate(
        zip(other.questions.of_row, other.contexts.of_row, strict=True)
    ):
        if question not in questions or context not in contexts:
            continue
        found = _joint(questions[question], contexts[context], pairs)
        mine = _answers(other.items[row])
        best = max(
            (
                (similarity, -one)
                for similarity, close, one in found
                if close == 1.0 or mine & _answers(training.items[one])
            ),
            default=None,
        )
        if best is not None:
            yield -best[1], row, best[0]


def _same_sentences(training: Part, other: Part) -> Iterator[_Match]:
    first: dict[tuple[str, tuple[str, ...]], int] = {}
    for row, one in enumerate(training.items):
        first.setdefault((one.context, one.answers), row)
    totals = Counter(one.language for one in other.items)
    found: dict[str, list[_Match]] = {}
    for row, one in enumerate(other.items):
        mine = first.get((one.context, one.answers))
        if mine is not None:
            found.setdefault(one.language, []).append((mine, row, 1.0))
    for language, matches in found.items():
        if len(matches) > _LEAKED * totals[language]:
            yield from matches


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


def _answers(one: Item) -> set[str]:
    return {normalise(text) for text in one.answers}


def _same_documents(training: Part, other: Part) -> Iterator[_Match]:
    first: dict[tuple[str, str], int] = {}
    for row, one in enumerate(training.items):
        first.setdefault((one.language, one.document), row)
    for row, one in enumerate(other.items):
        mine = first.get((one.language, one.document))
        if mine is not None and not _named_by_context(one):
            yield mine, row, 1.0


def _named_by_context(one: Item) -> bool:
    """Whether the document is the context itself, for want of a title (stage `examples`)."""
    return hashlib.sha256(one.context.encode("utf-8")).hexdigest().startswith(one.document)


def _same_ids(training: Part, other: Part) -> Iterator[_Match]:
    first: dict[str, int] = {}
    for row, one in enumerate(training.items):
        first.setdefault(one.id, row)
    for row, one in enumerate(other.items):
        if one.id in first:
            yield first[one.id], row, 1.0


def _shown(kind: str, training: Part, other: Part, match: _Match) -> dict[str, Any]:
    mine, its = training.items[match[0]], other.items[match[1]]
    return {
        "training_id": mine.id,
        "id": its.id,
        "similarity": round(match[2], 3),
        "training_text": _text(kind, mine),
        "text": _text(kind, its),
    }


def _text(kind: str, one: Item) -> str:
    if kind == "document":
        return f"{one.document}: {one.context}"[:_TEXT]
    if kind == "context":
        return one.context[:_TEXT]
    both = " | ".join(text for text in (one.question, one.context) if text)
    return (both if kind == "example" else one.question or one.context)[:_TEXT]


def _foreign(role: str, part: Part, level: str) -> Finding:
    """Rows in a language that was not declared: by label, by id, by what they read like."""
    rows = sorted({*_mislabelled(part), *_other_prefixes(part), *_other_languages(part)})
    examples = [
        {
            "training_id": part.items[row].id,
            "id": "",
            "similarity": 1.0,
            "training_text": f"{part.items[row].language}: {_text('question', part.items[row])}"[
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
        "of": len(part.items),
        "cause": _CAUSES["language"] if rows else "",
        "examples": examples,
    }


def _mislabelled(part: Part) -> Iterator[int]:
    if part.languages:
        for row, one in enumerate(part.items):
            if one.language not in part.languages:
                yield row


def _other_prefixes(part: Part) -> Iterator[int]:
    """TyDi QA's ids begin with the language: more kinds than languages were declared."""
    matches = [_TYDI_ID.fullmatch(one.id) for one in part.items]
    kinds = Counter(match[1] for match in matches if match)
    if not part.languages or len(kinds) <= len(part.languages):
        return
    usual = {name for name, _ in kinds.most_common(len(part.languages))}
    for row, match in enumerate(matches):
        if match and match[1] not in usual:
            yield row


def _other_languages(part: Part) -> Iterator[int]:
    """Rows whose question (or all there is) reads like another language, where many do."""
    totals = Counter(one.language for one in part.items)
    doubtful: dict[str, list[int]] = {}
    for row, one in enumerate(part.items):
        text, code = one.question or one.context, one.language
        if known(code) and foreign(text, code, votes_of(text)):
            doubtful.setdefault(code, []).append(row)
    for code, rows in doubtful.items():
        if len(rows) > _MANY * totals[code]:
            yield from rows
