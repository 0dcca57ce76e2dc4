"""What a comparison says besides what the run measures: claim, recipe, data, deviations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.bindings import Binding
from harness.deviations import data_deviations, deviations, same_recipe
from harness.recipe import Recipe
from harness.transcription import has_transcription_doubt


def intermediate_use(recipe: Recipe, system: str) -> str:
    """How the report calls the data of a system's intermediate training."""
    return f"intermediate training of “{recipe.claim.systems[system].label}”"


def describe(
    recipe: Recipe, systems: Iterable[str], data: Mapping[str, Binding], same: Mapping[str, str]
) -> dict[str, Any]:
    """The static part of the comparison of a claim, as plain JSON values.

    Args:
        recipe: the claim and what was settled about it.
        systems: the systems that are run, in manifest order.
        data: use ("target training", "evaluation", ...) -> its rows.
        same: variant -> the system whose stages it shares, and which stands for it.
    """
    evaluation = data["evaluation"]
    profile, claim = recipe.profile, recipe.claim
    return {
        "paper": recipe.paper.model_dump(mode="json"),
        "claim": claim.model_dump(mode="json"),
        "claim_id": recipe.name,
        "target_title": recipe.target.title,
        "profile": {"id": profile.id, "summary": profile.summary},
        "scaled_down": profile.scaled_down,
        "protocol": _protocol(recipe),
        "encoder": {"id": profile.encoder, **recipe.encoder.model_dump(mode="json")},
        "command": f"harness reproduce {recipe.name} --profile {profile.id}"
        f" --seeds {len(recipe.seeds)} --protocol {recipe.protocol.id}",
        "languages": list(evaluation.languages),
        "missing_languages": list(evaluation.missing),
        "seeds": list(recipe.seeds),
        "precision": recipe.precision,
        "systems": [_system(recipe, name) for name in systems],
        "circumstances": _circumstances(recipe, data.values()),
        "deviations": list(_deviations(recipe, data, same)),
        "data": {use: _data_facts(binding) for use, binding in data.items()},
    }


def _system(recipe: Recipe, name: str) -> dict[str, str]:
    system, compare = recipe.claim.systems[name], recipe.claim.compare
    roles: dict[str | None, str] = dict.fromkeys(compare.alternatives, "alternative")
    roles |= {compare.treatment: "treatment", compare.baseline: "baseline"}
    roles |= {compare.reference: "reference"}
    steps = [recipe.encoder.title]
    if system.intermediate:
        steps.append(recipe.manifests.tasks[system.intermediate.task].title)
    steps.append(f"{recipe.target.title}, English training questions")
    return {
        "id": name,
        "label": system.label,
        "role": roles.get(name, "variant"),
        "recipe": " → ".join(steps),
    }


def _protocol(recipe: Recipe) -> dict[str, Any]:
    facts = recipe.protocol.model_dump(mode="json", include={"id", "version", "summary", "source"})
    return {**facts, "settings": recipe.settings.model_dump(mode="json", exclude_none=True)}


def _circumstances(recipe: Recipe, data: Iterable[Binding]) -> dict[str, Any]:
    claim = recipe.claim
    reported = [*claim.reported.levels.values(), claim.reported.effect]
    statuses = {number.evidence.status for number in reported if number} | {claim.source.status}
    return {
        "profile": recipe.profile.id,
        "scaled_down": recipe.profile.scaled_down,
        "unverified_evidence": "unverified" in statuses,
        "protocol_deviation": bool(recipe.profile.overrides)
        or recipe.protocol.id != claim.protocol,
        "hash_on_first_use": recipe.encoder_hashed_on_first_use
        or any(binding.hash_on_first_use for binding in data),
        "transcription_doubt": has_transcription_doubt(claim),
    }


def _deviations(
    recipe: Recipe, data: Mapping[str, Binding], same: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    yield from deviations(recipe)
    tasks = {recipe.claim.target: "target training"}
    for name, system in recipe.claim.systems.items():
        if system.intermediate:
            tasks.setdefault(system.intermediate.task, intermediate_use(recipe, name))
    for task, use in tasks.items():
        if use in data:
            yield from data_deviations(recipe, task, "train", data[use])
    yield from data_deviations(recipe, recipe.claim.target, "evaluation", data["evaluation"])
    for variant, other in same.items():
        yield same_recipe(recipe, variant, other)


def _data_facts(binding: Binding) -> dict[str, Any]:
    pin = binding.pin
    return {
        "name": binding.dataset,
        "title": pin.title,
        "repo": pin.repo or "",
        "revision": pin.revision or f"generator {pin.generator_version}",
        "license": pin.license,
        "split": binding.spec.split,
        "note": binding.note,
    }
