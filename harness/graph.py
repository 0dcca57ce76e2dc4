"""Stages by key: the form of a plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.canonical import digest
from harness.costs import Cost
from harness.stages.contract import stage


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """One step: what it is, what it reads, and the key of what it makes."""

    key: str
    stage: str
    version: int
    label: str
    """For people; not part of the key."""
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    """Role -> key of the artifact that plays it."""
    cost: Cost

    def description(self) -> dict[str, Any]:
        """What the artifact's meta.json says of it, beside `key` and `files`."""
        return {
            "stage": self.stage,
            "version": self.version,
            "config": self.config,
            "inputs": dict(self.inputs),
        }


def identity(stage: str, version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """A stage's key.

    Raises:
        TypeError, ValueError: something of it has no canonical form.
    """
    return digest({"stage": stage, "version": version, "config": config, "inputs": inputs})


@dataclass
class Graph:
    """Stages in the order in which they were first needed; equal keys are one stage."""

    stages: dict[str, PlannedStage] = field(default_factory=dict)
    demanded: int = 0

    def add(
        self, name: str, label: str, config: dict[str, Any], inputs: dict[str, str], cost: Cost
    ) -> str:
        """Plan a stage and return its key.

        Raises:
            AssertionError: `config` isn't what the stage's contract reads.
        """
        kind = stage(name)
        if set(config) != set(kind.reads):
            raise AssertionError(f"{name} reads {kind.reads}, the plan gives {tuple(config)}")
        key = identity(name, kind.version, config, inputs)
        self.demanded += 1
        if key not in self.stages:
            self.stages[key] = PlannedStage(
                key=key,
                stage=name,
                version=kind.version,
                label=label,
                config=config,
                inputs=inputs,
                cost=cost,
            )
        return key
