"""How near the run comes to the paper, in sentences."""

from example import gain

from harness.records import Agreement
from harness.report.nearness import nearness


def test_what_there_is_nothing_to_say_of_is_left_out():
    """The example's paper prints no numbers per language, and nobody looked before."""
    assert list(nearness(gain())) == []


def test_every_figure_has_its_sentence():
    """CV*, agreement of a level and of a difference, fewest seeds, looks."""
    found = gain()
    near = Agreement(languages=9, same_sign=8, rank_correlation=0.905, rmse=2.04)
    first, *others = found.systems
    level = first.levels[0].model_copy(
        update={"cv": 1.26, "agreement": near.model_copy(update={"same_sign": None})}
    )
    system = first.model_copy(update={"levels": (level,)})
    effect = found.effects[0].model_copy(update={"agreement": near})
    seeds = {"DIRECTION": 1, "QUANTITATIVE": None}
    verdict = found.verdict.model_copy(update={"seeds_needed": seeds, "looks": 2})
    changed = {"systems": (system, *others), "effects": (effect,), "verdict": verdict}
    said = list(nearness(found.model_copy(update=changed)))
    assert said[0] == f"Level of “{first.label}” beside the paper’s: CV* 1.3 %."
    assert said[1].endswith(
        "nine languages beside the paper’s: rank correlation 0.91, root mean square difference"
        " 2.0 points."
    )
    assert "same sign in 8, rank correlation" in said[2]
    assert said[3] == (
        "Fewest seeds at which a rung is reachable at all: DIRECTION 1 and QUANTITATIVE out of"
        " reach."
    )
    assert said[4] == "Look 2 of 3 at a result to which seeds were added."
