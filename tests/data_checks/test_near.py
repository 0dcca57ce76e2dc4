"""Nearly equal texts: normalisation, true similarity, and that nothing is missed."""

import pytest

from harness.data_checks.near import CONTEXT, QUESTION, Grain, near, normalise

LOOSE = Grain(size=3, threshold=0.5, bands=42, rows=3)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("What IS it?", "what is it"),
        ("“Straße”,  1 200 km²", "strasse 1200 km2"),
        ("cafe\u0301", "café"),
        ("zero\u200bwidth\n", "zero width"),
        ("ﬁne Ⅻ", "fine xii"),
    ],
)
def test_case_punctuation_space_and_form_do_not_count(text, same):
    """Both become the same string."""
    assert normalise(text) == normalise(same)


@pytest.mark.parametrize("text", ["হিন্দি", "తెలుగు", "สวัสดี"])
def test_vowel_signs_stay(text):
    """Marks are part of a word, unlike punctuation."""
    assert len(normalise(text)) == len(text)


def test_similarity_is_the_true_one():
    """The first has abc bcd cde def, the second bcd cde def efg: 3 of 5."""
    assert near(["abcdef"], ["bcdefg"], LOOSE) == [(0, 0, 0.6)]


def test_pairs_below_the_threshold_are_none():
    """The first has abc bcd, the second bcd cde: 1 of 3."""
    assert near(["abcd"], ["bcde"], LOOSE) == []


def test_equal_texts_are_left_out():
    """A hash set finds them; what is near besides stays."""
    assert near(["abcdef"], ["abcdef", "abcdefg"], LOOSE) == [(0, 1, 0.8)]


def test_texts_shorter_than_a_gram():
    """Each is one gram; none is like another."""
    assert near(["ab", ""], ["abc", "b", ""], CONTEXT) == []


@pytest.mark.parametrize(("texts", "known"), [([], ["abcdef"]), (["abcdef"], []), ([], [])])
def test_nothing_is_like_nothing(texts, known):
    """No text on either side."""
    assert near(texts, known, QUESTION) == []


def words(number, count=40):
    """A text of made-up words, its own for each number."""
    return "".join(f"{(number * 7919 + i * 104729) % 999983:06d}" for i in range(count))


def test_one_changed_text_in_thousands_is_found():
    """More texts than a batch; a quarter of one text is another's, and of it only that pair."""
    known = [words(number) for number in range(300)]
    texts = [words(number) for number in range(1000, 6000)]
    texts[4711] = known[123][:180] + texts[4711][180:]
    ((place, other, similarity),) = near(texts, known, CONTEXT)
    assert (place, other) == (4711, 123)
    # 240 characters are 231 n-grams, 171 of them shared: 171 / (462 - 171).
    assert similarity == pytest.approx(171 / 291)


def test_result_does_not_depend_on_the_run():
    """Fixed permutations."""
    known = [words(number) for number in range(50)]
    texts = [one[:200] + "x" * 40 for one in known]
    first = near(texts, known, CONTEXT)
    assert [(place, other) for place, other, _ in first] == [(i, i) for i in range(50)]
    assert near(texts, known, CONTEXT) == first
