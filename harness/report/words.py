"""How the report writes numbers, names and terms; everything a template prints was a string here.

Scores and differences are in points (0-100) with one digit after the point, bounds and standard
errors in tables with two. The minus sign is U+2212, and a rounded zero carries no sign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.models import Evidence, Metric, Reported
from harness.records import Estimate

METRICS: dict[Metric, str] = {"em": "EM", "f1": "F1", "accuracy": "Accuracy", "score": "Score"}

# What a number of the metric counts, after the number.
_POINTS: dict[Metric, str] = {
    "em": "EM points",
    "f1": "F1 points",
    "accuracy": "points of accuracy",
    "score": "points",
}
_UNITS: dict[Metric, str] = {"em": "EM", "f1": "F1", "accuracy": "accuracy", "score": "points"}

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)

# The languages of XTREME's nine tasks and of the papers' other data, by ISO 639 code.
# fmt: off
_LANGUAGES = {
    "af": "Afrikaans", "ar": "Arabic", "az": "Azerbaijani", "bg": "Bulgarian", "bn": "Bengali",
    "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "jv": "Javanese", "ka": "Georgian",
    "kk": "Kazakh", "ko": "Korean", "lt": "Lithuanian", "ml": "Malayalam", "mr": "Marathi",
    "ms": "Malay", "my": "Burmese", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi",
    "pl": "Polish", "pt": "Portuguese", "qu": "Quechua", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai",
    "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "wo": "Wolof", "yo": "Yoruba", "zh": "Chinese",
}
# fmt: on

EVIDENCE_STATUS = {
    "primary": "primary: read in the paper itself",
    "secondary": "secondary: read in another paper that quotes it",
    "unverified": "unverified: read in neither the paper nor one that quotes it",
}

# Controls and bidirectional overrides can reorder or hide what stands around them, tag characters
# carry words that nobody sees, and no page can hold half a surrogate pair.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_LONGEST = 5_000
"""Characters of somebody's text that a page shows."""


def points(metric: Metric) -> str:
    """What a difference counts: "4.2 EM points"."""
    return _POINTS[metric]


def unit(metric: Metric) -> str:
    """The same in a table's cell: "+4.2 EM"."""
    return _UNITS[metric]


def visible(text: str) -> str:
    """`text` with control and direction characters spelled out, e.g. "[U+202E]"."""
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)


def readable(text: str, longest: int = _LONGEST) -> str:
    """`visible` text, cut where it is so long that nobody reads it, with its length."""
    if len(text) > longest:
        text = f"{text[:longest]}… [{len(text):,} characters]"
    return visible(text)


def number(value: float, decimals: int = 1) -> str:
    """`value` in fixed notation; "−4.2", never "-0.0"."""
    text = f"{value:,.{decimals}f}"
    if text.strip("-0.") == "":
        return text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: float, decimals: int = 1) -> str:
    """A difference: "+4.2", "−4.2", "0.0"."""
    text = number(value, decimals)
    return text if text[0] == "\N{MINUS SIGN}" or text.strip("0.") == "" else f"+{text}"


def printed(reported: Reported, *, sign: bool = False) -> str:
    """A reported number with as many digits as the paper prints."""
    write = signed if sign else number
    return write(reported.value, reported.decimals)


def interval(estimate: Estimate, decimals: int = 1) -> str:
    """Lower to upper bound, "1.1 to 7.3"."""
    return f"{number(estimate.lower, decimals)} to {number(estimate.upper, decimals)}"


def two_sided(estimate: Estimate) -> str:
    """The two-sided level of an interval of one-sided bounds: 0.95 -> "90 %"."""
    return percent(2 * estimate.level - 1)


def percent(share: float) -> str:
    """0.5 -> "50 %", 0.9667 -> "96.7 %"."""
    return f"{100 * share:.1f}".removesuffix(".0") + "\N{NO-BREAK SPACE}%"


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """An amount and its noun: "nine languages", "one seed", "5,077 items"."""
    return f"{in_words(amount)} {noun if amount == 1 else plural or noun + 's'}"


def in_words(amount: int) -> str:
    """A small number in words: "nine", but "22"."""
    return _NUMBERS[amount] if 0 <= amount < len(_NUMBERS) else f"{amount:,}"


def language(code: str) -> str:
    """The English name of a language, or its code where the table has none."""
    return _LANGUAGES.get(code, code)


def listing(parts: Sequence[str]) -> str:
    """Joined for reading: "a", "a and b", "a, b and c"."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def counts(amounts: dict[str, int]) -> str:
    """E.g. "passed 12, failed 0, warned 1"; "none" where there is nothing."""
    return ", ".join(f"{name} {amount:,}" for name, amount in amounts.items()) or "none"


def where(evidence: Evidence) -> str:
    """Where a number is printed, e.g. "arXiv 2010.12821, Table 16, row “STiLTs”"."""
    parts = [f"arXiv {evidence.arxiv}{evidence.version or ''}"]
    if evidence.table:
        table = evidence.table
        parts.append(table if table.lower().startswith("table") else f"Table {table}")
    parts += [
        f"{name} \N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK}"
        for name, value in (("row", evidence.row), ("column", evidence.column))
        if value
    ]
    if evidence.page is not None:
        parts.append(f"page {evidence.page}")
    if evidence.quote:
        quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{evidence.quote}\N{RIGHT DOUBLE QUOTATION MARK}"
        parts.append(f"printed as {quoted}")
    return ", ".join(parts)
