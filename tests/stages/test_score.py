"""Stage `score`: files in, items and means in points out, for every family."""

import json

import pytest
from stage_runs import run_stage

from harness.errors import DataError
from harness.records import (
    ChoiceExample,
    LabelPrediction,
    PairExample,
    PairPrediction,
    Prediction,
    QaExample,
    Sentence,
    TagExample,
    TagPrediction,
    write_rows,
)


def example(id_, language, *answers):
    """A question with these answers."""
    return QaExample(
        id=id_,
        language=language,
        document=f"doc of {id_}",
        context=" ".join(answers),
        question="?",
        answers=answers,
        answer_starts=(0,) * len(answers),
    )


def prediction(id_, text):
    """An answer; its span doesn't matter here."""
    return Prediction(id=id_, text=text, score=0.0, start=0, end=len(text))


@pytest.fixture
def scored(tmp_path):
    """Runs the stage on examples and {language: predictions}; gives scores and item rows."""

    def _scored(examples, predictions, family="extractive_qa", scorer="squad_v1", labels=()):
        for name in ("examples", "answers/predictions"):
            (tmp_path / name).mkdir(parents=True)
        write_rows(tmp_path / "examples" / "examples.jsonl", examples)
        for language, rows in predictions.items():
            write_rows(tmp_path / "answers" / "predictions" / f"{language}.jsonl", rows)
        config = {"family": family, "scorer": scorer, "labels": labels}
        inputs = {"examples": tmp_path / "examples", "predictions": tmp_path / "answers"}
        out = run_stage("score", tmp_path / "out", config, inputs)
        rows = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()]
        scores = json.loads((out / "scores.json").read_text())
        for language, figures in scores["languages"].items():
            _check_means(figures, [row["values"] for row in rows if row["language"] == language])
        return scores, rows

    return _scored


def _check_means(figures, values):
    """The mean over the items of a language is its score, in every metric."""
    assert figures["items"] == len(values)
    for metric in values[0]:
        mean = sum(one[metric] for one in values) / len(values)
        assert mean == pytest.approx(figures[metric], rel=0, abs=1e-9), metric


EXAMPLES = [example("1", "fi", "x y"), example("2", "en", "cat"), example("3", "en", "dog")]


def test_scores_are_means_of_each_language_in_points(scored):
    """English: one of two right, 50; Finnish: P = 1, R = 1/2, F1 = 2/3, score half of it."""
    answers = {
        "en": [prediction("3", "owl"), prediction("2", "The cat")],
        "fi": [prediction("1", "x")],
    }
    scores, rows = scored(EXAMPLES, answers)
    assert scores["scorer"] == "squad_v1/1"
    assert scores["languages"]["en"] == {"items": 2, "em": 50.0, "f1": 50.0, "score": 50.0}
    assert scores["languages"]["fi"]["f1"] == pytest.approx(200 / 3, abs=1e-12)
    assert scores["languages"]["fi"]["score"] == pytest.approx(100 / 3, abs=1e-12)
    values = {"em": 100, "f1": 100, "score": 100}
    assert rows[1] == {"id": "2", "language": "en", "document": "doc of 2", "values": values}
    assert [row["id"] for row in rows] == ["1", "2", "3"]


def test_the_same_id_may_stand_in_two_languages(scored):
    """XQuAD's questions keep their ids in translation."""
    examples = [example("1", "en", "a cat"), example("1", "de", "Katze")]
    scores, _ = scored(examples, {"en": [prediction("1", "cat")], "de": [prediction("1", "Hund")]})
    languages = scores["languages"]
    assert (languages["en"]["em"], languages["de"]["em"]) == (100.0, 0.0)


def test_a_question_without_an_answer_is_right_where_none_is_given(scored):
    """SQuAD 2.0: two of three."""
    examples = [example("1", "en"), example("2", "en"), example("3", "en", "cat")]
    answers = [prediction("1", ""), prediction("2", "owl"), prediction("3", "cat")]
    scores, _ = scored(examples, {"en": answers}, scorer="squad_v2")
    assert scores["languages"]["en"]["f1"] == pytest.approx(200 / 3)


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


NLI = ("entailment", "neutral", "contradiction")


def pair(id_, label):
    """A pair of texts."""
    return PairExample(id=id_, language="en", document="d", first="a", second="b", label=label)


def label(id_, name):
    """A predicted label."""
    return LabelPrediction(id=id_, label=name, logits=(0.0, 0.0, 0.0))


def test_labels_are_right_or_wrong(scored):
    """One of two; `score` is the accuracy."""
    scores, rows = scored(
        [pair("1", "neutral"), pair("2", "entailment")],
        {"en": [label("2", "neutral"), label("1", "neutral")]},
        *("classification", "accuracy", NLI),
    )
    assert scores["languages"]["en"] == {"items": 2, "accuracy": 50.0, "score": 50.0}
    assert [row["values"]["accuracy"] for row in rows] == [100.0, 0.0]


@pytest.mark.parametrize(
    ("examples", "answers", "message"),
    [
        ([pair("1", "neutral")], [], "no prediction for 1 ids: 1"),
        ([pair("1", "neutral")], [label("1", "neutral"), label("7", "neutral")], "no example.*: 7"),
        ([pair("1", "neutral")], [label("1", "maybe")], "id 1: got the label `maybe`; expected on"),
        ([pair("1", "2")], [label("1", "neutral")], "id 1: got the label `2`; expected one of ent"),
    ],
)
def test_labels_that_do_not_match_are_refused(scored, examples, answers, message):
    """Never a zero, never a guess."""
    with pytest.raises(DataError, match=f"accuracy, language en.*{message}"):
        scored(examples, {"en": answers}, "classification", "accuracy", NLI)


def choice(id_, place):
    """A question with three choices."""
    texts = ("a", "b", "c")
    return ChoiceExample(
        id=id_, language="en", document="d", context="", question="", choices=texts, label=place
    )


def test_choices_are_compared_by_place(scored):
    """The second of three is right, the first not."""
    scores, _ = scored(
        [choice("1", 1), choice("2", 2)],
        {"en": [label("1", "1"), label("2", "0")]},
        *("multiple_choice", "accuracy", "index"),
    )
    assert scores["languages"]["en"]["accuracy"] == 50.0


@pytest.mark.parametrize(("place", "chosen"), [(3, "0"), (0, "3"), (0, "first")])
def test_a_place_that_no_choice_has_is_refused(scored, place, chosen):
    """Gold or predicted."""
    with pytest.raises(DataError, match=r"id 1: got the label .*; expected one of 0, 1, 2"):
        scored(
            [choice("1", place)],
            {"en": [label("1", chosen)]},
            *("multiple_choice", "accuracy", "index"),
        )


def sentence(id_, *tags, language="en"):
    """A sentence with these tags."""
    return TagExample(id=id_, language=language, document="d", words=tags, tags=tags)


def tags(id_, *found):
    """Predicted tags."""
    return TagPrediction(id=id_, tags=found)


def test_tags_are_scored_by_chunks_over_the_whole_language(scored):
    """Gold 3, predicted 2, 1 right: F1 40, whatever each sentence has; `_check_means` holds."""
    scores, _ = scored(
        [sentence("1", "B-PER", "I-PER", "O"), sentence("2", "B-LOC", "O", "B-ORG")],
        {"en": [tags("1", "B-PER", "O", "O"), tags("2", "B-LOC", "O", "O")]},
        *("tagging", "seqeval", ("O", "B-PER", "I-PER", "B-ORG", "B-LOC")),
    )
    assert scores["languages"]["en"]["f1"] == pytest.approx(40.0)
    assert scores["languages"]["en"]["score"] == pytest.approx(40.0)


def test_categories_are_scored_by_word(scored):
    """1 of 2 and 4 of 4; the categories are those of the training data, so any may stand here."""
    scores, _ = scored(
        [sentence("1", "N", "S\\NP"), sentence("2", "N", "N", "N", "N")],
        {"en": [tags("1", "N", "S"), tags("2", "N", "N", "N", "N")]},
        *("tagging", "token_accuracy", "data"),
    )
    assert scores["languages"]["en"]["accuracy"] == pytest.approx(500 / 6)


@pytest.mark.parametrize(
    ("found", "message"),
    [(("O",), "sentence 1: got 1 predicted tags"), (("O", "B-DOG"), "id 1: got the label `B-DOG`")],
)
def test_tags_that_do_not_match_are_refused(scored, found, message):
    """Another number of them, or one that there isn't."""
    with pytest.raises(DataError, match=message):
        scored(
            [sentence("1", "O", "B-PER")],
            {"en": [tags("1", *found)]},
            *("tagging", "seqeval", ("O", "B-PER")),
        )


def bitext(side, id_, *mates):
    """A sentence of a German-English bitext."""
    return Sentence(id=id_, language="de", document=id_, side=side, text="x", mates=mates)


def mate(id_, other, score=1.0):
    """A translation that was found."""
    return PairPrediction(id=id_, mate=other, score=score)


TATOEBA = [
    *(bitext("foreign", f"de{i}", f"en{i}") for i in range(2)),
    *(bitext("english", f"en{i}", f"de{i}") for i in range(2)),
]


def test_an_item_of_retrieval_is_the_sentence_that_was_looked_up(scored):
    """Two German sentences, one found; the English side gives no items."""
    answers = {"de": [mate("de0", "en0"), mate("de1", "en0")]}
    scores, rows = scored(TATOEBA, answers, "retrieval", "accuracy", "index")
    assert scores["languages"]["de"] == {"items": 2, "accuracy": 50.0, "score": 50.0}
    assert [row["id"] for row in rows] == ["de0", "de1"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([mate("de0", "en0")], "no prediction for 1 ids: de1"),
        ([], "no prediction for 2 ids: de0, de1"),
        ([mate("de0", "en0"), mate("de1", "en9")], "the unknown sentence en9"),
        ([mate("de0", "en0"), mate("de1", "de0")], "de0 for de1; expected sentences of the other"),
        ([mate("de0", "en0"), mate("en1", "de1")], "expected sentences of the other side"),
    ],
)
def test_sentences_that_do_not_match_are_refused(scored, answers, message):
    """Every sentence of one side is looked up on the other."""
    with pytest.raises(DataError, match=f"accuracy, language de.*{message}"):
        scored(TATOEBA, {"de": answers}, "retrieval", "accuracy", "index")


BUCC = [
    bitext("foreign", "a", "A"),
    bitext("foreign", "b", "B"),
    bitext("foreign", "c"),
    *(bitext("english", id_) for id_ in "ABC"),
]


def test_mined_pairs_are_cut_where_their_f1_is_best(scored):
    """F1 2/3 after A, 2/4 after C, 4/5 after B: all three; an item is a German sentence."""
    answers = {"de": [mate("b", "B", 1.0), mate("c", "C", 1.25), mate("A", "a", 1.5)]}
    scores, rows = scored(BUCC, answers, "retrieval", "bucc_f1", ())
    found = scores["languages"]["de"]
    assert found == {"items": 3, "f1": 80.0, "score": 80.0, "threshold": 1.0}
    # F1 4/5 + 3 * (2 - 4/5 * 2) / 5 = 1.04 for a and b, 4/5 - 3 * 4/5 / 5 = 0.32 for c.
    assert [row["values"]["f1"] for row in rows] == pytest.approx([104.0, 104.0, 32.0])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([mate("a", "A"), mate("A", "a")], "the pair a A twice"),
        ([mate("a", "b")], "the pair a b; expected each pair once, of sentences of both sides"),
        ([mate("a", "Z")], "the unknown sentence Z"),
    ],
)
def test_wrong_pairs_are_refused(scored, answers, message):
    """Two sentences of two sides, each pair once."""
    with pytest.raises(DataError, match=message):
        scored(BUCC, {"de": answers}, "retrieval", "bucc_f1", ())


def test_nothing_mined_scores_nothing(scored):
    """No candidate is a result."""
    scores, _ = scored(BUCC, {"de": []}, "retrieval", "bucc_f1", ())
    assert scores["languages"]["de"]["f1"] == 0.0
