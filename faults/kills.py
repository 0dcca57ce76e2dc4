"""kill -9 at random moments of a run, again and again until it gets through."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from faults import runs
from faults.power import unsound
from harness.artifacts import Store
from harness.stages.contract import STAGES

# Seconds from a run's first stage to the kill, any stage: short ones hit what takes milliseconds,
# long ones let it go on.
_SHORTEST, _LONGEST = 0.005, 8.0
# From the start of a stage that was waited for, or from the end of a checkpoint.
_SOON, _LATE = 0.0002, 0.05
# From a checkpoint: the steps after it, and the next one being written.
_NEXT = 3.0
# From the start of the process: planning, leases, locks.
_START = 1.0
# So many kills without anything finished between them: the next ones come later and later.
_PATIENCE = 3
# Share of all kills that every kind of stage gets, where it can be hit.
_LEAST = 0.05
# More than that of the kills in one kind: runs go on until a stage of another kind has started.
_MOST = 0.2
_LONG = frozenset({"intermediate", "finetune", "predict"})
_BETWEEN = "between stages"


@dataclass
class Toll:
    """What the kills did."""

    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    """Kind of the stage that was running -> kills; "between stages" too."""
    runs: int = 0
    """That went all the way."""
    resumed: int = 0
    """Kills after which the next run found a checkpoint."""
    torn: int = 0
    """Kills that left a checkpoint half written."""
    faults: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def injected(self) -> int:
        """Kills in all."""
        return self.kills.total()

    def told(self) -> str:
        """Where they hit, and what they left."""
        order = [*(one.name for one in STAGES), _BETWEEN]
        stages = ", ".join(f"{name} {self.kills[name]}" for name in order if self.kills[name])
        return (
            f"in {stages}; {self.resumed} left a checkpoint to go on from, {self.torn} one that "
            f"was half written; {self.runs} runs got through"
        )


@dataclass(frozen=True, kw_only=True)
class _Stages:
    """Those of the run, as one that nobody killed left them."""

    kinds: Mapping[str, str]
    """Key -> kind."""
    inputs: Mapping[str, Collection[str]]
    """Key -> keys of what it reads."""

    @classmethod
    def of(cls, store: Store) -> _Stages:
        metas = {key: store.meta(key) for key in store.keys()}  # noqa: SIM118
        return cls(
            kinds={key: str(meta["stage"]) for key, meta in metas.items()},
            inputs={key: list(meta["inputs"].values()) for key, meta in metas.items()},
        )

    def ready(self, finished: Collection[str]) -> dict[str, str]:
        """Key -> kind of those that may start."""
        return {
            key: kind
            for key, kind in self.kinds.items()
            if key not in finished and all(one in finished for one in self.inputs[key])
        }


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """So long after one of these stages has started, or after it has written a checkpoint."""

    keys: Collection[str] | None
    """None: after the process has started."""
    seconds: float
    checkpoint: bool = False

    def has_come(self, store: Store, seen: Collection[Path]) -> bool:
        """Whether the seconds begin now; `seen` are the checkpoints that were there before."""
        if self.keys is None:
            return True
        if not self.checkpoint:
            return not runs.in_progress(store).isdisjoint(self.keys)
        # A stage may end without another.
        fresh = {path.parent.name for path in checkpoints(store).difference(seen)}
        return any(key in fresh or store.has(key) for key in self.keys)


def campaign(
    case: runs.Case, calm: runs.Case, expected: dict[str, str], kills: int, seed: int
) -> Toll:
    """Kill runs of a command until so many kills are done and the last run got through.

    `calm` is a run of it that nobody killed, `expected` its results.

    After each kill: what was finished before is there, with the same bytes, and whatever looks
    complete verifies and has the bytes of the calm run's. At the end of each run: every file as
    there.
    """
    stages = _Stages.of(calm.store)
    rng, toll = np.random.default_rng(seed), Toll()
    while toll.injected() < kills or toll.runs == 0:
        _until_done(case, stages, expected, kills, rng, toll)
        found = [f"differs: {name}" for name in runs.differences(case, expected)]
        toll.faults += found + unsound(case.store)
        toll.runs += 1
        _say("a run got through, compared with the calm one", toll)
        shutil.rmtree(case.folder)
    return toll


def checkpoints(store: Store) -> set[Path]:
    """Those that are complete."""
    return set((store.root / "scratch").glob("*/[0-9]*"))


def _until_done(
    case: runs.Case,
    stages: _Stages,
    expected: dict[str, str],
    kills: int,
    rng: np.random.Generator,
    toll: Toll,
) -> None:
    before: dict[str, str] = {}
    idle = 0
    while True:
        moment = _moment(stages, before, rng, toll, (kills, 2.0 ** (idle // _PATIENCE)))
        shutil.rmtree(case.store.root / "work", ignore_errors=True)
        seen = checkpoints(case.store)
        child = runs.start(case)
        status = runs.wait(child) if toll.injected() >= kills else _kill(child, case, moment, seen)
        after = runs.finished(case.store)
        toll.faults += _judged(case, before, after, expected)
        went_on = len(after) > len(before) or not checkpoints(case.store) <= seen
        idle = 0 if went_on else idle + 1
        before = after
        if status in runs.VERDICT:
            return
        if status != -signal.SIGKILL:
            toll.faults.append(f"exit {status}: {runs.said(case)[-2000:]}")
            return
        _count(case, stages, toll)
        _say(f"{len(after)} of {len(stages.kinds)} stages finished", toll)


def _moment(
    stages: _Stages,
    finished: Collection[str],
    rng: np.random.Generator,
    toll: Toll,
    plan: tuple[int, float],
) -> _Moment:
    """Any moment, or one in the kind of stage that may start now and was hit least so far.

    Most kinds last a few milliseconds, and would hardly ever be hit. `plan` is how many kills there
    are to be, and how much longer than usual to wait.
    """
    kills, patience = plan
    tired = {kind for kind, count in toll.kills.items() if count > _MOST * kills}
    left = [key for key, kind in stages.kinds.items() if key not in finished]
    left = [key for key in left if stages.kinds[key] not in tired] or left
    ready = {key: kind for key, kind in stages.ready(finished).items() if key in left}
    kind = min(ready.values(), key=lambda one: toll.kills[one], default=None)
    if kind is None:
        return _Moment(keys=left, seconds=_spread(rng, _SOON, _LATE))
    if toll.kills[kind] >= _LEAST * toll.injected() and rng.random() < 0.5:
        if rng.random() < 0.1:
            return _Moment(keys=None, seconds=rng.uniform(0, _START))
        return _Moment(keys=left, seconds=_spread(rng, _SHORTEST, _LONGEST) * patience)
    keys = [key for key, one in ready.items() if one == kind]
    if kind in _LONG and rng.random() < 0.75:
        late = rng.random() < 0.5
        seconds = rng.uniform(0, _NEXT) if late else _spread(rng, _SOON, _LATE)
        return _Moment(keys=keys, seconds=seconds, checkpoint=True)
    return _Moment(keys=keys, seconds=_spread(rng, _SOON, _LATE))


def _spread(rng: np.random.Generator, least: float, most: float) -> float:
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def _kill(child: int, case: runs.Case, moment: _Moment, seen: Collection[Path]) -> int | None:
    """Kill a run at that moment; its exit status."""
    while (status := runs.wait(child, 0.0)) is None and not moment.has_come(case.store, seen):
        time.sleep(0.0005)
    if status is None:
        status = runs.wait(child, moment.seconds)
    if status is None:
        os.kill(child, signal.SIGKILL)
        # Its workers; there is no such group yet where it was killed at once.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        status = runs.wait(child)
    return status


def _judged(
    case: runs.Case, before: dict[str, str], after: dict[str, str], expected: dict[str, str]
) -> list[str]:
    """What went wrong with the artifacts: lost, changed, damaged, other bytes."""
    found = [f"lost: {key}" for key in before if after.get(key) != before[key]]
    for key in after.keys() - before.keys():
        found += [f"unsound: {problem}" for problem in case.store.verify(key)]
        files = runs.of_artifacts(case, case.store.path(key))
        found += [f"wrong: {name}" for name in files if files[name] != expected.get(name)]
    return found


def _count(case: runs.Case, stages: _Stages, toll: Toll) -> None:
    """Where a kill hit, and what it left."""
    hit = {stages.kinds.get(key, "unknown") for key in runs.in_progress(case.store)}
    toll.kills[hit.pop() if hit else _BETWEEN] += 1
    toll.resumed += bool(checkpoints(case.store))
    toll.torn += any((case.store.root / "scratch").glob("*/writing"))


def _say(line: str, toll: Toll) -> None:
    minutes = (time.monotonic() - toll.began) / 60
    told = f"{toll.injected()} kills {toll.told()}; {len(toll.faults)} faults"
    click.echo(f"{minutes:.1f} min: {line}; {told}", err=True)
