"""Training and prediction against transformers' Trainer and against the products alone.

Each side runs in a process of its own and all take turns, a round each, so that whatever else the
machine does slows all of them alike. A figure is the median over the rounds of the ratio.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import history
import material
import numpy as np
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from sides import ROUNDS, SIZES, Side

from harness.training.loop import optimiser
from harness.training.model import load_encoder
from harness.training.weights import embedding, trim


@contextmanager
def started(names: tuple[str, ...], encoder: Path) -> Iterator[dict[str, Side]]:
    """The sides, warmed up one after the other."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            found[name] = Side(name, encoder)
            stack.callback(found[name].close)
        yield found


def turn(sides: dict[str, Side]) -> None:
    """A round of each."""
    for side in sides.values():
        side.round()


def against(one: Side, other: Side) -> float:
    """How many times the rate of the other, median over the rounds."""
    return median(a / b for a, b in zip(one.rates(), other.rates(), strict=True))


def test_training(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """Real tokens per second and peak memory, batch 16, 384 tokens, stride 128."""
    names = ("ours", "trainer_default", "trainer_best", "products", "products_fp32")
    with started(names, encoder) as sides:
        benchmark.pedantic(turn, args=(sides,), rounds=ROUNDS)
        mine = sides["ours"]
        ratios |= {
            "train_vs_default": against(mine, sides["trainer_default"]),
            "train_vs_best": against(mine, sides["trainer_best"]),
            "train_vs_products": against(mine, sides["products"]),
            "train_vs_products_fp32": against(mine, sides["products_fp32"]),
            "memory_vs_default": mine.peak() / sides["trainer_default"].peak(),
            "memory_vs_best": mine.peak() / sides["trainer_best"].peak(),
            "ours_tokens_per_second": median(mine.rates()),
            "default_tokens_per_second": median(sides["trainer_default"].rates()),
            "best_tokens_per_second": median(sides["trainer_best"].rates()),
            "products_tokens_per_second": median(sides["products"].rates()),
            "ours_gib": mine.peak(),
            "default_gib": sides["trainer_default"].peak(),
            "best_gib": sides["trainer_best"].peak(),
        }
        benchmark.extra_info |= {name: side.rounds for name, side in sides.items()}


def test_prediction(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """Real tokens per second, windows of all languages."""
    with started(("ours_predict", "trainer_predict"), encoder) as sides:
        benchmark.pedantic(turn, args=(sides,), rounds=ROUNDS)
        mine, other = sides.values()
        ratios |= {
            "predict_vs_best": against(mine, other),
            "predict_tokens_per_second": median(mine.rates()),
        }
        benchmark.extra_info |= {name: side.rounds for name, side in sides.items()}


def test_side_by_side(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """Two trainings at once, as `--jobs 2` has them and with a thread each; against one by one."""
    with started(("ours",), encoder) as sides, ExitStack() as stack:
        alone = sides["ours"]
        pairs = {"side_by_side": "ours", "side_by_side_one_thread": "ours_one_thread"}
        found = {name: [Side(side, encoder) for _ in range(2)] for name, side in pairs.items()}
        for one in (side for pair in found.values() for side in pair):
            stack.callback(one.close)

        def all_of_them() -> None:
            alone.round()
            for pair in found.values():
                for one in pair:
                    one.begin()
                for one in pair:
                    one.end()

        benchmark.pedantic(all_of_them, rounds=ROUNDS)
        for name, pair in found.items():
            ratios[name] = median(
                max(a["seconds"], b["seconds"]) / (2 * c["seconds"])
                for a, b, c in zip(*(one.rounds for one in (*pair, alone)), strict=True)
            )


def test_vocabulary(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """An encoder of twice the vocabulary costs no more: the rows that are trained are the same."""
    with started(("ours", "ours_wide"), encoder) as sides:
        benchmark.pedantic(turn, args=(sides,), rounds=3)
        ratios["vocabulary"] = against(sides["ours"], sides["ours_wide"])


def test_tokens(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """The time of a step is a line in its tokens; the points go into docs/."""
    with started(("ours_sizes",), encoder) as sides:
        side = sides["ours_sizes"]
        for _ in SIZES[1:]:  # the warm-up was the first size's; begin at the first again
            side.round()
        side.rounds.clear()
        benchmark.pedantic(side.round, rounds=3 * len(SIZES))
    tokens = np.array([one["tokens"] for one in side.rounds]).reshape(-1, len(SIZES))[0]
    took = np.array([one["seconds"] for one in side.rounds]).reshape(-1, len(SIZES))
    history.plot_tokens(tokens, np.median(took, axis=0))
    ratios["tokens_linear"] = float(np.corrcoef(tokens, np.median(took, axis=0))[0, 1] ** 2)


def test_trimming(benchmark: BenchmarkFixture, encoder: Path, ratios: dict[str, float]) -> None:
    """What training only the rows in use saves: memory, and the optimiser's time."""
    ids = material.windows(encoder, material.questions("train"), training=True).ids
    full: Any = load_encoder(encoder)
    small: Any = copy.deepcopy(full)
    trim(small, np.unique(ids))
    rows = [embedding(one).num_embeddings for one in (full, small)]
    steps = [optimiser_step(one) for one in (full, small)]

    def both() -> None:
        times.append([seconds(step) for step in steps])

    times: list[list[float]] = []
    benchmark.pedantic(both, rounds=5, warmup_rounds=1)
    ratios |= {
        "trim_rows": rows[1] / rows[0],
        # Weights, gradients and two moments, four bytes each.
        "trim_memory_gib": 16 * (rows[0] - rows[1]) * full.config.hidden_size / 2**30,
        "trim_optimiser": median(a / b for a, b in times[1:]),
    }


def optimiser_step(module: torch.nn.Module) -> Callable[[], object]:
    """Clip and step, as the training loop does."""
    adam = optimiser(module, material.TRAINING)
    for one in module.parameters():
        one.grad = torch.zeros_like(one)

    def step() -> None:
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        adam.step()

    return step


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    before = time.perf_counter()
    call()
    return time.perf_counter() - before
