"""`harness list`, `harness show` and `harness validate`: what the manifests say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from harness.manifest import Manifests, load_manifests, select_claims
from harness.models import Claim, Evidence, Reported


def list_all(folder: Path | None, as_json: bool) -> None:
    """Print every claim with its title and kind."""
    manifests = load_manifests(folder)
    if as_json:
        rows = [
            {"claim": name, "kind": claim.kind, "title": claim.title}
            for name, claim in manifests.claims.items()
        ]
        click.echo(json.dumps({"format": 1, "claims": rows}, indent=1))
        return
    width = max((len(name) for name in manifests.claims), default=0)
    for name, claim in manifests.claims.items():
        click.echo(f"{name:<{width}}  {claim.title}")


def show(pattern: str, folder: Path | None, as_json: bool) -> None:
    """Print a claim as a reader of the paper would want it."""
    manifests = load_manifests(folder)
    claims = {name: manifests.claims[name] for name in select_claims(manifests, [pattern])}
    if as_json:
        dumps = [{**claim.model_dump(mode="json"), "id": name} for name, claim in claims.items()]
        click.echo(json.dumps({"format": 1, "claims": dumps}, indent=1))
        return
    for name, claim in claims.items():
        click.echo("\n".join(_lines(manifests, name, claim)))


def validate(folder: Path | None, pins: Path | None) -> None:
    """Load everything; an error says what is wrong."""
    manifests = load_manifests(folder, pins)
    click.echo(
        f"{len(manifests.papers)} papers, {len(manifests.claims)} claims, "
        f"{len(manifests.protocols)} protocols, {len(manifests.profiles)} profiles, "
        f"{len(manifests.tasks)} tasks, {len(manifests.pins.datasets)} data sets: all sound"
    )


def _lines(manifests: Manifests, name: str, claim: Claim) -> Iterator[str]:
    paper = manifests.papers[name.partition("/")[0]]
    yield f"{name}  ({claim.kind})"
    yield claim.title
    yield ""
    yield claim.statement
    yield f"Paper: {paper.title}, {paper.venue}, arXiv {paper.arxiv}{paper.arxiv_version}"
    yield f"Stated in: {_where(claim.source)}"
    target = manifests.tasks[claim.target]
    yield f"Target: {target.title}, {claim.metric.upper()}; protocol {claim.protocol}"
    yield "Systems:"
    for system_id, system in claim.systems.items():
        first = f"first {system.intermediate.task}, then " if system.intermediate else ""
        yield f"  {system_id}: {system.label} ({first}{claim.target})"
    if claim.reported.levels or claim.reported.effect:
        yield "Reported:"
        for system_id, level in claim.reported.levels.items():
            yield f"  {system_id}: {_number(level)}"
        if claim.reported.effect:
            yield f"  difference: {_number(claim.reported.effect, sign='+')}"
    for profile, rung in claim.verdict.required_rung.items():
        yield f"Asked for with profile {profile}: {rung}"
    for deviation in claim.deviations:
        yield f"Differs: {deviation.what}: paper: {deviation.paper}; here: {deviation.here}"


def _number(reported: Reported, sign: str = "") -> str:
    return f"{reported.value:{sign}.{reported.decimals}f}  [{_where(reported.evidence)}]"


def _where(evidence: Evidence) -> str:
    parts = [f"arXiv {evidence.arxiv}{evidence.version or ''}"]
    parts += [
        f"{name} {value}"
        for name, value in (
            ("table", evidence.table),
            ("row", evidence.row),
            ("column", evidence.column),
            ("page", evidence.page),
        )
        if value
    ]
    if evidence.quote:
        parts.append(f"“{evidence.quote}”")
    return ", ".join([*parts, evidence.status])
