"""Answers that don't stand where their offset says: where they stand, and why."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Astray:
    """An answer that isn't at its stated offset."""

    row: int
    id: str
    text: str
    start: int
    """As stated, in code points."""
    nearest: int | None
    """Start of the closest occurrence in the context; None: it occurs nowhere."""


def nearest(context: str, text: str, start: int) -> int | None:
    """Start of the occurrence of `text` that is closest to `start`; of two, the earlier.

    None where it occurs nowhere, and for an empty text, which occurs everywhere.
    """
    if not text:
        return None
    anchor = min(max(start, 0), len(context))
    # The last occurrence that starts at or before the anchor, the first that starts after it.
    before = context.rfind(text, 0, anchor + len(text))
    after = context.find(text, anchor + 1)
    if before < 0 or after < 0:
        return max(before, after) if max(before, after) >= 0 else None
    return before if start - before <= after - start else after


def survey(
    ids: Iterable[Any], contexts: Iterable[str], answers: Iterable[Mapping[str, Any] | None]
) -> list[Astray]:
    """The answers of parallel columns that don't stand at their offset, in row order."""
    found = []
    for row, (one, context, some) in enumerate(zip(ids, contexts, answers, strict=True)):
        texts, starts = ((some or {}).get(key) or () for key in ("text", "answer_start"))
        for text, start in zip(texts, starts, strict=False):
            if not stands_at(context, text, start):
                found.append(_astray(row, one, context, text, start))
    return found


def stands_at(context: str | None, text: str | None, start: int | None) -> bool:
    """Whether `text` begins at `start` of `context`; a negative start never counts from the end."""
    if context is None or text is None or start is None or start < 0:
        return False
    return context.startswith(text, start)


def diagnose(contexts: Sequence[str], astray: Sequence[Astray]) -> str:
    """The likely cause of what `survey` found, in words; "" where it found nothing."""
    if not astray:
        return ""
    pairs = [(one, contexts[one.row] or "") for one in astray]
    for holds, cause in _HYPOTHESES:
        if sum(holds(one, context) for one, context in pairs) * 2 > len(pairs):
            return cause
    shifts = Counter(one.nearest - one.start for one in astray if one.nearest is not None)
    if not shifts:
        return "the context was cut or changed, or the answers belong to other contexts"
    shift, count = shifts.most_common(1)[0]
    return f"offsets look shifted by {shift} ({count} of {len(astray)}): was the context stripped?"


def moves(one: Astray) -> str:
    """The stated start and the nearest occurrence's, e.g. "52 -> 51"."""
    return f"{one.start} -> {one.nearest}"


def _astray(
    row: int, one: str | None, context: str | None, text: str | None, start: int | None
) -> Astray:
    stated = -1 if start is None else start
    return Astray(
        row=row,
        id=str(one),
        text=text or "",
        start=stated,
        nearest=nearest(context or "", text or "", stated),
    )


def _in_bytes(one: Astray, context: str) -> bool:
    return one.start >= 0 and context.encode().startswith(one.text.encode(), one.start)


def _in_utf16(one: Astray, context: str) -> bool:
    wide = context.encode("utf-16-le")
    return one.start >= 0 and wide.startswith(one.text.encode("utf-16-le"), 2 * one.start)


def _folded(one: Astray, context: str) -> bool:
    return one.nearest is None and bool(one.text) and _fold(one.text) in _fold(context)


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


_HYPOTHESES = (
    (_in_bytes, "offsets count UTF-8 bytes, not characters"),
    (_in_utf16, "offsets count UTF-16 units, not characters"),
    (_folded, "the answers' case, white space or Unicode form differs from the context's"),
)
