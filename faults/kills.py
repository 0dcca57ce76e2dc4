"""kill -9 at random moments of a run, again and again until it gets through."""

from __future__ import annotations

import collections
import os
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from faults import runs
from faults.power import unsound
from harness.stages.contract import STAGES

# Seconds from the first stage of a run to the kill: short ones hit the stages that take
# milliseconds, long ones let it go on.
_SHORTEST, _LONGEST = 0.005, 8.0
# From the start of a stage that was waited for.
_SOON, _LATE = 0.0002, 0.05
# So many kills without a stage finished between them: the next ones come later and later.
_PATIENCE = 3


@dataclass
class Toll:
    """What the kills did."""

    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    """Kind of the stage that was running -> kills; "between stages" too."""
    runs: int = 0
    """That went all the way."""
    resumed: int = 0
    """Kills after which the next run found a checkpoint."""
    faults: list[str] = field(default_factory=list)

    def injected(self) -> int:
        """Kills in all."""
        return self.kills.total()


def campaign(folder: Path, calm: runs.Case, kills: int, seed: int) -> Toll:
    """Kill runs of a command until so many kills are done and the last run got through.

    `calm` is a run of it that nobody killed.

    After each kill: what was finished before is there, with the same bytes, and whatever looks
    complete verifies. At the end of each run: every file as in a run that nobody killed.
    """
    expected = runs.results(calm)
    kinds = {key: str(calm.store.meta(key)["stage"]) for key in runs.finished(calm.store)}
    rng, toll = np.random.default_rng(seed), Toll()
    while toll.injected() < kills or toll.runs == 0:
        case = runs.Case(folder=folder / "killed", words=calm.words)
        _until_done(case, kinds, kills, rng, toll)
        found = [f"differs: {name}" for name in runs.differences(case, expected)]
        toll.faults += found + unsound(case.store)
        toll.runs += 1
        _tell(toll, kills)
        shutil.rmtree(case.folder)
    return toll


def _until_done(
    case: runs.Case, kinds: dict[str, str], kills: int, rng: np.random.Generator, toll: Toll
) -> None:
    before: dict[str, str] = {}
    idle = 0
    while True:
        aim, wait = _aim({key: kinds[key] for key in kinds if key not in before}, rng, toll)
        wait *= 2.0 ** (idle // _PATIENCE)
        enough = toll.injected() >= kills
        shutil.rmtree(case.store.root / "work", ignore_errors=True)
        child = runs.start(case)
        status = runs.wait(child) if enough else _after(child, case, aim, wait)
        after = runs.finished(case.store)
        toll.faults += [f"lost: {key}" for key in before if after.get(key) != before[key]]
        toll.faults += [
            f"unsound: {problem}"
            for key in after.keys() - before.keys()
            for problem in case.store.verify(key)
        ]
        idle = 0 if len(after) > len(before) else idle + 1
        before = after
        if status in runs.VERDICT:
            return
        if status != -signal.SIGKILL:
            toll.faults.append(f"exit {status}: {runs.said(case)[-2000:]}")
            return
        stages = {kinds.get(key, "unknown") for key in runs.in_progress(case.store)}
        toll.kills[stages.pop() if stages else "between stages"] += 1
        if list((case.store.root / "scratch").glob("*/[0-9]*")):
            toll.resumed += 1


def _aim(left: dict[str, str], rng: np.random.Generator, toll: Toll) -> tuple[set[str], float]:
    """The stages of which one must have started, and the seconds from then to the kill.

    Every other time any stage; else one of the kind that was hit least so far: most last a few
    milliseconds, and would hardly ever be hit.
    """
    if rng.random() < 0.5 or not left:
        return set(left), _spread(rng, _SHORTEST, _LONGEST)
    rarest = min(left.values(), key=lambda kind: toll.kills[kind])
    return {key for key, kind in left.items() if kind == rarest}, _spread(rng, _SOON, _LATE)


def _spread(rng: np.random.Generator, least: float, most: float) -> float:
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def _after(child: int, case: runs.Case, aim: set[str], wait: float) -> int | None:
    """Kill a run so many seconds after a stage of `aim` started; its exit status."""
    while (status := runs.wait(child, 0.0)) is None and not runs.in_progress(case.store) & aim:
        time.sleep(0.0005)
    if status is None:
        status = runs.wait(child, wait)
    if status is None:
        os.kill(child, signal.SIGKILL)
        status = runs.wait(child)
    return status


def _tell(toll: Toll, kills: int) -> None:
    order = [one.name for one in STAGES] + ["between stages"]
    told = ", ".join(f"{name} {toll.kills[name]}" for name in order if toll.kills[name])
    click.echo(
        f"{toll.injected()} of {kills} kills, {toll.runs} runs, {toll.resumed} with a checkpoint "
        f"to go on from, {len(toll.faults)} faults: {told}",
        err=True,
    )
