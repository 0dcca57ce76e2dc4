"""The stages of one claim: data, encoder, a chain a system and seed, the comparison. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.bindings import Binding, Use, bind
from harness.costs import Cost, encoder_cost, prediction_cost, rows_cost, training_cost
from harness.describe import describe, intermediate_use
from harness.graph import Graph
from harness.models import Claim, EncoderPin
from harness.recipe import Recipe


def plan_claim(recipe: Recipe, graph: Graph) -> str:
    """Add the claim's stages to `graph`; returns the key of its comparison."""
    return _ClaimPlanner(recipe=recipe, graph=graph).plan()


@dataclass(frozen=True)
class _Data:
    """A data set's stages: its rows, their checks, the examples made of them."""

    binding: Binding
    dataset: str
    checks: str
    examples: str


@dataclass(frozen=True)
class _Chain:
    """A system's stages for one seed."""

    intermediate: str | None
    finetune: str
    predict: str
    score: str


@dataclass(frozen=True, kw_only=True)
class _ClaimPlanner:
    recipe: Recipe
    graph: Graph
    labels: dict[str, str] = field(default_factory=dict)
    """Key -> label, in this claim's own order and words: a comparison must not depend on which
    other claims are planned beside it."""

    def plan(self) -> str:
        claim = self.recipe.claim
        pin = self.recipe.encoder
        encoder = self._add(
            "encoder",
            self.recipe.profile.encoder,
            {"pin": _identity(self.recipe.profile.encoder, pin)},
            {},
            encoder_cost(pin),
        )
        target = self._data(claim.target, "train")
        evaluation = self._data(claim.target, "evaluation")
        data = {"target training": target, "evaluation": evaluation}
        chains: dict[str, dict[int, _Chain]] = {}
        for name, system in claim.systems.items():
            first = None
            if system.intermediate:
                first = self._data(system.intermediate.task, "train")
                data[intermediate_use(self.recipe, name)] = first
            chains[name] = {
                seed: self._chain(name, seed, encoder, first, target, evaluation)
                for seed in self.recipe.seeds
            }
        return self._compare(chains, data)

    def _contamination(self, data: Mapping[str, _Data]) -> tuple[str, dict[str, str]]:
        """The comparison of the claim's data with one another; its key, and use -> role in it."""
        roles = _roles(data)
        sets = {role: data[use] for use, role in reversed(roles.items())}
        config = {
            "sets": {
                role: {
                    "name": f"{one.binding.dataset} {one.binding.spec.split}",
                    "languages": list(one.binding.languages),
                }
                for role, one in sets.items()
            },
            "rule": self.recipe.claim.contamination.model_dump(mode="json"),
        }
        inputs = {role: one.examples for role, one in sets.items()}
        # Unsound rows aren't compared: what came out would be about their damage.
        inputs |= {f"checks/{role}": one.checks for role, one in sets.items()}
        label = f"{len(sets)} data sets"
        return self._add("contamination", label, config, inputs, Cost()), roles

    def _add(
        self, stage: str, label: str, config: dict[str, Any], inputs: dict[str, str], cost: Cost
    ) -> str:
        key = self.graph.add(stage, label, config, inputs, cost)
        self.labels.setdefault(key, label)
        return key

    def _data(self, task: str, use: Use) -> _Data:
        languages = self.recipe.languages if use == "evaluation" else None
        recipe = self.recipe
        binding = bind(
            recipe.manifests, recipe.profile, task, use, mirror=recipe.mirror, languages=languages
        )
        label = f"{binding.dataset} {binding.spec.split}"
        realign = binding.realign()
        cost = rows_cost(binding)
        rows = self._add("dataset", label, binding.config(), {}, cost)
        rules = {
            "suite": recipe.manifests.tasks[task].family,
            "expected": binding.expected(),
            "no_answer": binding.pin.no_answer,
            "realign": realign,
        }
        checks = self._add("checks", label, rules, {"dataset": rows}, Cost())
        # Not of the checks: a better suite must not make every training anew. They run first, and a
        # failed one ends the claim.
        inputs = {"dataset": rows}
        examples = self._add("examples", label, {"realign": realign}, inputs, cost)
        return _Data(binding=binding, dataset=rows, checks=checks, examples=examples)

    def _chain(
        self,
        system: str,
        seed: int,
        encoder: str,
        first: _Data | None,
        target: _Data,
        evaluation: _Data,
    ) -> _Chain:
        recipe = self.recipe
        label = f"{recipe.claim.systems[system].label}, seed {seed}"
        roles = {"encoder": encoder}
        intermediate = None
        if first:
            intermediate = self._training("intermediate", label, seed, first, roles)
            roles["intermediate"] = intermediate
        finetune = self._training("finetune", label, seed, target, roles)
        config = {"settings": recipe.prediction_settings(), **recipe.numerics()}
        inputs = {"encoder": encoder, "model": finetune, "examples": evaluation.examples}
        cost = prediction_cost(recipe.encoder, evaluation.binding, recipe.settings)
        predict = self._add("predict", label, config, inputs, cost)
        inputs = {"examples": evaluation.examples, "predictions": predict}
        score = self._add("score", label, {"scorer": recipe.target.scorer}, inputs, Cost())
        return _Chain(intermediate=intermediate, finetune=finetune, predict=predict, score=score)

    def _training(
        self, stage: str, label: str, seed: int, data: _Data, roles: dict[str, str]
    ) -> str:
        recipe = self.recipe
        config = {"settings": recipe.training_settings(), "seed": seed, **recipe.numerics()}
        cost = training_cost(recipe.encoder, data.binding, recipe.settings)
        return self._add(stage, label, config, {**roles, "examples": data.examples}, cost)

    def _compare(self, chains: dict[str, dict[int, _Chain]], data: dict[str, _Data]) -> str:
        same = dict(_repeated_variants(self.recipe.claim, chains))
        for variant in same:
            del chains[variant]
            data.pop(intermediate_use(self.recipe, variant), None)
        inputs = dict(_compare_inputs(chains, data))
        bindings = {use: one.binding for use, one in data.items()}
        comparison = describe(self.recipe, chains, bindings, same)
        inputs["contamination"], comparison["roles"] = self._contamination(data)
        comparison["artifacts"] = [self._reference(key) for key in self._ancestors(inputs)]
        return self._add("compare", self.recipe.name, {"comparison": comparison}, inputs, Cost())

    def _ancestors(self, inputs: Mapping[str, str]) -> list[str]:
        """Keys of every stage below the comparison, in this claim's order."""
        wanted: set[str] = set()
        queue = list(inputs.values())
        while queue:
            key = queue.pop()
            if key not in wanted:
                wanted.add(key)
                queue.extend(self.graph.stages[key].inputs.values())
        return [key for key in self.labels if key in wanted]

    def _reference(self, key: str) -> dict[str, Any]:
        planned = self.graph.stages[key]
        inputs = dict(planned.inputs)
        return {"stage": planned.stage, "label": self.labels[key], "key": key, "inputs": inputs}


def _roles(data: Mapping[str, _Data]) -> dict[str, str]:
    """Use -> role; uses that read the same rows share one, so that they're compared once.

    Roles are numbered, not named: a system's label must not compare the data again. Evaluation
    data share theirs with nothing: training on them is what is looked for.
    """
    roles: dict[str, str] = {}
    known = {data["target training"].examples: "target"}
    for use, one in data.items():
        if use == "evaluation":
            roles[use] = use
        else:
            roles[use] = known.setdefault(one.examples, f"intermediate {len(known)}")
    return roles


def _identity(name: str, pin: EncoderPin) -> dict[str, Any]:
    """The pin without its prose: a better title must not make every training anew."""
    return {**pin.model_dump(mode="json"), "title": name, "license": "as pinned"}


def _repeated_variants(
    claim: Claim, chains: Mapping[str, Mapping[int, _Chain]]
) -> Iterator[tuple[str, str]]:
    """Variants whose stages are exactly another system's under this profile."""
    judged = [name for name in chains if name not in claim.variants]
    for variant in claim.variants:
        for other in judged:
            if chains[other] == chains[variant]:
                yield variant, other
                break


def _compare_inputs(
    chains: Mapping[str, Mapping[int, _Chain]], data: Mapping[str, _Data]
) -> Iterator[tuple[str, str]]:
    for system, seeds in chains.items():
        for seed, chain in seeds.items():
            yield f"score/{system}/{seed}", chain.score
            yield f"predict/{system}/{seed}", chain.predict
            yield f"finetune/{system}/{seed}", chain.finetune
            if chain.intermediate:
                yield f"intermediate/{system}/{seed}", chain.intermediate
    for use, one in data.items():
        yield f"dataset/{use}", one.dataset
        yield f"checks/{use}", one.checks
        yield f"examples/{use}", one.examples
