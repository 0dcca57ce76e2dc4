"""Reported numbers must follow from one another as printed."""

import pytest
from tiny_manifests import EVIDENCE, tiny

from harness.transcription import has_transcription_doubt, transcription_problems


def number(value, decimals=1, **evidence):
    """A reported number."""
    return {"value": value, "decimals": decimals, "evidence": {**EVIDENCE, **evidence}}


def claim(effect, levels=None, per_language=None):
    """The tiny claim with these numbers."""
    reported = {"effect": effect, "levels": levels or {}, "per_language": per_language or {}}
    return tiny(("claim/reported", reported)).claims["paper1/claim1"]


def test_a_gain_to_one_printed_unit_passes():
    """59.5 - 45.0 = 14.5; each of the three was rounded, so 14.4 and 14.6 may stand too."""
    levels = {"first": number(59.5), "none": number(45.0)}
    for printed in (14.4, 14.5, 14.6):
        assert transcription_problems(claim(number(printed), levels)) == []


def test_a_gain_beyond_one_printed_unit_is_a_problem():
    """14.7 is two units off 14.5."""
    levels = {"first": number(59.5), "none": number(45.0)}
    (problem,) = transcription_problems(claim(number(14.7), levels))
    assert (problem.key, problem.got) == ("reported.effect", "14.7")
    assert problem.expected == "14.50 (treatment minus baseline) to one printed unit (0.1)"


def test_the_unit_is_the_printed_one():
    """Without decimals a unit is a whole point: 15 for 14.5 passes, 16 doesn't."""
    levels = {"first": number(59.5), "none": number(45.0)}
    assert transcription_problems(claim(number(15, 0), levels)) == []
    assert len(transcription_problems(claim(number(16, 0), levels))) == 1


def test_a_level_must_be_the_mean_of_its_cells():
    """(40 + 50) / 2 = 45.0, printed 46.0."""
    cells = {"none": {"en": number(40.0), "ru": number(50.0)}}
    (problem,) = transcription_problems(claim(number(10.0), {"none": number(46.0)}, cells))
    assert problem.key == "reported.levels.none"
    assert problem.expected == "45.00 (mean of the cells) to one printed unit (0.1)"


def test_cells_of_some_languages_only_say_nothing_of_the_mean():
    """The claim averages en and ru; with the cell of en alone no mean can be checked."""
    found = tiny(
        ("claim/average/languages", ["en", "ru"]),
        ("claim/reported/levels", {"none": number(46.0)}),
        ("claim/reported/per_language", {"none": {"en": number(40.0)}}),
    ).claims["paper1/claim1"]
    assert transcription_problems(found) == []


def test_a_known_inconsistency_is_a_doubt_and_no_problem():
    """The number stays, and every verdict carries TRANSCRIPTION_DOUBT."""
    levels = {"first": number(59.5), "none": number(45.0)}
    kept = claim(number(20.0, known_inconsistency="printed so"), levels)
    assert transcription_problems(kept) == []
    assert has_transcription_doubt(kept)


@pytest.mark.parametrize("levels", [{}, {"first": number(59.5)}])
def test_without_both_levels_there_is_nothing_to_check(levels):
    """A paper may print the gain alone."""
    found = claim(number(99.0), levels)
    assert transcription_problems(found) == []
    assert not has_transcription_doubt(found)


def over_tasks(effect, levels=None, per_language=None):
    """An aggregate over two targets."""
    reported = {"effect": effect, "levels": levels or {}, "per_language": per_language or {}}
    return tiny(
        ("claim/kind", "aggregate"),
        ("claim/targets", ["target", "second"]),
        ("claim/metric", "score"),
        ("claim/reported", reported),
    ).claims["paper1/claim1"]


def test_an_aggregates_gain_is_treatment_minus_baseline_too():
    """75.0 - 69.6 = 5.4; 5.6 is two units off."""
    levels = {"first": number(75.0), "none": number(69.6)}
    assert transcription_problems(over_tasks(number(5.4), levels)) == []
    (problem,) = transcription_problems(over_tasks(number(5.6), levels))
    assert problem.key == "reported.effect"


def test_cells_of_languages_say_nothing_of_a_mean_over_tasks():
    """Each task has languages of its own."""
    cells = {"none": {"en": number(40.0), "ru": number(50.0)}}
    assert transcription_problems(over_tasks(number(5.0), {"none": number(69.6)}, cells)) == []


def with_cell(value, decimals=1, metric="em", items=113, **more):
    """The tiny claim with one cell: a system on one test set."""
    evidence = {"evidence": {**EVIDENCE, **more.pop("about", {})}}
    cell = {"value": value, "decimals": decimals, "items": items, **evidence, **more}
    cells = {"none": {"en": cell}}
    return tiny(("claim/metric", metric), ("claim/reported/per_language", cells)).claims[
        "paper1/claim1"
    ]


def test_a_share_must_be_one_that_its_items_can_give():
    """54 of 113 are 47.79 and 55 are 48.67: 47.8 can be printed, 48.2 can't."""
    assert transcription_problems(with_cell(47.8)) == []
    (problem,) = transcription_problems(with_cell(48.2))
    assert (problem.key, problem.got) == ("reported.per_language.none.en", "48.2")
    assert problem.expected == "a share that 113 items can give, next 47.79 or 48.67 (GRIM)"


def test_half_a_unit_may_be_rounded_either_way():
    """5 of 8 are 62.5: 62 and 63 may stand, 64 may not."""
    assert transcription_problems(with_cell(62, 0, items=8)) == []
    assert transcription_problems(with_cell(63, 0, items=8)) == []
    assert len(transcription_problems(with_cell(64, 0, items=8))) == 1


def test_a_mean_over_runs_counts_in_smaller_steps():
    """109 of 2 x 113 are 48.23: the mean of two runs may be 48.2."""
    assert transcription_problems(with_cell(48.2, seeds=2)) == []


@pytest.mark.parametrize("unsaying", [{"metric": "f1"}, {"items": None}, {"items": 1000}])
def test_where_counts_say_nothing_nothing_is_checked(unsaying):
    """F1 is no count; without a size, or with 10^(decimals + 2) items, every number is possible."""
    assert transcription_problems(with_cell(48.2, **unsaying)) == []


def test_a_known_impossible_share_is_a_doubt():
    """As with the other checks."""
    kept = with_cell(48.2, about={"known_inconsistency": "printed so"})
    assert transcription_problems(kept) == []
    assert has_transcription_doubt(kept)
