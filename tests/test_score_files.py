"""Scoring the user's own files: the figures, and every way a file can be wrong."""

import json

import pytest

from harness.errors import DataError, UsageError
from harness.score_files import score_files
from harness.verbs import scoring


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


def test_a_question_without_answers_has_a_score_in_the_second_version(scored):
    """Right without an answer; SQuAD v1.1's scorer refuses it (below)."""
    found = scored(gold(("1", []), ("2", ["owl"])), {"1": "", "2": "dog"}, "squad_v2")
    assert (found["scorer"], found["em"], found["f1"]) == ("squad_v2/1", 50.0, 50.0)


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


NLI = ("entailment", "neutral", "contradiction")
TAGS = ("O", "B-PER", "I-PER")


@pytest.fixture
def lines(tmp_path):
    """Scores two line files, written as they stand."""

    def _lines(scorer, gold, predictions, labels=()):
        paths = []
        for name, text in (("gold.tsv", gold), ("predictions.tsv", predictions)):
            path = tmp_path / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            paths.append(path)
        return score_files("some", scorer, "de", *paths, labels)

    return _lines


def test_labels_stand_alone_or_in_the_last_column(lines):
    """XTREME's data: sentence, sentence, label, with the line ends of its csv writer; 1 of 2."""
    gold = "Ein\u2028Satz\tNoch einer\tneutral\r\nx\ty\tentailment\r\n"
    assert lines("accuracy", gold, "neutral\nneutral\n", NLI) == {
        "task": "some",
        "language": "de",
        "scorer": "accuracy/1",
        "items": 2,
        "accuracy": 50.0,
    }


def test_indices_are_labels_too(lines):
    """Tatoeba: two of three translations found."""
    found = lines("accuracy", "0\n1\n2", "0\n2\n2", "index")
    assert found["accuracy"] == pytest.approx(200 / 3)


def test_tags_stand_alone_or_behind_their_token(lines):
    """The one gold name is found, and one that is none; several empty lines are one."""
    gold = "Anna\tB-PER\nging\tO\n\n\nGut\tO\n"
    found = lines("seqeval", gold, "B-PER\nO\n\nB-PER", TAGS)
    assert found == {
        "task": "some",
        "language": "de",
        "scorer": "seqeval/1",
        "items": 2,
        "f1": pytest.approx(200 / 3),
        "precision": 50.0,
        "recall": 100.0,
    }


def test_categories_that_only_training_data_know_are_read_as_they_stand(lines):
    """CCG: two of three words right; an empty label is refused all the same."""
    found = lines("token_accuracy", "a\tN\nb\tS\\NP\n\nc\tN", "N\nN\n\nN", "data")
    assert (found["items"], found["accuracy"]) == (2, pytest.approx(200 / 3))
    with pytest.raises(DataError, match="line 1: got an empty line; expected a label, alone"):
        lines("accuracy", "\nN", "N\nN", "data")


def test_a_repeated_pair_is_counted_once_and_said(lines):
    """As the reference does; 1 of 2 gold pairs, nothing wrong."""
    found = lines("bucc_f1", "de-1\ten-1\nde-2\ten-2\n", "de-1\ten-1\nde-1\ten-1\n")
    assert (found["items"], found["repeated"]) == (2, 1)
    assert (found["precision"], found["recall"]) == (100.0, 50.0)


@pytest.mark.parametrize(
    ("gold", "predictions", "message"),
    [
        ("neutral\nneutral", "neutral", r"predictions\.tsv, line 2: got no such line \(1 in all\)"),
        ("neutral", "neutral\nneutral", r"predictions\.tsv, line 2: got a line beyond the last"),
        ("neutral", "Neutral", r"predictions\.tsv, line 1: got `Neutral`; expected one of entail"),
        ("neutral\ta\tb", "neutral", r"gold\.tsv, line 1: got `b`; .*or in the last column"),
        ("neutral\n\nneutral", "neutral", r"gold\.tsv, line 2: got an empty line"),
        ("", "neutral", r"gold\.tsv: got an empty file"),
        ("neutral", "\n \n", r"predictions\.tsv: got an empty file; .*has no score"),
        ("neutral", "\udcff", r"predictions\.tsv: got byte 0 isn't UTF-8"),
    ],
)
def test_wrong_label_files_are_refused(lines, gold, predictions, message):
    """Each with its file and line."""
    with pytest.raises(DataError, match=message):
        lines("accuracy", gold, predictions, NLI)


@pytest.mark.parametrize("index", ["-1", "1.0", "x", "\u0663"])
def test_an_index_that_is_none_is_refused(lines, index):
    """Eastern digits would never equal the gold ones."""
    with pytest.raises(DataError, match=r"line 2: got `.*`; expected a whole number"):
        lines("accuracy", "0\n1", f"0\n{index}", "index")


@pytest.mark.parametrize(
    ("gold", "predictions", "message"),
    [
        ("O\nO\n\nO", "O\nO\n\nO\nO", r"line 4: got 2 tags in sentence 2; expected 1, .*line 4"),
        ("O\n\nO", "O\nO", r"predictions\.tsv, line 1: got 2 tags in sentence 1; expected 1"),
        ("O\n\nO", "O", r"predictions\.tsv: got 1 sentences; expected 2"),
        ("O", "O\n\n\nO", r"predictions\.tsv, line 4: got 2 sentences; expected 1"),
        ("O\nO", "O\nB-LOC", r"predictions\.tsv, line 2: got `B-LOC`; expected one of O, B-PER"),
        ("O", "B-PER", "no gold chunks"),
        ("O", "", r"predictions\.tsv: got an empty file"),
    ],
)
def test_wrong_tag_files_are_refused(lines, gold, predictions, message):
    """The first place where they part is named."""
    with pytest.raises(DataError, match=message):
        lines("seqeval", gold, predictions, TAGS)


@pytest.mark.parametrize(
    ("gold", "predictions", "message"),
    [
        ("a\tb\na\tb", "a\tb", r"gold\.tsv, line 2: got the pair a b twice; expected each once"),
        ("a\tb", "a b", r"predictions\.tsv, line 1: got `a b`; expected two ids with a tab"),
        ("a\tb", "0.9\ta\tb", "line 1: got `0.9\ta\tb`"),
        ("a\tb", "a\tb\n\na\tc", "line 2: got ``"),
        ("a\tb", "", r"predictions\.tsv: got an empty file"),
    ],
)
def test_wrong_pair_files_are_refused(lines, gold, predictions, message):
    """Two ids a line, no more."""
    with pytest.raises(DataError, match=message):
        lines("bucc_f1", gold, predictions)


def test_a_task_that_is_only_trained_on_has_no_metric(tmp_path):
    """There is nothing to score."""
    with pytest.raises(UsageError, match="task `wikipedia`: got no official metric"):
        scoring.run(
            task="wikipedia",
            language="en",
            gold=tmp_path,
            predictions=tmp_path,
            manifests=None,
            as_json=True,
        )
