"""Score anybody's predictions with an official metric: two JSON files in, one score out."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.metrics import load_scorer, signature


def score_files(
    task: str, scorer: str, language: str, gold: Path, predictions: Path
) -> dict[str, Any]:
    """Score `predictions`, {id: text}, against `gold` in SQuAD's JSON form.

    Args:
        task: name of the task; only repeated in the result.
        scorer: a name in `harness.metrics.SCORERS`.
        language: code of the one language that the files are in.
        gold: {"data": [{"paragraphs": [{"qas": [{"id", "answers": [{"text"}]}]}]}]}.
        predictions: one text for exactly the gold ids.

    Returns:
        task, language, scorer with version, items, and em and f1 in points.

    Raises:
        DataError: a file can't be read, isn't JSON of that form, repeats a key or an id, or the
            ids don't match.
        UsageError: no such scorer, or it has no rules for the language.
    """
    score = load_scorer(scorer)(_gold(gold), _predictions(predictions), language)
    return {
        "task": task,
        "language": language,
        "scorer": signature(scorer),
        "items": len(score.items),
        "em": score.em,
        "f1": score.f1,
    }


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
                    raise _malformed(path, f"question id {id_} twice", "each id once")
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
        raise _malformed(path, f"a JSON {type(document).__name__}", "an object {id: text}")
    for id_, text in document.items():
        if not isinstance(text, str):
            raise _malformed(path, f"{json.dumps(text)[:60]} for {id_}", "a text for each id")
    return document


def _member(value: Any, key: str, kind: type, path: Path, at: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        form = "a list" if kind is list else "a text"
        raise _malformed(path, f"no `{key}` in {at}", f"an object with {form} `{key}`")
    return value[key]


def _read(path: Path) -> Any:
    try:
        # Some editors put a byte-order mark before JSON; it carries no meaning.
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _malformed(path, error.strerror or str(error), "a readable file") from error
    except UnicodeDecodeError as error:
        raise _malformed(path, f"byte {error.start} isn't UTF-8", "UTF-8 text") from error
    try:
        return json.loads(text, object_pairs_hook=partial(_unique, path))
    except json.JSONDecodeError as error:
        raise _malformed(path, f"{error.msg} at line {error.lineno}", "JSON") from error
    except (ValueError, RecursionError) as error:
        raise _malformed(path, str(error), "JSON") from error


def _unique(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The json module would keep the last of two equal keys, silently.
    built: dict[str, Any] = {}
    for key, value in pairs:
        if key in built:
            raise _malformed(path, f"the key `{key}` twice", "each key once in an object")
        built[key] = value
    return built


def _malformed(path: Path, got: str, expected: str) -> DataError:
    return DataError(where=str(path), got=got, expected=expected, fix="Correct the file.")
