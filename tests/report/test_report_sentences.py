"""The verdict in a sentence, for every rung and kind."""

import pytest
from example import gain, no_better

from harness.report.sentences import scale_line, verdict_sentence
from harness.report.terms import FLAGS, reachable, rung_words

FOUND = (
    "English SQuAD v2.0 first scored 4.2 EM points (90\u00a0% interval 1.1 to 7.3) above "
    "no intermediate training, averaged over nine languages and two seeds"
)


def test_direction_at_small_scale():
    """The whole sentence: scale, finding, interval, scope, and what it doesn't say."""
    assert verdict_sentence(gain()) == (
        f"At this small scale the re-run agrees with the paper\u2019s direction: {FOUND}. "
        "It says nothing about the paper\u2019s size, +14.5."
    )


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        ("QUANTITATIVE", "reproduces the paper\u2019s number"),
        ("SUBSTANTIAL", "beyond +7.25, which is 50\u00a0% of the +14.5"),
        ("DIRECTION", "says nothing certain about the paper\u2019s size, +14.5"),
        ("CONTRADICTED", "contradicts the paper: "),
        ("INCONCLUSIVE", "can\u2019t decide whether the paper\u2019s +14.5 holds"),
        ("INVALID", "There is no verdict"),
    ],
)
def test_gain_at_the_papers_scale(rung, words):
    """Every rung of a gain has its own sentence."""
    sentence = verdict_sentence(gain(rung, scaled_down=False, flags=()))
    assert words in sentence
    assert "small scale" not in sentence


def test_smaller_gain_is_the_right_sign():
    """SMALLER: right sign, contradicted size, and a banner that says so."""
    comparison = gain("CONTRADICTED", scaled_down=False, flags=("SMALLER",), bounds=(1.1, 6.3))
    assert "finds the paper\u2019s direction but contradicts its size" in verdict_sentence(
        comparison
    )
    assert rung_words(comparison).title == "Size contradicted"


def test_small_scale_contradiction_is_of_the_sign():
    """Scaled down, only the sign can be contradicted; a negative difference reads "below"."""
    sentence = verdict_sentence(gain("CONTRADICTED", bounds=(-7.3, -1.1)))
    assert sentence.startswith(
        "At this small scale the re-run contradicts the paper\u2019s direction: "
        "English SQuAD v2.0 first scored 4.2 EM points "
        "(90\u00a0% interval of the difference \u22127.3 to \u22121.1) below"
    )


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        ("SUBSTANTIAL", "agrees with the paper\u2019s direction"),
        ("DIRECTION", "gives no size to compare with"),
        ("CONTRADICTED", "contradicts the paper\u2019s direction"),
        ("INCONCLUSIVE", "leaves room for both signs"),
        ("INVALID", "There is no verdict"),
    ],
)
def test_direction_claim(rung, words):
    """A claim without a size is about the sign alone."""
    assert words in verdict_sentence(gain(rung, kind="direction"))


@pytest.mark.parametrize(
    ("rung", "words"),
    [
        ("SUBSTANTIAL", "The re-run agrees with the paper: nothing tried is better"),
        ("DIRECTION", "agrees with the paper: nothing tried is better"),
        ("INCONCLUSIVE", "can\u2019t decide whether anything tried is better"),
        ("INVALID", "There is no verdict"),
    ],
)
def test_no_better_claim(rung, words):
    """Alternatives against a reference, with the margin."""
    sentence = verdict_sentence(no_better(rung, scaled_down=rung != "SUBSTANTIAL"))
    assert words in sentence
    assert rung == "INVALID" or "2.0 EM points" in sentence


def test_contradicted_no_better_names_the_better_one():
    """Only the alternative whose lower bound is above the margin is called better."""
    sentence = verdict_sentence(no_better("CONTRADICTED", bounds=((-3.0, 1.0), (2.5, 6.0))))
    assert "masked LM is better than English SQuAD v2.0 first by more than the 2.0" in sentence


def test_only_scaled_down_runs_say_so():
    """The first line exists for mini and small, not for the paper's own scale."""
    assert "never the paper\u2019s magnitude" in scale_line(gain())
    assert scale_line(gain(scaled_down=False)) == ""


def test_a_scaled_down_run_reaches_direction_at_most():
    """The ladder in the banner shows what is out of reach."""
    assert reachable(gain()) == (
        ("DIRECTION", True),
        ("SUBSTANTIAL", False),
        ("QUANTITATIVE", False),
    )


def test_every_flag_of_the_rule_is_explained():
    """The twelve flags of the verdict rule, a sentence each."""
    assert len(FLAGS) == 12
    assert all(meaning.endswith(".") for meaning in FLAGS.values())
