"""`harness check`: the data checks of claims alone, each data set for itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from harness import options, session
from harness.archiving import archived
from harness.artifacts import Store, describe_os_errors
from harness.backends import opened
from harness.console import watching
from harness.ending import parts, surviving_a_closed_pipe
from harness.errors import EXIT_PRECEDENCE, HarnessError
from harness.graph import PlannedStage
from harness.plan import Plan
from harness.preflight import lacks
from harness.run import Outcome, execute
from harness.stages.contract import Resources

_READ = ("dataset", "checks", "examples", "contamination")
_SHOWN = ("checks", "contamination")


def run(
    claims: Sequence[str], data_docs: Path | None, given: Mapping[str, Any], *, as_json: bool
) -> int:
    """Check what the claims read, say what was found, and return the exit status."""
    plan = session.plan(
        session.load(given), claims, {**given, "seeds": 1, "protocol": None, "device": "cpu"}
    )
    resources = options.resources(options.mirror_dir(given["mirror"]), given["files"], "cpu")
    store = options.open_store(given["store"])
    alone = _data_alone(plan)
    _refuse_what_is_missing(plan, alone, resources)
    session.hold(alone, store)
    with (
        watching(as_json) as watcher,
        opened({"device": "cpu"}) as backend,
        archived(given.get("archive"), alone, store, backend) as copying,
    ):
        outcome = execute(alone, store, copying, resources, watcher)
    failed = {**outcome.failed, **plan.refused}
    documents = [] if data_docs is None else _write_docs(alone, store, data_docs)
    with surviving_a_closed_pipe():
        if as_json:
            document = _document(alone, store, outcome, plan.refused, documents)
            click.echo(json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True))
        else:
            for line in _lines(alone, store, outcome, plan.refused):
                click.echo(line)
            for path in documents:
                click.echo(f"Data Docs: {path}")
    return min({0, *(error.exit_code for error in failed.values())}, key=EXIT_PRECEDENCE.index)


def _data_alone(plan: Plan) -> Plan:
    """The stages that read and check data; each check is an aim of its own.

    So a data set that fails hides nothing of the others.
    """
    stages = tuple(one for one in plan.stages if one.stage in _READ)
    aims = {one.key: one.key for one in stages if one.stage in _SHOWN}
    return replace(plan, stages=stages, comparisons=aims, refused={})


def _refuse_what_is_missing(plan: Plan, alone: Plan, resources: Resources) -> None:
    fetch = f"harness fetch {' '.join(plan.comparisons)} --profile {plan.profile.id} --to DIR"
    for planned in alone.stages:
        lack = lacks(planned, resources, fetch)
        if lack:
            raise lack


def _lines(
    plan: Plan, store: Store, outcome: Outcome, refused: Mapping[str, HarnessError]
) -> Iterator[str]:
    for claim, error in refused.items():
        yield f"{claim}: {click.style('INVALID', bold=True)}: {error}"
    for planned in _shown(plan):
        name = planned.label if planned.stage == "checks" else f"contamination, {planned.label}"
        failure = outcome.failed.get(planned.key)
        if failure is not None:
            # A comparison that wasn't made because its data failed says nothing new.
            if _own(planned, failure):
                yield f"{name}: {click.style('INVALID', bold=True)}: {failure}"
            else:
                yield f"{name}: not compared, for a data set is INVALID"
            continue
        found = _findings(planned, store)
        wrong = [one for one in found if not one["passed"]]
        counts = [f"{len(found) - len(wrong)} passed"]
        counts += [
            f"{sum(one['level'] == level for one in wrong)} {words}"
            for level, words in (("warning", "warned"), ("info", "noted"))
        ]
        yield f"{name}: {', '.join(counts)}"
        yield from (f"  {one['level']} {_told(planned, one)}" for one in wrong)


def _shown(plan: Plan) -> Iterator[PlannedStage]:
    for stage in _SHOWN:
        yield from (one for one in plan.stages if one.stage == stage)


def _own(planned: PlannedStage, error: HarnessError) -> bool:
    return planned.stage == "checks" or error.where.startswith("contamination")


def _findings(planned: PlannedStage, store: Store) -> list[dict[str, Any]]:
    found = json.loads((store.get(planned.key) / f"{planned.stage}.json").read_bytes())
    return list(found)


def _told(planned: PlannedStage, one: Mapping[str, Any]) -> str:
    if planned.stage == "checks":
        told = f"{one['name']}: {_text(one['observed'])}; expected {_text(one['expected'])}"
        ids = ", ".join(str(row["id"]) for row in one["rows"][:3])
    else:
        sets = planned.config["sets"]
        pair = " / ".join(
            dict.fromkeys(sets[one[side]]["name"] for side in ("training", "against"))
        )
        told = f"{one['by']}, {pair}: {one['exact']} exactly, {one['near']} nearly of {one['of']}"
        ids = ", ".join(str(row["id"] or row["training_id"]) for row in one["examples"][:3])
    return told + (f" (e.g. {ids})" if ids else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(
    plan: Plan,
    store: Store,
    outcome: Outcome,
    refused: Mapping[str, HarnessError],
    documents: Sequence[Path],
) -> dict[str, Any]:
    checked = [
        {
            "stage": planned.stage,
            "label": planned.label,
            "key": planned.key,
            "findings": _findings(planned, store),
        }
        for planned in _shown(plan)
        if planned.key not in outcome.failed
    ]
    labels = {one.key: f"{one.stage} {one.label}" for one in plan.stages}
    failed = [(labels[key], error) for key, error in outcome.failed.items()]
    return {
        "format": 1,
        "checked": checked,
        "failed": [
            {"what": what, "exit": error.exit_code, "message": str(error), **parts(error)}
            for what, error in [*failed, *refused.items()]
        ],
        "data_docs": [str(path) for path in documents],
    }


def _write_docs(plan: Plan, store: Store, folder: Path) -> list[Path]:
    """A page for each data set that was read, sound or not."""
    # Imported here: Great Expectations takes seconds, and only a running check needs it.
    import pyarrow.parquet as pq

    from harness.data_checks.docs import page
    from harness.stages import checks

    written = []
    for planned in plan.stages:
        if planned.stage != "checks" or not store.has(planned.inputs["dataset"]):
            continue
        source = store.get(planned.inputs["dataset"])
        facts = json.loads((source / "dataset.json").read_bytes())
        made = checks.planned(planned.config, facts)
        path = folder / f"{planned.label.replace(' ', '-')}-{planned.key[:8]}.html"
        with describe_os_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(page(pq.read_table(source / "rows.parquet"), made), encoding="utf-8")
        written.append(path)
    return written
