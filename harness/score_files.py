"""Score anybody's predictions with an official metric: two files in, one score out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness import strict_json
from harness.line_files import (
    Labels,
    check_same_lines,
    check_same_sentences,
    malformed,
    read_labels,
    read_pairs,
    read_raw,
    read_tags,
)
from harness.metrics import known_scorer, load_aligned_scorer, load_scorer, signature


def score_files(
    task: str, scorer: str, language: str, gold: Path, predictions: Path, labels: Labels = ()
) -> dict[str, Any]:
    """Score the file `predictions` against `gold`, both in the form that the scorer reads.

    Args:
        task: name of the task; only repeated in the result.
        scorer: a name in `harness.metrics.SCORERS`.
        language: code of the one language that the files are in.
        gold: for scorers of answers SQuAD's JSON form,
            {"data": [{"paragraphs": [{"qas": [{"id", "answers": [{"text"}]}]}]}]}, where only
            `squad_v2` takes questions without answers; for all others lines, as
            `harness.line_files` says.
        predictions: for scorers of answers {id: text} for exactly the gold ids; else lines.
        labels: the labels or tags that the files may hold.

    Returns:
        task, language, scorer with version, items (questions, labels, sentences or gold pairs) and
        the scorer's metrics, in points. Of pairs also `repeated`: how many predicted lines repeat
        another; a pair counts once, as in the reference implementation.

    Raises:
        DataError: a file can't be read or isn't of that form, or the two don't match.
        UsageError: no such scorer, or it has no rules for the language.
    """
    reads = known_scorer(scorer).reads
    if reads == "answers":
        found = _answers(scorer, language, gold, predictions)
    elif reads == "labels":
        found = _labels(scorer, gold, predictions, labels)
    elif reads == "tags":
        found = _tags(scorer, gold, predictions, labels)
    else:
        found = _pairs(scorer, gold, predictions)
    return {"task": task, "language": language, "scorer": signature(scorer)} | found


def _answers(scorer: str, language: str, gold: Path, predictions: Path) -> dict[str, Any]:
    score = load_scorer(scorer)(_gold(gold), _predictions(predictions), language)
    return {"items": len(score.items), "em": score.em, "f1": score.f1}


def _labels(scorer: str, gold: Path, predictions: Path, known: Labels) -> dict[str, Any]:
    expected, found = read_labels(gold, known), read_labels(predictions, known)
    check_same_lines(len(expected), len(found), predictions)
    figures = load_aligned_scorer(scorer)(expected, found, str(predictions))
    return {"items": len(expected)} | figures


def _tags(scorer: str, gold: Path, predictions: Path, known: Labels) -> dict[str, Any]:
    expected, found = read_tags(gold, known), read_tags(predictions, known)
    check_same_sentences(expected, found, predictions)
    tags = [one.tags for one in expected], [one.tags for one in found]
    return {"items": len(expected)} | load_aligned_scorer(scorer)(*tags, str(predictions))


def _pairs(scorer: str, gold: Path, predictions: Path) -> dict[str, Any]:
    expected, found = read_pairs(gold), read_pairs(predictions)
    _refuse_repeated(expected, gold)
    figures = load_aligned_scorer(scorer)(expected, found, str(predictions))
    return {"items": len(expected), "repeated": len(found) - len(set(found))} | figures


def _refuse_repeated(pairs: list[tuple[str, str]], path: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for i, pair in enumerate(pairs, start=1):
        if pair in seen:
            raise malformed(f"{path}, line {i}", f"the pair {' '.join(pair)} twice", "each once")
        seen.add(pair)


def _gold(path: Path) -> dict[str, list[str]]:
    answers: dict[str, list[str]] = {}
    for i, article in enumerate(_member(_read(path), "data", list, path, "the document")):
        at = f"data[{i}]"
        for j, paragraph in enumerate(_member(article, "paragraphs", list, path, at)):
            for k, question in enumerate(
                _member(paragraph, "qas", list, path, f"{at}.paragraphs[{j}]")
            ):
                spot = f"{at}.paragraphs[{j}].qas[{k}]"
                id_ = _member(question, "id", str, path, spot)
                if id_ in answers:
                    raise malformed(path, f"question id {id_} twice", "each id once")
                answers[id_] = _texts(question, path, spot)
    return answers


def _texts(question: Any, path: Path, at: str) -> list[str]:
    listed = _member(question, "answers", list, path, at)
    return [
        _member(answer, "text", str, path, f"{at}.answers[{n}]") for n, answer in enumerate(listed)
    ]


def _predictions(path: Path) -> dict[str, str]:
    document = _read(path)
    if not isinstance(document, dict):
        raise malformed(path, f"a JSON {type(document).__name__}", "an object {id: text}")
    for id_, text in document.items():
        if not isinstance(text, str):
            raise malformed(path, f"{json.dumps(text)[:60]} for {id_}", "a text for each id")
    return document


def _member(value: Any, key: str, kind: type, path: Path, at: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        form = "a list" if kind is list else "a text"
        raise malformed(path, f"no `{key}` in {at}", f"an object with {form} `{key}`")
    return value[key]


def _read(path: Path) -> Any:
    try:
        return strict_json.loads(read_raw(path))
    except json.JSONDecodeError as error:
        raise malformed(path, f"{error.msg} at line {error.lineno}", "JSON") from error
    except ValueError as error:
        raise malformed(path, str(error), "JSON, each key once in an object") from error
