"""`harness list`, `harness show` and `harness validate`: what the manifests say."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.manifest import Manifests, load_manifests, select_claims
from harness.models import Claim, Paper
from harness.report.words import count, printed
from harness.verbs import claim_words

# Longer lines tire, whatever the terminal's width.
_NARROWEST, _WIDEST = 40, 120
_NAMES = 12


def list_all(folder: Path | None, as_json: bool) -> None:
    """Print every claim by paper: id, kind, targets, what is reported, and its title below."""
    manifests = load_manifests(folder)
    if as_json:
        rows = [_row(name, claim) for name, claim in manifests.claims.items()]
        click.echo(json.dumps({"format": 1, "claims": rows}, indent=1))
        return
    papers: dict[str, dict[str, Claim]] = {}
    for name, claim in manifests.claims.items():
        papers.setdefault(name.partition("/")[0], {})[name] = claim
    blocks = [_listed(manifests.papers[paper], claims) for paper, claims in papers.items()]
    click.echo("\n\n".join("\n".join(block) for block in blocks))


def show(pattern: str, folder: Path | None, as_json: bool) -> None:
    """Print a claim as a reader of the paper would want it."""
    manifests = load_manifests(folder)
    claims = {name: manifests.claims[name] for name in select_claims(manifests, [pattern])}
    if as_json:
        dumps = [{**claim.model_dump(mode="json"), "id": name} for name, claim in claims.items()]
        click.echo(json.dumps({"format": 1, "claims": dumps}, indent=1))
        return
    texts = ["\n".join(_shown(manifests, name, claim)) for name, claim in claims.items()]
    click.echo(f"\n\n{'─' * _width()}\n\n".join(texts))


def validate(folder: Path | None, pins: Path | None) -> None:
    """Load everything; an error says what is wrong."""
    manifests = load_manifests(folder, pins)
    click.echo(
        f"{len(manifests.papers)} papers, {len(manifests.claims)} claims, "
        f"{len(manifests.protocols)} protocols, {len(manifests.profiles)} profiles, "
        f"{len(manifests.tasks)} tasks, {len(manifests.pins.datasets)} data sets: all sound"
    )


def _row(name: str, claim: Claim) -> dict[str, Any]:
    return {
        "claim": name,
        "kind": claim.kind,
        "title": claim.title,
        "targets": list(claim.targets),
        "metric": claim.metric,
        "reported": claim_words.reported(claim) or None,
        "verified": claim_words.verified(claim),
    }


def _listed(paper: Paper, claims: dict[str, Claim]) -> Iterator[str]:
    yield from _wrapped(f"{paper.title} ({paper.venue}, {count(len(claims), 'claim')})")
    yield ""
    names = max(len(name) for name in claims)
    kinds = max(len(claim.kind) for claim in claims.values())
    tasks = max(len(_tasks(claim)) for claim in claims.values())
    for name, claim in claims.items():
        doubt = "" if claim_words.verified(claim) else " unverified"
        said = f"{claim_words.reported(claim)}{doubt}".strip()
        columns = (f"{name:<{names}}", f"{claim.kind:<{kinds}}", f"{_tasks(claim):<{tasks}}", said)
        yield "  ".join(columns).rstrip()
        yield from _wrapped(claim.title, indent="    ")


def _tasks(claim: Claim) -> str:
    if len(claim.targets) > 1:
        return f"{len(claim.targets)} tasks"
    return " ".join([*claim.targets, *([claim.metric] if claim.metric in ("em", "f1") else [])])


def _shown(manifests: Manifests, name: str, claim: Claim) -> Iterator[str]:
    paper = manifests.papers[name.partition("/")[0]]
    yield name
    yield from _wrapped(claim.title)
    yield ""
    yield from _wrapped(claim.statement, indent="  ")
    yield ""
    printed_in = f"{paper.title}, {paper.venue}, arXiv {paper.arxiv}{paper.arxiv_version}"
    yield from _fact("Paper", printed_in)
    yield from _fact("Stated in", claim_words.evidence(claim.source))
    yield from _fact("Kind", f"{claim.kind}: {claim_words.KINDS[claim.kind]}")
    yield from _fact("Protocol", claim.protocol)
    yield from _section("Set-up of every system in the paper", claim_words.setup(paper))
    yield from _section("Targets", claim_words.targets(manifests, claim))
    yield from _wrapped(claim.average.note or "", indent="  ")
    yield from _section("Systems", ())
    yield from _systems(manifests, claim)
    if claim.reported.levels or claim.reported.effect:
        yield from _section("Reported", _numbers(claim))
    yield from _section("How it will be judged", claim_words.judged(claim))
    asked = claim.verdict.required_rung.items()
    yield from _section("Rung asked for", (f"{profile}: {rung}" for profile, rung in asked))
    if claim.deviations:
        yield from _section("Known to differ from the paper", ())
        for one in claim.deviations:
            yield from _wrapped(f"- {one.what}", indent="  ")
            yield from _wrapped(f"paper: {one.paper}", indent="    ", hang="      ")
            yield from _wrapped(f"here: {one.here}", indent="    ", hang="      ")
    if claim.note:
        yield from _section("Note", (claim.note,))


def _systems(manifests: Manifests, claim: Claim) -> Iterator[str]:
    width = max(len(name) for name in claim.systems)
    for name, role in claim_words.roles(claim).items():
        steps = claim_words.recipe(manifests, claim, name)
        line = f"{name:<{width}}  {claim.systems[name].label} ({role}): {steps}"
        yield from _wrapped(line, indent="  ", hang=" " * (width + 4))


def _numbers(claim: Claim) -> Iterator[str]:
    """The paper's numbers, each with its evidence."""
    for name, level in claim.reported.levels.items():
        yield f"{name}: {printed(level)}, {claim_words.evidence(level.evidence)}"
    effect = claim.reported.effect
    if effect:
        where = claim_words.evidence(effect.evidence)
        yield f"difference: {printed(effect, sign=True)}, {where}"
    for name, cells in claim.reported.per_language.items():
        values = ", ".join(f"{code} {printed(cell)}" for code, cell in cells.items())
        doubted = [code for code, one in cells.items() if one.evidence.status == "unverified"]
        doubt = f" (unverified: {', '.join(doubted)})" if doubted else ""
        yield f"{name} by language: {values}{doubt}"


def _fact(name: str, value: str) -> Iterator[str]:
    hang = " " * _NAMES
    yield from _wrapped(f"{name:<{_NAMES}}{value}", hang=hang)


def _section(title: str, lines: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    yield ""
    yield title
    for line in lines:
        yield from _wrapped(line, indent="  ", hang="    ")


def _wrapped(text: str, *, indent: str = "", hang: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        _width(),
        initial_indent=indent,
        subsequent_indent=indent if hang is None else hang,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
