"""The best span over all windows of a question."""

import numpy as np
import pytest

from harness.errors import DataError
from harness.records import QaExample
from harness.tasks.span_decoding import best_answers
from harness.tasks.windows import QaSettings, Windows

TEXT = "ab cd ef gh"
PLACES = [(0, 2), (3, 5), (6, 8), (9, 11)]


def example(name="q"):
    """A context of four words."""
    return QaExample(
        id=name,
        language="en",
        document="d",
        context=TEXT,
        question="?",
        answers=(),
        answer_starts=(),
    )


def windows(*contents, of=None):
    """Windows of <s> and some words, given by their numbers in TEXT; None is white space."""
    offsets, bounds = [], [0]
    for words in contents:
        offsets += [(0, 0)] + [(3, 3) if one is None else PLACES[one] for one in words]
        bounds.append(len(offsets))
    return Windows(
        ids=np.zeros(len(offsets), np.int32),
        bounds=np.array(bounds, np.int64),
        units=np.arange(len(contents) + 1),
        example=np.array(of or [0] * len(contents), np.int32),
        offsets=np.array(offsets, np.int32),
        context=np.ones(len(contents), np.int32),
        labels=np.zeros((len(contents), 2), np.int64),
        unreachable=0,
    )


def best(starts, ends, made, examples=None, **changes):
    """Predictions from lists of logits."""
    values = {
        "max_length": 99,
        "doc_stride": 1,
        "max_query_length": 9,
        "max_answer_length": 4,
        "n_best": 20,
    }
    return best_answers(
        np.array(starts, np.float32),
        np.array(ends, np.float32),
        made,
        examples or [example()],
        QaSettings(**{**values, **changes}),
    )


def test_the_highest_sum_wins():
    """Start at "cd" (5), end at "ef" (4): the context's own characters, 3 to 8, score 9."""
    (found,) = best([0, 1, 5, 0, 0], [0, 1, 0, 4, 0], windows([0, 1, 2, 3]))
    assert (found.text, found.start, found.end, found.score) == ("cd ef", 3, 8, 9.0)


def test_a_span_never_ends_before_it_starts():
    """The best start is the last word, the best end the first: the best valid pair is 7 + 2."""
    (found,) = best([9, 0, 0, 0, 7], [9, 6, 0, 0, 2], windows([0, 1, 2, 3]))
    assert (found.text, found.score) == ("gh", 9.0)


def test_special_tokens_are_no_answer():
    """Position 0 has the highest logits of all and is never chosen."""
    (found,) = best([99, 1, 0], [99, 1, 0], windows([0, 1]))
    assert found.text == "ab"


def test_white_space_is_no_answer():
    """A token without a visible character can't start or end a span, though it may lie inside."""
    (found,) = best([0, 1, 9, 0], [0, 0, 9, 1], windows([0, None, 1]))
    assert found.text == "ab cd"


def test_answers_have_a_longest_length():
    """All four words would score 10; with at most two tokens "ab" + "cd" scores 5 + 1."""
    (found,) = best([0, 5, 0, 0, 0], [0, 0, 1, 0, 5], windows([0, 1, 2, 3]), max_answer_length=2)
    assert found.text == "ab cd"


def test_the_best_window_wins():
    """The second window's span scores more."""
    (found,) = best([0, 3, 0, 0, 4, 0], [0, 3, 0, 0, 4, 0], windows([0, 1], [2, 3]))
    assert (found.text, found.score) == ("ef", 8.0)


def test_equal_scores_take_the_earliest_window():
    """Both windows have a span of score 6."""
    (found,) = best([0, 0, 3, 0, 3, 0], [0, 0, 3, 0, 3, 0], windows([0, 1], [2, 3]))
    assert found.text == "cd"


def test_equal_scores_take_the_earliest_start_then_end():
    """Everything is zero: the first word alone."""
    (found,) = best([0] * 5, [0] * 5, windows([0, 1, 2, 3]))
    assert found.text == "ab"


def test_only_the_n_best_meet():
    """n_best 1 pairs "ab" with "gh" (4 tokens); the better pairs of lesser words aren't tried."""
    (found,) = best([0, 5, 4, 0, 0], [0, 4, 4, 0, 5], windows([0, 1, 2, 3]), n_best=1)
    assert found.text == TEXT


def test_there_is_always_an_answer():
    """n_best 1 leaves only start "gh" with end "ab": so all spans are searched, 9 + 1 wins."""
    (found,) = best([0, 1, 0, 0, 9], [0, 8, 0, 0, 1], windows([0, 1, 2, 3]), n_best=1)
    assert (found.text, found.score) == ("gh", 10.0)


def test_the_search_of_all_spans_covers_every_window():
    """Neither window has a valid n-best pair; the second's exhaustive best is higher."""
    (found,) = best([0, 1, 5, 0, 1, 7], [0, 5, 1, 0, 7, 1], windows([0, 1], [2, 3]), n_best=1)
    assert (found.text, found.score) == ("ef", 8.0)


def test_every_example_has_its_prediction_in_order():
    """Three examples with one, two and one windows."""
    made = windows([0], [1], [2], [3], of=[0, 1, 1, 2])
    examples = [example("a"), example("b"), example("c")]
    found = best([0, 1] * 4, [0, 1, 0, 1, 0, 2, 0, 1], made, examples)
    assert [(one.id, one.text) for one in found] == [("a", "ab"), ("b", "ef"), ("c", "gh")]


def test_an_example_without_windows_is_an_error():
    """A missing prediction is never a zero."""
    with pytest.raises(DataError, match="example b"):
        best([0, 1], [0, 1], windows([0]), [example("a"), example("b")])


def test_many_windows_are_cut_into_chunks():
    """1,100 windows of one word each, of as many examples."""
    made = windows(*([[i % 4] for i in range(1100)]), of=list(range(1100)))
    found = best([0, 1] * 1100, [0, 1] * 1100, made, [example(str(i)) for i in range(1100)])
    assert [one.text for one in found[1022:1026]] == ["ef", "gh", "ab", "cd"]


def test_no_answer_wins_where_its_score_is_higher():
    """The first token scores 3 + 4, the best span 5 + 1."""
    (found,) = best([3, 5, 0], [4, 1, 0], windows([0, 1]), no_answer=True)
    assert (found.text, found.start, found.end, found.score) == ("", 0, 0, 7.0)


def test_an_answer_wins_where_the_scores_are_equal():
    """6 against 6: run_squad asks for more than its threshold, 0."""
    (found,) = best([3, 5, 0], [3, 1, 0], windows([0, 1]), no_answer=True)
    assert found.text == "ab"


def test_the_smallest_null_score_of_all_windows_counts():
    """Null 9 in the window without the answer and 1 in the one with it: the span's 6 wins."""
    made = windows([0, 1], [2, 3])
    starts, ends = [5, 0, 0, 1, 3, 0], [4, 0, 0, 0, 3, 0]
    (found,) = best(starts, ends, made, no_answer=True)
    assert (found.text, found.score) == ("ef", 6.0)


def test_null_scores_are_those_of_the_questions_own_windows():
    """Null 9 and 5 of the first question, 0 of the second; every best span scores 2."""
    made = windows([0], [1], [2], of=[0, 0, 1])
    starts, ends = [9, 1, 5, 1, 0, 1], [0, 1, 0, 1, 0, 1]
    found = best(starts, ends, made, [example("a"), example("b")], no_answer=True)
    assert [(one.text, one.score) for one in found] == [("", 5.0), ("ef", 2.0)]


def test_a_searched_span_stands_against_the_null_score_too():
    """n_best 1 has no valid pair; all spans give 9 + 1 for "gh", no answer 5 + 4."""
    (found,) = best(
        [5, 1, 0, 0, 9], [4, 8, 0, 0, 1], windows([0, 1, 2, 3]), n_best=1, no_answer=True
    )
    assert (found.text, found.score) == ("gh", 10.0)
