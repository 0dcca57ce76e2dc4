"""How often claims err that rest on several differences: orders, "k of n", aggregates, maxima.

Runs as in `calibration`; each task of an aggregate is such a test set of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.models import Rung, VerdictRule
from harness.statistics.calibration import Paper, Runs, simulate, simulate_systems
from harness.statistics.findings import strict_confidence
from harness.statistics.rungs import (
    CONFIDENCE,
    FloatArray,
    Truths,
    at_least_tests,
    chance_lift,
    moderated_variance,
    ordering_tests,
    quantile,
)

KINDS_OF_TASK: tuple[tuple[float, float], ...] = (
    *((gain, 1.5) for gain in (0.0, 1.0, 2.0, 2.0, 3.0)),
    *((gain, 3.0) for gain in (5.0, 10.0)),
    *((gain, 6.0) for gain in (15.0, 20.0)),
)
"""(gain, tau) of nine tasks: most move little, question answering more, retrieval most."""


def ordering_rungs(systems: Sequence[FloatArray], rule: VerdictRule) -> NDArray[np.str_]:
    """The rung of each run, (num_runs,), of the claim that the systems stand in this order.

    Args:
        systems: levels, the best first, each (num_runs, num_seeds).
        rule: the prior.
    """
    differences = np.stack([one - other for one, other in pairwise(systems)])
    values, reach, strict = _measured(differences, rule)
    return _rungs(ordering_tests(values, reach, strict), values[0])


def at_least_rungs(
    reference: FloatArray, alternatives: Sequence[FloatArray], needed: int, rule: VerdictRule
) -> NDArray[np.str_]:
    """The rung of each run, of the claim that so many alternatives are above the reference.

    Args:
        reference: its levels, (num_runs, num_seeds).
        alternatives: theirs.
        needed: so many.
        rule: the prior.
    """
    differences = np.stack([one - reference for one in alternatives])
    values, _, strict = _measured(differences, rule)
    return _rungs(at_least_tests(values, strict, needed), values[0])


def simulate_aggregate(
    tasks: Sequence[tuple[float, float]],
    shape: tuple[int, int],
    generator: np.random.Generator,
    *,
    shared: bool,
) -> Runs:
    """Two systems' means over tasks.

    Args:
        tasks: true gain and tau of each.
        shape: (num_runs, num_seeds).
        generator: the only source of randomness.
        shared: a seed that is lucky is so in all tasks, else each task has luck of its own.
    """
    common = [generator.standard_normal(shape) if shared else None for _ in range(2)]
    levels = [simulate_systems((0.0, gain), tau, shape, generator, common) for gain, tau in tasks]
    baseline, treatment = (np.mean([pair[i] for pair in levels], axis=0) for i in range(2))
    return Runs(treatment=treatment, baseline=baseline)


def simulate_best(
    candidates: int,
    tau: float,
    tasks: int,
    shape: tuple[int, int],
    generator: np.random.Generator,
) -> Runs:
    """The best of equal candidates, task by task, against a baseline that is equal to them too."""
    treatments, baselines = [], []
    for _ in range(tasks):
        baseline, *others = simulate_systems((0.0,) * (candidates + 1), tau, shape, generator)
        found = np.stack(others)
        chosen = found.mean(axis=2).argmax(axis=0)
        treatments.append(found[chosen, np.arange(shape[0])])
        baselines.append(baseline)
    return Runs(treatment=np.mean(treatments, axis=0), baseline=np.mean(baselines, axis=0))


def printed_best(
    candidates: int, gain: float, tau: float, num_runs: int, generator: np.random.Generator
) -> Paper:
    """Papers that print the best of so many equal runs, each against a baseline of its own."""
    runs = simulate(gain, tau, (num_runs, candidates), generator)
    chosen = (np.arange(num_runs), runs.differences.argmax(axis=1))
    return Paper(runs.treatment[chosen], runs.baseline[chosen])


def less_luck(paper: Paper, candidates: int, runs: Runs, rule: VerdictRule) -> Paper:
    """The paper's gain less the luck of the best of `candidates`, as `judge` subtracts it."""
    spread = np.sqrt(moderated_variance(runs.differences, rule)[0])
    left = paper.treatment - chance_lift(candidates) * spread
    # Where nothing is left the sign alone counts.
    return Paper(np.maximum(left, paper.baseline + 1e-9), paper.baseline)


def _measured(
    differences: FloatArray, rule: VerdictRule
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Means and the distances to plain and corrected bounds, each (num_pairs, num_runs)."""
    variance, freedom = moderated_variance(differences, rule)
    error = np.sqrt(variance / differences.shape[-1])
    corrected = quantile(strict_confidence(CONFIDENCE, len(differences)), freedom)
    return differences.mean(axis=-1), quantile(CONFIDENCE, freedom) * error, corrected * error


def _rungs(tests: dict[Rung, Truths], like: FloatArray) -> NDArray[np.str_]:
    held = [np.broadcast_to(holds, like.shape) for holds in tests.values()]
    return np.select(held, list(tests), "INCONCLUSIVE")
