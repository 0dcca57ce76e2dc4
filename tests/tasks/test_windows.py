"""Windows and their labels."""

import pytest
from tiny_encoder import VOCABULARY, tiny_tokenizer

from harness.errors import DataError, UsageError
from harness.records import QaExample
from harness.tasks.windows import QaSettings, build_windows, qa_settings, window_starts


def settings(**changes):
    """Windows of 12 tokens: 4 special, so 8 for question and context."""
    values = {
        "max_length": 12,
        "doc_stride": 2,
        "max_query_length": 3,
        "max_answer_length": 4,
        "n_best": 5,
    }
    return QaSettings(**{**values, **changes})


def example(context, question="where is the king", answer=None, start=0, name="q"):
    """One question."""
    answers, starts = ((answer,), (start,)) if answer is not None else ((), ())
    return QaExample(
        id=name,
        language="en",
        document="d",
        context=context,
        question=question,
        answers=answers,
        answer_starts=starts,
    )


def tokens(windows, index):
    """The tokens of a window, as text."""
    names = {i: token for token, i in VOCABULARY.items()}
    part = windows.ids[windows.bounds[index] : windows.bounds[index + 1]]
    return " ".join(names[int(i)].lstrip("▁") for i in part)


def build(*examples, training=True, **changes):
    """Windows by the tiny tokenizer."""
    return build_windows(list(examples), tiny_tokenizer(), settings(**changes), training)


def test_settings_are_picked_from_a_longer_list():
    """A stage's settings also hold learning rates and the like."""
    values = {**vars(settings()), "learning_rate": 1e-4}
    assert qa_settings(values) == settings()


def test_questions_have_answers_unless_the_settings_say_otherwise():
    """`no_answer` may be left out."""
    assert not qa_settings(vars(settings())).no_answer
    assert qa_settings({**vars(settings()), "no_answer": True}).no_answer


def test_every_window_is_a_unit():
    """Three windows: a batch may hold any of them."""
    assert build(example("red blue green old long hill lake sea")).units.tolist() == [0, 1, 2, 3]


def test_a_short_context_is_one_window():
    """Question, context, special tokens; nothing padded."""
    windows = build(example("the old castle", "where is"))
    assert windows.bounds.tolist() == [0, 9]
    assert tokens(windows, 0) == "<s> where is </s> </s> the old castle </s>"
    assert windows.context.tolist() == [5]


def test_a_question_is_cut_at_its_limit():
    """max_query_length 3 keeps the first three of four tokens."""
    assert tokens(build(example("the hill")), 0) == "<s> where is the </s> </s> the hill </s>"


def test_windows_start_every_stride_until_the_end():
    """8 context tokens, room for 5, stride 2: windows from 0, 2 and 4 (4-8, the last, is short)."""
    windows = build(example("red blue green old long hill lake sea"))
    assert [tokens(windows, i).split("</s> </s> ")[1] for i in range(3)] == [
        "red blue green old long </s>",
        "green old long hill lake </s>",
        "long hill lake sea </s>",
    ]
    assert len(windows.bounds) == 4


@pytest.mark.parametrize(
    ("count", "room", "stride", "starts"),
    [
        (10, 6, 3, [0, 3, 6]),
        (9, 6, 3, [0, 3]),
        (6, 6, 3, [0]),
        (1, 6, 3, [0]),
        (10, 4, 9, [0, 4, 8]),
    ],
)
def test_window_starts(count, room, stride, starts):
    """No window after the first that reaches the end; a stride never skips tokens."""
    assert list(window_starts(count, room, stride)) == starts


def test_labels_are_the_tokens_of_the_answer():
    """Here "old castle" is the 2nd and 3rd context token; context starts at position 5."""
    windows = build(example("the old castle", "where is", "old castle", 4))
    assert windows.labels.tolist() == [[6, 7]]


def test_a_window_without_the_whole_answer_is_labelled_zero():
    """Tokens 4-5 hold "long hill": not whole in 0-4; 3rd and 4th of 2-6; 1st and 2nd of 4-7."""
    text = "red blue green old long hill lake sea"
    windows = build(example(text, answer="long hill", start=text.index("long")))
    assert windows.context.tolist() == [6, 6, 6]
    assert windows.labels.tolist() == [[0, 0], [8, 9], [6, 7]]
    assert windows.unreachable == 0


def test_an_answer_inside_a_word_is_its_token():
    """Here "ast" lies in "castle"."""
    assert build(example("the castle", "is", "ast", 5)).labels.tolist() == [[5, 5]]


def test_a_question_without_answer_is_labelled_zero():
    """And isn't counted as unreachable."""
    windows = build(example("the castle"))
    assert windows.labels.tolist() == [[0, 0]]
    assert windows.unreachable == 0


def test_an_answer_longer_than_any_window_is_counted():
    """All eight tokens never fit room for five."""
    text = "red blue green old long hill lake sea"
    windows = build(example(text, answer=text), example("the castle", answer="castle", start=4))
    assert windows.unreachable == 1
    assert windows.labels[:3].tolist() == [[0, 0]] * 3


def test_a_misplaced_answer_is_refused_in_training_only():
    """Evaluation never reads the answers."""
    wrong = example("the castle", answer="castle", start=3)
    with pytest.raises(DataError, match="the answer 'castle'"):
        build(wrong)
    assert build(wrong, training=False).labels.tolist() == [[0, 0]]


@pytest.mark.parametrize("context", ["", "  \n"])
def test_an_empty_context_is_refused(context):
    """There is nothing to answer from."""
    with pytest.raises(DataError, match="example q7"):
        build(example(context, name="q7"), training=False)


def test_a_question_that_leaves_no_room_is_refused():
    """8 question tokens and 4 special ones fill a window of 12."""
    with pytest.raises(UsageError, match="max_length"):
        build(example("the hill", "the " * 8), max_query_length=8)


def test_offsets_are_those_of_the_context():
    """Empty for question, special tokens and the second space; the words' own characters else."""
    windows = build(example("the  hill", "is"))
    start, end = windows.offsets[5]
    assert windows.offsets[:4].tolist() == [[0, 0]] * 4
    assert windows.offsets[[4, 6]].tolist() == [[0, 3], [5, 9]]
    assert start >= end


def test_examples_keep_their_order():
    """Window -> example, ascending; equal contexts are tokenised once and used twice."""
    text = "red blue green old long hill lake sea"
    windows = build(example(text), example("the hill"), example(text))
    assert windows.example.tolist() == [0, 0, 0, 1, 2, 2, 2]
