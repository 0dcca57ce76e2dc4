"""Estimates -> rungs, flags and reasons, as docs/verdict.md has them.

Numbers used throughout (tau0 2.5, nu0 4; t quantiles from printed tables): with one seed a
one-sided 95 % bound lies 2.132 * 2.5 = 5.33 away from the gain; with three seeds that agree
exactly v = 25 / 6, SE = 1.179 and it lies 1.943 * 1.179 = 2.29 away.
"""

import numpy as np
import pytest

from harness.errors import DataError, ManifestError, UsageError
from harness.models import Evidence, Reported, VerdictRule
from harness.statistics import (
    Circumstances,
    ItemScores,
    combined,
    confidence_at,
    effect,
    judge,
    level,
    more_seeds_would_decide,
    seeds_needed,
)
from harness.statistics.rungs import chance_lift

REQUIRED = {"paper": "SUBSTANTIAL", "mini": "DIRECTION"}
RULE = VerdictRule(version=1, required_rung=REQUIRED)
PAPER = Circumstances(profile="paper", scaled_down=False)
MINI = Circumstances(profile="mini", scaled_down=True)
BASE = 45.0


def printed(value, seeds=None):
    """A number that the paper prints."""
    evidence = Evidence(arxiv="2005.13013", table="3", status="primary")
    return Reported(value=value, seeds=seeds, evidence=evidence)


def system(per_seed):
    """Item scores of one language with the given score of each seed."""
    return ItemScores({"en": np.array([[score] * 2 for score in per_seed])}, {"en": ["a", "b"]})


def pair(gains, paper=None, name="squad", paper_seeds=None):
    """The effect of a treatment that is better by `gains`, a number a seed."""
    treatment, baseline = system([BASE + gain for gain in gains]), system([BASE] * len(gains))
    return effect(
        {"em": treatment},
        {"em": baseline},
        RULE,
        names=(name, "none"),
        metric="em",
        reported=None if paper is None else printed(paper, paper_seeds),
    )


def levels_of(gains, paper, baseline=BASE, seeds=None):
    """Levels of both systems beside the paper's `baseline` and `baseline + paper`."""
    treated, base = system([BASE + gain for gain in gains]), system([BASE] * len(gains))
    return [
        level(treated, printed(baseline + paper, seeds), RULE, False, system="squad", metric="em"),
        level(base, printed(baseline, seeds), RULE, False, system="none", metric="em"),
    ]


def gain(gains, paper, circumstances=PAPER, rule=RULE, levels=()):
    """The verdict on a `gain`."""
    return judge("gain", [pair(gains, paper)], levels, rule, circumstances)


def test_quantitative_needs_the_printed_gain_and_both_levels():
    """14.5 -+ 2.29 lies within 14.5 -+ 3.625."""
    verdict = gain([14.5] * 3, 14.5, levels=levels_of([14.5] * 3, 14.5))
    assert (verdict.rung, verdict.met) == ("QUANTITATIVE", True)


def test_unknown_levels_keep_a_gain_from_quantitative():
    """Without levels nobody can tell whether a weak baseline made the gain."""
    assert gain([14.5] * 3, 14.5).rung == "SUBSTANTIAL"


def test_differing_levels_keep_a_gain_from_quantitative():
    """Baseline 45 here, 55 in the paper: further than 1.943 * sqrt(25/6 * 4/3) = 4.58."""
    levels = levels_of([14.5] * 3, 14.5, baseline=55.0)
    verdict = gain([14.5] * 3, 14.5, levels=levels)
    assert verdict.rung == "SUBSTANTIAL"
    assert "LEVELS_DIFFER" in verdict.flags


def test_single_seed_caps_at_substantial():
    """A margin of 20 would let one seed through: 14.5 -+ 5.33."""
    rule = RULE.model_copy(update={"margin": 20.0})
    verdict = gain([14.5], 14.5, rule=rule, levels=levels_of([14.5], 14.5))
    assert verdict.rung == "SUBSTANTIAL"
    assert "SINGLE_SEED" in verdict.flags


def test_substantial_keeps_half_of_the_gain():
    """10 - 2.29 = 7.71 is above 7.25, but 10 is too far from 14.5 for QUANTITATIVE."""
    verdict = gain([10.0] * 3, 14.5, levels=levels_of([10.0] * 3, 14.5))
    assert verdict.rung == "SUBSTANTIAL"


def test_direction_where_the_size_stays_open():
    """8 -+ 2.29 holds 7.25 and lies above 0; the paper profile asks for more."""
    verdict = gain([8.0] * 3, 14.5)
    assert (verdict.rung, verdict.met) == ("DIRECTION", False)


def test_contradicted_though_the_sign_is_right():
    """4.5 + 2.29 = 6.79 is below 7.25, and 4.5 - 2.29 above 0."""
    verdict = gain([4.5] * 3, 14.5)
    assert verdict.rung == "CONTRADICTED"
    assert "SMALLER" in verdict.flags


def test_contradicted_without_a_sure_sign_is_not_smaller():
    """1 + 2.29 = 3.29 is below 7.25, but 1 - 2.29 isn't above 0."""
    verdict = gain([1.0] * 3, 14.5)
    assert verdict.rung == "CONTRADICTED"
    assert "SMALLER" not in verdict.flags


def test_inconclusive_between_all_bounds():
    """1 -+ 5.33 holds 0 and the 2.5 that half of 5 is."""
    assert gain([1.0], 5.0).rung == "INCONCLUSIVE"


def test_a_reported_loss_is_judged_in_its_own_direction():
    """A loss of 10 where the paper lost 14.5 mirrors `substantial`."""
    assert gain([-10.0] * 3, -14.5).rung == "SUBSTANTIAL"


def test_exceeds_beyond_the_margin():
    """20 - 14.5 - 2.29 = 3.21 isn't above 3.625, 21 - 14.5 - 2.29 = 4.21 is."""
    assert "EXCEEDS" not in gain([20.0] * 3, 14.5).flags
    assert "EXCEEDS" in gain([21.0] * 3, 14.5).flags


@pytest.mark.parametrize(
    ("value", "rung"), [(14.5, "DIRECTION"), (4.5, "DIRECTION"), (-6.0, "CONTRADICTED")]
)
@pytest.mark.parametrize(
    "circumstances",
    [MINI, Circumstances(profile="mini", scaled_down=False, unverified_evidence=True)],
    ids=["scaled down", "unverified"],
)
def test_sign_only_runs_never_reach_a_size(value, rung, circumstances):
    """Three seeds that would be QUANTITATIVE, SMALLER and CONTRADICTED show their sign."""
    levels = levels_of([value] * 3, 14.5)
    assert gain([value] * 3, 14.5, circumstances, levels=levels).rung == rung


def test_retention_zero_shows_direction():
    """With rho = 0 SUBSTANTIAL and DIRECTION are the same rule."""
    rule = RULE.model_copy(update={"retention": 0.0})
    assert gain([14.5] * 3, 14.5, rule=rule).rung == "DIRECTION"


@pytest.mark.parametrize(
    ("value", "rung"), [(5.4, "DIRECTION"), (5.3, "INCONCLUSIVE"), (-5.4, "CONTRADICTED")]
)
def test_direction_kind_needs_no_number(value, rung):
    """One seed decides beyond 5.33."""
    assert judge("direction", [pair([value])], [], RULE, PAPER).rung == rung


def test_too_few_seeds_are_invalid():
    """No verdict, and never met."""
    rule = RULE.model_copy(update={"min_seeds": 3})
    verdict = gain([14.5] * 2, 14.5, rule=rule)
    assert (verdict.rung, verdict.met) == ("INVALID", False)
    assert verdict.reasons == ("2 seeds run; the rule asks for 3 or more: no verdict",)


def test_contradicted_is_met_only_where_it_is_asked_for():
    """A claim that is known not to hold can say so."""
    rule = RULE.model_copy(update={"required_rung": {"paper": "CONTRADICTED"}})
    assert gain([-6.0] * 3, 14.5, rule=rule).met
    assert not gain([14.5] * 3, 14.5, rule=rule).met


def test_a_profile_that_the_rule_does_not_name_asks_for_a_direction():
    """A user's own profile needs no entry in every claim."""
    own = Circumstances(profile="my-own", scaled_down=False)
    assert gain([14.5], 14.5, own).required == "DIRECTION"


def test_gain_of_zero_is_refused():
    """Zero has no sign to reproduce."""
    with pytest.raises(ManifestError, match="a gain of 0"):
        gain([1.0], 0.0)


def test_gain_compares_one_pair():
    """Two effects are two claims."""
    with pytest.raises(DataError, match="exactly one"):
        judge("gain", [pair([1.0], 2.0)] * 2, [], RULE, PAPER)


def test_circumstances_become_flags_in_the_order_of_the_list():
    """Everything that a reader must know stands on the verdict."""
    circumstances = Circumstances(
        profile="mini",
        scaled_down=True,
        unverified_evidence=True,
        protocol_deviation=True,
        hash_on_first_use=True,
        transcription_doubt=True,
        looks=2,
    )
    assert gain([14.5], 14.5, circumstances).flags == (
        "SINGLE_SEED",
        "PRIOR_DRIVEN",
        "SEEDS_ADDED",
        "PROTOCOL_DEVIATION",
        "SCALED_DOWN",
        "UNVERIFIED_EVIDENCE",
        "HASH_ON_FIRST_USE",
        "TRANSCRIPTION_DOUBT",
    )


def test_prior_driven_until_the_seeds_weigh_as_much():
    """nu0 = 4 is above S - 1 with four seeds, not with five."""
    assert "PRIOR_DRIVEN" in gain([14.5] * 4, 14.5).flags
    assert "PRIOR_DRIVEN" not in gain([14.5] * 5, 14.5).flags


def test_paper_variance_is_known_where_the_paper_says_its_runs():
    """Both levels and the gain with a number of runs: no flag."""
    levels = levels_of([14.5] * 3, 14.5, seeds=3)
    known = judge("gain", [pair([14.5] * 3, 14.5, paper_seeds=3)], levels, RULE, PAPER)
    assert "PAPER_VARIANCE_UNKNOWN" not in known.flags
    assert "PAPER_VARIANCE_UNKNOWN" in gain([14.5] * 3, 14.5, levels=levels).flags


def test_levels_of_other_systems_and_metrics_are_left_out():
    """A variant's level, or F1, raises no flag."""
    other = levels_of([14.5] * 3, 14.5, baseline=80.0)
    strays = [
        other[0].model_copy(update={"system": "variant"}),
        other[1].model_copy(update={"metric": "f1"}),
    ]
    assert "LEVELS_DIFFER" not in gain([14.5] * 3, 14.5, levels=strays).flags


def test_seeds_added_after_a_look_widen_the_bounds():
    """6 is above 5.33; at 5/3 % t with 4 df is above 2.999 (its 2 % point): 7.5 and more."""
    again = Circumstances(profile="paper", scaled_down=False, looks=2)
    assert judge("direction", [pair([6.0])], [], RULE, PAPER).rung == "DIRECTION"
    assert judge("direction", [pair([6.0])], [], RULE, again).rung == "INCONCLUSIVE"
    assert confidence_at(2) == pytest.approx(1 - 0.05 / 3)


def test_a_fourth_look_is_refused():
    """Seeds may be added twice."""
    fourth = Circumstances(profile="paper", scaled_down=False, looks=4)
    with pytest.raises(UsageError, match="at most twice"):
        gain([14.5], 14.5, fourth)


def test_reasons_name_every_test_with_its_numbers():
    """From the top down to the rung that holds: 8 -+ 2.29 against 14.5, 7.25 and 0."""
    reasons = gain([8.0] * 3, 14.5).reasons
    assert reasons[-4:] == (
        "QUANTITATIVE not reached: difference from the paper's gain between -8.79 and -4.21,"
        " margin 3.62 either way; asks for SUBSTANTIAL, two seeds and compatible levels too",
        "SUBSTANTIAL not reached: lower bound of the gain 5.71 is below 7.25"
        " (0.5 of the paper's 14.50)",
        "CONTRADICTED not reached: upper bound of the gain 10.29 is above 7.25"
        " (0.5 of the paper's 14.50)",
        "DIRECTION holds: lower bound of the gain 5.71 is above 0.00",
    )


def no_better(differences, circumstances=PAPER):
    """The verdict on alternatives that differ from the reference by so much, one seed each."""
    effects = [pair([value], name=f"alt{i}") for i, value in enumerate(differences)]
    return judge("no_better", effects, [], RULE, circumstances)


def test_no_better_holds_where_every_upper_bound_is_below_delta():
    """-4 + 5.33 = 1.33 is below 2."""
    assert no_better([-4.0, -5.0]).rung == "SUBSTANTIAL"


def test_no_better_of_a_scaled_down_run_shows_direction():
    """The same numbers from mini."""
    assert no_better([-4.0, -5.0], MINI).rung == "DIRECTION"


def test_no_better_stays_open_where_one_bound_does():
    """-3 + 5.33 = 2.33 isn't below 2."""
    assert no_better([-4.0, -3.0]).rung == "INCONCLUSIVE"


def test_no_better_is_contradicted_by_one_alternative():
    """Two alternatives: t at 97.5 % is 2.776, 6.94 away; 9.2 - 6.94 = 2.26 is above 2."""
    assert no_better([9.2, -5.0]).rung == "CONTRADICTED"


def test_no_better_corrects_for_the_number_of_alternatives():
    """8 - 5.33 = 2.67 contradicts alone; beside another 8 - 6.94 = 1.06 doesn't."""
    assert no_better([8.0]).rung == "CONTRADICTED"
    assert no_better([8.0, -5.0]).rung == "INCONCLUSIVE"


def test_no_better_tells_wins_per_language():
    """Each alternative has its line."""
    assert "better in 0, worse in 1 languages" in no_better([-4.0, -5.0]).reasons[0]


def test_no_better_without_alternatives_is_refused():
    """Nothing was compared."""
    with pytest.raises(DataError, match="one or more"):
        judge("no_better", [], [], RULE, PAPER)


def test_quantitative_for_a_gain_of_two_takes_eight_seeds():
    """Margin 1. Eight: v = 25 / 11, SE 0.533, t(11) 1.796: 0.957. Seven: 1.812 * 0.598 = 1.08."""
    assert seeds_needed("QUANTITATIVE", 2.0, RULE) == 8


def test_one_seed_can_show_a_large_gain_but_not_its_number():
    """5.33 is below the 7.25 left of 14.5; its number takes two: 2.015 * 1.581 = 3.19 < 3.625."""
    assert seeds_needed("SUBSTANTIAL", 14.5, RULE) == 1
    assert seeds_needed("QUANTITATIVE", 14.5, RULE) == 2


def test_more_seeds_would_decide_at_the_next_look():
    """3, one seed, v = 6.25. At 5/3 % t(7) = 2.63: 3.29 with four; t(8) = 2.57: 2.87 with five."""
    assert more_seeds_would_decide("direction", [pair([3.0])], RULE, PAPER) == 4


def test_no_seeds_decide_a_difference_of_zero():
    """Its bounds never leave 0."""
    assert more_seeds_would_decide("direction", [pair([0.0])], RULE, PAPER) is None


def test_inconclusive_says_how_many_seeds_would_help():
    """The last reason is the way out."""
    verdict = judge("direction", [pair([3.0])], [], RULE, PAPER)
    assert verdict.reasons[-1] == (
        "adding 4 seeds would decide it, if mean and spread stay as they are"
    )


def test_inconclusive_at_the_last_look_offers_no_more_seeds():
    """Seeds were added twice."""
    third = Circumstances(profile="paper", scaled_down=False, looks=3)
    verdict = judge("direction", [pair([3.0])], [], RULE, third)
    assert verdict.reasons[-1] == "seeds were added twice already: start a new run with more seeds"


def ordering(differences, circumstances=PAPER):
    """The verdict on an order whose neighbours differ by so much, one seed each."""
    effects = [pair([value], name=f"system{i}") for i, value in enumerate(differences)]
    return judge("ordering", effects, [], RULE, circumstances)


def test_an_ordering_holds_where_every_pair_does():
    """Both beyond 5.33; nothing is corrected, since both must pass."""
    assert ordering([5.4, 6.0]).rung == "DIRECTION"


def test_the_weakest_pair_decides():
    """5.3 isn't above 5.33, and it is named."""
    verdict = ordering([9.0, 5.3])
    assert verdict.rung == "INCONCLUSIVE"
    assert verdict.reasons[2] == "the weakest pair decides: system1 minus none"


def test_one_pair_the_other_way_round_contradicts_an_ordering():
    """Alone -5.4 does; of two pairs a bound lies 2.776 * 2.5 = 6.94 away, so it takes -7."""
    assert ordering([-5.4]).rung == "CONTRADICTED"
    assert ordering([9.0, -5.4]).rung == "INCONCLUSIVE"
    assert ordering([9.0, -7.0]).rung == "CONTRADICTED"


def test_an_ordering_of_nothing_is_refused():
    """No pair was compared."""
    with pytest.raises(DataError, match="one or more for `ordering`"):
        judge("ordering", [], [], RULE, PAPER)


def at_least(needed, differences):
    """The verdict on alternatives that differ from the reference by so much, one seed each."""
    effects = [pair([value], name=f"alt{i}") for i, value in enumerate(differences)]
    rule = RULE.model_copy(update={"at_least": needed})
    return judge("direction", effects, [], rule, PAPER)


def test_so_many_alternatives_are_better():
    """Of two each bound lies 6.94 away: one above it is enough for one, not for two."""
    assert at_least(1, [7.0, -2.0]).rung == "DIRECTION"
    assert at_least(2, [7.0, 6.9]).rung == "INCONCLUSIVE"
    assert at_least(2, [7.0, 7.0]).rung == "DIRECTION"


def test_so_many_are_contradicted_where_too_few_are_left():
    """Two of two: one that is surely worse leaves one. One of two: both must be."""
    assert at_least(2, [9.0, -7.0]).rung == "CONTRADICTED"
    assert at_least(1, [0.0, -7.0]).rung == "INCONCLUSIVE"
    assert at_least(1, [-7.0, -7.0]).rung == "CONTRADICTED"


def test_so_many_are_counted_in_words():
    """Every alternative has its line, and then the count."""
    reasons = at_least(1, [7.0, -2.0]).reasons
    assert reasons[0] == (
        "alt0 minus none: 7.00 points; bounds (97.5%) 0.06 and 13.94;"
        " better in 1, worse in 0 languages"
    )
    assert reasons[-2:] == (
        "of 2 alternatives 1 are surely better, 0 surely worse",
        "at least 1 are better",
    )


@pytest.mark.parametrize("needed", [3, 9])
def test_more_than_there_are_cannot_be_asked_for(needed):
    """Two alternatives are compared."""
    with pytest.raises(ManifestError, match=f"got {needed} of 2 alternatives; expected 1 to 2"):
        at_least(needed, [1.0, 2.0])


def over_tasks(gains):
    """The effect of a treatment that is better by `gains`, task -> points, in one seed."""
    treated, plain = (
        combined({task: system([BASE + sign * value]) for task, value in gains.items()})
        for sign in (1, 0)
    )
    return effect(
        {"score": treated},
        {"score": plain},
        RULE,
        names=("squad", "none"),
        metric="score",
        reported=printed(8.0),
    )


def test_an_aggregate_is_judged_as_a_gain():
    """(4 + 16) / 2 - 5.33 = 4.67 is above half of 8."""
    verdict = judge("aggregate", [over_tasks({"qa": 4.0, "nli": 16.0})], [], RULE, PAPER)
    assert verdict.rung == "SUBSTANTIAL"
    assert "better in 2, worse in 0 languages of 2 tasks" in verdict.reasons


def test_no_better_may_be_about_an_aggregate():
    """(-20 + 12) / 2 + 5.33 = 1.33 is below 2."""
    found = judge("no_better", [over_tasks({"qa": -20.0, "nli": 12.0})], [], RULE, PAPER)
    assert found.rung == "SUBSTANTIAL"
    assert "better in 1, worse in 1 languages of 2 tasks" in found.reasons[0]


def test_a_maximum_is_called_one():
    """Of three equal systems the best looks 0.846 / sqrt(2) errors (2.5) too good: 1.50 points."""
    known = Circumstances(profile="paper", scaled_down=False, best_of={"squad": 3})
    verdict = gain([14.5], 14.5, known)
    assert verdict.reasons[-1] == (
        "squad is for each target the best of 3 systems, chosen on these scores: of equal ones the"
        " best would look about 0.60 standard errors of a target's difference too good, 1.50"
        " points; the paper's number is such a maximum too, so nothing is subtracted"
    )
    assert verdict.rung == gain([14.5], 14.5).rung


@pytest.mark.parametrize(("candidates", "lift"), [(1, 0.0), (2, 0.564), (3, 0.846), (9, 1.485)])
def test_the_best_of_equal_systems_is_lifted_by_chance(candidates, lift):
    """Expected maximum of standard normal numbers, from printed tables (of two 1 / sqrt(pi))."""
    assert chance_lift(candidates) == pytest.approx(lift, abs=1e-3)


def test_so_many_of_several_take_more_seeds_than_one():
    """A gain of 5, seeds that agree: two show it, 2.015 * 1.581 = 3.19; of five at 99 % three.

    Two: t(5) 3.365 * 1.581 = 5.32. Three: t(6) 3.143 * 1.179 = 3.70.
    """
    assert seeds_needed("DIRECTION", 5.0, RULE) == 2
    assert seeds_needed("DIRECTION", 5.0, RULE, differences=5) == 3


def test_more_seeds_are_thought_of_for_every_kind():
    """5.3 of an ordering's weakest pair: at 5/3 % two seeds bring t(5) 2.91 * 1.77 = 5.14."""
    effects = [pair([9.0]), pair([5.3])]
    assert more_seeds_would_decide("ordering", effects, RULE, PAPER) == 1


def test_a_maximum_of_several_targets_is_one_for_each():
    """So no number of points belongs to their mean; and the paper gives none here."""
    known = Circumstances(profile="paper", scaled_down=False, best_of={"none": 9})
    effects = [over_tasks({"qa": 4.0, "nli": 16.0}).model_copy(update={"reported": None})]
    verdict = judge("direction", effects, [], RULE, known)
    assert verdict.reasons[-1].startswith("none is for each target the best of 9 systems")
    assert verdict.reasons[-1].endswith("of a target's difference too good; nothing is subtracted")
