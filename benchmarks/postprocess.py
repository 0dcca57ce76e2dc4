"""The usual way from logits to answers and scores: loops in Python, n-best by n-best.

The algorithm of transformers' question answering example and of SQuAD's evaluation script, written
for this comparison: for each question, for each of its windows, the best starts meet the best ends;
all valid spans are sorted, their texts cut out, their scores turned into probabilities.
"""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Answers = dict[str, str]


def answers(
    questions: Any,
    windows: Any,
    starts: np.ndarray,
    ends: np.ndarray,
    n_best: int = 20,
    longest: int = 30,
) -> Answers:
    """Id -> best answer.

    Args:
        questions: rows of id and context, a `datasets.Dataset`.
        windows: rows of id and offset_mapping, with an offset [start, end] or None for each
            token, a `datasets.Dataset`.
        starts: logits, (windows, tokens), padding included.
        ends: see `starts`.
        n_best: how many starts and ends meet.
        longest: most tokens of an answer.
    """
    of_question = collections.defaultdict(list)
    for number, window in enumerate(windows):
        of_question[window["id"]].append(number)
    found = {}
    for question in questions:
        ident, context = question["id"], question["context"]
        spans = []
        for number in of_question[ident]:
            offsets = windows[number]["offset_mapping"]
            best_starts = np.argsort(starts[number])[-1 : -n_best - 1 : -1].tolist()
            best_ends = np.argsort(ends[number])[-1 : -n_best - 1 : -1].tolist()
            for first in best_starts:
                for last in best_ends:
                    if first >= len(offsets) or last >= len(offsets):
                        continue
                    if offsets[first] is None or offsets[last] is None:
                        continue
                    if last < first or last - first + 1 > longest:
                        continue
                    spans.append(
                        {
                            "offsets": (offsets[first][0], offsets[last][1]),
                            "score": starts[number][first] + ends[number][last],
                            "start": starts[number][first],
                            "end": ends[number][last],
                        }
                    )
        ranked = sorted(spans, key=lambda span: span["score"], reverse=True)[:n_best]
        for span in ranked:
            span["text"] = context[span["offsets"][0] : span["offsets"][1]]
        scores = np.array([span["score"] for span in ranked])
        odds = np.exp(scores - scores.max()) if len(scores) else scores
        for span, probability in zip(ranked, odds / odds.sum(), strict=True):
            span["probability"] = probability
        found[ident] = ranked[0]["text"] if ranked else ""
    return found


def scores(gold: Mapping[str, Sequence[str]], found: Answers) -> tuple[float, float]:
    """Exact match and F1, in points, as SQuAD v1.1's script computes them."""
    exact = f1 = 0.0
    for ident, texts in gold.items():
        exact += max(float(_normal(found[ident]) == _normal(text)) for text in texts)
        f1 += max(_f1(found[ident], text) for text in texts)
    return 100 * exact / len(gold), 100 * f1 / len(gold)


def _normal(text: str) -> str:
    kept = "".join(one for one in text.lower() if one not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def _f1(one: str, other: str) -> float:
    mine, theirs = _normal(one).split(), _normal(other).split()
    same = sum((collections.Counter(mine) & collections.Counter(theirs)).values())
    if not same:
        return 0.0
    precision, recall = same / len(mine), same / len(theirs)
    return 2 * precision * recall / (precision + recall)
