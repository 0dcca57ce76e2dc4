"""Exact match and F1 of MLQA, whose normalisation follows the language.

Lewis et al. 2020 (arXiv 1910.07475); reference implementation: `mlqa_evaluation_v1.py`. Its
peculiarities are kept: Arabic loses "ال" wherever it stands, inside words too, and Chinese
characters beyond U+9FA5 aren't split. Departures: see `answers`. Python's Unicode tables
decide what punctuation is, so a newer Python may know more of it.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from harness.errors import UsageError
from harness.metrics.answers import LanguageScore, score_language

_ARTICLES: dict[str, re.Pattern[str] | None] = {
    "en": re.compile(r"\b(a|an|the)\b"),
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "de": re.compile(
        r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    ),
    # The script has an alternative before it that asks for "^" after text: it never matches.
    "ar": re.compile("ال"),
    "zh": None,
}
_HAN = re.compile("([\u4e00-\u9fa5])")


def normalise(text: str, language: str) -> str:
    """Lower-case; drop punctuation of any script and the language's articles; join by one space.

    Chinese: each character of U+4E00-9FA5 is a token of its own.

    Raises:
        UsageError: MLQA has no rules for the language.
    """
    if language not in _ARTICLES:
        raise UsageError(
            where="scorer mlqa",
            got=f"language `{language}`",
            expected=f"one of {', '.join(_ARTICLES)}",
            fix="MLQA defines no rules for it: use squad_v1.",
        )
    plain = "".join(char for char in text.lower() if not is_punctuation(char))
    articles = _ARTICLES[language]
    if articles is not None:
        plain = articles.sub(" ", plain)
    if language == "zh":
        plain = _HAN.sub(r" \1 ", plain)
    return " ".join(plain.split())


@lru_cache(maxsize=1 << 16)
def is_punctuation(char: str) -> bool:
    """ASCII punctuation, symbols such as "$" included, or any character of a Unicode P category."""
    return char in string.punctuation or unicodedata.category(char).startswith("P")


def score(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str], language: str
) -> LanguageScore:
    """Exact match and F1 of one language; raises as `normalise` and `answers.score_language`."""
    rules = partial(normalise, language=language)
    return score_language(gold, predictions, rules, f"mlqa, language {language}")
