"""Exact match and F1 of SQuAD 2.0, where some questions have no answer in their context.

Rajpurkar et al. 2018 (arXiv 1806.03822); reference implementation: `evaluate-v2.0.py`. Answers are
normalised as in SQuAD v1.1. A question whose gold answers are all empty after that, or that has
none, is unanswerable: a prediction is right, with 1 in both metrics, if it is empty after
normalisation too, else it scores 0 in both. The reference's no-answer threshold isn't used: what a
system predicts already says whether it answers. Departures: see `answers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics.answers import LanguageScore, score_language, token_f1
from harness.metrics.squad import normalise


def score(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str], language: str
) -> LanguageScore:
    """Exact match and F1 of one language; raises as `answers.score_language`.

    Args:
        gold: id -> gold answers; none for an unanswerable question.
        predictions: id -> predicted text; "" says that there is no answer.
        language: only names the set in errors.
    """
    accepted = {
        id_: [answer for answer in answers if normalise(answer)] or [""]
        for id_, answers in gold.items()
    }
    where = f"squad_v2, language {language}"
    return score_language(accepted, predictions, normalise, where, f1=_f1)


def _f1(predicted: Sequence[str], answer: Sequence[str]) -> float:
    """As `token_f1`, but two empty answers agree."""
    return token_f1(predicted, answer) if predicted or answer else 1.0
