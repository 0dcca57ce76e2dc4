"""What the question-answering scorers share: F1 of bags, means, and what is refused."""

import pytest

from harness.errors import DataError, UsageError
from harness.metrics import SCORERS, load_aligned_scorer, load_items, load_scorer, signature
from harness.metrics.answers import score_language, token_f1


def plain(text):
    """No normalisation."""
    return text


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    """2 of 4 predicted and 2 of 3 gold tokens: P = 1/2, R = 2/3, F1 = (2/3) / (7/6) = 4/7."""
    assert token_f1(["a", "b", "c", "d"], ["a", "b", "e"]) == pytest.approx(4 / 7, abs=1e-15)


def test_a_repeated_token_counts_as_often_as_both_have_it():
    """Two and three times the same token share two: P = 1, R = 2/3, F1 = 4/5."""
    assert token_f1(["a", "a"], ["a", "a", "a"]) == pytest.approx(0.8, abs=1e-15)


@pytest.mark.parametrize("pair", [("a", "b"), ("", "a"), ("a", ""), ("", "")])
def test_nothing_shared_is_zero_even_when_both_are_empty(pair):
    """SQuAD v1.1 gives F1 0 to two empty answers."""
    assert token_f1(pair[0].split(), pair[1].split()) == 0.0


def test_the_best_gold_answer_counts_for_each_metric():
    """EM from the second answer, F1 1.0 with it."""
    scored = score_language({"q": ("x", "a b")}, {"q": "a b"}, plain, "set")
    assert (scored.items["q"].em, scored.items["q"].f1) == (1.0, 1.0)


def test_a_language_is_the_mean_over_questions_in_points():
    """EM 1, 0, 0, 0 -> 25; F1 1, 1/2, 0, 0 -> 37.5 ("a b" and "a c" share one of two)."""
    gold = {"1": ["a"], "2": ["a c"], "3": ["a"], "4": ["a"]}
    scored = score_language(gold, {"1": "a", "2": "a b", "3": "b", "4": ""}, plain, "set")
    assert (scored.em, scored.f1) == (25.0, 37.5)
    assert list(scored.items) == ["1", "2", "3", "4"]


def test_two_empty_answers_match_exactly_but_share_no_token():
    """EM 1 and F1 0: the official script's result for what normalises to nothing."""
    scored = score_language({"q": [""]}, {"q": ""}, plain, "set")
    assert (scored.em, scored.f1) == (100.0, 0.0)


def test_missing_predictions_are_counted_and_five_are_named():
    """Never a zero."""
    gold = {str(n): ["a"] for n in range(7)}
    with pytest.raises(DataError, match=r"6 questions without a prediction: 1, 2, 3, 4, 5, \.\.\."):
        score_language(gold, {"0": "a"}, plain, "set")


def test_a_prediction_for_an_unknown_question_is_refused():
    """It shows that the files don't belong together."""
    with pytest.raises(DataError, match=r"1 predictions for unknown questions: z; expected none"):
        score_language({"q": ["a"]}, {"q": "a", "z": "a"}, plain, "set")


def test_an_empty_set_has_no_score():
    """Not 0.0."""
    with pytest.raises(DataError, match="an empty set has no score"):
        score_language({}, {}, plain, "set")


def test_a_question_without_answers_is_refused():
    """No maximum over nothing."""
    with pytest.raises(DataError, match="1 questions without a gold answer: q"):
        score_language({"q": []}, {"q": ""}, plain, "set")


def test_every_scorer_of_the_table_can_be_loaded():
    """The table names functions that exist; a right answer scores 100."""
    one = {"labels": ["0"], "tags": [["B-PER"]], "pairs": [("de-1", "en-1")]}
    for name, scorer in SCORERS.items():
        if scorer.reads == "answers":
            assert load_scorer(name)({"q": ["Paris"]}, {"q": "paris."}, "en").em == 100.0
        else:
            right = one[scorer.reads]
            assert set(load_aligned_scorer(name)(right, right, "set").values()) == {100.0}


def test_a_scorer_of_another_form_is_a_usage_error():
    """Answers are no labels."""
    with pytest.raises(UsageError, match="`seqeval`, which scores tags; expected a scorer of answ"):
        load_scorer("seqeval")
    with pytest.raises(UsageError, match="`mlqa`, which scores answers; expected a scorer of lab"):
        load_aligned_scorer("mlqa")
    with pytest.raises(
        UsageError, match="`bucc_f1`, which scores pairs; expected a scorer of labe"
    ):
        load_items("bucc_f1")


def test_a_signature_holds_the_version():
    """It is what a number is quoted with."""
    assert signature("squad_v1") == "squad_v1/1"


def test_an_unknown_scorer_is_a_usage_error():
    """The message lists those there are."""
    with pytest.raises(UsageError, match="`rouge`; expected one of squad_v1, squad_v2, mlqa"):
        load_scorer("rouge")
