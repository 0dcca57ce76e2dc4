"""Walk the plan: skip what the store has, run the rest, keep what was finished when one fails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.artifacts import Store, describe_os_errors
from harness.backends import Backend
from harness.costs import Cost
from harness.errors import HarnessError, MachineError
from harness.graph import PlannedStage
from harness.plan import Plan
from harness.preflight import lacks
from harness.records import Comparison
from harness.stages.contract import Progress, Resources


class Observer(Protocol):
    """Who watches a run."""

    def begin(self, todo: Sequence[PlannedStage], cached: int) -> None:
        """The run starts: the stages to do, and how many are already there."""

    def stage(self, planned: PlannedStage, number: int) -> Progress:
        """Stage `number` (from 1) starts; its progress goes to what is returned."""


@dataclass
class Outcome:
    """What a walk did."""

    made: list[str] = field(default_factory=list)
    cached: int = 0
    failed: dict[str, HarnessError] = field(default_factory=dict)
    """Claim -> why it has no comparison: the first failure of a stage that it needs."""


def wanted(plan: Plan, store: Store) -> list[PlannedStage]:
    """Stages that must run, in order: what comparisons and run folders need and the store lacks.

    A run folder keeps something of everything that a comparison is made of.
    """
    stages = plan.by_key()
    queue = list(plan.comparisons.values())
    for comparison in plan.comparisons.values():
        queue += stages[comparison].inputs.values()
    needed: set[str] = set()
    while queue:
        key = queue.pop()
        if key not in needed and not store.has(key):
            needed.add(key)
            queue.extend(stages[key].inputs.values())
    return [one for one in plan.stages if one.key in needed]


def execute(
    plan: Plan, store: Store, backend: Backend, resources: Resources, observer: Observer
) -> Outcome:
    """Run what is missing. A failing stage fails the claims that need it; the rest goes on.

    A claim whose data nobody gave fails first, before anything is run for it.

    Raises:
        MachineError: the machine can't go on (disk full, no permission), so nothing else is tried.
        KeyboardInterrupt: the user stopped; what was finished is in the store.
    """
    todo = wanted(plan, store)
    users = _users(plan)
    outcome = Outcome(cached=len(plan.stages) - len(todo), failed=dict(plan.refused))
    fetch = f"harness fetch {' '.join(plan.comparisons)} --profile {plan.profile.id} --to DIR"
    for planned in todo:
        lack = lacks(planned, resources, fetch)
        if lack:
            outcome.failed |= dict.fromkeys(users[planned.key] - set(outcome.failed), lack)
    observer.begin(todo, outcome.cached)
    for number, planned in enumerate(todo, start=1):
        if users[planned.key] <= set(outcome.failed):
            continue
        try:
            made = backend(planned, store, resources, observer.stage(planned, number))
        except MachineError:
            raise
        except HarnessError as error:
            outcome.failed |= dict.fromkeys(users[planned.key] - set(outcome.failed), error)
            continue
        if not made:
            # Another run made it meanwhile.
            outcome.cached += 1
            continue
        outcome.made.append(planned.key)
        _calibrate(store, planned, resources.device)
    outcome.failed = {one: outcome.failed[one] for one in plan.claims if one in outcome.failed}
    return outcome


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
    path = store.root / "calibration.json"
    if not path.is_file():
        return None
    try:
        speeds: Mapping[str, float] = json.loads(path.read_bytes()).get(device, {})
    except ValueError:
        return None
    return dict(speeds) if {"training", "inference"} <= set(speeds) else None


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


def _calibrate(store: Store, planned: PlannedStage, device: str) -> None:
    """Remember how fast this stage was; the next plan's time estimate reads it."""
    work = _work(planned.cost)
    if work is None:
        return
    kind, flops = work
    path = store.root / "calibration.json"
    try:
        speeds = json.loads(path.read_bytes())
    except (OSError, ValueError):
        speeds = {}
    speeds.setdefault(device, {})[kind] = flops / max(seconds(store, planned.key), 1e-3)
    fresh = path.with_suffix(f".{planned.key[:12]}.tmp")
    with describe_os_errors(store.root):
        fresh.write_text(json.dumps(speeds, indent=1, sort_keys=True), encoding="utf-8")
        fresh.replace(path)


def _work(cost: Cost) -> tuple[str, float] | None:
    if cost.training_flops:
        return "training", cost.training_flops
    return ("inference", cost.inference_flops) if cost.inference_flops else None
