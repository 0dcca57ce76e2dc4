"""The stages of one claim: data, encoder, a chain a system, seed and target, the comparison. Pure.

An intermediate training serves all targets; a fine-tuning on one target's training data serves
every target that trains on the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.bindings import Binding, Use, bind, data_specs, no_data
from harness.costs import (
    Cost,
    Part,
    Text,
    encoder_cost,
    prediction_cost,
    rows_cost,
    training_cost,
)
from harness.describe import Used, Uses, describe
from harness.graph import Graph
from harness.looks import look_number, sample
from harness.models import Claim, EncoderPin, MaskedLm, Model, Training
from harness.recipe import Recipe


def plan_claim(recipe: Recipe, graph: Graph) -> str:
    """Add the claim's stages to `graph`; returns the key of its comparison."""
    return _ClaimPlanner(recipe=recipe, graph=graph).plan()


@dataclass(frozen=True)
class _Data:
    """A data set's stages: its rows, their checks, the examples made of them."""

    task: str
    binding: Binding
    dataset: str
    checks: str
    examples: str


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A task that the claim evaluates; one without training data isn't fine-tuned on."""

    train: tuple[_Data, ...]
    evaluation: _Data


@dataclass(frozen=True, kw_only=True)
class _First:
    """What an intermediate training reads."""

    tasks: Mapping[str, tuple[_Data, ...]]
    text: tuple[_Data, ...]

    def all(self) -> Iterator[_Data]:
        for data in self.tasks.values():
            yield from data
        yield from self.text


@dataclass(frozen=True)
class _Chain:
    """A system's stages for one seed and target."""

    intermediate: str | None
    finetune: str | None
    predict: str
    score: str


# Target -> seed -> stages, of one system.
_Chains = Mapping[str, Mapping[int, _Chain]]


@dataclass(frozen=True, kw_only=True)
class _ClaimPlanner:
    recipe: Recipe
    graph: Graph
    labels: dict[str, str] = field(default_factory=dict)
    """Key -> label, in this claim's own order and words: a comparison must not depend on which
    other claims are planned beside it."""

    def plan(self) -> str:
        claim = self.recipe.claim
        _ = self._encoder
        targets = {name: self._target(name) for name in claim.targets}
        firsts = {name: self._first(name) for name in self.recipe.trained}
        chains = {
            name: {
                target: {seed: self._chain(name, seed, first, data) for seed in self.recipe.seeds}
                for target, data in targets.items()
            }
            for name, first in firsts.items()
        }
        return self._compare(chains, targets, firsts)

    @cached_property
    def _encoder(self) -> str:
        name, pin = self.recipe.profile.encoder, self.recipe.encoder
        return self._add("encoder", name, {"pin": _identity(name, pin)}, {}, encoder_cost(pin))

    def _target(self, task: str) -> _Target:
        train = self._all_data(task, "train")
        if not train and self.recipe.task(task).family != "retrieval":
            raise no_data(task, "train", self.recipe.profile)
        (evaluation,) = self._all_data(task, "evaluation", self.recipe.languages(task))
        return _Target(train=train, evaluation=evaluation)

    def _first(self, system: str) -> _First | None:
        first = self.recipe.claim.systems[system].intermediate
        if first is None:
            return None
        tasks = {}
        for task in first.tasks:
            tasks[task] = self._all_data(task, "train")
            if not tasks[task]:
                raise no_data(task, "train", self.recipe.profile)
        mix = first.masked_lm
        text = self._all_data(mix.task, "train", mix.languages) if mix else ()
        return _First(tasks=tasks, text=text)

    def _all_data(
        self, task: str, use: Use, languages: tuple[str, ...] | None = None
    ) -> tuple[_Data, ...]:
        recipe = self.recipe
        specs = data_specs(recipe.manifests, recipe.profile, task, use)
        bound = (
            bind(recipe.manifests, spec, use, mirror=recipe.mirror, languages=languages)
            for spec in specs
        )
        return tuple(self._data(task, binding) for binding in bound)

    def _data(self, task: str, binding: Binding) -> _Data:
        label = f"{binding.dataset} {binding.spec.split}"
        realign, reader, cost = binding.realign(), binding.reader(), rows_cost(binding)
        rows = self._add("dataset", label, binding.config(), {}, cost)
        rules = {
            "suite": self.recipe.task(task).family,
            "reader": reader,
            "expected": binding.expected(),
            "no_answer": binding.pin.no_answer,
            "realign": realign,
        }
        checks = self._add("checks", label, rules, {"dataset": rows}, Cost())
        # Not of the checks: a better suite must not make every training anew. They run first, and a
        # failed one ends the claim.
        config = {"reader": reader, "realign": realign}
        disk = Cost(disk_bytes=cost.disk_bytes)
        examples = self._add("examples", label, config, {"dataset": rows}, disk)
        return _Data(task=task, binding=binding, dataset=rows, checks=checks, examples=examples)

    def _add(
        self, stage: str, label: str, config: dict[str, Any], inputs: dict[str, str], cost: Cost
    ) -> str:
        key = self.graph.add(stage, label, config, inputs, cost)
        self.labels.setdefault(key, label)
        return key

    def _chain(self, system: str, seed: int, first: _First | None, target: _Target) -> _Chain:
        recipe = self.recipe
        label = f"{recipe.claim.systems[system].label}, seed {seed}"
        task, data = target.evaluation.task, target.evaluation.binding
        where = f"{recipe.task(task).title}: {label}" if len(recipe.claim.targets) > 1 else label
        roles = {"encoder": self._encoder}
        intermediate = finetune = None
        if first:
            intermediate = self._intermediate(system, seed, first, label)
            roles["intermediate"] = intermediate
        if target.train:
            finetune = self._finetune(seed, task, target, where, roles)
            roles["model"] = finetune
        config = {
            **recipe.prediction(task),
            "no_answer": data.pin.no_answer,
            **recipe.numerics(),
        }
        inputs = {**roles, "examples": target.evaluation.examples}
        cost = prediction_cost(recipe.encoder, data, recipe.settings(task))
        predict = self._add("predict", where, config, inputs, cost)
        inputs = {"examples": target.evaluation.examples, "predictions": predict}
        rule = {"scorer": recipe.task(task).scorer, "labels": config["labels"]}
        rule["family"] = recipe.task(task).family
        score = self._add("score", where, rule, inputs, Cost())
        return _Chain(intermediate=intermediate, finetune=finetune, predict=predict, score=score)

    def _intermediate(self, system: str, seed: int, first: _First, label: str) -> str:
        recipe = self.recipe
        recorded = recipe.claim.systems[system].intermediate
        assert recorded is not None
        multi = recipe.multi_task() if len(first.tasks) > 1 else None
        text = None
        if recorded.masked_lm:
            settings = recipe.settings(recorded.masked_lm.task)
            assert isinstance(settings, MaskedLm)
            text = Text(settings=settings, share=recorded.masked_lm.share)
        mix = {
            "multi_task": multi and multi.model_dump(mode="json", exclude_none=True),
            "masked_lm": text and {"settings": _dump(text.settings), "share": text.share},
        }
        inputs = {"encoder": self._encoder}
        inputs |= {f"text/{n}": one.examples for n, one in enumerate(first.text)}
        cost = training_cost(recipe.encoder, self._parts(first.tasks), multi, text)
        return self._training(
            "intermediate", label, seed, first.tasks, inputs, mix if multi or text else None, cost
        )

    def _finetune(
        self, seed: int, task: str, target: _Target, label: str, roles: Mapping[str, str]
    ) -> str:
        tasks = {task: target.train}
        cost = training_cost(self.recipe.encoder, self._parts(tasks))
        return self._training("finetune", label, seed, tasks, dict(roles), None, cost)

    def _training(
        self,
        stage: str,
        label: str,
        seed: int,
        tasks: Mapping[str, tuple[_Data, ...]],
        inputs: dict[str, str],
        mix: dict[str, Any] | None,
        cost: Cost,
    ) -> str:
        for part, data in enumerate(tasks.values()):
            inputs |= {f"examples/{part}/{n}": one.examples for n, one in enumerate(data)}
        config = {
            "parts": [self.recipe.training_part(task) for task in tasks],
            "mix": mix,
            "seed": seed,
            **self.recipe.numerics(),
        }
        return self._add(stage, label, config, inputs, cost)

    def _parts(self, tasks: Mapping[str, tuple[_Data, ...]]) -> list[Part]:
        parts = []
        for task, data in tasks.items():
            settings = self.recipe.settings(task)
            assert isinstance(settings, Training)
            parts.append(Part(data=[one.binding for one in data], settings=settings))
        return parts

    def _compare(
        self,
        chains: dict[str, dict[str, dict[int, _Chain]]],
        targets: Mapping[str, _Target],
        firsts: Mapping[str, _First | None],
    ) -> str:
        same = dict(_repeated_variants(self.recipe.claim, chains))
        kept = {name: one for name, one in chains.items() if name not in same}
        uses = _uses(self.recipe, targets, {name: firsts[name] for name in kept})
        inputs = dict(_compare_inputs(kept, uses))
        roles = {}
        for target, one in targets.items():
            if one.train:
                key, roles[target] = self._contamination(target, uses)
                inputs[f"contamination/{target}"] = key
        data = {
            use: Used(target=of, task=one.task, binding=one.binding)
            for use, (of, one) in uses.items()
        }
        comparison = describe(self.recipe, kept, data, same)
        seen = self.recipe.looks.get(sample(self.recipe.name, inputs), {})
        comparison["circumstances"]["looks"] = look_number(seen, len(self.recipe.seeds))
        comparison["roles"] = roles
        comparison["artifacts"] = [self._reference(key) for key in self._ancestors(inputs)]
        return self._add("compare", self.recipe.name, {"comparison": comparison}, inputs, Cost())

    def _contamination(
        self, target: str, uses: Mapping[str, tuple[str | None, _Data]]
    ) -> tuple[str, dict[str, str]]:
        """The target's data beside one another and the intermediate sets; key, and use -> role."""
        mine = {use: one for use, (of, one) in uses.items() if of in (None, target)}
        own = [use for use, (of, _) in uses.items() if of == target]
        roles = _roles(mine, own[:-1], own[-1])
        sets = {role: mine[use] for use, role in reversed(roles.items())}
        config = {
            "family": self.recipe.task(target).family,
            "sets": {
                role: {
                    "name": f"{one.binding.dataset} {one.binding.spec.split}",
                    "languages": list(one.binding.languages),
                    "family": self.recipe.task(one.task).family,
                }
                for role, one in sets.items()
            },
            "rule": self.recipe.claim.contamination.model_dump(mode="json"),
        }
        inputs = {role: one.examples for role, one in sets.items()}
        # Unsound rows aren't compared: what came out would be about their damage.
        inputs |= {f"checks/{role}": one.checks for role, one in sets.items()}
        return self._add("contamination", f"{len(sets)} data sets", config, inputs, Cost()), roles

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


def _uses(
    recipe: Recipe, targets: Mapping[str, _Target], firsts: Mapping[str, _First | None]
) -> dict[str, tuple[str | None, _Data]]:
    """Use, in words -> (the target that it is for, or None where it is for all; the data).

    A target's training data come before its evaluation data.
    """
    found: dict[str, tuple[str | None, _Data]] = {}
    words = Uses(recipe)
    for name, target in targets.items():
        for one in target.train:
            found[_one_of(words.training(name), one, target.train)] = (name, one)
        found[words.evaluation(name)] = (name, target.evaluation)
    for system, first in firsts.items():
        for task, data in first.tasks.items() if first else ():
            several = len(first.tasks) > 1 if first else False
            use = words.intermediate(system, task if several else None)
            found |= {_one_of(use, one, data): (None, one) for one in data}
        for one in first.text if first else ():
            found[_one_of(words.text(system), one, first.text if first else ())] = (None, one)
    return found


def _one_of(use: str, data: _Data, among: tuple[_Data, ...]) -> str:
    if len(among) == 1:
        return use
    # The rounds of ANLI are splits of one data set.
    return f"{use} ({data.binding.pin.title}, {data.binding.spec.split})"


def _roles(data: Mapping[str, _Data], own: Sequence[str], evaluation: str) -> dict[str, str]:
    """Use -> role; uses that read the same rows share one, so that they're compared once.

    Roles are numbered, not named: a system's label must not compare the data again. Evaluation
    data share theirs with nothing: training on them is what is looked for.
    """
    roles: dict[str, str] = {}
    known: dict[str, str] = {}
    for number, use in enumerate(own):
        known.setdefault(data[use].examples, "target" if number == 0 else f"target {number}")
    first = len(known)
    for use, one in data.items():
        if use == evaluation:
            roles[use] = "evaluation"
        else:
            roles[use] = known.setdefault(one.examples, f"intermediate {len(known) - first + 1}")
    return roles


def _identity(name: str, pin: EncoderPin) -> dict[str, Any]:
    """The pin without its prose: a better title must not make every training anew."""
    return {**pin.model_dump(mode="json"), "title": name, "license": "as pinned"}


def _dump(settings: Model) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude_none=True)


def _repeated_variants(claim: Claim, chains: Mapping[str, _Chains]) -> Iterator[tuple[str, str]]:
    """Variants whose stages are exactly another system's under this profile."""
    judged = [name for name in chains if name not in claim.variants]
    for variant in claim.variants:
        for other in judged:
            if chains[other] == chains[variant]:
                yield variant, other
                break


def _compare_inputs(
    chains: Mapping[str, _Chains], uses: Mapping[str, tuple[str | None, _Data]]
) -> Iterator[tuple[str, str]]:
    for system, targets in chains.items():
        for target, seeds in targets.items():
            for seed, chain in seeds.items():
                yield f"score/{system}/{seed}/{target}", chain.score
                yield f"predict/{system}/{seed}/{target}", chain.predict
                if chain.finetune:
                    yield f"finetune/{system}/{seed}/{target}", chain.finetune
                if chain.intermediate:
                    yield f"intermediate/{system}/{seed}", chain.intermediate
    for use, (_, one) in uses.items():
        yield f"dataset/{use}", one.dataset
        yield f"checks/{use}", one.checks
        yield f"examples/{use}", one.examples
