"""Where an answer that isn't at its offset stands."""

from __future__ import annotations

import pytest

from harness.data_checks.offsets import nearest, stands_at


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (-5, 0),
        (0, 0),
        (2, 0),
        (3, 0),  # As far from 0 as from 6: the earlier.
        (4, 6),
        (6, 6),
        (99, 6),
    ],
)
def test_nearest_occurrence(start: int, found: int) -> None:
    """The text stands at 0 and 6."""
    assert nearest("abcdefab", "ab", start) == found


def test_overlapping_occurrences() -> None:
    """Two letters of four: starts 0, 1 and 2."""
    assert nearest("aaaa", "aa", 1) == 1


def test_text_that_occurs_nowhere() -> None:
    """Nor does an empty text occur anywhere in particular."""
    assert nearest("abc", "x", 0) is None
    assert nearest("abc", "", 0) is None


@pytest.mark.parametrize(
    ("text", "start", "stands"), [("bc", 1, True), ("bc", -2, False), ("c", 3, False)]
)
def test_stands_at(text: str, start: int, stands: bool) -> None:
    """A negative start never counts from the end."""
    assert stands_at("abc", text, start) is stands
