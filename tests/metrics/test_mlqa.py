"""MLQA's normalisation, rule by rule and language by language."""

import pytest

from harness.errors import UsageError
from harness.metrics.mlqa import is_punctuation, normalise, score


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "The “Cat” — an owl", "cat owl"),
        ("en", "der cat", "der cat"),
        ("es", "El gato y las aves, unos", "gato y aves"),
        ("es", "the gato", "the gato"),
        ("de", "Der Hund des Mannes; einem Kind", "hund mannes kind"),
        ("vi", "Những con mèo của là chiếc cái", "con mèo"),
        ("hi", "1939। the", "1939 the"),
        ("ar", "الكتاب", "كتاب"),
        ("ar", "والكتاب", "و كتاب"),
        ("zh", "四次", "四 次"),
        ("zh", "《卡万·肖特》2018年NBA", "卡 万 肖 特 2018 年 nba"),
        ("zh", "a the", "a the"),
        ("en", "$5 + `x`", "5 x"),
        ("en", "5 € x", "5 € x"),
        ("en", " ¿a?  b\n", "b"),
    ],
)
def test_normalisation(language, text, expected):
    """Lower-case, punctuation of any script, the language's own articles, white space."""
    assert normalise(text, language) == expected


def test_symbols_of_ascii_are_punctuation_but_no_others():
    """The dollar is in string.punctuation; the euro is a symbol, not punctuation."""
    assert [is_punctuation(char) for char in "$€“।a"] == [True, False, True, True, False]


def test_chinese_f1_counts_characters():
    """Three of four predicted characters are all the answer: P = 3/4, R = 1, F1 = 6/7."""
    scored = score({"q": ["北京市"]}, {"q": "北京市区"}, "zh")
    assert (scored.em, scored.f1) == (0.0, pytest.approx(600 / 7, abs=1e-12))


def test_a_language_without_rules_is_refused():
    """MLQA never defined Finnish."""
    with pytest.raises(UsageError, match="language `fi`; expected one of en, es"):
        score({"q": ["a"]}, {"q": "a"}, "fi")
