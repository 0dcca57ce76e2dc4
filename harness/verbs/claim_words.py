"""A claim in the words of somebody who has read the paper: systems, evidence, rule."""

from __future__ import annotations

from collections.abc import Iterator

from harness.manifest import Manifests
from harness.models import Claim, Evidence, Intermediate, Paper, Reported, VerdictRule
from harness.report.words import (
    EVIDENCE_STATUS,
    METRICS,
    count,
    in_words,
    language,
    listing,
    number,
    percent,
    printed,
    signed,
    where,
)

KINDS = {
    "gain": "a difference between two systems, with a reported size",
    "direction": "the sign of a difference; the paper gives no size",
    "no_better": "no alternative is better than the reference by more than a margin",
    "ordering": "each is better than the next",
    "aggregate": "a difference between two systems, averaged over several tasks, with its size",
}


def targets(manifests: Manifests, claim: Claim) -> Iterator[str]:
    """A line for each target: title, metric, languages."""
    several = len(claim.targets) > 1
    for name in claim.targets:
        task = manifests.tasks[name]
        chosen = task.languages if claim.average.languages == "all" else claim.average.languages
        metric = METRICS[claim.metric]
        if claim.metric == "score":
            metric = "(EM + F1) / 2" if task.family == "extractive_qa" else _own(task.scorer)
        shown = [language(code) for code in chosen] if not several else []
        names = f": {listing(shown)}" if shown else ""
        yield f"{task.title}, {metric}, {count(len(chosen), 'language')}{names}"


def setup(paper: Paper) -> Iterator[str]:
    """A line for each part of the paper's set-up; a run that departs from it says so."""
    for one in paper.setup:
        names = f" ({', '.join(one.tasks)})" if one.tasks else ""
        yield f"{one.what}: {one.paper}{names}"


def _own(scorer: str | None) -> str:
    return "accuracy" if scorer in ("accuracy", "token_accuracy") else "F1"


def recipe(manifests: Manifests, claim: Claim, name: str) -> str:
    """The training recipe of a system in a line."""
    system = claim.systems[name]
    if system.best_of:
        return f"for each target the best of: {', '.join(system.best_of)}"
    target = manifests.tasks[claim.targets[0]].title
    last = f"{target}, in English" if len(claim.targets) == 1 else "each target, in English"
    steps = ["encoder", _first(manifests, system.intermediate), last]
    return " → ".join(step for step in steps if step)


def _first(manifests: Manifests, first: Intermediate | None) -> str:
    if first is None:
        return ""
    words = " + ".join(manifests.tasks[task].title for task in first.tasks)
    mix = first.masked_lm
    if mix is None:
        return words
    names = listing([language(code) for code in mix.languages])
    return f"{words}, with masked LM in {names} ({percent(mix.share)} of all steps)"


def roles(claim: Claim) -> dict[str, str]:
    """System -> the part that it plays."""
    found: dict[str | None, str] = {
        part: "candidate" for one in claim.systems.values() for part in one.best_of
    }
    found |= dict.fromkeys(claim.variants, "variant, not judged")
    found |= {name: f"place {rank}" for rank, name in enumerate(claim.compare.order, 1)}
    found |= dict.fromkeys(claim.compare.alternatives, "alternative")
    compare = claim.compare
    found |= {compare.treatment: "treatment", compare.baseline: "baseline"}
    found |= {compare.reference: "reference"}
    return {name: found[name] for name in claim.systems}


def evidence(found: Evidence) -> str:
    """Where it is printed and who read it there."""
    status = EVIDENCE_STATUS[found.status].replace(": ", ", ")
    words = f"{where(found)} ({status})"
    if found.known_inconsistency:
        words += f"; known inconsistency: {found.known_inconsistency}"
    return words


def reported(claim: Claim) -> str:
    """What the paper prints, in a few characters; empty where it prints no number."""
    levels, effect = claim.reported.levels, claim.reported.effect
    pair = [levels.get(name or "") for name in (claim.compare.baseline, claim.compare.treatment)]
    known = [one for one in pair if one is not None]
    if len(known) == len(pair):
        return " → ".join(printed(one) for one in known)
    return printed(effect, sign=True) if effect else ""


def verified(claim: Claim) -> bool:
    """Every number, and the claim itself, was read in the paper or in one that quotes it."""
    numbers: list[Reported | None] = [*claim.reported.levels.values(), claim.reported.effect]
    statuses = {one.evidence.status for one in numbers if one} | {claim.source.status}
    return "unverified" not in statuses


def judged(claim: Claim) -> Iterator[str]:
    """How the claim will be judged, in sentences (docs/verdict.md)."""
    rule = claim.verdict
    yield (
        "Every system is trained with each seed, and differences are taken seed by seed on the "
        f"same items. Bounds are one-sided, at 95\N{NO-BREAK SPACE}%, and rest on the spread "
        f"between seeds (assumed beforehand: {number(rule.tau0)} points, weight "
        f"{number(rule.nu0, 0)})."
    )
    yield from _RULES[claim.kind](claim, rule)
    if not verified(claim):
        yield "The evidence is unverified: only signs are judged, whatever the profile."
    elif claim.kind in ("gain", "aggregate", "no_better"):
        yield "With a scaled-down profile (mini, small) DIRECTION is the highest rung."


def _sized(claim: Claim, rule: VerdictRule) -> Iterator[str]:
    effect = claim.reported.effect
    assert effect is not None
    if not verified(claim):
        sign = "above" if effect.value > 0 else "below"
        yield f"DIRECTION: the whole interval of the difference is {sign} 0."
        yield "CONTRADICTED: it is on the other side. Else INCONCLUSIVE."
        return
    margin = rule.margin or max(1.0, 0.25 * abs(effect.value))
    paper, floor = printed(effect, sign=True), signed(rule.retention * effect.value, 2)
    yield (
        f"QUANTITATIVE: within {margin:g} of the paper's {paper}, and both systems' own scores "
        "agree with the paper's."
    )
    yield f"SUBSTANTIAL: surely beyond {floor}, {percent(rule.retention)} of the paper's."
    yield f"DIRECTION: surely {'above' if effect.value > 0 else 'below'} 0."
    yield f"CONTRADICTED: surely short of {floor}. Else INCONCLUSIVE."


def _direction(claim: Claim, rule: VerdictRule) -> Iterator[str]:
    if rule.at_least is None:
        yield "DIRECTION: the treatment is surely above the baseline."
        yield "CONTRADICTED: it is surely below. Else INCONCLUSIVE."
        return
    of, reference = len(claim.compare.alternatives), claim.compare.reference
    share = f"with bounds at 95\N{NO-BREAK SPACE}% divided among the {in_words(of)}"
    yield f"DIRECTION: {rule.at_least} of {of} alternatives are surely above {reference}, {share}."
    rest = of - rule.at_least
    yield f"CONTRADICTED: more than {rest} of them are surely below it. Else INCONCLUSIVE."


def _no_better(claim: Claim, rule: VerdictRule) -> Iterator[str]:
    names, margin = claim.compare.alternatives, number(rule.delta)
    each = "the alternative is" if len(names) == 1 else "every alternative is"
    yield f"SUBSTANTIAL: {each} surely less than {margin} points above {claim.compare.reference}."
    yield f"CONTRADICTED: one is surely more than {margin} points above it. Else INCONCLUSIVE."


def _ordering(claim: Claim, rule: VerdictRule) -> Iterator[str]:  # noqa: ARG001  all alike
    if claim.groups:
        groups = " > ".join(f"({', '.join(group)})" for group in claim.groups)
        yield f"The mean gain of each group of targets: {groups}."
    else:
        yield f"The order: {' > '.join(claim.compare.order)}."
    yield "DIRECTION: each is surely above the next; the weakest pair decides."
    yield "CONTRADICTED: one is surely below the next. Else INCONCLUSIVE."


_RULES = {
    "gain": _sized,
    "aggregate": _sized,
    "direction": _direction,
    "no_better": _no_better,
    "ordering": _ordering,
}
