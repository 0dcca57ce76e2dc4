"""Training on several tasks at once: which task each optimiser step is of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.models import MultiTask
from harness.training.batching import Step
from harness.training.seeding import generator


def sampling_shares(examples: Sequence[int], settings: MultiTask) -> np.ndarray:
    """The probability with which each task is drawn, (tasks,).

    proportional: n; capped: min(n, cap) (Raffel et al. 2020); temperature: (n / sum n)^(1 / T);
    each divided by their sum.

    Args:
        examples: n of each task.
        settings: sampling, cap and temperature.
    """
    weights = np.array(examples, dtype=np.float64)
    if settings.sampling == "capped":
        weights = np.minimum(weights, float(settings.cap or np.inf))
    weights = (weights / weights.sum()) ** (1.0 / (settings.temperature or 1.0))
    result: np.ndarray = weights / weights.sum()
    return result


def task_order(
    steps: Sequence[int], examples: Sequence[int], settings: MultiTask | None, seed: int
) -> np.ndarray:
    """The task of each optimiser step, (all steps,).

    Drawn from `generator("tasks", seed)`; as many as the tasks have on their own, all together,
    but at most `most_steps`.

    Args:
        steps: of each task on its own.
        examples: of each task.
        settings: None: there is one task.
        seed: index of the seed.
    """
    total = sum(steps)
    if settings is None:
        assert len(steps) == 1
        return np.zeros(total, dtype=np.int64)
    total = min(total, settings.most_steps or total)
    shares = sampling_shares(examples, settings)
    return generator("tasks", seed).choice(len(steps), size=total, p=shares)


def with_share(order: np.ndarray, share: float, task: int) -> np.ndarray:
    """`order` with so many evenly spread steps of `task` put in that they are `share` of all.

    n steps become n / (1 - share), rounded: 3 steps and a share of 0.5 give 6, every second one of
    `task`.
    """
    total = max(len(order), round(len(order) / (1.0 - share)))
    added = total - len(order)
    # Step t is of `task` where t * added / total passes a whole number.
    passed = np.arange(total + 1) * added // total
    result = np.full(total, task, dtype=np.int64)
    result[np.diff(passed) == 0] = order
    return result


def mixed_steps(streams: Sequence[Iterator[Step]], order: np.ndarray) -> Iterator[Step]:
    """The next step of the stream that `order` names, again and again."""
    for task in order:
        yield next(streams[task])
