"""Text that may be shown: no secret in it, and nothing that a terminal would obey."""

from __future__ import annotations

import os
import re

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Environment variables that hold a token of the Hub; the first that is set is used."""
# Of an archive's object store; its driver reads them itself.
_OTHERS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
# Control characters but the tab, marks that turn the direction of text, half characters.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029"
    "\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_HIDDEN = "***"
_SHORTEST = 6


def token() -> str | None:
    """The Hub's token of the environment; a token file on the machine is not for us to use."""
    found = (os.environ.get(name, "").strip() for name in TOKENS)
    return next((one for one in found if one), None)


def redacted(text: str) -> str:
    """`text` without the environment's secrets and without credentials in addresses."""
    for name in (*TOKENS, *_OTHERS):
        value = os.environ.get(name, "").strip()
        # A shorter one is no token, and would blot out ordinary words.
        if len(value) >= _SHORTEST:
            text = text.replace(value, _HIDDEN)
    return _CREDENTIALS.sub(f"{_HIDDEN}@", text)


def printable(text: str) -> str:
    r"""`text` on one line, unprintable characters spelt out (an escape is shown as \x1b)."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
