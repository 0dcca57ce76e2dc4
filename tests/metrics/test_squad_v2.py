"""SQuAD 2.0: questions without an answer in their context."""

import pytest

from harness.errors import DataError
from harness.metrics.squad_v2 import score


def both(gold, predicted):
    """EM and F1 of one question."""
    scored = score({"q": gold}, {"q": predicted}, "en")
    return scored.em, scored.f1


@pytest.mark.parametrize(
    ("predicted", "points"), [("", 100.0), ("the", 100.0), ("owl", 0.0), ("?", 100.0)]
)
@pytest.mark.parametrize("gold", [[], [""], ["a."]])
def test_an_unanswerable_question_is_right_only_without_an_answer(gold, predicted, points):
    """In both metrics; empty is what normalises to nothing, as in the official script."""
    assert both(gold, predicted) == (points, points)


def test_no_answer_to_an_answerable_question_is_wrong():
    """In both metrics."""
    assert both(["owl"], "") == (0.0, 0.0)


def test_an_answer_is_scored_as_in_the_first_version():
    """One of two predicted tokens: P 1/2, R 1, F1 2/3; an empty gold answer beside it is none."""
    em, f1 = both(["owl", "the"], "grey owl")
    assert (em, f1) == (0.0, pytest.approx(200 / 3, abs=1e-12))
    assert both(["owl", "the"], "") == (0.0, 0.0)


def test_answerable_and_unanswerable_questions_weigh_the_same():
    """One right of two."""
    assert score({"1": ["owl"], "2": []}, {"1": "owl", "2": "owl"}, "en").em == 50.0


def test_a_missing_prediction_is_no_empty_one():
    """It would be right here."""
    with pytest.raises(DataError, match="squad_v2, language en: got 1 questions without a predict"):
        score({"1": [], "2": []}, {"1": ""}, "en")
