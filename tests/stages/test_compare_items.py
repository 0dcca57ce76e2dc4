"""The items that one system gets and the other misses, as the comparison records them."""

import pytest
from test_compare import SCORES, compared, items  # noqa: F401

from harness.comparing.items import MOST
from harness.comparing.shown import AROUND, FAMILIES, cut, excerpt
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
)

SAME = {"id": "1", "language": "en", "document": "d"}


def card(family, example, *rows, others=None):
    """The item as it is shown, and each prediction in words."""
    made = FAMILIES[family].card(example, rows, others or {})
    return made, [made.answer(row) for row in rows]


def test_a_system_gets_an_item_in_most_of_its_runs(compared):  # noqa: F811
    """Two runs: both must be right.

    none gets en0 (right twice), first en0, en1, en2; ru: none nothing, first nothing, for each
    Russian item was right once.
    """
    comparison, _ = compared()
    english, russian = comparison.items
    assert (english.language, english.treatment, english.baseline) == ("en", "first", "none")
    assert (english.both, english.gained, english.lost, english.neither) == (1, 2, 0, 1)
    assert (russian.both, russian.gained, russian.lost, russian.neither) == (0, 0, 0, 2)


def test_a_shown_item_has_its_texts_and_every_answer(compared):  # noqa: F811
    """en1: the treatment is right twice, the baseline in the first seed only."""
    comparison, _ = compared()
    found = {one.id: one for one in comparison.items[0].shown}
    assert set(found) == {"en1", "en2"}
    item = found["en1"]
    assert item.gained
    assert item.texts["Question"] == "Is it?"
    start, end = item.mark
    assert item.texts["Context"][start:end] == "yes"
    assert item.gold == ("yes",)
    assert [(one.text, one.right) for one in item.treatment] == [("yes", True), ("yes", True)]
    assert [(one.text, one.right) for one in item.baseline] == [("yes", True), ("no", False)]


def test_few_of_many_are_drawn_by_their_ids(compared):  # noqa: F811
    """Forty gained: the same few every time, in an order that says nothing of the file's."""
    none, first = {"en": [0] * 40, "ru": [100, 0]}, {"en": [100] * 40, "ru": [0, 0]}
    one = {"none": [none] * 2, "first": [first] * 2}
    english, russian = compared(scores=one)[0].items
    assert (english.gained, len(english.shown)) == (40, MOST)
    # The lowest sha256 of "en0" to "en39", as sha256sum has them.
    assert [item.id for item in english.shown] == ["en4", "en27", "en9", "en37", "en3"]
    assert (russian.lost, [item.gained for item in russian.shown]) == (1, [False])


def test_text_that_a_licence_forbids_to_copy_is_left_out(compared, monkeypatch):  # noqa: F811
    """Ids and who was right remain."""
    from harness.comparing.source import Source

    monkeypatch.setattr(Source, "withheld", ("target",))
    english = compared()[0].items[0]
    assert english.withheld
    assert [(one.texts, one.gold, one.mark) for one in english.shown] == [({}, (), None)] * 2
    assert {answer.text for one in english.shown for answer in one.treatment} == {""}
    assert all(one.treatment[0].right for one in english.shown)


def test_long_texts_are_cut():
    """A megabyte of text costs a comparison some hundred characters."""
    assert len(cut("x" * 1_000_000)) == 120
    piece, (start, end) = excerpt("a" * 500_000 + "b" * 500_000, 500_000, 1_000_000)
    assert piece[start:end] == "b" * 120
    assert len(piece) == 2 * AROUND + 120 + 2


def test_a_question_without_an_answer_shows_the_beginning_of_its_context():
    """And an empty prediction says that there is none."""
    example = QaExample(**SAME, context="A context.", question="Why?", answers=(), answer_starts=())
    empty = Prediction(id="1", text="", score=0.0, start=0, end=0)
    made, said = card("extractive_qa", example, empty)
    assert made.texts == {"Question": "Why?", "Context": "A context."}
    assert (made.mark, made.gold, said) == (None, ("(no answer)",), ["(no answer)"])


def test_a_choice_is_named_by_its_place():
    """Its texts are all there."""
    example = ChoiceExample(**SAME, context="", question="Q", choices=("a", "b"), label=1)
    made, said = card("multiple_choice", example, LabelPrediction(id="1", label="0", logits=()))
    assert made.texts == {"Question": "Q", "Choice 1": "a", "Choice 2": "b"}
    assert (made.gold, said) == (("Choice 2",), ["Choice 1"])


def test_of_a_tagged_sentence_the_words_at_issue_are_shown():
    """Those that some run tags otherwise."""
    example = TagExample(**SAME, words=("In", "Paris", "now"), tags=("O", "B-LOC", "O"))
    wrong = TagPrediction(id="1", tags=("O", "B-PER", "O"))
    made, said = card("tagging", example, TagPrediction(id="1", tags=example.tags), wrong)
    assert made.texts == {"Sentence": "In Paris now"}
    assert (made.gold, said) == (("Paris B-LOC",), ["Paris B-LOC", "Paris B-PER"])


def test_a_translation_is_shown_by_its_text():
    """Not by its id; an unknown id stays one."""
    sentence = Sentence(**SAME, side="foreign", text="Ja", mates=("e",))
    mate = Sentence(**{**SAME, "id": "e"}, side="english", text="Yes", mates=("1",))
    found = [PairPrediction(id="1", mate=mate, score=1.0) for mate in ("e", "x")]
    made, said = card("retrieval", sentence, *found, others={"e": mate})
    assert (made.gold, said) == (("Yes",), ["Yes", "x"])


@pytest.mark.parametrize(
    ("family", "example", "right", "wrong"),
    [
        (
            "classification",
            PairExample(**SAME, first="a", second="b", label="neutral"),
            LabelPrediction(id="1", label="neutral", logits=()),
            LabelPrediction(id="1", label="entailment", logits=()),
        ),
        (
            "multiple_choice",
            ChoiceExample(**SAME, context="", question="", choices=("a", "b"), label=1),
            LabelPrediction(id="1", label="1", logits=()),
            LabelPrediction(id="1", label="0", logits=()),
        ),
        (
            "tagging",
            TagExample(**SAME, words=("a", "b"), tags=("X", "Y")),
            TagPrediction(id="1", tags=("X", "Y")),
            TagPrediction(id="1", tags=("X", "X")),
        ),
        (
            "retrieval",
            Sentence(**SAME, side="foreign", text="Ja", mates=("e", "f")),
            PairPrediction(id="1", mate="f", score=1.0),
            PairPrediction(id="1", mate="g", score=1.0),
        ),
    ],
)
def test_right_means_exactly_right(family, example, right, wrong):
    """Every tag of a sentence; one of several translations."""
    matches = FAMILIES[family].matches
    assert (matches(example, right), matches(example, wrong)) == (True, False)
