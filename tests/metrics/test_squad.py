"""SQuAD v1.1's normalisation, rule by rule."""

import pytest

from harness.metrics.squad import normalise, score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HELSINKI", "helsinki"),
        ("the cat, an owl and a dog", "cat owl and dog"),
        ("theatre banana", "theatre banana"),
        ("U.S.A.", "usa"),
        ("a-b", "ab"),
        ("the-cat", "thecat"),
        ("$5.00 (five)", "500 five"),
        ("  two \t\n words ", "two words"),
        ("“Baguette”", "“baguette”"),
        ("1939।", "1939।"),
        ("der Hund", "der hund"),
        ("ÄÖ", "äö"),
        ("The ", ""),
        ("a.", ""),
    ],
)
def test_normalisation(text, expected):
    """Lower-case, ASCII punctuation, English articles as whole words, white space."""
    assert normalise(text) == expected


def test_punctuation_goes_before_articles():
    """Then "a.n" becomes the article "an" and vanishes: the official script's order."""
    assert normalise("a.n owl") == "owl"


def test_the_rules_are_english_in_every_language():
    """German "der" is a token: one of two predicted is right, P = 1/2, R = 1, F1 = 2/3."""
    scored = score({"q": ["Hund"]}, {"q": "der Hund"}, "de")
    assert scored.em == 0.0
    assert scored.f1 == pytest.approx(200 / 3, abs=1e-12)
