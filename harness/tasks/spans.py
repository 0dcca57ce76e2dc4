"""Where tokens lie in a text: character offsets without white space, answers as token ranges."""

from __future__ import annotations

import numpy as np

from harness.errors import DataError

# Whether str.strip() takes a code point away; U+3000 is the last of them, and what follows is one.
_LAST = 0x3001
_BLANK = np.array([chr(c).isspace() for c in range(_LAST + 1)])


def visible_offsets(text: str, offsets: np.ndarray) -> np.ndarray:
    """Token offsets with surrounding white space left out.

    Args:
        text: the tokenised text.
        offsets: (tokens, 2) start and end of each token, in code points.

    Returns:
        (tokens, 2); a token of nothing but white space gets an empty range (start >= end).
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    visible = ~_BLANK[np.minimum(codes, _LAST)]
    seen = np.flatnonzero(visible)
    # rank[i]: visible positions < i. The first that isn't, and one past the last that is:
    rank = np.concatenate([[0], np.cumsum(visible)])
    after = np.concatenate([seen, [len(codes)]])
    before = np.concatenate([[0], seen + 1])
    starts, ends = rank[offsets[:, 0]], rank[offsets[:, 1]]
    return np.stack([after[starts], before[ends]], axis=1)


def answer_tokens(offsets: np.ndarray, start: int, end: int) -> tuple[int, int] | None:
    """First and last token that share a character with text[start:end]; None where none does.

    Args:
        offsets: (tokens, 2), from `visible_offsets`.
        start: of the answer, in code points.
        end: one past its last character.
    """
    low, high = offsets[:, 0], offsets[:, 1]
    touching = np.flatnonzero((low < end) & (high > start) & (high > low))
    if len(touching) == 0:
        return None
    return int(touching[0]), int(touching[-1])


def check_answer(identifier: str, context: str, answer: str, start: int) -> None:
    """Refuse an answer that isn't where its offset says.

    Raises:
        DataError: context[start:] doesn't begin with the answer.
    """
    if not answer or start < 0 or not context.startswith(answer, start):
        raise DataError(
            where=f"example {identifier}",
            got=f"{context[max(start, 0) : max(start, 0) + len(answer)]!r} at offset {start}",
            expected=f"the answer {answer!r}",
            fix="Let the pin's realign repair the offsets, or leave the example out.",
        )
