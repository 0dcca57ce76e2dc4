"""Estimates -> the rung that a claim reaches, with flags and every test in words.

The rule is docs/verdict.md. It reads the same-items question only, and only this claim: other
claims of a report never move a rung.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import MAX_LOOKS, Kind, Rung, VerdictRule
from harness.records import Effect, Level, Verdict
from harness.statistics.findings import Circumstances, Finding, confidence_at, count
from harness.statistics.kinds import KINDS
from harness.statistics.maxima import maxima
from harness.statistics.power import MAX_EXTRA, more_seeds_would_decide, seeds_by_rung

UNSAID: Rung = "DIRECTION"
"""What is asked for with a profile that the rule doesn't name, a user's own for instance."""

LADDER: tuple[Rung, ...] = ("INCONCLUSIVE", "DIRECTION", "SUBSTANTIAL", "QUANTITATIVE")

# In the order of docs/verdict.md, which is the order that they are shown in.
FLAGS = (
    "SMALLER",
    "EXCEEDS",
    "LEVELS_DIFFER",
    "SINGLE_SEED",
    "PRIOR_DRIVEN",
    "SEEDS_ADDED",
    "PROTOCOL_DEVIATION",
    "PAPER_VARIANCE_UNKNOWN",
    "SCALED_DOWN",
    "UNVERIFIED_EVIDENCE",
    "HASH_ON_FIRST_USE",
    "TRANSCRIPTION_DOUBT",
)


def judge(
    kind: Kind,
    effects: Sequence[Effect],
    levels: Sequence[Level],
    rule: VerdictRule,
    circumstances: Circumstances,
) -> Verdict:
    """The verdict of one claim.

    Args:
        kind: of the claim.
        effects: one for each of the claim's compared pairs.
        levels: of any systems in any metrics; those of the compared pairs are picked out.
        rule: frozen before the run.
        circumstances: what is known about the run beyond its numbers.

    Raises:
        ManifestError: a `gain` has no size, or more is asked for than is compared.
        UsageError: more than three looks.
        DataError: not as many effects as the kind needs.
    """
    required = rule.required_rung.get(circumstances.profile, UNSAID)
    confidence_at(circumstances.looks)
    seeds = min((len(effect.same_items.per_seed) for effect in effects), default=0)
    relevant = _relevant(effects, levels)
    if effects and seeds < rule.min_seeds:
        reason = f"{count(seeds)} run; the rule asks for {rule.min_seeds} or more: no verdict"
        finding = Finding("INVALID", frozenset(), (reason,))
    else:
        finding = KINDS[kind](effects, relevant, rule, circumstances)
    reasons = finding.reasons + tuple(maxima(effects, circumstances.best_of))
    more = None
    if finding.rung == "INCONCLUSIVE":
        more = more_seeds_would_decide(kind, effects, rule, circumstances)
        reasons += (_outlook(more, circumstances),)
    flags = finding.flags | _common_flags(seeds, relevant, rule, circumstances)
    return Verdict(
        rung=finding.rung,
        required=required,
        met=_met(finding.rung, required),
        flags=tuple(flag for flag in FLAGS if flag in flags),
        rule=rule,
        reasons=reasons,
        looks=circumstances.looks,
        seeds_needed=seeds_by_rung(effects, rule, circumstances),
        more_seeds=more,
    )


def _met(rung: Rung, required: Rung) -> bool:
    """Is the rung at least as high? CONTRADICTED and INVALID stand on no ladder."""
    if rung in LADDER and required in LADDER:
        return LADDER.index(rung) >= LADDER.index(required)
    return rung == required


def _relevant(effects: Sequence[Effect], levels: Sequence[Level]) -> tuple[Level, ...]:
    """Levels of the compared systems in the metric that they are compared in."""
    wanted = {
        (system, effect.same_items.metric)
        for effect in effects
        for system in (effect.treatment, effect.baseline)
    }
    return tuple(level for level in levels if (level.system, level.metric) in wanted)


def _common_flags(
    seeds: int, levels: Sequence[Level], rule: VerdictRule, circumstances: Circumstances
) -> frozenset[str]:
    """The flags that every kind of claim can carry."""
    tested = [level for level in levels if level.compatible is not None and level.reported]
    raised = {
        "LEVELS_DIFFER": any(not level.compatible for level in tested),
        "SINGLE_SEED": seeds == 1,
        "PRIOR_DRIVEN": rule.nu0 > seeds - 1,
        "SEEDS_ADDED": circumstances.looks > 1,
        "PROTOCOL_DEVIATION": circumstances.protocol_deviation,
        "PAPER_VARIANCE_UNKNOWN": any(
            level.reported is not None and level.reported.seeds is None for level in tested
        ),
        "SCALED_DOWN": circumstances.scaled_down,
        "UNVERIFIED_EVIDENCE": circumstances.unverified_evidence,
        "HASH_ON_FIRST_USE": circumstances.hash_on_first_use,
        "TRANSCRIPTION_DOUBT": circumstances.transcription_doubt,
    }
    return frozenset(flag for flag, is_raised in raised.items() if is_raised)


def _outlook(extra: int | None, circumstances: Circumstances) -> str:
    if circumstances.looks >= MAX_LOOKS:
        return "seeds were added twice already: start a new run with more seeds"
    if extra is None:
        return f"adding {MAX_EXTRA} seeds wouldn't decide it, if mean and spread stay as they are"
    return f"adding {count(extra)} would decide it, if mean and spread stay as they are"
