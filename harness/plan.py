"""Claims -> stages: claim x system x seed, equal keys merged. Pure: no file, no torch.

A stage's key is the sha256 of its name, version, configuration and the keys of its inputs, so two
systems or claims that need the same step share it, and a finished one is never made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.claim_plan import plan_claim
from harness.errors import DataError, UsageError
from harness.graph import Graph, PlannedStage
from harness.looks import Looks
from harness.manifest import Manifests, choose
from harness.models import Mirror, Precision, Profile
from harness.recipe import Recipe

# More would only be a plan that fills the memory.
_MOST_SEEDS = 1000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks to reproduce."""

    claims: tuple[str, ...]
    profile: str
    seeds: int | None = None
    """None: as many as the profile says."""
    protocol: str | None = None
    """None: the claim's own."""
    precision: Precision
    """Resolved for this machine; never "native"."""
    looks: Looks = field(default_factory=dict)
    """Which results were looked at before: they count where seeds are added."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Stages in an order in which they can run, and the comparison of each claim."""

    stages: tuple[PlannedStage, ...]
    comparisons: Mapping[str, str]
    """Claim -> key of its comparison."""
    demanded: int
    """Stages counted once for every claim, system and seed that needs them, before merging."""
    profile: Profile
    refused: Mapping[str, DataError] = field(default_factory=dict)
    """Claim -> why it has no stages: the mirror lacks what it needs."""

    @property
    def claims(self) -> tuple[str, ...]:
        """All that were asked for."""
        return (*self.comparisons, *self.refused)

    def by_key(self) -> dict[str, PlannedStage]:
        """Key -> stage."""
        return {one.key: one for one in self.stages}


def build_plan(manifests: Manifests, request: Request, mirror: Mirror | None = None) -> Plan:
    """The stages that reproduce the claims of `request`.

    A claim whose data the mirror lacks is refused, and the others are planned without it.

    Raises:
        UsageError: unknown profile or protocol, no seed, or a protocol that says nothing about a
            family that a claim needs.
        ManifestError: a task without the data that a claim needs.
    """
    profile = choose("profile", request.profile, manifests.profiles)
    graph = Graph()
    comparisons, refused = {}, {}
    for name in request.claims:
        recipe = _recipe(manifests, name, profile, request, mirror)
        stages, demanded = dict(graph.stages), graph.demanded
        try:
            comparisons[name] = plan_claim(recipe, graph)
        except DataError as error:
            refused[name] = error
            graph.stages, graph.demanded = stages, demanded
    return Plan(
        stages=tuple(sorted(graph.stages.values(), key=_training_last)),
        comparisons=comparisons,
        demanded=graph.demanded,
        profile=profile,
        refused=refused,
    )


def _training_last(planned: PlannedStage) -> bool:
    """Sort key: every data set is read and checked before a single step of training."""
    return planned.stage not in ("encoder", "dataset", "checks", "examples", "contamination")


def _recipe(
    manifests: Manifests, name: str, profile: Profile, request: Request, mirror: Mirror | None
) -> Recipe:
    claim = manifests.claims[name]
    return Recipe(
        manifests=manifests,
        name=name,
        claim=claim,
        profile=profile,
        protocol=choose("protocol", request.protocol or claim.protocol, manifests.protocols),
        seeds=_seeds(request, profile),
        precision=request.precision,
        mirror=mirror,
        looks=request.looks,
    )


def _seeds(request: Request, profile: Profile) -> tuple[int, ...]:
    count = profile.seeds if request.seeds is None else request.seeds
    if count < 1:
        raise UsageError(
            where="--seeds", got=str(count), expected="1 or more", fix="Ask for a seed at least."
        )
    if count > _MOST_SEEDS:
        fix = "Three are usual; ten make a narrow interval."
        raise UsageError(
            where="--seeds", got=str(count), expected=f"{_MOST_SEEDS} at most", fix=fix
        )
    return tuple(range(count))
