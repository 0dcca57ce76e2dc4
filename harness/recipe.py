"""A claim and what a plan settles about it: profile, protocol, settings, seeds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.bindings import bind_encoder
from harness.looks import Looks
from harness.manifest import Manifests, settings_of
from harness.models import (
    Claim,
    EncoderPin,
    ExtractiveQa,
    Mirror,
    Model,
    MultiTask,
    Paper,
    Precision,
    Profile,
    Protocol,
    QaTraining,
    Task,
    Training,
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What one claim's stages and description are made from."""

    manifests: Manifests
    name: str
    """paper/claim."""
    claim: Claim
    profile: Profile
    protocol: Protocol
    seeds: tuple[int, ...]
    precision: Precision
    mirror: Mirror | None
    looks: Looks = field(default_factory=dict)
    """Which results were looked at before."""

    @property
    def paper(self) -> Paper:
        """The claim's paper."""
        return self.manifests.papers[self.name.partition("/")[0]]

    @property
    def encoder(self) -> EncoderPin:
        """The profile's encoder, with the hashes that pin or mirror give."""
        name = self.profile.encoder
        return bind_encoder(name, self.manifests.pins.encoders[name], self.mirror)

    @property
    def encoder_hashed_on_first_use(self) -> bool:
        """True where the pin leaves a hash open."""
        return None in self.manifests.pins.encoders[self.profile.encoder].files.values()

    @property
    def best_of(self) -> Mapping[str, tuple[str, ...]]:
        """Composite system -> the systems that are run for it under this profile."""
        composites = {name: one.best_of for name, one in self.claim.systems.items() if one.best_of}
        return {name: parts[: self.profile.best_of] for name, parts in composites.items()}

    @property
    def trained(self) -> tuple[str, ...]:
        """Systems that have stages, in the manifest's order."""
        compared = {name for pair in self.claim.compare.pairs() for name in pair}
        wanted = compared | set(self.claim.variants)
        wanted |= {name for parts in self.best_of.values() for name in parts}
        systems = self.claim.systems.items()
        return tuple(name for name, one in systems if name in wanted and not one.best_of)

    def task(self, name: str) -> Task:
        """A row of tasks.yaml."""
        return self.manifests.tasks[name]

    def languages(self, target: str) -> tuple[str, ...]:
        """The languages that the claim's mean over `target` runs over, in the paper's order."""
        chosen = self.claim.average.languages
        return self.task(target).languages if chosen == "all" else chosen

    def settings(self, task: str) -> Model:
        """The protocol's values for `task` with the profile's in place of some.

        Raises:
            UsageError: the protocol says nothing about the task's family.
        """
        return settings_of(self.protocol, self.profile, task, self.task(task).family)

    def multi_task(self) -> MultiTask:
        """How several tasks are trained at once; UsageError as `settings`."""
        found = settings_of(self.protocol, self.profile, "multi_task", "multi_task")
        assert isinstance(found, MultiTask)
        return found

    def families(self) -> Iterator[tuple[str, str, Model]]:
        """(family, task, settings) of every task that the claim's systems are about, once each."""
        tasks = dict.fromkeys(self.claim.targets)
        for name in self.trained:
            first = self.claim.systems[name].intermediate
            if first:
                tasks |= dict.fromkeys(first.tasks)
                tasks |= dict.fromkeys([first.masked_lm.task] if first.masked_lm else [])
        for task in tasks:
            yield self.task(task).family, task, self.settings(task)

    def is_multi_task(self) -> bool:
        """A system trains on several intermediate tasks at once."""
        firsts = (self.claim.systems[name].intermediate for name in self.trained)
        return any(first is not None and len(first.tasks) > 1 for first in firsts)

    def training_part(self, task: str) -> dict[str, Any]:
        """What training reads of a task, for its key: no name, so that equal parts are one."""
        row, settings = self.task(task), self.settings(task)
        fields = QaTraining if isinstance(settings, ExtractiveQa) else type(settings)
        values = _values(settings, set(fields.model_fields))
        return {"family": row.family, "settings": values, "labels": _labels(row)}

    def prediction(self, target: str) -> dict[str, Any]:
        """What prediction reads of a target, for its key."""
        row, settings = self.task(target), self.settings(target)
        own = set(type(settings).model_fields) - set(Training.model_fields)
        return {"family": row.family, "settings": _values(settings, own), "labels": _labels(row)}

    def numerics(self) -> dict[str, Any]:
        """What changes bits on the same machine."""
        return {"precision": self.precision, "threads": self.profile.threads}


def _values(settings: Model, names: set[str]) -> dict[str, Any]:
    # Nested models keep only what is set: `steps: null` beside a fraction would say nothing.
    return settings.model_dump(mode="json", include=names, exclude_none=True)


def _labels(task: Task) -> list[str] | str:
    return task.labels if isinstance(task.labels, str) else list(task.labels)
