"""What a comparison says besides what the run measures: claim, recipe, data, deviations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.bindings import Binding, Use
from harness.deviations import (
    changed_settings,
    data_deviations,
    deviations,
    same_recipe,
)
from harness.models import Training
from harness.recipe import Recipe
from harness.transcription import has_transcription_doubt


@dataclass(frozen=True, kw_only=True)
class Used:
    """A data set in one use."""

    target: str | None
    """The target that it is for; None: an intermediate training's, for all of them."""
    task: str
    """The task whose rows it holds."""
    binding: Binding


Data = Mapping[str, Used]
"""Use, in words -> its data set."""


@dataclass(frozen=True)
class Uses:
    """How the report calls the use of a data set."""

    recipe: Recipe

    def training(self, target: str) -> str:
        """Of the target fine-tuning."""
        return f"target training{self._of(target)}"

    def evaluation(self, target: str) -> str:
        """Of the items that systems are judged by."""
        return f"evaluation{self._of(target)}"

    def intermediate(self, system: str, task: str | None) -> str:
        """Of a system's intermediate training; `task` where it has several."""
        title = f", {self.recipe.task(task).title}" if task else ""
        return f"intermediate training of “{self._label(system)}”{title}"

    def text(self, system: str) -> str:
        """Of a system's masked language modelling."""
        return f"masked language modelling of “{self._label(system)}”"

    def _of(self, target: str) -> str:
        several = len(self.recipe.claim.targets) > 1
        return f": {self.recipe.task(target).title}" if several else ""

    def _label(self, system: str) -> str:
        return self.recipe.claim.systems[system].label


def describe(
    recipe: Recipe, systems: Iterable[str], data: Data, same: Mapping[str, str]
) -> dict[str, Any]:
    """The static part of the comparison of a claim, as plain JSON values.

    Args:
        recipe: the claim and what was settled about it.
        systems: the systems that are run, in manifest order.
        data: the data sets by use.
        same: variant -> the system whose stages it shares, and which stands for it.
    """
    profile, claim = recipe.profile, recipe.claim
    evaluation = {name: data[Uses(recipe).evaluation(name)].binding for name in claim.targets}
    missing = {name: list(one.missing) for name, one in evaluation.items() if one.missing}
    shown = [name for name in claim.systems if name in {*systems, *recipe.best_of}]
    return {
        "paper": recipe.paper.model_dump(mode="json"),
        "claim": claim.model_dump(mode="json"),
        "claim_id": recipe.name,
        "targets": {name: recipe.task(name).title for name in claim.targets},
        "profile": {"id": profile.id, "summary": profile.summary},
        "scaled_down": profile.scaled_down,
        "protocol": _protocol(recipe),
        "encoder": {"id": profile.encoder, **recipe.encoder.model_dump(mode="json")},
        "command": f"harness reproduce {recipe.name} --profile {profile.id}"
        f" --seeds {len(recipe.seeds)} --protocol {recipe.protocol.id}",
        "languages": {name: list(one.languages) for name, one in evaluation.items()},
        "missing_languages": missing,
        "families": {name: recipe.task(name).family for name in claim.targets},
        # Data that the user brings under a licence: the report shows none of their text.
        "withheld": [name for name, one in evaluation.items() if one.pin.kind == "files"],
        "epochs": dict(_epochs(recipe)),
        "seeds": list(recipe.seeds),
        "precision": recipe.precision,
        "systems": [_system(recipe, name) for name in shown],
        "best_of": {name: list(parts) for name, parts in recipe.best_of.items()},
        "circumstances": _circumstances(recipe, [one.binding for one in data.values()]),
        "deviations": list(_deviations(recipe, data, same)),
        "data": {use: _data_facts(one) for use, one in data.items()},
    }


def _system(recipe: Recipe, name: str) -> dict[str, str]:
    return {
        "id": name,
        "label": recipe.claim.systems[name].label,
        "role": _role(recipe, name),
        "recipe": " → ".join(_steps(recipe, name)),
    }


def _role(recipe: Recipe, name: str) -> str:
    compare = recipe.claim.compare
    roles: dict[str | None, str] = dict.fromkeys(
        (part for parts in recipe.best_of.values() for part in parts), "candidate"
    )
    roles |= dict.fromkeys(recipe.claim.variants, "variant")
    roles |= dict.fromkeys(compare.order, "ordered")
    roles |= dict.fromkeys(compare.alternatives, "alternative")
    roles |= {compare.treatment: "treatment", compare.baseline: "baseline"}
    roles |= {compare.reference: "reference"}
    return roles[name]


def _steps(recipe: Recipe, name: str) -> Iterator[str]:
    if name in recipe.best_of:
        labels = (recipe.claim.systems[one].label for one in recipe.best_of[name])
        yield f"for each target the best of: {'; '.join(labels)}"
        return
    yield recipe.encoder.title
    first = recipe.claim.systems[name].intermediate
    if first:
        tasks = " + ".join(recipe.task(task).title for task in first.tasks)
        mix = first.masked_lm
        text = f" + masked LM in {', '.join(mix.languages)} ({mix.share:.0%})" if mix else ""
        yield tasks + text
    yield " or ".join(dict.fromkeys(_last_step(recipe, name) for name in recipe.claim.targets))


def _last_step(recipe: Recipe, target: str) -> str:
    row = recipe.task(target)
    if row.family == "retrieval":
        return f"{row.title}, no training"
    what = "questions" if row.family == "extractive_qa" else "rows"
    return f"{row.title}, English training {what}"


def _protocol(recipe: Recipe) -> dict[str, Any]:
    facts = recipe.protocol.model_dump(mode="json", include={"id", "version", "summary", "source"})
    return {**facts, "settings": _settings(recipe)}


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Family -> settings; a task that departs from its family's has an entry of its own."""
    found: dict[str, Any] = {}
    for family, task, settings in recipe.families():
        values = settings.model_dump(mode="json", exclude_none=True)
        if found.setdefault(family, values) != values:
            found[f"{family}, {task}"] = values
    if recipe.is_multi_task():
        found["multi_task"] = recipe.multi_task().model_dump(mode="json", exclude_none=True)
    return found


def _epochs(recipe: Recipe) -> Iterator[tuple[str, int]]:
    """Task -> how often a training sees each of its rows."""
    for _, task, settings in recipe.families():
        if isinstance(settings, Training):
            yield task, settings.epochs


def _circumstances(recipe: Recipe, data: Iterable[Binding]) -> dict[str, Any]:
    claim = recipe.claim
    reported = [*claim.reported.levels.values(), claim.reported.effect]
    statuses = {number.evidence.status for number in reported if number} | {claim.source.status}
    return {
        "profile": recipe.profile.id,
        "scaled_down": recipe.profile.scaled_down,
        "unverified_evidence": "unverified" in statuses,
        "protocol_deviation": recipe.protocol.id != claim.protocol
        or any(changed_settings(recipe))
        or any(recipe.best_of[name] != claim.systems[name].best_of for name in recipe.best_of),
        "hash_on_first_use": recipe.encoder_hashed_on_first_use
        or any(binding.hash_on_first_use for binding in data),
        "transcription_doubt": has_transcription_doubt(claim),
    }


def _deviations(recipe: Recipe, data: Data, same: Mapping[str, str]) -> Iterator[dict[str, str]]:
    yield from deviations(recipe)
    seen: list[dict[str, str]] = []
    for use, used in data.items():
        kind: Use = "evaluation" if use.startswith("evaluation") else "train"
        for one in data_deviations(recipe, used.task, kind, used.binding):
            # XQuAD and MLQA train on one data set: one deviation, not two.
            if one not in seen:
                seen.append(one)
                yield one
    for variant, other in same.items():
        yield same_recipe(recipe, variant, other)


def _data_facts(used: Used) -> dict[str, Any]:
    binding, pin = used.binding, used.binding.pin
    return {
        "name": binding.dataset,
        "title": pin.title,
        "repo": pin.repo or "",
        "revision": pin.revision or f"generator {pin.generator_version}",
        "license": pin.license,
        "split": binding.spec.split,
        "note": binding.note,
        "target": used.target or "",
    }
