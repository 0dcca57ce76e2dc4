"""A claim and what a plan settles about it: profile, protocol, settings, seeds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.bindings import bind_encoder
from harness.manifest import Manifests
from harness.models import (
    Claim,
    EncoderPin,
    ExtractiveQa,
    Mirror,
    Paper,
    Precision,
    Profile,
    Protocol,
    Task,
)

_TRAINING = (
    *("learning_rate", "epochs", "batch_size", "accumulation", "warmup", "weight_decay"),
    *("decay_exempt", "adam_epsilon", "clip_norm", "max_length", "doc_stride", "max_query_length"),
)
_PREDICTION = ("max_length", "doc_stride", "max_query_length", "max_answer_length", "n_best")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What one claim's stages and description are made from."""

    manifests: Manifests
    name: str
    """paper/claim."""
    claim: Claim
    profile: Profile
    protocol: Protocol
    settings: ExtractiveQa
    """The protocol's values with the profile's in place of some."""
    seeds: tuple[int, ...]
    precision: Precision
    mirror: Mirror | None

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
    def target(self) -> Task:
        """The task that the claim is about."""
        return self.manifests.tasks[self.claim.target]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the claim's mean runs over, in the paper's order."""
        chosen = self.claim.average.languages
        return self.target.languages if chosen == "all" else chosen

    def training_settings(self) -> dict[str, Any]:
        """The settings that training reads, for its key."""
        return self._part(_TRAINING)

    def prediction_settings(self) -> dict[str, Any]:
        """The settings that prediction reads, for its key."""
        return self._part(_PREDICTION)

    def numerics(self) -> dict[str, Any]:
        """What changes bits on the same machine."""
        return {"precision": self.precision, "threads": self.profile.threads}

    def _part(self, names: tuple[str, ...]) -> dict[str, Any]:
        values = self.settings.model_dump(mode="json", exclude_none=True)
        return {name: values[name] for name in names}
