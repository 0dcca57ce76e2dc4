"""Stage `score`: files in, items and means in points out."""

import json

import pytest

from harness.errors import DataError
from harness.records import Prediction, QaExample, write_rows
from harness.stages.contract import Resources, StageContext
from harness.stages.score import run


class _Silent:
    def start(self, total, unit):
        """Nobody looks."""

    def advance(self, done, **figures):
        """Nobody looks."""


def example(id_, language, answer):
    """A question with one answer."""
    return QaExample(
        id=id_,
        language=language,
        document=f"doc of {id_}",
        context=answer,
        question="?",
        answers=(answer,),
        answer_starts=(0,),
    )


def prediction(id_, text):
    """An answer; its span doesn't matter here."""
    return Prediction(id=id_, text=text, score=0.0, start=0, end=len(text))


@pytest.fixture
def scored(tmp_path):
    """Runs the stage on examples and {language: predictions}; gives the output folder."""

    def _scored(examples, predictions):
        for name in ("examples", "answers/predictions", "out"):
            (tmp_path / name).mkdir(parents=True)
        write_rows(tmp_path / "examples" / "examples.jsonl", examples)
        for language, rows in predictions.items():
            write_rows(tmp_path / "answers" / "predictions" / f"{language}.jsonl", rows)
        context = StageContext(
            config={"scorer": "squad_v1"},
            inputs={"examples": tmp_path / "examples", "predictions": tmp_path / "answers"},
            input_keys={},
            out=tmp_path / "out",
            resources=Resources(),
            progress=_Silent(),
        )
        run(context)
        return tmp_path / "out"

    return _scored


EXAMPLES = [example("1", "fi", "x y"), example("2", "en", "cat"), example("3", "en", "dog")]


def test_scores_are_means_of_each_language_in_points(scored):
    """English: one of two right, 50; Finnish: P = 1, R = 1/2, F1 = 2/3."""
    answers = {
        "en": [prediction("3", "owl"), prediction("2", "The cat")],
        "fi": [prediction("1", "x")],
    }
    out = scored(EXAMPLES, answers)
    scores = json.loads((out / "scores.json").read_text())
    assert scores["scorer"] == "squad_v1/1"
    assert scores["languages"]["en"] == {"items": 2, "em": 50.0, "f1": 50.0}
    assert scores["languages"]["fi"]["f1"] == pytest.approx(200 / 3, abs=1e-12)
    rows = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()]
    assert rows[1] == {"id": "2", "language": "en", "document": "doc of 2", "em": 100, "f1": 100}
    assert [row["id"] for row in rows] == ["1", "2", "3"]


def test_the_same_id_may_stand_in_two_languages(scored):
    """XQuAD's questions keep their ids in translation."""
    examples = [example("1", "en", "a cat"), example("1", "de", "Katze")]
    out = scored(examples, {"en": [prediction("1", "cat")], "de": [prediction("1", "Hund")]})
    languages = json.loads((out / "scores.json").read_text())["languages"]
    assert (languages["en"]["em"], languages["de"]["em"]) == (100.0, 0.0)


def test_a_missing_prediction_is_an_error(scored):
    """It is named, with its language."""
    answers = {"en": [prediction("2", "cat")], "fi": [prediction("1", "x")]}
    with pytest.raises(DataError, match="language en: got 1 questions without a prediction: 3"):
        scored(EXAMPLES, answers)


def test_a_missing_language_is_an_error(scored):
    """Not a shorter mean."""
    with pytest.raises(DataError, match="predictions in fi; expected in en, fi"):
        scored(EXAMPLES, {"fi": [prediction("1", "x")]})


def test_no_examples_is_an_error(scored):
    """No score of nothing."""
    with pytest.raises(DataError, match="there are no examples"):
        scored([], {})


def test_an_id_that_stands_twice_is_an_error(scored):
    """The second prediction would hide the first."""
    answers = [prediction("2", "cat"), prediction("3", "dog"), prediction("2", "owl")]
    with pytest.raises(DataError, match="predictions, language en: got id 2 twice"):
        scored(EXAMPLES[1:], {"en": answers})
