"""CV* of levels, agreement over languages, the best of several runs, and fewest seeds by rung."""

import pytest
from test_statistics import RULE, reported, scores

from harness.models import Evidence, Reported, VerdictRule
from harness.statistics import Circumstances, agreement, effect, judge, level, printed_differences
from harness.statistics.agreement import cv_star

PAPER = Circumstances(profile="paper", scaled_down=False)
MINI = Circumstances(profile="mini", scaled_down=True)


def printed(value, **more):
    """A number that the paper prints."""
    evidence = Evidence(arxiv="2005.13013", table="3", status="primary")
    return Reported(value=value, evidence=evidence, **more)


def test_cv_star_of_two_levels():
    """45, 50: s = 5 / sqrt(2), c4(2) = 0.797885, so s* = 4.4311; 112.5 % of that over 47.5."""
    assert cv_star((45.0, 50.0)) == pytest.approx(112.5 * 4.43113 / 47.5, rel=1e-5)


def test_cv_star_of_three_measurements():
    """9, 10, 11: s = 1, c4(3) = 0.886227; (1 + 1/12) / 0.886227 / 10."""
    assert cv_star((9.0, 10.0, 11.0)) == pytest.approx(100 * (13 / 12) / 0.886227 / 10, rel=1e-5)


def test_equal_levels_vary_by_nothing_and_zero_ones_by_nothing_that_is_defined():
    """0 % at 45, 45; a mean of 0 has no coefficient."""
    assert cv_star((45.0, 45.0)) == 0
    assert cv_star((0.0, 0.0)) is None


def test_a_level_carries_its_cv_star_and_its_languages():
    """Mean 50 beside the paper's 45; en and ru 10 and 0 off: RMSE sqrt(50) = 7.07."""
    found = level(
        scores({"en": [[60.0]], "ru": [[40.0]]}),
        reported(45.0),
        RULE,
        False,
        system="none",
        metric="em",
        per_language={"en": printed(50.0), "ru": printed(40.0)},
    )
    assert found.cv == cv_star((50.0, 45.0))
    assert found.reported_per_language["en"].value == 50.0
    assert found.agreement.rmse == pytest.approx(50**0.5)
    assert found.agreement.same_sign is None


def test_a_scaled_down_level_is_beside_nothing():
    """Another encoder on other questions."""
    found = level(
        scores({"en": [[60.0]]}),
        reported(45.0),
        RULE,
        True,
        system="none",
        metric="em",
        per_language={"en": printed(50.0)},
    )
    assert (found.compatible, found.cv, found.agreement) == (None, None, None)


def test_agreement_over_languages():
    """Differences 3, -1, 2, 5 beside 4, 1, 2, 3: signs agree in 3.

    Ranks 3 1 2 4 and 4 1 2 3: rho = 1 - 6 (1 + 0 + 0 + 1) / (4 (16 - 1)) = 0.8;
    RMSE = sqrt((1 + 4 + 0 + 4) / 4) = 1.5.
    """
    ours = {"ar": 3.0, "bn": -1.0, "en": 2.0, "fi": 5.0, "xx": 9.0}
    found = agreement(ours, {"ar": 4.0, "bn": 1.0, "en": 2.0, "fi": 3.0, "yy": 1.0}, signs=True)
    assert (found.languages, found.same_sign) == (4, 3)
    assert found.rank_correlation == pytest.approx(0.8)
    assert found.rmse == pytest.approx(1.5)


def test_two_languages_have_no_rank_correlation():
    """It would be 1 or -1 whatever they are; nor have numbers that are all equal."""
    assert agreement({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}).rank_correlation is None
    flat = dict.fromkeys("abc", 1.0)
    assert agreement(flat, {"a": 1.0, "b": 2.0, "c": 3.0}).rank_correlation is None


def test_without_common_languages_there_is_no_agreement():
    """The paper prints none of ours."""
    assert agreement({"a": 1.0}, {}) is None


def test_the_papers_differences_need_both_systems():
    """Printed for en twice, for ru once."""
    treatment = {"en": printed(59.0), "ru": printed(40.0)}
    assert printed_differences(treatment, {"en": printed(45.0)}) == {"en": 14.0}


def gain(value, seeds, best_of=None, circumstances=PAPER, paper=10.0):
    """The verdict on a gain of `value` points in each of so many seeds."""
    difference = effect(
        {"em": scores({"en": [[50.0 + value] * 2] * seeds})},
        {"em": scores({"en": [[50.0] * 2] * seeds})},
        RULE,
        names=("first", "none"),
        metric="em",
        reported=printed(paper, best_of=best_of),
    )
    return judge("gain", [difference], [], RULE, circumstances)


def test_the_luck_of_the_best_of_several_is_subtracted():
    """Two seeds that agree: v = 4 * 6.25 / 5 = 5, SD 2.236; best of three: 0.846 * 2.236 = 1.89.

    The paper's 20 count as 18.11, half of which is 9.05. Bounds lie t(5) * sqrt(5 / 2) = 3.19 away:
    a gain of 12.5 has its lower bound at 9.31, below the half of 20 and above that of 18.11.
    """
    assert gain(12.5, 2, paper=20.0).rung != "SUBSTANTIAL"
    lowered = gain(12.5, 2, best_of=3, paper=20.0)
    assert lowered.rung == "SUBSTANTIAL"
    assert "the paper's 20.00 is the best of 3" in lowered.reasons[0]
    assert "1.89 points too good, which are subtracted" in lowered.reasons[0]


def test_a_gain_that_luck_explains_is_judged_by_its_sign():
    """3 points, the best of nine: 1.49 * 2.236 = 3.32 are luck."""
    found = gain(12.5, 2, best_of=9, paper=3.0)
    assert found.rung == "DIRECTION"
    assert found.reasons[0].endswith("the sign alone is judged")


def test_a_level_that_is_the_best_of_several_is_lowered():
    """SD 2.5 at one seed; bound 2.1318 * 2.5 * sqrt(2) = 7.54; 50 beside 60 less 1.485 * 2.5."""
    options = {"system": "none", "metric": "em"}
    one = scores({"en": [[50.0]]})
    assert level(one, printed(60.0), RULE, False, **options).compatible is False
    assert level(one, printed(60.0, best_of=9), RULE, False, **options).compatible is True


def test_fewest_seeds_of_each_rung():
    """docs/verdict.md's table for a gain of 14.5: 1, 1, 1, and 2 to confirm the number."""
    found = gain(14.5, 1, paper=14.5).seeds_needed
    assert found == {"DIRECTION": 1, "SUBSTANTIAL": 1, "CONTRADICTED": 1, "QUANTITATIVE": 2}


def test_a_scaled_down_run_needs_seeds_for_a_direction_only():
    """It can reach nothing else."""
    assert gain(14.5, 1, paper=14.5, circumstances=MINI).seeds_needed == {"DIRECTION": 1}


def test_after_a_look_a_rung_takes_more_seeds():
    """A gain of 2: at four seeds the bound lies t(7) 0.945 away, 1.79 at 95 %; at 98.3 % 2.49.

    Six bring it to t(9) 0.680 = 1.71 there.
    """
    later = Circumstances(profile="paper", scaled_down=False, looks=2)
    assert gain(2.0, 1, paper=2.0).seeds_needed["DIRECTION"] == 4
    assert gain(2.0, 1, paper=2.0, circumstances=later).seeds_needed["DIRECTION"] == 6


def test_an_inconclusive_verdict_says_how_many_more_seeds():
    """As a number beside the words."""
    rule = VerdictRule(version=1, required_rung={})
    assert rule.tau0 == RULE.tau0
    found = gain(4.0, 1, paper=10.0)
    assert found.rung == "INCONCLUSIVE"
    assert f"adding {found.more_seeds} seed" in found.reasons[-1]
    assert gain(14.5, 1).more_seeds is None
