"""`harness plan`: the stages, which are cached, and what the rest will take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from harness import announce, options, session
from harness.artifacts import Store
from harness.ending import parts
from harness.graph import PlannedStage
from harness.plan import Plan
from harness.run import calibration, wanted


def run(claims: Sequence[str], given: Mapping[str, Any], as_json: bool) -> int:
    """Print the plan of `claims`; returns the exit status: 3 where the mirror lacks data of one."""
    manifests = session.load(given)
    plan = session.plan(manifests, claims, given)
    store = options.open_store(given["store"])
    machines = {name: one.model_dump(mode="json") for name, one in manifests.machines.items()}
    here = calibration(store, options.resolve_device(given["device"]))
    document = _document(plan, store, here, machines)
    if as_json:
        click.echo(json.dumps(document, indent=1))
    elif plan.comparisons:
        click.echo(_text(document))
    announce.failures(plan.refused, len(plan.claims), quiet=True)
    return min((one.exit_code for one in plan.refused.values()), default=0)


def _document(
    plan: Plan,
    store: Store,
    here: Mapping[str, float] | None,
    machines: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    todo = wanted(plan, store)
    missing = {one.key for one in todo}
    return {
        "format": 1,
        "profile": plan.profile.id,
        "claims": dict(plan.comparisons),
        "refused": {name: parts(error) for name, error in plan.refused.items()},
        "stages": [_stage(one, store, one.key in missing) for one in plan.stages],
        "without_merging": plan.demanded,
        "to_do": {
            "stages": len(todo),
            "tokens": sum(one.cost.tokens for one in todo),
            "training_flops": sum(one.cost.training_flops for one in todo),
            "inference_flops": sum(one.cost.inference_flops for one in todo),
            "disk_bytes": sum(one.cost.disk_bytes for one in todo),
            "seconds": {
                "this machine": _seconds(todo, here) if here else None,
                **{name: _seconds(todo, speed) for name, speed in machines.items()},
            },
        },
        "machines": {name: dict(speed) for name, speed in machines.items()},
    }


def _stage(planned: PlannedStage, store: Store, missing: bool) -> dict[str, Any]:
    cached = store.has(planned.key)
    return {
        "stage": planned.stage,
        "label": planned.label,
        "key": planned.key,
        "inputs": dict(planned.inputs),
        "state": "cached" if cached else "new" if missing else "not needed",
        "tokens": planned.cost.tokens,
        "training_flops": planned.cost.training_flops,
        "inference_flops": planned.cost.inference_flops,
        "disk_bytes": planned.cost.disk_bytes,
    }


def _seconds(todo: Sequence[PlannedStage], speed: Mapping[str, Any]) -> float:
    speeds = {kind: float(speed[kind]) for kind in ("training", "inference")}
    return round(sum(one.cost.seconds(speeds) for one in todo), 1)


def _text(document: Mapping[str, Any]) -> str:
    lines = [
        f"{one['state']:<10} {one['key'][:12]}  {one['stage']:<12} {one['label']}"
        for one in document["stages"]
    ]
    todo = document["to_do"]
    total = len(document["stages"])
    lines.append(
        f"{total} stages ({document['without_merging']} before equal ones were merged), "
        f"{todo['stages']} to run"
    )
    operations = todo["training_flops"] + todo["inference_flops"]
    lines.append(
        f"about {todo['tokens']:,} tokens, {operations:.2e} floating-point operations, "
        f"{todo['disk_bytes'] / 1e9:.1f} GB on disk"
    )
    lines += [_duration(name, seconds) for name, seconds in todo["seconds"].items()]
    return "\n".join(lines)


def _duration(name: str, seconds: float | None) -> str:
    if seconds is None:
        return f"{name}: no time estimate before a first run"
    if seconds < 90:
        return f"{name}: about {seconds:.0f} seconds of computing"
    hours = seconds / 3600
    return f"{name}: about " + (f"{hours:.1f} hours" if hours > 1.5 else f"{seconds / 60:.0f} min")
