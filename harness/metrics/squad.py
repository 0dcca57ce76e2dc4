"""Exact match and F1 of SQuAD v1.1, which XTREME uses for all languages of XQuAD and TyDi QA.

Rajpurkar et al. 2016 (arXiv 1606.05250); reference implementation: `evaluate-v1.1.py`, as
XTREME's `third_party/evaluate_squad.py` (arXiv 2003.11080) has it. Departures: see `answers`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from harness.metrics.answers import LanguageScore, score_language

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """Lower-case; drop ASCII punctuation, English articles and extra white space, in that order.

    Other punctuation stays, whatever the language: "“Baguette" isn't "Baguette".
    """
    plain = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def score(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str], language: str
) -> LanguageScore:
    """Exact match and F1 of one language; raises as `answers.score_language`.

    The language only names the set in errors: the rules are English for every language.
    """
    return score_language(gold, predictions, normalise, f"squad_v1, language {language}")
