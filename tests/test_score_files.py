"""Scoring the user's own files: the figures, and every way a file can be wrong."""

import json

import pytest

from harness.errors import DataError, UsageError
from harness.score_files import score_files


def gold(*questions):
    """SQuAD's JSON form of (id, answers)."""
    qas = [
        {"id": id_, "question": "?", "answers": [{"text": text} for text in answers]}
        for id_, answers in questions
    ]
    return {"version": "1.1", "data": [{"paragraphs": [{"context": "", "qas": qas}]}]}


GOLD = gold(("1", ["the cat", "a cat"]), ("2", ["owl"]))


@pytest.fixture
def scored(tmp_path):
    """Scores two documents; text is written as it stands, all else as JSON."""

    def _scored(gold, predictions, scorer="squad_v1", language="en"):
        paths = []
        for name, value in (("gold.json", gold), ("predictions.json", predictions)):
            path = tmp_path / name
            data = value if isinstance(value, str) else json.dumps(value)
            path.write_bytes(data.encode("utf-8", "surrogateescape"))
            paths.append(path)
        return score_files("tydiqa", scorer, language, *paths)

    return _scored


def test_the_result_says_what_was_scored_with_what(scored):
    """One of two right: 50 points."""
    assert scored(GOLD, {"1": "Cat", "2": "dog"}) == {
        "task": "tydiqa",
        "language": "en",
        "scorer": "squad_v1/1",
        "items": 2,
        "em": 50.0,
        "f1": 50.0,
    }


def test_the_scorer_follows_its_name(scored):
    """MLQA drops the German article, SQuAD's rules keep it."""
    one = gold(("1", ["Hund"]))
    assert scored(one, {"1": "der Hund"}, "mlqa", "de")["em"] == 100.0
    assert scored(one, {"1": "der Hund"}, "squad_v1", "de")["em"] == 0.0


def test_a_byte_order_mark_is_ignored(scored):
    """Some editors write one."""
    assert scored(GOLD, "\ufeff" + json.dumps({"1": "cat", "2": "owl"}))["em"] == 100.0


@pytest.mark.parametrize(
    ("gold_file", "predictions", "message"),
    [
        (GOLD, '{"1": "a",\n "2" "b"}', r"predictions\.json: got Expecting ':' .*at line 2"),
        ("[" * 100_000, {}, r"gold\.json"),
        (GOLD, '{"1": "\udcff"}', "isn't UTF-8"),
        (GOLD, '{"1": "a", "2": "b", "1": "c"}', "the key `1` twice"),
        (GOLD, ["a"], r"a JSON list; expected an object"),
        (GOLD, {"1": "a", "2": None}, "null for 2; expected a text for each id"),
        (GOLD, {"1": "a"}, "1 questions without a prediction: 2"),
        (GOLD, {"1": "a", "2": "b", "3": "c"}, "unknown questions: 3"),
        (gold(("1", ["a"]), ("1", ["b"])), {"1": "a"}, "question id 1 twice"),
        (gold(("1", [])), {"1": "a"}, "without a gold answer: 1"),
        (gold(), {}, "an empty set has no score"),
        ({"rows": []}, {}, "no `data` in the document; expected an object with a list `data`"),
        ({"data": [{}]}, {}, r"no `paragraphs` in data\[0\]"),
        (gold((7, ["a"])), {}, r"no `id` in data\[0\]\.paragraphs\[0\]\.qas\[0\]"),
        (gold(("1", [5])), {}, r"no `text` in .*qas\[0\]\.answers\[0\]; .* a text `text`"),
    ],
)
def test_a_wrong_file_is_refused(scored, gold_file, predictions, message):
    """Each says which file, what it got and what it expected."""
    with pytest.raises(DataError, match=message):
        scored(gold_file, predictions)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """No traceback for a misspelt path."""
    with pytest.raises(DataError, match=r"none\.json: got No such file"):
        score_files("tydiqa", "squad_v1", "en", tmp_path / "none.json", tmp_path / "none.json")


def test_a_language_that_the_scorer_lacks_is_a_usage_error(scored):
    """MLQA has seven languages."""
    with pytest.raises(UsageError, match="language `fi`"):
        scored(gold(("1", ["a"])), {"1": "a"}, "mlqa", "fi")
