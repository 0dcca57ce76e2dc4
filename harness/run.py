"""Walk the plan: skip what the store has, run the rest, keep what was finished when one fails."""

from __future__ import annotations

import functools
import heapq
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Protocol

from harness import strict_json
from harness.artifacts import Store, describe_os_errors
from harness.backends import Backend, Ended
from harness.costs import Cost
from harness.errors import HarnessError, MachineError
from harness.graph import PlannedStage
from harness.plan import Plan
from harness.preflight import lacks
from harness.records import Comparison
from harness.stages.contract import Progress, Resources

_CALIBRATION = "calibration.json"


class Observer(Protocol):
    """Who watches a run."""

    def begin(self, todo: Sequence[PlannedStage], cached: int) -> None:
        """The run starts: the stages to do, and how many are already there."""

    def stage(self, planned: PlannedStage, number: int) -> Progress:
        """Stage `number` (from 1) starts; its progress goes to what is returned."""

    def ended(self, number: int) -> None:
        """Stage `number` has ended, or isn't needed any more."""


@dataclass
class Outcome:
    """What a walk did."""

    made: list[str] = field(default_factory=list)
    cached: int = 0
    failed: dict[str, HarnessError] = field(default_factory=dict)
    """Claim -> why it has no comparison: the first failure of a stage that it needs."""


def wanted(plan: Plan, has: Callable[[str], bool]) -> list[PlannedStage]:
    """Stages that must run, in order: what comparisons and run folders need and nobody has.

    A run folder keeps something of everything that a comparison is made of. `has`, of a key, is
    the store's.
    """
    stages = plan.by_key()
    queue = list(plan.comparisons.values())
    for comparison in plan.comparisons.values():
        queue += stages[comparison].inputs.values()
    needed: set[str] = set()
    while queue:
        key = queue.pop()
        if key not in needed and not has(key):
            needed.add(key)
            queue.extend(stages[key].inputs.values())
    return [one for one in plan.stages if one.key in needed]


def execute(
    plan: Plan, store: Store, backend: Backend, resources: Resources, observer: Observer
) -> Outcome:
    """Run what is missing, each stage as soon as its inputs are there and the backend is free.

    Of several that could run, the first of the plan's order does; so a backend that takes one at a
    time follows that order. A failing stage fails the claims that need it; the rest goes on. A
    claim whose data nobody gave fails first, before anything is run for it.

    Raises:
        MachineError: the machine can't go on (disk full, no permission), so nothing else is tried.
        KeyboardInterrupt: the user stopped; what was finished is in the store.
    """
    todo = wanted(plan, store.has)
    outcome = Outcome(cached=len(plan.stages) - len(todo))
    failures = _Failures(plan, todo)
    fetch = f"harness fetch {' '.join(plan.comparisons)} --profile {plan.profile.id} --to DIR"
    for planned in todo:
        lack = lacks(planned, resources, fetch)
        if lack:
            failures.add(planned, lack, place=-1)
    observer.begin(todo, outcome.cached)
    numbers = {planned.key: number for number, planned in enumerate(todo, start=1)}
    order = TopologicalSorter({one.key: set(one.inputs.values()) & set(numbers) for one in todo})
    order.prepare()
    ready: list[int] = []
    side_by_side = _SideBySide()
    while order.is_active():
        for key in order.get_ready():
            heapq.heappush(ready, numbers[key])
        if ready and not failures.alive(todo[ready[0] - 1]):
            number = heapq.heappop(ready)
        elif ready and backend.takes(todo[ready[0] - 1]):
            number = heapq.heappop(ready)
            planned = todo[number - 1]
            watch = functools.partial(observer.stage, planned, number)
            backend.submit(planned, store, resources, watch)
            side_by_side.started(planned)
            continue
        else:
            ended = backend.wait()
            number = numbers[ended.planned.key]
            count = side_by_side.ended(ended.planned)
            _note(ended, outcome, failures)
            if ended.made:
                _calibrate(store, ended.planned, resources.device, count)
        observer.ended(number)
        order.done(todo[number - 1].key)
    outcome.failed = failures.by_claim()
    return outcome


class _SideBySide:
    """How many stages compute at once: each is slower then, and the machine is not."""

    def __init__(self) -> None:
        """None does."""
        self._most: dict[str, int] = {}

    def started(self, planned: PlannedStage) -> None:
        """One more, if it computes much."""
        if _work(planned.cost):
            count = len(self._most) + 1
            self._most = {key: max(count, most) for key, most in self._most.items()}
            self._most[planned.key] = count

    def ended(self, planned: PlannedStage) -> int:
        """One less; with how many it ran at most, itself among them."""
        return self._most.pop(planned.key, 1)


def _note(ended: Ended, outcome: Outcome, failures: _Failures) -> None:
    """Count a stage that has ended; raises what stops the whole run."""
    if isinstance(ended.error, MachineError):
        raise ended.error
    if ended.error:
        failures.add(ended.planned, ended.error)
    elif ended.made:
        outcome.made.append(ended.planned.key)
    else:
        # Another run made it meanwhile.
        outcome.cached += 1


class _Failures:
    """The claims that have failed: of several failures the first in the plan's order tells why."""

    def __init__(self, plan: Plan, todo: Sequence[PlannedStage]) -> None:
        """Those that the plan refuses have failed already."""
        self._plan, self._users = plan, _users(plan)
        self._places = {planned.key: place for place, planned in enumerate(todo)}
        self._found: dict[str, tuple[int, HarnessError]] = {
            claim: (-1, error) for claim, error in plan.refused.items()
        }

    def add(self, planned: PlannedStage, error: HarnessError, *, place: int | None = None) -> None:
        """`planned` can't be made; `place` is another than its own in the order."""
        found = (self._places[planned.key] if place is None else place, error)
        for claim in self._users[planned.key]:
            self._found[claim] = min(self._found.get(claim, found), found, key=lambda one: one[0])

    def alive(self, planned: PlannedStage) -> bool:
        """Whether a claim that hasn't failed needs the stage."""
        return not self._users[planned.key] <= self._found.keys()

    def by_claim(self) -> dict[str, HarnessError]:
        """In the order in which the claims were given."""
        return {one: self._found[one][1] for one in self._plan.claims if one in self._found}


def read_comparisons(plan: Plan, store: Store) -> dict[str, Comparison]:
    """Claim -> its comparison, for every claim that has one."""
    return {
        claim: read_comparison(store, key)
        for claim, key in plan.comparisons.items()
        if store.has(key)
    }


def read_comparison(store: Store, key: str) -> Comparison:
    """The comparison in artifact `key`; VerificationError where it isn't as it was written."""
    return Comparison.model_validate_json((store.sound(key) / "comparison.json").read_bytes())


def seconds(store: Store, key: str) -> float:
    """How long the stage took when it was made."""
    provenance = json.loads((store.get(key) / "provenance.json").read_bytes())
    return float(provenance["seconds"])


def calibration(store: Store, device: str) -> dict[str, float] | None:
    """FLOP/s that this machine reached, {"training", "inference"}; None before a first run."""
    speeds = _speeds(store).get(device, {})
    return speeds if {"training", "inference"} <= set(speeds) else None


def _users(plan: Plan) -> dict[str, set[str]]:
    """Key -> the claims whose comparison rests on it."""
    stages = plan.by_key()
    users: dict[str, set[str]] = {key: set() for key in stages}
    for claim, comparison in plan.comparisons.items():
        queue = [comparison]
        while queue:
            key = queue.pop()
            if claim not in users[key]:
                users[key].add(claim)
                queue.extend(stages[key].inputs.values())
    return users


def _calibrate(store: Store, planned: PlannedStage, device: str, count: int) -> None:
    """Remember how fast `count` stages like this one were; the next plan's estimate reads it."""
    work = _work(planned.cost)
    if work is None:
        return
    kind, flops = work
    path = store.root / _CALIBRATION
    speeds = _speeds(store)
    took = max(seconds(store, planned.key), 1e-3)
    speeds.setdefault(device, {})[kind] = count * flops / took
    fresh = path.with_suffix(f".{planned.key[:12]}.tmp")
    with describe_os_errors(store.root):
        fresh.write_text(json.dumps(speeds, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(path)


def _speeds(store: Store) -> dict[str, dict[str, float]]:
    """Device -> kind of work -> FLOP/s; what can't be read only costs an estimate."""
    try:
        found = strict_json.loads(strict_json.read_bytes(store.root / _CALIBRATION, 1 << 20))
        return {
            device: {kind: float(speed) for kind, speed in speeds.items() if speed > 0}
            for device, speeds in found.items()
        }
    except (OSError, ValueError, OverflowError, TypeError, AttributeError):
        return {}


def _work(cost: Cost) -> tuple[str, float] | None:
    if cost.training_flops:
        return "training", cost.training_flops
    return ("inference", cost.inference_flops) if cost.inference_flops else None
