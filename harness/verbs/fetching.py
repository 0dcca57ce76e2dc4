"""`harness fetch`: what claims need, from the Hub into a mirror; the only verb with a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from harness import session
from harness.console import watching
from harness.graph import PlannedStage
from harness.manifest import Manifests
from harness.models import EncoderPin
from harness.sources.hub import fetch_dataset, fetch_encoder


def run(claims: Sequence[str], to: Path, given: Mapping[str, Any]) -> None:
    """Fill the mirror `to` with the pinned files of `claims`; what is there stays."""
    manifests = session.load(given)
    # A plan without a mirror names the pins' files; device and seeds don't matter to them.
    plan = session.plan(
        manifests, claims, {**given, "seeds": 1, "device": "cpu", "mirror": None, "no_mirror": True}
    )
    wanted = [one for one in plan.stages if one.stage in ("encoder", "dataset")]
    with watching(quiet=False) as watcher:
        watcher.begin(len(wanted), 0)
        for number, planned in enumerate(wanted, start=1):
            progress = watcher.stage(planned, number)
            _fetch(manifests, planned, to, progress)
    click.echo(f"Mirror: {to}")


def _fetch(manifests: Manifests, planned: PlannedStage, to: Path, progress: Any) -> None:
    if planned.stage == "encoder":
        pin = EncoderPin.model_validate(planned.config["pin"])
        if pin.kind == "hub":
            fetch_encoder(pin, to, progress)
        return
    source = planned.config["source"]
    if source["kind"] == "hub":
        splits = [(config, planned.config["split"]) for config in planned.config["configs"]]
        fetch_dataset(manifests.pins.datasets[source["name"]], splits, to, progress)
