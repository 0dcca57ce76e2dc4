"""The verdict in a sentence that a non-specialist understands: one for every rung and kind."""

from __future__ import annotations

from harness.models import Rung
from harness.records import Comparison, Effect
from harness.report.terms import sign_only
from harness.report.words import (
    METRICS,
    count,
    interval,
    language,
    listing,
    number,
    percent,
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
        "{delta} {metric} points or more. {found}."
    ),
    "CONTRADICTED": (
        "{scale}the re-run contradicts the paper: {better} {is_are} better than {reference} by "
        "more than the {delta} {metric} points that the claim allows. {found}."
    ),
    "INCONCLUSIVE": (
        "{scale}the re-run can’t decide whether anything tried is better than {reference} by "
        "{delta} {metric} points or more. {found}."
    ),
}


def verdict_sentence(comparison: Comparison) -> str:
    """One or two sentences: what was found, and what that says about the claim."""
    rung, kind = comparison.verdict.rung, comparison.claim.kind
    if rung == "INVALID" or not comparison.effects:
        return _INVALID
    if kind == "no_better":
        agrees = rung in ("QUANTITATIVE", "SUBSTANTIAL", "DIRECTION")
        template = _NO_BETTER["SUBSTANTIAL" if agrees else rung]
        parts = _no_better_parts(comparison)
    elif comparison.effects[0].reported is None:
        template = _DIRECTION[rung if rung in _DIRECTION else "DIRECTION"]
        parts = {"found": _found(comparison, comparison.effects[0])}
    else:
        template = _gain_template(comparison)
        parts = _gain_parts(comparison)
    scale = "At this small scale " if comparison.scaled_down else ""
    text = template.format(scale=scale, **parts)
    return text[0].upper() + text[1:]


def scale_line(comparison: Comparison) -> str:
    """The first line of a scaled-down run’s report; empty for a run at the paper’s scale."""
    return SCALE.format(profile=comparison.profile.id) if comparison.scaled_down else ""


def scope(comparison: Comparison) -> str:
    """What an average runs over, e.g. "averaged over nine languages and two seeds"."""
    languages = comparison.languages
    seeds = count(len(comparison.seeds), "seed")
    if len(languages) == 1:
        return f"in {language(languages[0])}, over {seeds}"
    return f"averaged over {count(len(languages), 'language')} and {seeds}"


def label(comparison: Comparison, system: str) -> str:
    """A system's label, or its id where the comparison doesn’t describe it."""
    return next((one.label for one in comparison.systems if one.id == system), system)


def pair(comparison: Comparison, effect: Effect) -> str:
    """The difference by name: "English SQuAD first − no intermediate training"."""
    treatment, baseline = label(comparison, effect.treatment), label(comparison, effect.baseline)
    return f"{treatment} \N{MINUS SIGN} {baseline}"


def _found(comparison: Comparison, effect: Effect) -> str:
    """What was measured: "T scored 4.2 EM points (90 % interval 1.1 to 7.3) above B, ..."."""
    estimate = effect.same_items
    below = estimate.value < 0
    of = "of the difference " if below else ""
    return (
        f"{label(comparison, effect.treatment)} scored {number(abs(estimate.value))} "
        f"{METRICS[estimate.metric]} points ({two_sided(estimate)} interval {of}"
        f"{interval(estimate)}) {'below' if below else 'above'} "
        f"{label(comparison, effect.baseline)}, {scope(comparison)}"
    )


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
    effects, delta = comparison.effects, comparison.verdict.rule.delta
    first = effects[0].same_items
    # The bounds already carry the correction for several alternatives.
    better = [e for e in effects if e.same_items.lower > delta] or list(effects)
    differences = [
        f"{label(comparison, effect.treatment)} {signed(effect.same_items.value)} "
        f"({two_sided(effect.same_items)} interval {interval(effect.same_items)})"
        for effect in effects
    ]
    return {
        "found": f"Difference to it, {scope(comparison)}: {listing(differences)}",
        "reference": label(comparison, effects[0].baseline),
        "better": listing([label(comparison, effect.treatment) for effect in better]),
        "is_are": "is" if len(better) == 1 else "are",
        "delta": number(delta),
        "metric": METRICS[first.metric],
    }
