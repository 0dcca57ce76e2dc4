"""What a comparison is made of: the plan's facts and the folders of finished artifacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.models import Claim, EncoderPin


@dataclass(frozen=True)
class Source:
    """Everything that stage `compare` reads."""

    facts: Mapping[str, Any]
    """What the plan knew before the run (harness/describe.py)."""
    inputs: Mapping[str, Path]
    """Role -> folder of a finished artifact."""
    keys: Mapping[str, str]
    """Role -> that artifact's key."""

    @cached_property
    def claim(self) -> Claim:
        """The claim's manifest."""
        return Claim.model_validate(self.facts["claim"])

    @property
    def best_of(self) -> Mapping[str, tuple[str, ...]]:
        """System without stages of its own -> those of which it is the best."""
        return {name: tuple(parts) for name, parts in self.facts["best_of"].items()}

    @property
    def trained(self) -> tuple[str, ...]:
        """The systems that have stages, in manifest order."""
        return tuple(one["id"] for one in self.facts["systems"] if one["id"] not in self.best_of)

    def evaluation(self, target: str) -> Mapping[str, Any]:
        """What is known about a target's evaluation data."""
        facts: Mapping[str, Any] = self.facts["data"][self.evaluation_use(target)]
        return facts

    def evaluation_use(self, target: str) -> str:
        """What the use of a target's evaluation data is called, in roles too."""
        uses: Mapping[str, Any] = self.facts["data"]
        return next(
            use
            for use, one in uses.items()
            if use.startswith("evaluation") and one["target"] == target
        )

    @property
    def withheld(self) -> tuple[str, ...]:
        """Targets whose evaluation data's licence forbids copies."""
        return tuple(self.facts["withheld"])

    @cached_property
    def encoder(self) -> EncoderPin:
        """The encoder's pin."""
        facts = {key: value for key, value in self.facts["encoder"].items() if key != "id"}
        return EncoderPin.model_validate(facts)

    def json(self, role: str, file: str) -> Any:
        """A JSON document of an input."""
        return json.loads((self.inputs[role] / file).read_bytes())

    def rows(self, role: str, file: str) -> Iterator[Any]:
        """The JSON lines of an input, one at a time."""
        with (self.inputs[role] / file).open(encoding="utf-8") as stream:
            yield from map(json.loads, stream)
