"""What one text, one answer list or one list of tags may look like; a rule a name.

A rule takes a value and says whether it is sound. Null is never sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

# UTF-8 read as Latin-1 or Windows-1252 (two- and three-byte sequences), the replacement
# character, and C1 controls. Quotation marks after a capital with an accent are good French.
_MISDECODED = re.compile(
    "\ufffd|[\u0080-\u0084\u0086-\u009f]"
    "|[ÃÂ][\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf]"
    "|[ÐÑØÙ][\u00a1-\u00bf\u0192\u201a-\u2022][ÐÑØÙ]"
    "|\u00e2\u20ac|\u00ef\u00bb\u00bf|à[\u00a4-\u00a7\u00b0\u00b1\u00b8\u00b9][\u00a0-\u00bf\u2013-\u2122]"
)
# Byte order mark, zero-width space, word joiner. Joiners and direction marks are part of the
# spelling of Persian, Hindi or Arabic.
_INVISIBLE = re.compile("[\ufeff\u200b\u2060]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

TEXT_RULES: dict[str, Callable[[str], bool]] = {
    "not_blank": lambda text: bool(text.strip()),
    "normalized": lambda text: unicodedata.is_normalized("NFC", text),
    # NFC itself takes some letters of Hindi and Bengali apart, and orders marks: not counted here.
    "composed": lambda text: len(unicodedata.normalize("NFC", text)) >= len(text),
    "decoded": lambda text: not _MISDECODED.search(text),
    "visible": lambda text: not _INVISIBLE.search(text),
    "no_control": lambda text: not _CONTROL.search(text),
    "no_mark": lambda text: not text.startswith("\ufeff"),
}
KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "texts": lambda value: _all(value, "text"),
    "numbers": lambda value: _all(value, "number"),
    "answers": lambda value: _is_answers(value),
    "choices": lambda value: _is_choices(value),
    "pairs": lambda value: (
        isinstance(value, list) and all(is_kind("numbers", one) for one in value)
    ),
}


def text_is(rule: str, value: Any, share: float = 1.0) -> bool:
    """Whether `value` is a text that keeps `rule`; a list does where `share` of its texts do.

    Raises:
        KeyError: no such rule.
    """
    if isinstance(value, list):
        return bool(value) and sum(text_is(rule, one) for one in value) >= share * len(value)
    return isinstance(value, str) and TEXT_RULES[rule](value)


def is_kind(kind: str, value: Any) -> bool:
    """Whether `value` is a `kind`; KeyError where there is no such kind."""
    return KINDS[kind](value)


def answers_are(rule: str, answers: Any, limit: int) -> bool:
    """Whether `answers`, {text, answer_start}, keep `rule`.

    "paired": as many starts as texts. "given": at least one. "not_blank": no blank text.
    "short": none longer than `limit` characters.

    Raises:
        KeyError: no such rule.
    """
    texts, starts = ((answers or {}).get(key) or [] for key in ("text", "answer_start"))
    return bool(
        {
            "paired": lambda: len(texts) == len(starts),
            "given": lambda: len(texts) > 0,
            "not_blank": lambda: all((text or "").strip() for text in texts),
            "short": lambda: all(len(text or "") <= limit for text in texts),
        }[rule]()
    )


def tags_are(rule: str, tags: Sequence[Any], labels: Sequence[str]) -> bool:
    """Whether a sentence's `tags`, indices into `labels`, keep `rule`.

    "known": every tag is the index of a label. "bio": an I- follows a B- or I- of its own type.

    Raises:
        KeyError: no such rule.
    """
    check = {"known": _known, "bio": _is_bio}[rule]
    return check(tags, labels)


def _known(tags: Sequence[Any], labels: Sequence[str]) -> bool:
    return all(is_kind("number", tag) and 0 <= tag < len(labels) for tag in tags)


def _is_bio(tags: Sequence[Any], labels: Sequence[str]) -> bool:
    if not _known(tags, labels):
        return False
    before = "O"
    for tag in (labels[tag] for tag in tags):
        if tag.startswith("I-") and before[1:] != tag[1:]:
            return False
        before = tag
    return True


def _all(value: Any, kind: str) -> bool:
    return isinstance(value, list) and all(KINDS[kind](one) for one in value)


def _is_answers(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"text", "answer_start"}:
        return False
    return all(
        value[key] is None or _all(value[key], kind)
        for key, kind in (("text", "text"), ("answer_start", "number"))
    )


def _is_choices(value: Any) -> bool:
    """Two lists of texts of one length, neither empty."""
    if not isinstance(value, dict) or not {"label", "text"} <= set(value):
        return False
    both = [value["label"], value["text"]]
    return all(_all(one, "text") for one in both) and 0 < len(both[0]) == len(both[1])
