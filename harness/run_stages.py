"""The stages behind a run's comparisons, and what its run folder holds of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.graph import PlannedStage, identity
from harness.models import Model, Sha256

SHORT = 16
"""Digits of a key that name an artifact's folder in a run folder."""
MATERIAL: dict[str, tuple[str, ...]] = {
    "dataset": ("dataset.json",),
    "checks": ("checks.json",),
    "examples": ("repairs.json",),
    "contamination": ("contamination.json", "lengths.json"),
    "intermediate": ("training.json",),
    "finetune": ("training.json",),
    "predict": ("predict.json",),
}
"""Stage -> what stage `compare` reads of it besides predictions, gold and scores."""
SCORES = ("items.jsonl", "scores.json")
"""Of a stage `score`, where the gold answers can't be copied."""


class StageRecord(Model):
    """A stage: all that enters its key, the key, and a label for people."""

    key: Sha256
    stage: str
    version: int
    label: str
    config: dict[str, Any]
    inputs: dict[str, Sha256]
    """Role -> key of the artifact that plays it."""

    @property
    def short(self) -> str:
        """Names the artifact's folder in a run folder."""
        return self.key[:SHORT]

    def identity(self) -> str:
        """The key that it must have; ValueError or TypeError where it can have none."""
        return identity(self.stage, self.version, self.config, self.inputs)


@dataclass(frozen=True)
class Stages:
    """Stages in the order in which they ran, by key; inputs stand before what reads them."""

    by_key: Mapping[str, StageRecord]

    @classmethod
    def of_plan(cls, planned: Iterable[PlannedStage], comparisons: Iterable[str]) -> Stages:
        """Those that the comparisons of these keys rest on, and they themselves."""
        names = StageRecord.model_fields
        records = (
            StageRecord.model_validate({name: getattr(one, name) for name in names})
            for one in planned
        )
        return cls({one.key: one for one in records}).behind(comparisons)

    def behind(self, keys: Iterable[str]) -> Stages:
        """These stages and all that they rest on; KeyError where one isn't here."""
        wanted: set[str] = set()
        queue = list(keys)
        while queue:
            key = queue.pop()
            if key not in wanted:
                wanted.add(key)
                queue.extend(self.by_key[key].inputs.values())
        return Stages({key: one for key, one in self.by_key.items() if key in wanted})

    @cached_property
    def compared(self) -> tuple[StageRecord, ...]:
        """One for each claim."""
        return tuple(one for one in self.by_key.values() if one.stage == "compare")

    @cached_property
    def evaluated(self) -> dict[str, tuple[StageRecord, StageRecord]]:
        """Key of predictions that a comparison uses -> their stage and that of the examples."""
        found = {}
        for one in self.compared:
            for role, key in one.inputs.items():
                if role.startswith("predict/"):
                    predict = self.by_key[key]
                    found[key] = (predict, self.by_key[predict.inputs["examples"]])
        return found

    def is_licensed(self, examples: StageRecord) -> bool:
        """Whether an `examples` stage reads rows that the user brought: not ours to copy."""
        return bool(self.source(examples)["kind"] == "files")

    def source(self, examples: StageRecord) -> Mapping[str, Any]:
        """The pin of the rows that an `examples` stage reads."""
        source: Mapping[str, Any] = self.by_key[examples.inputs["dataset"]].config["source"]
        return source

    def material(self) -> Iterator[tuple[StageRecord, tuple[str, ...]]]:
        """Stages whose results comparisons show, with the files that say them.

        Scores can be made again from predictions and gold, so they are left out; but for licensed
        rows, whose gold isn't copied.
        """
        inputs = {key for one in self.compared for key in one.inputs.values()}
        for one in self.by_key.values():
            if one.key not in inputs:
                continue
            if one.stage in MATERIAL:
                yield one, MATERIAL[one.stage]
            elif one.stage == "score" and self.is_licensed(self.by_key[one.inputs["examples"]]):
                yield one, SCORES
