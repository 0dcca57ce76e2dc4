"""Chunks as seqeval 1.2.2 finds them without a scheme, and their F1.

Every expected set of chunks is what `get_entities` of seqeval 1.2.2 gives.
"""

import pytest

from harness.errors import DataError
from harness.metrics.tagging import chunks, items, score


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-PER I-PER O B-LOC", {("PER", 0, 1), ("LOC", 3, 3)}),
        ("B-PER B-PER", {("PER", 0, 0), ("PER", 1, 1)}),
        ("I-PER I-PER O I-PER", {("PER", 0, 1), ("PER", 3, 3)}),
        ("B-PER I-LOC", {("PER", 0, 0), ("LOC", 1, 1)}),
        ("S-PER E-PER I-PER", {("PER", 0, 0), ("PER", 1, 1), ("PER", 2, 2)}),
        ("B-a-b I-a-b B-b", {("a-b", 0, 1), ("b", 2, 2)}),
        ("O O", set()),
    ],
)
def test_prefixed_tags_form_chunks(tags, expected):
    """A chunk ends at O, at a B, after an S or E and where the type changes."""
    assert chunks([tags.split()]) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("NOUN NOUN VERB", {("OUN", 0, 1), ("ERB", 2, 2)}),
        ("SYM SYM", {("YM", 0, 0), ("YM", 1, 1)}),
        ("SCONJ SCONJ", {("CONJ", 0, 0), ("CONJ", 1, 1)}),
        ("INTJ INTJ", {("NTJ", 0, 1)}),
        ("CCONJ SCONJ", {("CONJ", 1, 1)}),
        ("NOUN SCONJ CCONJ", {("OUN", 0, 0), ("CONJ", 1, 1), ("CONJ", 1, 2)}),
    ],
)
def test_parts_of_speech_have_no_prefix(tags, expected):
    """Their first letter passes for one: runs merge, but "S" is a chunk of a single token."""
    assert chunks([tags.split()]) == expected


def test_x_is_a_chunk_only_within_a_sentence():
    """Its type is empty like that of the O between sentences: no end is seen, and no beginning.

    NOUN 0, VERB 1, O 2, X 3, NOUN 4, X 5, NOUN 6, X 7, O 8: the X at 3 runs from VERB's place on.
    """
    found = chunks([["NOUN", "VERB"], ["X", "NOUN", "X", "NOUN", "X"]])
    nouns = {("OUN", 0, 0), ("OUN", 4, 4), ("OUN", 6, 6)}
    assert found == {*nouns, ("ERB", 1, 1), ("_", 1, 3), ("_", 5, 5)}


def test_x_at_the_head_of_a_file_is_a_chunk():
    """Nothing stands before it yet."""
    assert chunks([["X", "NOUN"]]) == {("_", 0, 0), ("OUN", 1, 1)}


def test_a_chunk_ends_with_its_sentence():
    """Positions 0 and 2: an O stands between."""
    assert chunks([["B-PER"], ["I-PER"]]) == {("PER", 0, 0), ("PER", 2, 2)}


def test_f1_is_of_all_chunks_of_the_file():
    """Gold 3 chunks, predicted 2, 1 right: P 1/2, R 1/3, F1 2 / 5; tags outside don't count."""
    gold = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-ORG"]]
    predicted = [["B-PER", "O", "O"], ["B-LOC", "O", "O"]]
    expected = {"f1": 40.0, "precision": 50.0, "recall": 100 / 3}
    assert score(gold, predicted, "set") == pytest.approx(expected, rel=0, abs=1e-12)


def test_a_sentence_carries_its_linearised_f1():
    """F1 2/5, N 2, P + G 5: the first has tp 0, p + g 2, the second 1 and 3; mean 40.

    2/5 + 2 * (0 - 2/5 * 2) / 5 = 0.08 and 2/5 + 2 * (2 - 2/5 * 3) / 5 = 0.72.
    """
    gold = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-ORG"]]
    predicted = [["B-PER", "O", "O"], ["B-LOC", "O", "O"]]
    assert items(gold, predicted, "set") == pytest.approx([8.0, 72.0], abs=1e-12)


def test_a_chunk_that_runs_on_belongs_to_the_sentence_in_which_it_begins():
    """The X of the second began at VERB's place in the first: gold 4 and 1, all found.

    Chunks NOUN 0, VERB 1, X 1-3 and NOUN 4: three begin in the first sentence, one in the second.
    """
    gold = [["NOUN", "VERB"], ["X", "NOUN"]]
    predicted = [["NOUN", "VERB"], ["X", "VERB"]]
    assert chunks(gold) == {("OUN", 0, 0), ("ERB", 1, 1), ("_", 1, 3), ("OUN", 4, 4)}
    # tp 3 and 0, p + g 6 and 2, F1 3/4: 3/4 + 2 * (6 - 4.5) / 8 and 3/4 + 2 * (0 - 1.5) / 8.
    assert items(gold, predicted, "set") == pytest.approx([112.5, 37.5], abs=1e-12)


def test_nothing_found_scores_nothing():
    """Predictions without a chunk are predictions."""
    assert score([["B-PER"]], [["O"]], "set") == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


@pytest.mark.parametrize(
    ("gold", "predictions", "message"),
    [
        ([["O"]], [["O"]], "set: got no gold chunks"),
        ([], [], "no gold sentences"),
        ([["X"], ["X"]], [["X"]], "1 predicted sentences: number 2 has no prediction"),
        ([["X"], ["X", "X"]], [["X"], ["X"]], "set, sentence 2: got 1 predicted tags: number 2"),
    ],
)
def test_what_has_no_score_is_refused(gold, predictions, message):
    """The reference gives 0 for the first."""
    with pytest.raises(DataError, match=message):
        score(gold, predictions, "set")
