"""The verdict rule's error rates, measured in small on runs with a known truth.

benchmarks/calibration.py measures the same in full, for docs/verdict.md. A rate is allowed two
standard errors above its promise, since 4,000 runs are few; the generator is fixed.
"""

import numpy as np
import pytest

from harness.models import Evidence, Reported, VerdictRule
from harness.statistics import Circumstances, ItemScores, confidence_at, effect, judge, level
from harness.statistics.calibration import (
    TYDIQA_SIZES,
    Paper,
    Runs,
    covers,
    false_direction_with_looks,
    printed_run,
    printed_truth,
    rung_rates,
    rungs_of,
    simulate,
)

RULE = VerdictRule(version=1, required_rung={"paper": "SUBSTANTIAL"})
RUNS = 4000
CELLS = [(tau, seeds) for tau in (1.0, 1.5, 2.0, 3.0) for seeds in (1, 2, 3, 5)]


def runs_of(gain, tau, seeds):
    """Simulated runs, the same at every call."""
    generator = np.random.default_rng([3, int(100 * gain), int(10 * tau), seeds])
    return simulate(gain, tau, (RUNS, seeds), generator)


def slack(rate):
    """Two standard errors of a measured rate."""
    return 2 * (rate * (1 - rate) / RUNS) ** 0.5


@pytest.mark.parametrize(("tau", "seeds"), CELLS)
def test_interval_covers_and_no_gain_shows_no_direction(tau, seeds):
    """Coverage of the nominal 95 % interval >= 93 %; DIRECTION at truth 0 <= 6 %."""
    runs = runs_of(0.0, tau, seeds)
    assert covers(runs, 0.0, RULE) >= 0.93 - slack(0.93)
    assert rung_rates(runs, None, RULE)["DIRECTION"] <= 0.06 + slack(0.06)


@pytest.mark.parametrize(("tau", "seeds"), CELLS)
@pytest.mark.parametrize("gain", [14.5, 2.0])
def test_half_the_gain_is_not_taken_for_all_of_it(gain, tau, seeds):
    """QUANTITATIVE at half the paper's gain <= 5 %."""
    rates = rung_rates(runs_of(gain / 2, tau, seeds), printed_truth(gain), RULE)
    assert rates["QUANTITATIVE"] <= 0.05


@pytest.mark.parametrize(("tau", "seeds"), [cell for cell in CELLS if cell[0] <= 2])
@pytest.mark.parametrize("gain", [14.5, 2.0])
def test_the_papers_own_gain_is_not_contradicted(gain, tau, seeds):
    """CONTRADICTED at the paper's own gain <= 2.5 %, up to tau 2."""
    rates = rung_rates(runs_of(gain, tau, seeds), printed_truth(gain), RULE)
    assert rates["CONTRADICTED"] <= 0.025 + slack(0.025)


def test_three_looks_at_a_third_cost_no_more_than_one():
    """No difference, tau 3, seeds added after 2 and 3: <= 6 % in all, and less than peeking."""
    runs, looks = runs_of(0.0, 3.0, 5), (2, 3, 5)
    strict = false_direction_with_looks(runs, looks, RULE, [confidence_at(2)] * 3)
    peeking = false_direction_with_looks(runs, looks, RULE, [confidence_at(1)] * 3)
    assert strict <= 0.06
    assert peeking > 0.08


def test_a_large_gain_is_found():
    """A rule that never confirms anything would keep all promises: 14.5, tau 2, three seeds."""
    rates = rung_rates(runs_of(14.5, 2.0, 3), printed_truth(14.5), RULE)
    assert rates["QUANTITATIVE"] + rates["SUBSTANTIAL"] > 0.99


def test_simulated_differences_have_the_gain_and_the_tau_asked_for():
    """8,000 differences: mean within 4 * 2 / sqrt(8,000) = 0.09, deviation within 3 %."""
    differences = runs_of(14.5, 2.0, 2).differences
    assert differences.mean() == pytest.approx(14.5, abs=0.09)
    assert differences.std() == pytest.approx(2.0, rel=0.03)


def test_simulation_has_the_nine_languages_of_tydiqa():
    """5,077 questions in all."""
    assert (len(TYDIQA_SIZES), sum(TYDIQA_SIZES.values())) == (9, 5077)


def test_simulation_refuses_less_spread_than_chance_makes():
    """Counting right answers alone spreads the difference by about 0.7 points."""
    with pytest.raises(ValueError, match="chance alone"):
        simulate(0.0, 0.5, (10, 1), np.random.default_rng(0))


@pytest.mark.parametrize("seeds", [1, 3])
def test_simulated_verdicts_are_those_of_judge(seeds):
    """What is calibrated is the rule that users get: 60 runs, each judged both ways."""
    generator = np.random.default_rng([4, seeds])
    runs = simulate(6.0, 3.0, (60, seeds), generator)
    paper = printed_run(6.0, 3.0, 60, generator)
    expected = [_judged(runs, paper, i) for i in range(60)]
    assert rungs_of(runs, paper, RULE).tolist() == expected
    assert len(set(expected)) > 2


def _judged(runs: Runs, paper: Paper, i: int) -> str:
    """The verdict of `judge` on run i, whose items all have the run's score."""
    systems = {"squad": runs.treatment[i], "none": runs.baseline[i]}
    printed = {"squad": paper.treatment[i], "none": paper.baseline[i]}
    scores = {
        name: ItemScores({"en": np.repeat(values[:, None], 2, axis=1)}, {"en": ["a", "b"]})
        for name, values in systems.items()
    }
    measured = effect(
        {"em": scores["squad"]},
        {"em": scores["none"]},
        RULE,
        names=("squad", "none"),
        metric="em",
        reported=_reported(paper.gain[i]),
    )
    levels = [
        level(scores[name], _reported(printed[name]), RULE, False, system=name, metric="em")
        for name in systems
    ]
    circumstances = Circumstances(profile="paper", scaled_down=False)
    return judge("gain", [measured], levels, RULE, circumstances).rung


def _reported(value: float) -> Reported:
    evidence = Evidence(arxiv="2005.13013", table="3", status="primary")
    return Reported(value=float(value), evidence=evidence)
