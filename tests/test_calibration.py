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
    simulate_systems,
)
from harness.statistics.calibration_several import (
    KINDS_OF_TASK,
    at_least_rungs,
    less_luck,
    ordering_rungs,
    printed_best,
    simulate_aggregate,
    simulate_best,
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


@pytest.mark.parametrize("systems", [2, 3, 4])
def test_equal_systems_show_no_order(systems):
    """DIRECTION at truth 0 <= 6 %: every pair has to show it; CONTRADICTED <= 6 %: corrected."""
    generator = np.random.default_rng([5, systems])
    levels = simulate_systems((0.0,) * systems, 3.0, (RUNS, 3), generator)
    rungs = ordering_rungs(levels, RULE)
    assert (rungs == "DIRECTION").mean() <= 0.06 + slack(0.06)
    assert (rungs == "CONTRADICTED").mean() <= 0.06 + slack(0.06)


def test_a_true_order_is_found():
    """Ten points between neighbours, tau 2, three seeds."""
    generator = np.random.default_rng(6)
    levels = simulate_systems((20.0, 10.0, 0.0), 2.0, (RUNS, 3), generator)
    assert (ordering_rungs(levels, RULE) == "DIRECTION").mean() > 0.95


@pytest.mark.parametrize(("needed", "of"), [(1, 3), (5, 9)])
def test_equal_alternatives_are_not_so_many_better(needed, of):
    """Both rungs <= 6 % at truth 0, tau 3, three seeds."""
    generator = np.random.default_rng([7, needed, of])
    reference, *others = simulate_systems((0.0,) * (of + 1), 3.0, (RUNS, 3), generator)
    rungs = at_least_rungs(reference, others, needed, RULE)
    assert (rungs == "DIRECTION").mean() <= 0.06 + slack(0.06)
    assert (rungs == "CONTRADICTED").mean() <= 0.06 + slack(0.06)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("seeds", [1, 3])
def test_an_aggregates_interval_covers(shared, seeds):
    """Nine tasks of unequal gains (6.44 in the mean) and tau 1.5 to 6: >= 93 %."""
    generator = np.random.default_rng([8, shared, seeds])
    runs = simulate_aggregate(KINDS_OF_TASK, (1000, seeds), generator, shared=shared)
    assert covers(runs, np.mean([gain for gain, _ in KINDS_OF_TASK]), RULE) >= 0.93


def test_the_best_of_equal_candidates_looks_better_than_it_is():
    """One task: the lift is that of nine draws, 1.485 * 2 / sqrt(2) over sqrt(3) = 1.21 points."""
    generator = np.random.default_rng(9)
    runs = simulate_best(9, 2.0, 1, (RUNS, 3), generator)
    assert runs.differences.mean() == pytest.approx(1.21, abs=0.06)


def test_the_luck_of_a_printed_best_is_subtracted():
    """A true gain of 5 at tau 2, the best of five printed: 1.163 * 2 = 2.33 too much on average.

    What is subtracted is 1.163 times the moderated SD, near 2.35: the prior's 2.5 outweighs 2.
    """
    generator = np.random.default_rng(12)
    runs = simulate(5.0, 2.0, (RUNS, 3), generator)
    paper = printed_best(5, 5.0, 2.0, RUNS, generator)
    assert paper.gain.mean() == pytest.approx(7.33, abs=0.06)
    fair = less_luck(paper, 5, runs, RULE)
    assert fair.gain.mean() == pytest.approx(7.33 - 1.163 * 2.35, abs=0.1)
    before, after = (rung_rates(runs, one, RULE)["CONTRADICTED"] for one in (paper, fair))
    assert after < before
    assert after <= 0.025 + slack(0.025)


def test_simulated_orders_and_counts_are_those_of_judge():
    """What is calibrated is the rule that users get: 40 runs of three systems, both ways."""
    generator = np.random.default_rng(10)
    systems = simulate_systems((8.0, 4.0, 0.0), 3.0, (40, 2), generator)
    expected = {"ordering": ordering_rungs(systems, RULE).tolist()}
    expected["direction"] = at_least_rungs(systems[2], systems[:2], 1, RULE).tolist()
    rule = RULE.model_copy(update={"at_least": 1})
    pairs = {"ordering": ((0, 1), (1, 2)), "direction": ((0, 2), (1, 2))}
    circumstances = Circumstances(profile="paper", scaled_down=False)
    for kind, rungs in expected.items():
        for run in range(40):
            scores = [_one_language(system[run]) for system in systems]
            effects = [
                effect(scores[a], scores[b], RULE, names=(f"{a}", f"{b}"), metric="em")
                for a, b in pairs[kind]
            ]
            assert judge(kind, effects, [], rule, circumstances).rung == rungs[run]
        assert len(set(rungs)) > 1


def _one_language(levels):
    """Items that all have the run's score."""
    return {"em": ItemScores({"en": np.repeat(levels[:, None], 2, axis=1)}, {"en": ["a", "b"]})}
