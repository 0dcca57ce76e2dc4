"""From logits to scores: 5,000 questions with n-best 20, against the usual loop in Python."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import material
import numpy as np
import postprocess
import pytest
from datasets import Dataset
from pytest_benchmark.fixture import BenchmarkFixture

from harness.metrics import squad
from harness.records import QaExample
from harness.tasks import extractive_qa
from harness.tasks.windows import Windows

QUESTIONS = 5000


@pytest.fixture(scope="module")
def examples() -> list[QaExample]:
    """TyDi QA's questions, some twice under another id."""
    if material.mirror() is None:
        pytest.skip("needs HARNESS_MIRROR")
    found = [*material.questions("validation"), *material.questions("train")]
    return [replace(one, id=f"{i}") for i, one in enumerate((found * 2)[:QUESTIONS])]


@pytest.fixture(scope="module")
def windows(encoder: Path, examples: list[QaExample]) -> Windows:
    """Theirs."""
    return material.windows(encoder, tuple(examples), training=False)


@pytest.fixture(scope="module")
def logits(windows: Windows) -> np.ndarray:
    """As a trained model makes them: high around one place of a window, low elsewhere."""
    rng = np.random.default_rng(0)
    lengths = np.diff(windows.bounds)
    places = np.arange(len(windows.ids)) - np.repeat(windows.bounds[:-1], lengths)
    peaks = np.repeat(rng.uniform(0.2, 1.0, len(lengths)) * lengths, lengths)
    near = np.exp(-np.abs(places - peaks) / 5.0)
    result = 12.0 * near[:, None] - 6.0 + rng.normal(0.0, 1.0, (len(places), 2))
    return result.astype(np.float32)


def ours(
    logits: np.ndarray, windows: Windows, examples: list[QaExample]
) -> tuple[dict[str, str], float, float]:
    """Answers, exact match and F1, as the stages `predict` and `score` make them."""
    found = extractive_qa.decode(logits, windows, examples, material.SETTINGS, ())
    texts = {one.id: one.text for one in found}
    scored = squad.score({one.id: one.answers for one in examples}, texts, "all")
    return texts, scored.em, scored.f1


def theirs(
    parts: tuple[Any, ...], examples: list[QaExample]
) -> tuple[dict[str, str], float, float]:
    """The same by the usual loop."""
    texts = postprocess.answers(*parts)
    return texts, *postprocess.scores({one.id: one.answers for one in examples}, texts)


def as_the_example(
    logits: np.ndarray, windows: Windows, examples: list[QaExample]
) -> tuple[Any, ...]:
    """What the example's loop reads: `datasets` of questions and of windows, padded logits."""
    cuts = windows.bounds[1:-1]
    offsets = [
        [one if one[1] > one[0] else None for one in part.tolist()]
        for part in np.split(windows.offsets, cuts)
    ]
    longest = int(material.SETTINGS["max_length"])
    padded = [[*part, *[None] * (longest - len(part))] for part in offsets]
    told = Dataset.from_dict(
        {"id": [examples[of].id for of in windows.example], "offset_mapping": padded}
    )
    asked = Dataset.from_dict(
        {
            "id": [one.id for one in examples],
            "question": [one.question for one in examples],
            "context": [one.context for one in examples],
        }
    )
    scores = np.full((2, len(offsets), longest), -100.0, dtype=np.float32)
    for row, part in enumerate(np.split(logits, cuts)):
        scores[:, row, : len(part)] = part.T
    return asked, told, scores[0], scores[1]


def test_decode_and_score(
    benchmark: BenchmarkFixture,
    logits: np.ndarray,
    windows: Windows,
    examples: list[QaExample],
    ratios: dict[str, float],
) -> None:
    """Both find answers of the same scores; the figure is the median ratio of three rounds."""
    parts = as_the_example(logits, windows, examples)
    taken: list[float] = []

    def both() -> None:
        before = time.perf_counter()
        mine = ours(logits, windows, examples)
        between = time.perf_counter()
        other = theirs(parts, examples)
        taken.append((time.perf_counter() - between) / (between - before))
        # The same span in all but ties and spans beyond a window's best twenty tokens.
        same = sum(mine[0][ident] == other[0][ident] for ident in mine[0])
        assert same >= 0.98 * len(examples)
        assert mine[1:] == pytest.approx(other[1:], abs=1.0)

    benchmark.pedantic(both, rounds=3)
    ratios["decode_vs_loop"] = median(taken)


def test_features(benchmark: BenchmarkFixture, encoder: Path) -> None:
    """Tokenise and cut into windows: 1,000 questions."""
    some = material.questions("train") if material.mirror() else ()
    assert len(benchmark.pedantic(material.windows, (encoder, some[:1000]), {"training": True}).ids)
