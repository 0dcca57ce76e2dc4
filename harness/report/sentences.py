"""The verdict in a sentence that a non-specialist understands: one for every rung and kind."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import Rung
from harness.records import Comparison, Effect
from harness.report.shape import PAIRS, judged, several, short_title
from harness.report.terms import sign_only
from harness.report.words import (
    count,
    in_words,
    interval,
    language,
    listing,
    number,
    percent,
    points,
    printed,
    signed,
    two_sided,
)

SCALE = (
    "This run is scaled down (profile {profile}): it can show a direction, "
    "never the paper’s magnitude."
)

_INVALID = (
    "There is no verdict: a data check, a pin or a stage failed, predictions are missing, or "
    "there were too few seeds. Nothing below may be read as a result."
)

# {found} is what was measured; {paper}, {share}, {bound} come from `_gain_parts`.
_GAIN: dict[Rung, str] = {
    "QUANTITATIVE": (
        "{scale}the re-run reproduces the paper’s number: {found}. The paper prints {paper}; the "
        "test is against that printed value, not against the paper’s unknown mean."
    ),
    "SUBSTANTIAL": (
        "{scale}the re-run reproduces a substantial part of the paper’s gain: {found}. Even the "
        "lower bound is beyond {bound}, which is {share} of the {paper} that the paper prints."
    ),
    "DIRECTION": (
        "{scale}the re-run agrees with the paper’s direction: {found}. "
        "It says nothing {certain}about the paper’s size, {paper}."
    ),
    "CONTRADICTED": (
        "{scale}the re-run contradicts the paper: {found}. The whole interval falls short of "
        "{bound}, which is {share} of the {paper} that the paper prints."
    ),
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide whether the paper’s {paper} holds: {found}. "
        "The interval leaves room for both a gain and no gain."
    ),
}
_SMALLER = (
    "{scale}the re-run finds the paper’s direction but contradicts its size: {found}. The whole "
    "interval falls short of {bound}, which is {share} of the {paper} that the paper prints."
)
_SIGN = (
    "{scale}the re-run contradicts the paper’s direction: {found}. The paper prints {paper}, and "
    "only its sign is judged here."
)
_DIRECTION: dict[Rung, str] = {
    "DIRECTION": (
        "{scale}the re-run agrees with the paper’s direction: {found}. "
        "The paper gives no size to compare with."
    ),
    "CONTRADICTED": "{scale}the re-run contradicts the paper’s direction: {found}.",
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide the direction: {found}. "
        "The interval leaves room for both signs."
    ),
}
_NO_BETTER: dict[Rung, str] = {
    "SUBSTANTIAL": (
        "{scale}the re-run agrees with the paper: nothing tried is better than {reference} by "
        "{delta} {points} or more. {found}."
    ),
    "CONTRADICTED": (
        "{scale}the re-run contradicts the paper: {better} is better than {reference} by "
        "more than the {delta} {points} that the claim allows. {found}."
    ),
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide whether anything tried is better than {reference} by "
        "{delta} {points} or more. {found}."
    ),
}
_ENOUGH: dict[Rung, str] = {
    "DIRECTION": (
        "{scale}the re-run agrees with the paper: at least {at_least} of {of} are established to "
        "be better than {reference}, as the claim asks. {found}."
    ),
    "CONTRADICTED": (
        "{scale}the re-run contradicts the paper: the claim asks for {at_least} of {of} to be "
        "better than {reference}, and too many are established to be worse. {found}."
    ),
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide whether {at_least} of {of} are better than {reference}, "
        "as the claim says. {found}."
    ),
}
_ORDER: dict[Rung, str] = {
    "DIRECTION": "{scale}the re-run agrees with the paper’s order, {order}. {found}.",
    "CONTRADICTED": "{scale}the re-run contradicts the paper’s order, {order}. {found}.",
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide the paper’s order, {order}: of {open} the interval leaves "
        "room for both signs. {found}."
    ),
}
_AGREES: tuple[Rung, ...] = ("QUANTITATIVE", "SUBSTANTIAL", "DIRECTION")


def verdict_sentence(comparison: Comparison) -> str:
    """One or two sentences: what was found, and what that says about the claim."""
    if comparison.verdict.rung == "INVALID" or not comparison.effects:
        return _INVALID
    template, parts = _form(comparison)
    scale = "At this small scale " if comparison.scaled_down else ""
    text = template.format(scale=scale, **parts)
    return text[0].upper() + text[1:]


def _form(comparison: Comparison) -> tuple[str, dict[str, str]]:
    """The kind's template for the rung, and what stands in its gaps."""
    rung, kind = comparison.verdict.rung, comparison.claim.kind
    if kind == "no_better":
        form = _NO_BETTER["SUBSTANTIAL" if rung in _AGREES else rung]
        return form, _no_better_parts(comparison)
    if kind == "ordering":
        return _ORDER["DIRECTION" if rung in _AGREES else rung], _order_parts(comparison)
    if comparison.verdict.rule.at_least is not None:
        return _ENOUGH["DIRECTION" if rung in _AGREES else rung], _enough_parts(comparison)
    if comparison.effects[0].reported is None:
        form = _DIRECTION[rung if rung in _DIRECTION else "DIRECTION"]
        return form, {"found": _found(comparison, comparison.effects[0])}
    return _gain_template(comparison), _gain_parts(comparison)


def scale_line(comparison: Comparison) -> str:
    """The first line of a scaled-down run’s report; empty for a run at the paper’s scale."""
    return SCALE.format(profile=comparison.profile.id) if comparison.scaled_down else ""


def scope(comparison: Comparison) -> str:
    """What an average runs over, e.g. "averaged over nine languages and two seeds"."""
    seeds = count(len(comparison.seeds), "seed")
    if several(comparison):
        return f"averaged over {count(len(comparison.claim.targets), 'task')} and {seeds}"
    languages = [code for codes in comparison.languages.values() for code in codes]
    if len(languages) == 1:
        return f"in {language(languages[0])}, over {seeds}"
    return f"averaged over {count(len(languages), 'language')} and {seeds}"


def label(comparison: Comparison, system: str) -> str:
    """A system's label, or its id where the comparison doesn’t describe it."""
    return next((one.label for one in comparison.systems if one.id == system), system)


def pair(comparison: Comparison, effect: Effect) -> str:
    """The difference by name: "English SQuAD first − no intermediate training"."""
    treatment, baseline = label(comparison, effect.treatment), label(comparison, effect.baseline)
    minus = f"{treatment} \N{MINUS SIGN} {baseline}"
    if not effect.groups:
        return minus
    first, second = (_group(comparison, group) for group in effect.groups)
    return f"gain of {first} \N{MINUS SIGN} gain of {second} ({minus})"


def _group(comparison: Comparison, group: str) -> str:
    """A group of targets by their titles."""
    return listing([short_title(comparison, name) for name in group.split(", ")])


def _found(comparison: Comparison, effect: Effect) -> str:
    """What was measured: "T scored 4.2 EM points (90 % interval 1.1 to 7.3) above B, ..."."""
    estimate = effect.same_items
    below = estimate.value < 0
    of = "of the difference " if below else ""
    return (
        f"{label(comparison, effect.treatment)} scored {number(abs(estimate.value))} "
        f"{points(estimate.metric)} ({two_sided(estimate)} interval {of}"
        f"{interval(estimate)}) {'below' if below else 'above'} "
        f"{label(comparison, effect.baseline)}, {scope(comparison)}"
    )


def _differences(comparison: Comparison, effects: Sequence[Effect], lead: str) -> str:
    """Every difference with its interval; of many the lowest and the highest."""
    if len(effects) > PAIRS:
        by_value = sorted(effects, key=lambda effect: effect.same_items.value)
        ends = " to ".join(
            f"{signed(effect.same_items.value)} ({label(comparison, effect.treatment)})"
            for effect in (by_value[0], by_value[-1])
        )
        return f"{lead}, {scope(comparison)}: from {ends}"
    each = [
        f"{_name(comparison, effect, effects)} {signed(effect.same_items.value)} "
        f"({two_sided(effect.same_items)} interval {interval(effect.same_items)})"
        for effect in effects
    ]
    return f"{lead}, {scope(comparison)}: {listing(each)}"


def _name(comparison: Comparison, effect: Effect, effects: Sequence[Effect]) -> str:
    """The treatment alone where all are compared with one system."""
    shared = len({one.baseline for one in effects}) == 1 and not effect.groups
    return label(comparison, effect.treatment) if shared else pair(comparison, effect)


def _gain_template(comparison: Comparison) -> str:
    verdict = comparison.verdict
    if verdict.rung == "CONTRADICTED" and "SMALLER" in verdict.flags:
        return _SMALLER
    if verdict.rung == "CONTRADICTED" and (sign_only(comparison) or not verdict.rule.retention):
        return _SIGN
    return _GAIN[verdict.rung]


def _gain_parts(comparison: Comparison) -> dict[str, str]:
    effect, rule = comparison.effects[0], comparison.verdict.rule
    assert effect.reported is not None
    return {
        "found": _found(comparison, effect),
        "paper": printed(effect.reported, sign=True),
        "share": percent(rule.retention),
        "bound": signed(rule.retention * effect.reported.value, effect.reported.decimals + 1),
        "certain": "" if sign_only(comparison) else "certain ",
    }


def _no_better_parts(comparison: Comparison) -> dict[str, str]:
    effects, delta = judged(comparison), comparison.verdict.rule.delta
    # The bounds shown are each alternative's own; the rule's are wider where there are several.
    # Whatever contradicts the claim, the highest lower bound does.
    best = max(effects, key=lambda effect: effect.same_items.lower)
    return {
        "found": _differences(comparison, effects, "Difference to it"),
        "reference": label(comparison, effects[0].baseline),
        "better": label(comparison, best.treatment),
        "delta": number(delta),
        "points": points(effects[0].same_items.metric),
    }


def _enough_parts(comparison: Comparison) -> dict[str, str]:
    effects = judged(comparison)
    return {
        "found": _differences(comparison, effects, "Difference to it"),
        "reference": label(comparison, effects[0].baseline),
        "of": count(len(effects), "alternative"),
        "at_least": in_words(comparison.verdict.rule.at_least or 0),
    }


def _order_parts(comparison: Comparison) -> dict[str, str]:
    effects = judged(comparison)
    lead = "Difference" if len(effects) == 1 else "Differences"
    undecided = [e for e in effects if e.same_items.lower <= 0 <= e.same_items.upper] or effects
    return {
        "found": _differences(comparison, effects, lead),
        "order": " > ".join(_order(comparison, effects)),
        "open": listing([pair(comparison, effect) for effect in undecided]),
    }


def _order(comparison: Comparison, effects: Sequence[Effect]) -> list[str]:
    if effects[0].groups:
        names = dict.fromkeys(group for effect in effects for group in effect.groups)
        return [f"gain of {_group(comparison, name)}" for name in names]
    names = dict.fromkeys(one for effect in effects for one in (effect.treatment, effect.baseline))
    return [label(comparison, name) for name in names]
