"""`harness plan`: the stages, which are cached, and what the rest will take."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from harness import announce, options, session
from harness.artifacts import Store
from harness.ending import parts
from harness.graph import PlannedStage
from harness.makespan import makespan
from harness.plan import Plan
from harness.run import calibration, wanted

# Stages that are listed one by one.
_MOST_LINES = 80
# Seconds that are told as such.
_SHORT = 90
_WIDTHS = (7, 7, 7, 9, 7, 6, 7)
# Numbers of devices side by side that the whole is estimated for.
_DEVICES = (1, 8, 64)


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
    todo = wanted(plan, store.has)
    missing = {one.key for one in todo}
    speeds = {"this machine": here, **machines}
    stages = plan.by_key()
    claims = {name: _closure(stages, key) for name, key in plan.comparisons.items()}
    return {
        "format": 1,
        "profile": plan.profile.id,
        "claims": dict(plan.comparisons),
        "refused": {name: parts(error) for name, error in plan.refused.items()},
        "stages": [_stage(one, store, one.key in missing) for one in plan.stages],
        "without_merging": plan.demanded,
        "to_do": _work(todo, speeds),
        "side_by_side": {name: _side_by_side(todo, speed) for name, speed in machines.items()},
        "by_claim": {
            name: {"of": len(found), **_work([one for one in todo if one.key in found], speeds)}
            for name, found in claims.items()
        },
        "machines": {name: dict(speed) for name, speed in machines.items()},
    }


def _closure(stages: Mapping[str, PlannedStage], key: str) -> set[str]:
    """Keys of a comparison and of every stage below it."""
    found: set[str] = set()
    queue = [key]
    while queue:
        one = queue.pop()
        if one not in found:
            found.add(one)
            queue.extend(stages[one].inputs.values())
    return found


def _work(
    todo: Sequence[PlannedStage], speeds: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Any]:
    """What the stages take, all together."""
    return {
        "stages": len(todo),
        "tokens": sum(one.cost.tokens for one in todo),
        "training_flops": sum(one.cost.training_flops for one in todo),
        "inference_flops": sum(one.cost.inference_flops for one in todo),
        "download_bytes": sum(one.cost.download_bytes for one in todo),
        "disk_bytes": sum(one.cost.disk_bytes for one in todo),
        "seconds": {
            name: _seconds(todo, speed) if speed else None for name, speed in speeds.items()
        },
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
        "download_bytes": planned.cost.download_bytes,
        "disk_bytes": planned.cost.disk_bytes,
    }


def _seconds(todo: Sequence[PlannedStage], speed: Mapping[str, Any]) -> float:
    return round(sum(one.cost.seconds(_speeds(speed)) for one in todo), 1)


def _speeds(machine: Mapping[str, Any]) -> dict[str, float]:
    return {kind: float(machine[kind]) for kind in ("training", "inference")}


def _side_by_side(todo: Sequence[PlannedStage], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds by the number of devices, and those of the longest chain of stages."""
    speeds = _speeds(machine)
    return {
        "devices": {str(one): round(makespan(todo, speeds, one), 1) for one in _DEVICES},
        "longest_chain": round(makespan(todo, speeds), 1),
    }


def _text(document: Mapping[str, Any]) -> str:
    stages, todo = document["stages"], document["to_do"]
    lines = list(_listed(stages) if len(stages) <= _MOST_LINES else _by_kind(stages))
    if len(document["by_claim"]) > 1:
        lines += ["", *_claims_table(document), ""]
    lines.append(
        f"{len(stages)} stages ({document['without_merging']} before equal ones were merged), "
        f"{todo['stages']} to run"
    )
    operations = todo["training_flops"] + todo["inference_flops"]
    lines.append(
        f"about {todo['tokens']:,} tokens, {operations:.2e} floating-point operations, "
        f"{_gigabytes(todo['download_bytes'])} GB to fetch, "
        f"{_gigabytes(todo['disk_bytes'])} GB on disk"
    )
    lines += [_duration(name, seconds) for name, seconds in todo["seconds"].items()]
    lines += _several(document)
    return "\n".join(lines)


def _listed(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in stages:
        yield f"{one['state']:<10} {one['key'][:12]}  {one['stage']:<12} {one['label']}"


def _by_kind(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How many of each kind; the stages themselves would be a wall (--json has them)."""
    states = ("cached", "new", "not needed")
    yield f"{'stage':<13}" + "".join(f"{name:>12}" for name in states)
    for kind in dict.fromkeys(one["stage"] for one in stages):
        found = Counter(one["state"] for one in stages if one["stage"] == kind)
        yield f"{kind:<13}" + "".join(f"{found[name] or '':>12}" for name in states)


def _claims_table(document: Mapping[str, Any]) -> Iterator[str]:
    """What is left of each claim if it is run alone, and of all together."""
    machine = next(iter(document["machines"]), "")
    rows = dict(document["by_claim"])
    width = max(len(_short(name)) for name in rows)
    head = ("stages", "to run", "tokens", "FLOP", "hours", "fetch", "disk")
    yield f"{'each claim alone':<{width}}" + _columns(head)
    for name, work in rows.items():
        yield f"{_short(name):<{width}}" + _columns(_cells(work, machine))
    alone = sum(one["of"] for one in rows.values())
    yield f"{'added up':<{width}}" + _columns((f"{alone:,}",))
    whole = {"of": len(document["stages"]), **document["to_do"]}
    yield f"{'all together':<{width}}" + _columns(_cells(whole, machine))
    of = f" on {machine}" if machine else ""
    yield f"tokens in millions; hours of computing{of}; fetch and disk in GB"


def _short(name: str) -> str:
    """A claim without its paper: the table is wide enough as it is."""
    return name.partition("/")[2]


def _columns(cells: Sequence[str]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=False))


def _cells(work: Mapping[str, Any], machine: str) -> tuple[str, ...]:
    seconds = work["seconds"].get(machine)
    return (
        f"{work['of']:,}",
        f"{work['stages']:,}",
        f"{work['tokens'] / 1e6:,.0f}",
        f"{work['training_flops'] + work['inference_flops']:.1e}",
        "-" if seconds is None else f"{seconds / 3600:.{1 if seconds > 3600 else 2}f}",
        _gigabytes(work["download_bytes"]),
        _gigabytes(work["disk_bytes"]),
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f}"


def _duration(name: str, seconds: float | None) -> str:
    if seconds is None:
        return f"{name}: no time estimate before a first run"
    of = " of computing" if seconds < _SHORT else ""
    return f"{name}: about {_time(seconds)}{of}"


def _several(document: Mapping[str, Any]) -> Iterator[str]:
    """How much sooner several devices are done, where that is worth a line."""
    for name, found in document["side_by_side"].items():
        one, *more = found["devices"].items()
        if one[1] >= _SHORT:
            times = ", ".join(f"{_time(seconds)} on {count}" for count, seconds in more)
            chain = _time(found["longest_chain"])
            yield f"{name}, several side by side: {times}; its longest chain of stages: {chain}"


def _time(seconds: float) -> str:
    if seconds < _SHORT:
        return f"{seconds:.0f} seconds"
    hours = seconds / 3600
    return f"{hours:.1f} hours" if hours > 1.5 else f"{seconds / 60:.0f} min"
