"""Item scores -> differences, levels and their intervals."""

import math

import numpy as np
import pytest

from harness.errors import DataError, ManifestError
from harness.models import Evidence, Reported, VerdictRule
from harness.statistics import ItemScores, best, combined, effect, estimate, level

# Quantiles of Student's t from printed tables: one-sided 95 % with 4 and 6 degrees of freedom.
T95_4, T95_6 = 2.1318, 1.9432
RULE = VerdictRule(version=1, tau0=2.5, nu0=4.0, required_rung={})
NAMES = ("squad", "none")


def scores(languages, documents=None):
    """Item scores of {language: [[items of seed 0], ...]}; one document an item by default."""
    values = {name: np.array(rows, dtype=float) for name, rows in languages.items()}
    every = {name: [f"d{i}" for i in range(rows.shape[1])] for name, rows in values.items()}
    return ItemScores(values, documents or every)


def difference(treatment, baseline, **options):
    """The estimate with the names and metric of every test here."""
    return estimate(treatment, baseline, RULE, names=NAMES, metric="em", **options)


def reported(value, seeds=None):
    """A number that the paper prints."""
    evidence = Evidence(arxiv="2005.13013", table="3", status="primary")
    return Reported(value=value, seeds=seeds, evidence=evidence)


def test_value_weighs_languages_alike_whatever_their_size():
    """The mean of 100 (1 item) and 25 (4 items, one of which differs) is 62.5."""
    treatment = scores({"bn": [[100]], "ar": [[100, 0, 0, 0]]})
    baseline = scores({"bn": [[0]], "ar": [[0, 0, 0, 0]]})
    result = difference(treatment, baseline)
    assert result.value == 62.5
    assert result.per_language == {"ar": 25.0, "bn": 100.0}


def test_one_seed_rests_on_the_prior_alone():
    """S = 1: v = tau0^2 = 6.25, df = nu0 = 4, so the bounds are 10 -+ 2.1318 * 2.5."""
    result = difference(scores({"en": [[60]]}), scores({"en": [[50]]}))
    assert (result.standard_error, result.degrees_of_freedom) == (2.5, 4)
    assert result.lower == pytest.approx(10 - T95_4 * 2.5, abs=1e-3)
    assert result.upper == pytest.approx(10 + T95_4 * 2.5, abs=1e-3)


def test_three_seeds_moderate_their_own_variance():
    """8, 10, 12: s^2 = 4, v = (4 * 6.25 + 2 * 4) / 6 = 5.5, df = 6, SE = sqrt(5.5 / 3)."""
    treatment = scores({"en": [[58], [60], [62]]})
    result = difference(treatment, scores({"en": [[50], [50], [50]]}))
    assert result.per_seed == (8, 10, 12)
    assert result.standard_error == pytest.approx(math.sqrt(5.5 / 3))
    assert result.degrees_of_freedom == 6
    assert result.lower == pytest.approx(10 - T95_6 * math.sqrt(5.5 / 3), abs=1e-3)


def test_pairing_by_seed_removes_what_both_systems_share():
    """Levels swing by 20 points, differences not at all: v = 4 * 6.25 / 5 = 5, SE^2 = 5 / 2."""
    result = difference(scores({"en": [[40], [60]]}), scores({"en": [[30], [50]]}))
    assert result.per_seed == (10, 10)
    assert result.standard_error == pytest.approx(math.sqrt(2.5))


def test_new_items_adds_the_variance_over_items():
    """Gains 0 0 100 100: s^2 = 4 * 2500 / 3, over 4 items 833.33, beside v / S = 6.25."""
    treatment, baseline = scores({"en": [[0, 0, 100, 100]]}), scores({"en": [[0, 0, 0, 0]]})
    result = difference(treatment, baseline, question="new_items")
    assert result.value == 50
    assert result.standard_error == pytest.approx(math.sqrt(6.25 + 10000 / 12))


def test_new_items_counts_documents_not_questions():
    """Two documents with gains 0 and 100: s^2 = 5000, over 2 documents 2500."""
    documents = {"en": ["a", "a", "b", "b"]}
    treatment = scores({"en": [[0, 0, 100, 100]]}, documents)
    baseline = scores({"en": [[0, 0, 0, 0]]}, documents)
    result = difference(treatment, baseline, question="new_items")
    assert result.standard_error == pytest.approx(math.sqrt(6.25 + 2500))


def test_new_items_averages_languages():
    """Two languages of 833.33 each: (1 / 2^2) * 2 * 833.33 = 416.67."""
    rows, zeros = [[0, 0, 100, 100]], [[0, 0, 0, 0]]
    treatment, baseline = scores({"en": rows, "ar": rows}), scores({"en": zeros, "ar": zeros})
    result = difference(treatment, baseline, question="new_items")
    assert result.standard_error == pytest.approx(math.sqrt(6.25 + 10000 / 24))


def test_new_items_takes_the_mean_over_seeds_first():
    """Items 100 0 and 0 100 over two seeds: every seed-mean gain is 50, no variance over items."""
    treatment = scores({"en": [[100, 0], [0, 100]]})
    baseline = scores({"en": [[0, 0], [0, 0]]})
    same = difference(treatment, baseline)
    new = difference(treatment, baseline, question="new_items")
    assert new.standard_error == same.standard_error


def test_new_items_refuses_a_single_document():
    """One document shows no variance over documents."""
    documents = {"en": ["a", "a"]}
    one = scores({"en": [[0, 100]]}, documents)
    with pytest.raises(DataError, match="items of en: got one document"):
        difference(one, one, question="new_items")


def test_no_prior_and_one_seed_is_refused():
    """With nu0 = 0 a single seed has no variance at all."""
    rule = VerdictRule(version=1, nu0=0.0, required_rung={})
    one = scores({"en": [[50]]})
    with pytest.raises(ManifestError, match="nu0"):
        estimate(one, one, rule, names=NAMES, metric="em")


def test_different_languages_are_refused():
    """A mean over other languages is another number."""
    with pytest.raises(DataError, match="same languages"):
        difference(scores({"en": [[1]]}), scores({"ar": [[1]]}))


def test_different_seeds_are_refused():
    """Nothing to pair the third seed with."""
    with pytest.raises(DataError, match="same seeds and items"):
        difference(scores({"en": [[1], [2], [3]]}), scores({"en": [[1], [2]]}))


def test_different_documents_are_refused():
    """Other documents mean other items, or another order."""
    with pytest.raises(DataError, match="different documents"):
        difference(
            scores({"en": [[1, 2]]}, {"en": ["a", "b"]}),
            scores({"en": [[1, 2]]}, {"en": ["b", "a"]}),
        )


def test_missing_score_is_refused():
    """NaN never becomes a number."""
    with pytest.raises(DataError, match="scores of en: got a missing score"):
        scores({"en": [[1, math.nan]]})


def test_empty_language_is_refused():
    """No items is an error, not 0.0."""
    with pytest.raises(DataError, match=r"shape \(1, 0\)"):
        scores({"en": [[]]})


def test_no_language_is_refused():
    """A mean over no languages is nothing."""
    with pytest.raises(DataError, match="no language"):
        scores({})


@pytest.mark.parametrize("rows", [[[100.5]], [[50], [-0.5]]])
def test_a_mean_beyond_0_to_100_is_refused(rows):
    """Scores are points, for every seed."""
    with pytest.raises(DataError, match=r"scores of en: got a mean of .*, outside 0-100"):
        scores({"en": rows})


def test_single_linearised_items_may_lie_beyond_0_to_100():
    """Their mean, 50, is a score."""
    assert level(
        scores({"en": [[-10, 110]]}), None, RULE, False, system="none", metric="f1"
    ).value == pytest.approx(50)


def test_an_infinite_score_is_refused():
    """No mean holds it."""
    with pytest.raises(DataError, match="got a missing score"):
        scores({"en": [[math.inf, 1]]})


def test_languages_with_different_seeds_are_refused():
    """A seed whose predictions are missing in one language has no mean."""
    with pytest.raises(DataError, match="as many in every language"):
        scores({"en": [[1], [2]], "ar": [[1]]})


def test_item_without_document_is_refused():
    """Every item has a resampling unit."""
    with pytest.raises(DataError, match="1 documents for 2 items"):
        scores({"en": [[1, 2]]}, {"en": ["a"]})


def test_effect_counts_languages_and_keeps_the_other_metric():
    """EM: up, down, equal; F1 stands beside it."""
    em = scores({"ar": [[10, 10]], "bn": [[0, 0]], "en": [[5, 5]]})
    base = scores({"ar": [[0, 0]], "bn": [[10, 10]], "en": [[5, 5]]})
    pair = {"em": em, "f1": em}, {"em": base, "f1": em}
    result = effect(*pair, RULE, names=NAMES, metric="em")
    assert result.wins == {"up": 1, "down": 1, "equal": 1}
    assert [(other.metric, other.value) for other in result.other_metrics] == [("f1", 0.0)]
    assert (result.same_items.question, result.new_items.question) == ("same_items", "new_items")


@pytest.mark.parametrize(("paper", "expected"), [(None, 0.05), (14.5, 0.05), (-1.2, 0.95)])
def test_p_value_is_one_sided_in_the_claimed_direction(paper, expected):
    """A gain of 2.1318 * 2.5 at df 4 lies at the one-sided 5 % point."""
    high = scores({"en": [[50 + T95_4 * 2.5] * 2]})
    base = scores({"en": [[50, 50]]})
    stated = None if paper is None else reported(paper)
    result = effect({"em": high}, {"em": base}, RULE, names=NAMES, metric="em", reported=stated)
    assert result.p_value == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("paper", "compatible"), [(52.5, True), (52.6, False), (37.4, False)])
def test_level_is_compatible_within_the_spread_of_two_runs(paper, compatible):
    """One seed here, one there: 2.1318 * sqrt(6.25 * (1 + 1)) = 7.537 around 45."""
    one = scores({"en": [[45]]})
    result = level(one, reported(paper), RULE, False, system="none", metric="em")
    assert result.compatible is compatible


def test_level_knows_how_many_runs_the_paper_made():
    """Four runs there: 2.1318 * sqrt(6.25 * 1.25) = 5.959, so 52.5 no longer fits 45."""
    one = scores({"en": [[45]]})
    result = level(one, reported(52.5, seeds=4), RULE, False, system="none", metric="em")
    assert result.compatible is False


def test_level_of_a_scaled_down_run_is_compared_with_nothing():
    """A small model's level says nothing about the paper's."""
    one = scores({"en": [[45]]})
    result = level(one, reported(45.0), RULE, True, system="none", metric="em")
    assert result.compatible is None


def test_level_averages_seeds_and_languages():
    """Seeds 20 and 40 of ar, 40 and 60 of en: per seed 30 and 50, mean 40."""
    both = scores({"ar": [[20], [40]], "en": [[40], [60]]})
    result = level(both, None, RULE, False, system="none", metric="em")
    assert (result.value, result.per_seed) == (40, (30, 50))
    assert result.per_language == {"ar": 30, "en": 50}
    assert result.compatible is None


def tasks(**languages):
    """Scores of several tasks: task={language: rows}."""
    return combined({task: scores(rows) for task, rows in languages.items()})


NOTHING = tasks(qa={"ar": [[0, 0]], "en": [[0, 0]]}, nli={"en": [[0, 0]]})


def test_tasks_weigh_the_same_and_languages_within_them():
    """QA: mean of 10 and 30; NLI: 60. (20 + 60) / 2, not (10 + 30 + 60) / 3."""
    gains = tasks(qa={"ar": [[10, 10]], "en": [[30, 30]]}, nli={"en": [[60, 60]]})
    result = difference(gains, NOTHING)
    assert result.value == 40
    assert result.per_language == {"nli/en": 60, "qa/ar": 10, "qa/en": 30}
    assert result.per_task == {"nli": 60, "qa": 20}


def test_one_task_has_no_means_by_task():
    """Its cells are languages."""
    assert difference(scores({"en": [[1, 1]]}), scores({"en": [[0, 0]]})).per_task == {}


def test_a_level_over_tasks_is_the_mean_of_theirs():
    """(20 + 60) / 2 again."""
    found = tasks(qa={"ar": [[10, 10]], "en": [[30, 30]]}, nli={"en": [[60, 60]]})
    result = level(found, None, RULE, False, system="none", metric="score")
    assert (result.value, result.per_task) == (40, {"nli": 60, "qa": 20})


def test_new_items_weighs_each_language_by_its_share_of_the_mean():
    """Each cell 833.33 (gains 0 0 100 100); weights 1/4, 1/4 and 1/2: 3/8 of it beside 6.25."""
    rows, zeros = [[0, 0, 100, 100]], [[0, 0, 0, 0]]
    gains = tasks(qa={"ar": rows, "en": rows}, nli={"en": rows})
    nothing = tasks(qa={"ar": zeros, "en": zeros}, nli={"en": zeros})
    result = difference(gains, nothing, question="new_items")
    assert result.standard_error == pytest.approx(math.sqrt(6.25 + 10000 / 12 * 3 / 8))


def test_groups_of_tasks_compare_their_gains_by_seed():
    """Seed 0: 30 - (10 + 20) / 2 = 15, seed 1: 20 - (10 + 0) / 2 = 15; levels and gains differ."""
    treated = {
        "bucc": scores({"de": [[40, 40], [30, 30]]}),
        "qa": scores({"en": [[10, 10], [10, 10]]}),
        "nli": scores({"en": [[20, 20], [0, 0]]}),
    }
    plain = {
        "bucc": scores({"de": [[10, 10], [10, 10]]}),
        "qa": scores({"en": [[0, 0], [0, 0]]}),
        "nli": scores({"en": [[0, 0], [0, 0]]}),
    }
    groups = (("bucc",), ("qa", "nli"))
    pair = ({"score": combined(one, groups)} for one in (treated, plain))
    result = effect(*pair, RULE, names=NAMES, metric="score")
    assert result.groups == ("bucc", "qa, nli")
    assert result.same_items.per_seed == (15, 15)
    assert result.same_items.per_task == {"bucc": 25, "nli": 10, "qa": 10}
    # v = 4 * 6.25 / 5 = 5 over two seeds, as of any difference.
    assert result.same_items.standard_error == pytest.approx(math.sqrt(2.5))


def test_groups_add_the_items_of_both():
    """One language each with 833.33 and weights 1 and -1."""
    rows, zeros = [[0, 0, 100, 100]], [[0, 0, 0, 0]]
    groups = (("a",), ("b",))
    gains = combined({"a": scores({"en": rows}), "b": scores({"en": rows})}, groups)
    nothing = combined({"a": scores({"en": zeros}), "b": scores({"en": zeros})}, groups)
    result = difference(gains, nothing, question="new_items")
    assert (result.value, result.standard_error) == (0, pytest.approx(math.sqrt(6.25 + 10000 / 6)))


def test_groups_hold_each_task_once():
    """A task in neither would weigh nothing."""
    with pytest.raises(DataError, match="tasks: got groups of a, a; expected each of a, b once"):
        combined({"a": scores({"en": [[1]]}), "b": scores({"en": [[1]]})}, (("a",), ("a",)))


def test_the_best_of_several_has_the_highest_mean_over_seeds_and_languages():
    """30, 35 and 35: of equals the first."""
    found = {
        "low": scores({"ar": [[60], [20]], "en": [[20], [20]]}),
        "high": scores({"ar": [[0], [60]], "en": [[40], [40]]}),
        "same": scores({"ar": [[35], [35]], "en": [[35], [35]]}),
    }
    assert best(found) == "high"
