"""Measure how often the verdict rule errs, and write the tables of docs/verdict.md.

python benchmarks/calibration.py                            # print the tables
python benchmarks/calibration.py --write docs/verdict.md    # put them in their place
python benchmarks/calibration.py --runs 2000                # rough, in seconds
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.models import Rung, VerdictRule
from harness.statistics import confidence_at, seeds_needed
from harness.statistics.calibration import (
    Paper,
    Runs,
    covers,
    false_direction_with_looks,
    levels_differ,
    printed_run,
    printed_truth,
    rung_rates,
    simulate,
    simulate_systems,
)
from harness.statistics.calibration_several import (
    KINDS_OF_TASK,
    at_least_rungs,
    less_luck,
    ordering_rungs,
    printed_best,
    simulate_aggregate,
    simulate_best,
)

TAUS = (1.0, 1.5, 2.0, 3.0)
SEEDS = (1, 2, 3, 5)
GAINS = (14.5, 5.0, 2.0)
LOOKS = ((1, 2, 3), (2, 3, 5), (3, 5, 7))
BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
RULE = VerdictRule(version=1, required_rung={})

Row = tuple[str, ...]


def main() -> None:
    """Print the tables, or write them into a document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40_000, help="simulated runs for each rate")
    parser.add_argument("--write", type=Path, help="document that holds the two marks")
    options = parser.parse_args()
    text = "\n\n".join(_sections(options.runs))
    if options.write is None:
        sys.stdout.write(text + "\n")
        return
    before, _, rest = options.write.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    options.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _sections(num_runs: int) -> Iterator[str]:
    precision = 100 * (0.05 * 0.95 / num_runs) ** 0.5
    yield (
        f"{num_runs:,} simulated runs for each rate (standard error of a rate of 5 %:"
        f" {precision:.2f} %), tau0 {RULE.tau0:g}, nu0 {RULE.nu0:g}, rho {RULE.retention:g}."
        " Rates in %."
    )
    promises, powers = _promises(num_runs)
    yield "### Promises"
    yield promises
    yield "### What a faithful re-run reaches\n\nThe paper prints the true means."
    yield powers
    yield (
        "### When the paper's numbers are themselves one run\n\nThe paper prints one draw of the"
        " very systems that are re-run: nothing is wrong, and all that differs is luck."
    )
    yield _one_run(num_runs)
    yield (
        "### Adding seeds after a look\n\nShare of runs without any true difference that show"
        " DIRECTION at some look, seeds being added until one does."
    )
    yield _looks(num_runs)
    yield "### Fewest seeds at which a rung is reachable at all"
    yield _fewest()
    yield from _several(num_runs)


def _several(num_runs: int) -> Iterator[str]:
    yield (
        "### Orders and counts\n\nSystems that are all equal, and systems 5 points apart (of a"
        " count: all alternatives 5 points above the reference)."
    )
    yield _orders_and_counts(num_runs)
    mean = np.mean([gain for gain, _ in KINDS_OF_TASK])
    each = ", ".join(f"{gain:g} ({tau:g})" for gain, tau in KINDS_OF_TASK)
    yield (
        f"### A mean over nine tasks\n\nTrue gains (tau): {each}; mean {mean:.2f}, which is what"
        " the paper prints. The luck of a seed is each task's own, or common to all."
        f" {num_runs // 4:,} runs each."
    )
    yield _aggregates(num_runs)
    yield (
        "### The best of equal systems\n\nFor each task the best of k systems stands against a"
        f" baseline that is as good as they are. {num_runs // 10:,} runs each."
    )
    yield _maxima(num_runs)
    yield (
        "### Papers that print the best of several runs\n\nThe paper prints the best of k faithful"
        " runs, three seeds re-run it; CONTRADICTED, and SUBSTANTIAL or better, with the luck of"
        " the best subtracted (`best_of: k`) and without. 10,000 runs each."
    )
    yield _printed_best(num_runs // 4)


def _promises(num_runs: int) -> tuple[str, str]:
    promises: list[Row] = []
    powers: list[Row] = []
    worst: dict[str, float] = {}
    for tau, seeds in _cells():
        zero = _simulated(0.0, tau, num_runs, seeds)
        figures = {
            "coverage": covers(zero, 0.0, RULE),
            "direction": rung_rates(zero, None, RULE)["DIRECTION"],
            "exact at half": 0.0,
            "substantial at half": 0.0,
        }
        for gain in GAINS:
            paper = printed_truth(gain)
            half = rung_rates(_simulated(gain / 2, tau, num_runs, seeds), paper, RULE)
            exact, substantial = half["QUANTITATIVE"], half["SUBSTANTIAL"]
            _raise(figures, "exact at half", exact)
            _raise(figures, "substantial at half", exact + substantial)
            true = _simulated(gain, tau, num_runs, seeds)
            rates = rung_rates(true, paper, RULE)
            figures[f"own {gain:g}"] = rates["CONTRADICTED"]
            shown = (rates[rung] for rung in ("QUANTITATIVE", "SUBSTANTIAL", "DIRECTION"))
            differ = levels_differ(true, paper, RULE)
            powers.append((f"{gain:g}", f"{tau:g}", str(seeds), *map(_percent, (*shown, differ))))
        promises.append((f"{tau:g}", str(seeds), *map(_percent, figures.values())))
        _keep_worst(worst, figures, tau)
    head: Row = (
        "tau",
        "seeds",
        "coverage",
        "DIRECTION at truth 0",
        "QUANTITATIVE at half the gain",
    )
    head += ("SUBSTANTIAL or better at half", *(f"CONTRADICTED at {gain:g}" for gain in GAINS))
    powers.sort(key=lambda row: -float(row[0]))
    names = ("gain", "tau", "seeds", "QUANTITATIVE", "SUBSTANTIAL", "DIRECTION", "LEVELS_DIFFER")
    return _verdict_on(worst) + "\n\n" + _table(head, promises), _table(names, powers)


def _keep_worst(worst: dict[str, float], figures: dict[str, float], tau: float) -> None:
    worst["coverage"] = min(worst.get("coverage", 1.0), figures["coverage"])
    _raise(worst, "direction", figures["direction"])
    _raise(worst, "half", figures["exact at half"])
    own = max(rate for name, rate in figures.items() if name.startswith("own"))
    _raise(worst, "own" if tau <= 2 else "own beyond", own)


def _raise(rates: dict[str, float], name: str, rate: float) -> None:
    rates[name] = max(rates.get(name, 0.0), rate)


def _verdict_on(worst: dict[str, float]) -> str:
    kept = {True: "kept", False: "**NOT KEPT**"}
    rows: list[Row] = [
        (
            "coverage of the nominal 95 % interval, tau <= 3",
            ">= 93",
            _percent(worst["coverage"]),
            kept[worst["coverage"] >= 0.93],
        )
    ]
    for name, key, limit in (
        ("DIRECTION at truth 0, tau <= 3", "direction", 0.06),
        ("QUANTITATIVE at half the paper's gain, tau <= 3", "half", 0.05),
        ("CONTRADICTED at the paper's own gain, tau <= 2", "own", 0.025),
    ):
        rows.append((name, f"<= {100 * limit:g}", _percent(worst[key]), kept[worst[key] <= limit]))
    rows.append(("the same at tau 3", "none", _percent(worst["own beyond"]), "not promised"))
    return _table(("promise", "limit", "worst measured", ""), rows)


def _one_run(num_runs: int) -> str:
    rungs: tuple[Rung, ...] = ("QUANTITATIVE", "SUBSTANTIAL", "DIRECTION", "CONTRADICTED")
    rows: list[Row] = []
    for gain in GAINS:
        for tau, seeds in _cells():
            generator = np.random.default_rng([2, int(10 * gain), int(10 * tau), seeds])
            paper: Paper = printed_run(gain, tau, num_runs, generator)
            runs = simulate(gain, tau, (num_runs, seeds), generator)
            rates = rung_rates(runs, paper, RULE)
            figures = (*(rates[rung] for rung in rungs), levels_differ(runs, paper, RULE))
            rows.append((f"{gain:g}", f"{tau:g}", str(seeds), *map(_percent, figures)))
    names = ("gain", "tau", "seeds", "QUANTITATIVE", "SUBSTANTIAL", "DIRECTION")
    return _table((*names, "CONTRADICTED", "LEVELS_DIFFER"), rows)


def _looks(num_runs: int) -> str:
    plain, strict = confidence_at(1), confidence_at(2)
    rows: list[Row] = []
    for looks in LOOKS:
        for tau in TAUS:
            runs = _simulated(0.0, tau, num_runs, looks[-1])
            rates = [
                false_direction_with_looks(runs, looks, RULE, confidences)
                for confidences in (
                    (plain, plain, plain),
                    (plain, strict, strict),
                    (strict, strict, strict),
                )
            ]
            rows.append((", ".join(map(str, looks)), f"{tau:g}", *map(_percent, rates)))
    names = ("seeds at each look", "tau", "every look at 5 %")
    return _table((*names, "first at 5 %, later at 5/3 %", "every look at 5/3 %"), rows)


def _orders_and_counts(num_runs: int) -> str:
    rows: list[Row] = []
    for name, gains, needed in (
        ("order of 2", (5.0, 0.0), 0),
        ("order of 3", (10.0, 5.0, 0.0), 0),
        ("order of 4", (15.0, 10.0, 5.0, 0.0), 0),
        ("1 of 3", (0.0, 5.0, 5.0, 5.0), 1),
        ("3 of 3", (0.0, 5.0, 5.0, 5.0), 3),
        ("5 of 9", (0.0, *(5.0,) * 9), 5),
    ):
        for tau in TAUS[1:]:
            for seeds in SEEDS[::2]:
                figures: list[float] = []
                for truth in ((0.0,) * len(gains), gains):
                    generator = np.random.default_rng([6, len(gains), needed, int(10 * tau), seeds])
                    levels = simulate_systems(truth, tau, (num_runs, seeds), generator)
                    rungs = (
                        at_least_rungs(levels[0], levels[1:], needed, RULE)
                        if needed
                        else ordering_rungs(levels, RULE)
                    )
                    figures += [(rungs == rung).mean() for rung in ("DIRECTION", "CONTRADICTED")]
                rows.append((name, f"{tau:g}", str(seeds), *map(_percent, figures)))
    rungs_at = [f"{rung} {at}" for at in ("at 0", "at 5") for rung in ("DIRECTION", "CONTRADICTED")]
    return _table(("claim", "tau", "seeds", *rungs_at), rows)


def _aggregates(num_runs: int) -> str:
    mean = float(np.mean([gain for gain, _ in KINDS_OF_TASK]))
    nothing = tuple((0.0, tau) for _, tau in KINDS_OF_TASK)
    rows: list[Row] = []
    for shared in (False, True):
        for seeds in SEEDS:
            generator = np.random.default_rng([7, shared, seeds])
            shape = (num_runs // 4, seeds)
            runs = simulate_aggregate(KINDS_OF_TASK, shape, generator, shared=shared)
            rates = rung_rates(runs, Paper(45.0 + mean, 45.0), RULE)
            zero = simulate_aggregate(nothing, shape, generator, shared=shared)
            figures = (
                covers(runs, mean, RULE),
                rung_rates(zero, None, RULE)["DIRECTION"],
                rates["QUANTITATIVE"] + rates["SUBSTANTIAL"],
                rates["CONTRADICTED"],
            )
            spread = f"{runs.differences.std():.2f}"
            luck = "common" if shared else "own"
            rows.append((luck, str(seeds), spread, *map(_percent, figures)))
    names = ("luck", "seeds", "SD over seeds", "coverage", "DIRECTION at truth 0")
    return _table((*names, "SUBSTANTIAL or better", "CONTRADICTED"), rows)


def _maxima(num_runs: int) -> str:
    rows: list[Row] = []
    for candidates, tasks in ((3, 1), (9, 1), (9, 9)):
        for tau in TAUS[1:]:
            for seeds in SEEDS[::2]:
                generator = np.random.default_rng([8, candidates, tasks, int(10 * tau), seeds])
                runs = simulate_best(candidates, tau, tasks, (num_runs // 10, seeds), generator)
                lift = f"{runs.differences.mean():.2f}"
                shown = _percent(rung_rates(runs, None, RULE)["DIRECTION"])
                rows.append((str(candidates), str(tasks), f"{tau:g}", str(seeds), lift, shown))
    return _table(("k", "tasks", "tau", "seeds", "mean gain", "DIRECTION at truth 0"), rows)


def _printed_best(num_runs: int) -> str:
    head = ("gain", "k", "tau", "CONTRADICTED", "without", "SUBSTANTIAL or better", "without")
    rows = []
    for gain in GAINS[:2]:
        for candidates in (3, 5, 9):
            for tau in (2.0, 3.0):
                generator = np.random.default_rng([12, int(10 * gain), candidates, int(10 * tau)])
                runs = simulate(gain, tau, (num_runs, 3), generator)
                paper = printed_best(candidates, gain, tau, num_runs, generator)
                row = [f"{gain:g}", f"{candidates}", f"{tau:g}"]
                judged = (less_luck(paper, candidates, runs, RULE), paper)
                rates = [rung_rates(runs, one, RULE) for one in judged]
                row += [_percent(one["CONTRADICTED"]) for one in rates]
                row += [_percent(one["SUBSTANTIAL"] + one["QUANTITATIVE"]) for one in rates]
                rows.append(tuple(row))
    return _table(head, rows)


def _fewest() -> str:
    rungs: tuple[Rung, ...] = ("DIRECTION", "SUBSTANTIAL", "CONTRADICTED", "QUANTITATIVE")
    rows: list[Row] = [
        (f"{gain:g}", *(str(seeds_needed(rung, gain, RULE) or "-") for rung in rungs))
        for gain in (1.0, 2.0, 3.0, 5.0, 8.0, 10.9, 14.5)
    ]
    return _table(("paper's gain", *rungs), rows)


def _cells() -> Iterator[tuple[float, int]]:
    return ((tau, seeds) for tau in TAUS for seeds in SEEDS)


def _simulated(gain: float, tau: float, num_runs: int, seeds: int) -> Runs:
    generator = np.random.default_rng([1, int(100 * gain), int(10 * tau), seeds])
    return simulate(gain, tau, (num_runs, seeds), generator)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _table(head: Row, rows: list[Row]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
