"""Characters under tokens, and answers as token ranges."""

import numpy as np
import pytest

from harness.errors import DataError
from harness.tasks.spans import answer_tokens, check_answer, visible_offsets


def test_leading_spaces_are_left_out():
    """In "a  cat" the token " cat" at 2-6 covers 3-6."""
    assert visible_offsets("a  cat", np.array([[0, 1], [2, 6]])).tolist() == [[0, 1], [3, 6]]


def test_trailing_and_wide_white_space_is_left_out():
    """A no-break space (U+00A0) and an ideographic space (U+3000) count as white space."""
    text = "\u3000ab\u00a0"
    assert visible_offsets(text, np.array([[0, 4]])).tolist() == [[1, 3]]


def test_a_token_of_white_space_is_empty():
    """Start isn't below end."""
    ((start, end),) = visible_offsets("a b", np.array([[1, 2]])).tolist()
    assert start >= end


def test_offsets_count_code_points():
    """A character outside the basic plane is one."""
    assert visible_offsets("\U0001f600 x", np.array([[0, 1], [1, 3]])).tolist() == [[0, 1], [2, 3]]


def test_no_tokens_give_no_offsets():
    """An empty text."""
    assert visible_offsets("", np.empty((0, 2), np.int64)).shape == (0, 2)


OFFSETS = np.array([[0, 3], [4, 4], [4, 9], [9, 10], [11, 15]])


@pytest.mark.parametrize(
    ("start", "end", "tokens"),
    [(0, 3, (0, 0)), (4, 10, (2, 3)), (5, 6, (2, 2)), (2, 12, (0, 4)), (10, 11, None)],
)
def test_an_answer_is_every_token_that_it_touches(start, end, tokens):
    """Part of a token is enough; empty tokens don't count; nothing touched gives None."""
    assert answer_tokens(OFFSETS, start, end) == tokens


@pytest.mark.parametrize(("answer", "start"), [("cat", 3), ("cat", -1), ("", 0), ("cat", 99)])
def test_an_answer_elsewhere_is_refused(answer, start):
    """A shifted offset is an error that names the example, never a wrong label."""
    with pytest.raises(DataError, match="example q7"):
        check_answer("q7", "a cat", answer, start)
