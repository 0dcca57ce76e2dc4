"""The differences that a claim is about, those of its variants, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from harness.comparing.source import Source
from harness.comparing.systems import Systems
from harness.records import Effect, Level, Verdict
from harness.statistics import (
    Circumstances,
    agreement,
    confidence_at,
    effect,
    judge,
    level,
    printed_differences,
)


def circumstances(source: Source) -> Circumstances:
    """What the verdict must know about the run beyond its numbers."""
    known = Circumstances(**source.facts["circumstances"])
    return replace(known, best_of={name: len(parts) for name, parts in source.best_of.items()})


def levels(source: Source, systems: Systems, system: str) -> tuple[Level, ...]:
    """One for each metric, the claim's first."""
    claim, scores = source.claim, systems.scores(system)
    printed = {claim.metric: claim.reported.per_language.get(system)}
    return tuple(
        level(
            scores[metric],
            claim.reported.levels.get(system) if metric == claim.metric else None,
            claim.verdict,
            source.facts["scaled_down"],
            system=system,
            metric=metric,
            per_language=printed.get(metric),
        )
        for metric in systems.metrics
    )


def claimed_effects(source: Source, systems: Systems) -> tuple[Effect, ...]:
    """One for each pair of systems that the claim compares, or of adjacent groups of targets."""
    claim = source.claim
    pairs = claim.compare.pairs()
    if claim.groups:
        return tuple(
            _effect(source, systems, pairs[0], groups) for groups in pairwise(claim.groups)
        )
    return tuple(_effect(source, systems, pair) for pair in pairs)


def variant_effects(source: Source, systems: Systems) -> Iterator[Effect]:
    """Each variant that was run, beside what the claim's last pair is compared with."""
    claim = source.claim
    for variant in claim.variants:
        if variant in systems.items:
            yield _effect(source, systems, (variant, claim.compare.pairs()[-1][1]))


def verdict(source: Source, own: tuple[Effect, ...], levels: tuple[Level, ...]) -> Verdict:
    """The claim's verdict; `own` are the effects that it is about."""
    claim = source.claim
    return judge(claim.kind, own, levels, claim.verdict, circumstances(source))


def _effect(
    source: Source,
    systems: Systems,
    pair: tuple[str, str],
    groups: tuple[tuple[str, ...], tuple[str, ...]] | None = None,
) -> Effect:
    claim = source.claim
    # The paper's number is about the first pair, and not about groups of targets.
    stated = groups is None and pair == claim.compare.pairs()[0]
    found = effect(
        systems.scores(pair[0], groups),
        systems.scores(pair[1], groups),
        claim.verdict,
        names=pair,
        metric=claim.metric,
        reported=claim.reported.effect if stated else None,
        confidence=confidence_at(circumstances(source).looks),
    )
    if groups is not None:
        return found
    cells = printed_differences(*(claim.reported.per_language.get(name, {}) for name in pair))
    agreed = agreement(found.same_items.per_language, cells, signs=True)
    return found.model_copy(update={"agreement": agreed})
