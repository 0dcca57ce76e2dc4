"""The known differences between a run and the paper: every run lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.bindings import Binding, Use
from harness.manifest import settings_of
from harness.models import Model
from harness.recipe import Recipe


def deviations(recipe: Recipe) -> Iterator[dict[str, str]]:
    """Deviations that profile, protocol and claim ask for, as `records.Deviation` fields."""
    profile, protocol, claim = recipe.profile, recipe.protocol, recipe.claim
    because = f"profile {profile.id}"
    if profile.encoder != recipe.paper.encoder:
        original = recipe.manifests.pins.encoders[recipe.paper.encoder]
        yield _one("encoder", original.title, recipe.encoder.title, because)
    for what, before, after in changed_settings(recipe):
        yield _one(what, _text(before), _text(after), because)
    for name, run in recipe.best_of.items():
        asked = claim.systems[name].best_of
        if run != asked:
            what = f"systems behind “{claim.systems[name].label}”"
            yield _one(what, _labels(recipe, asked), _labels(recipe, run), because)
    if protocol.id != claim.protocol:
        yield _one("protocol", claim.protocol, protocol.id, "the command line")
    families = {family for family, _, _ in _with_multi_task(recipe)}
    for switch in protocol.switches:
        if switch.about and not families & set(switch.about):
            continue
        what = switch.name.replace("-", " ")
        yield _one(what, switch.original, switch.here, f"protocol {protocol.id}")
    for known in claim.deviations:
        yield _one(known.what, known.paper, known.here, "claim")


def changed_settings(recipe: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """(what, the protocol's value, the profile's), once for each family.

    Where its tasks don't share them, once for each pair of values, with the tasks' titles.
    """
    families = {family for family, _, _ in recipe.families()}
    values: dict[tuple[str, str], list[tuple[str, Any, Any]]] = {}
    for family, task, settings in _with_multi_task(recipe):
        before = settings_of(recipe.protocol, None, task, family)
        for key in type(settings).model_fields:
            one = (task, getattr(before, key), getattr(settings, key))
            values.setdefault((family, key), []).append(one)
    for (family, key), each in values.items():
        what = key.replace("_", " ")
        of = f", {family.replace('_', ' ')}" if len(families) > 1 else ""
        pairs = [(old, new) for _, old, new in each]
        distinct = [pair for n, pair in enumerate(pairs) if pair not in pairs[:n]]
        for old, new in distinct:
            if len(distinct) > 1:
                same = (task for task, *pair in each if tuple(pair) == (old, new))
                of = ", " + ", ".join(dict.fromkeys(recipe.task(task).title for task in same))
            if old != new:
                yield what + of, old, new


def _with_multi_task(recipe: Recipe) -> Iterator[tuple[str, str, Model]]:
    yield from recipe.families()
    if recipe.is_multi_task():
        yield "multi_task", "multi_task", recipe.multi_task()


def data_deviations(recipe: Recipe, task: str, use: Use, data: Binding) -> Iterator[dict[str, str]]:
    """Where the rows of `task` aren't the ones that the task's own table names."""
    row = recipe.task(task)
    own = (row.train or ()) if use == "train" else filter(None, [row.evaluation])
    what = f"{row.title}: {'training' if use == 'train' else 'evaluation'} data"
    names = [one.dataset for one in own]
    if names and data.dataset not in names:
        titles = [recipe.manifests.pins.datasets[name].title for name in names]
        yield _one(what, " + ".join(titles), data.pin.title, f"profile {recipe.profile.id}")
    if data.missing:
        here = f"no rows in {', '.join(data.missing)}"
        why = "mirror" if data.pin.kind == "hub" else f"profile {recipe.profile.id}"
        yield _one(what, f"languages {', '.join(row.languages)}", here, why)


def same_recipe(recipe: Recipe, variant: str, other: str) -> dict[str, str]:
    """A variant that comes to the same stages as another system and is not shown twice."""
    systems = recipe.claim.systems
    return _one(
        f"variant “{systems[variant].label}”",
        "a system of its own",
        f"under this profile the same data and training as “{systems[other].label}”",
        f"profile {recipe.profile.id}",
    )


def _labels(recipe: Recipe, systems: Sequence[str]) -> str:
    return "; ".join(recipe.claim.systems[name].label for name in systems)


def _one(what: str, paper: str, here: str, why: str) -> dict[str, str]:
    return {"what": what, "paper": paper, "here": here, "why": why}


def _text(value: Any) -> str:
    if hasattr(value, "model_dump"):
        return ", ".join(f"{k} {v}" for k, v in value.model_dump(exclude_none=True).items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
