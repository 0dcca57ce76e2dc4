"""`harness fetch`: what claims need, from the Hub into a mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from harness import session
from harness.console import watching
from harness.graph import PlannedStage
from harness.manifest import Manifests
from harness.models import EncoderPin
from harness.plan import Plan
from harness.sources.hub import fetch_dataset, fetch_encoder
from harness.sources.transfer import Progress

KINDS = {"encoder": "pin", "dataset": "source"}
# So many configs are named in a line; XTREME has tasks of 40.
FEW = 4


def run(claims: Sequence[str], to: Path, given: Mapping[str, Any]) -> None:
    """Fill the mirror `to` with the pinned files of `claims`; what is there stays."""
    manifests = session.load(given)
    # A plan without a mirror names the pins' files; device and seeds don't matter to them.
    plan = session.plan(
        manifests, claims, {**given, "seeds": 1, "device": "cpu", "mirror": None, "no_mirror": True}
    )
    wanted = of_kind(plan, "hub")
    told: list[str] = []
    try:
        with watching(quiet=False) as watcher:
            watcher.fetch(len(wanted))
            for number, planned in enumerate(wanted, start=1):
                progress = _Counting(watcher.stage(planned, number))
                told.append(_fetch(manifests, planned, to, progress))
                watcher.ended(number)
    finally:
        # Not while bars are drawn: they would send these lines to stderr.
        for line in told:
            click.echo(line)
    for line in _to_bring(manifests, of_kind(plan, "files")):
        click.echo(line)
    click.echo(f"Mirror: {to}" if wanted else f"Nothing to fetch for profile {plan.profile.id}.")


def of_kind(plan: Plan, kind: str) -> list[PlannedStage]:
    """The encoder and data stages of `plan` whose pins are of this kind."""
    read = (one for one in plan.stages if one.stage in KINDS)
    return [one for one in read if one.config[KINDS[one.stage]]["kind"] == kind]


class _Counting:
    """Hands progress on and remembers how many bytes there were to bring."""

    def __init__(self, shown: Progress) -> None:
        self._shown, self.total = shown, 0

    def start(self, total: int, unit: str) -> None:
        """There are `total` bytes."""
        self.total += total
        self._shown.start(total, unit)

    def advance(self, done: int, **figures: float) -> None:
        """`done` more bytes are here."""
        self._shown.advance(done, **figures)


def _fetch(manifests: Manifests, planned: PlannedStage, to: Path, progress: _Counting) -> str:
    """Bring the files of one stage; a line about it."""
    pin = planned.config[KINDS[planned.stage]]
    name, partial = planned.label, False
    if planned.stage == "encoder":
        fetch_encoder(EncoderPin.model_validate(pin), to, progress)
    else:
        configs = planned.config["configs"]
        splits = [(config, planned.config["split"]) for config in configs]
        held = fetch_dataset(manifests.pins.datasets[pin["name"]], splits, to, progress)
        some = ", ".join(configs) if len(configs) <= FEW else f"{len(configs)} configs"
        name, partial = f"{name} ({some})", held.partial
    rest = "; the mirror declares a partial copy, which stays" if partial else ""
    return f"{name}: {pin['repo']} at {pin['revision'][:12]}, {_amount(pin, progress.total)}{rest}"


def _amount(pin: Mapping[str, Any], total: int) -> str:
    count = len(pin["files"])
    files = f"{count} file{'s' if count > 1 else ''}"
    if not total:
        return f"{files}, already there"
    return f"{files}, " + (f"{total / 1e6:,.1f} MB" if total >= 1e5 else f"{total} bytes")


def _to_bring(manifests: Manifests, stages: Sequence[PlannedStage]) -> Iterator[str]:
    for planned in stages:
        source = planned.config["source"]
        pin = manifests.pins.datasets[source["name"]]
        yield f"{planned.label}: not on the Hub, bring it yourself ({pin.title}):"
        yield f"  {', '.join(one['file'] for one in source['files'].values())}"
        if pin.note:
            yield f"  {pin.note}"
        yield f"  Put them into a folder DIR and add `--files {source['name']}=DIR` to reproduce."
