"""Where tokens lie in a text: character offsets without white space, answers as token ranges."""

from __future__ import annotations

import numpy as np

from harness.errors import DataError

# Every code point that str.strip() takes away; U+3000 is the last of them.
_BLANK = np.array([c for c in range(0x3001) if chr(c).isspace()], dtype=np.uint32)


def visible_offsets(text: str, offsets: np.ndarray) -> np.ndarray:
    """Token offsets with surrounding white space left out.

    Args:
        text: the tokenised text.
        offsets: (tokens, 2) start and end of each token, in code points.

    Returns:
        (tokens, 2); a token of nothing but white space gets an empty range (start >= end).
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    seen = np.flatnonzero(~np.isin(codes, _BLANK))
    # after[i]: first visible position >= i; before[i]: one past the last visible position < i.
    rank = np.searchsorted(seen, np.arange(len(codes) + 1))
    after = np.append(seen, len(codes))[rank]
    before = np.insert(seen + 1, 0, 0)[rank]
    return np.stack([after[offsets[:, 0]], before[offsets[:, 1]]], axis=1)


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
