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
    """As an undecided model makes them."""
    rng = np.random.default_rng(0)
    return rng.normal(0.0, 3.0, (len(windows.ids), 2)).astype(np.float32)


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
    texts = postprocess.answers({one.id: one.context for one in examples}, *parts)
    return texts, *postprocess.scores({one.id: one.answers for one in examples}, texts)


def split(logits: np.ndarray, windows: Windows, examples: list[QaExample]) -> tuple[Any, ...]:
    """What the loop reads: lists by window, as the example script has them."""
    cuts = windows.bounds[1:-1]
    offsets = [
        [tuple(one) if one[1] > one[0] else None for one in part.tolist()]
        for part in np.split(windows.offsets, cuts)
    ]
    told = [
        {"id": examples[of].id, "offsets": part}
        for of, part in zip(windows.example, offsets, strict=True)
    ]
    return told, np.split(logits[:, 0], cuts), np.split(logits[:, 1], cuts)


def test_decode_and_score(
    benchmark: BenchmarkFixture,
    logits: np.ndarray,
    windows: Windows,
    examples: list[QaExample],
    ratios: dict[str, float],
) -> None:
    """Both find answers of the same scores; the figure is the median ratio of three rounds."""
    parts = split(logits, windows, examples)
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
