"""The known differences between a run and the paper: every run lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.bindings import Binding
from harness.recipe import Recipe


def deviations(recipe: Recipe) -> Iterator[dict[str, str]]:
    """Deviations that profile, protocol and claim ask for, as `records.Deviation` fields."""
    profile, protocol, claim = recipe.profile, recipe.protocol, recipe.claim
    because = f"profile {profile.id}"
    if profile.encoder != recipe.paper.encoder:
        original = recipe.manifests.pins.encoders[recipe.paper.encoder]
        yield _one("encoder", original.title, recipe.encoder.title, because)
    for key, value in profile.overrides.get("extractive_qa", {}).items():
        before = getattr(protocol.extractive_qa, key)
        if before != value:
            yield _one(key.replace("_", " "), _text(before), _text(value), because)
    if protocol.id != claim.protocol:
        yield _one("protocol", claim.protocol, protocol.id, "the command line")
    for switch in protocol.switches:
        what = switch.name.replace("-", " ")
        yield _one(what, switch.original, switch.here, f"protocol {protocol.id}")
    for known in claim.deviations:
        yield _one(known.what, known.paper, known.here, "claim")


def data_deviations(recipe: Recipe, task: str, use: str, data: Binding) -> Iterator[dict[str, str]]:
    """Where the rows of `task` aren't the ones that the task's own table names."""
    row = recipe.manifests.tasks[task]
    own = getattr(row, use)
    what = f"{row.title}: {'training' if use == 'train' else 'evaluation'} data"
    if own and own.dataset != data.dataset:
        title = recipe.manifests.pins.datasets[own.dataset].title
        yield _one(what, title, data.pin.title, f"profile {recipe.profile.id}")
    if data.missing:
        here = f"no rows in {', '.join(data.missing)}"
        yield _one(what, f"languages {', '.join(row.languages)}", here, "mirror")


def same_recipe(recipe: Recipe, variant: str, other: str) -> dict[str, str]:
    """A variant that comes to the same stages as another system and is not shown twice."""
    systems = recipe.claim.systems
    return _one(
        f"variant “{systems[variant].label}”",
        "a system of its own",
        f"under this profile the same data and training as “{systems[other].label}”",
        f"profile {recipe.profile.id}",
    )


def _one(what: str, paper: str, here: str, why: str) -> dict[str, str]:
    return {"what": what, "paper": paper, "here": here, "why": why}


def _text(value: Any) -> str:
    if hasattr(value, "model_dump"):
        return ", ".join(f"{k} {v}" for k, v in value.model_dump(exclude_none=True).items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
