"""Running text in pieces, and which of its tokens are hidden."""

import numpy as np
import pytest
from tiny_encoder import VOCABULARY, tiny_tokenizer

from harness.errors import DataError
from harness.records import TextExample
from harness.tasks.masked_lm import build, hide, mask_rule
from harness.training.seeding import generator

START, END = VOCABULARY["<s>"], VOCABULARY["</s>"]


def tokenizer():
    """The tiny one with a mask, which takes one of the spare rows."""
    made = tiny_tokenizer()
    made.add_special_tokens(["<mask>"])
    return made


def text(words, language="en"):
    """An example."""
    return TextExample(id=f"{language}-1", language=language, document="d", text=words)


def pieces(*examples, max_length=8):
    """Token ids of each piece."""
    found = build(examples, tokenizer(), {"max_length": max_length})
    assert found.units.tolist() == list(range(len(found.bounds)))
    return [part.tolist() for part in np.split(found.ids, found.bounds[1:-1])]


def ids(words):
    """Of words of the tiny vocabulary."""
    return [VOCABULARY[f"▁{word}"] for word in words.split()]


def test_texts_follow_one_another():
    """Four words, a separator and three words, in pieces of six."""
    found = pieces(text("the a river city"), text("of in lies"))
    stream = [*ids("the a river city"), END, *ids("of in lies")]
    assert found == [[START, *stream[:6], END], [START, *stream[6:], END]]


def test_a_piece_holds_one_language():
    """Texts of a language are put together, in the order of the input."""
    found = pieces(text("the a"), text("river", "de"), text("city"), text("of", "de"))
    assert found == [
        [START, *ids("the a"), END, *ids("city"), END],
        [START, *ids("river"), END, *ids("of"), END],
    ]


def test_no_token_is_lost():
    """Forty words in pieces of six: six of six and one of four."""
    found = pieces(text(" ".join(["lake"] * 40)))
    assert [len(piece) - 2 for piece in found] == [6, 6, 6, 6, 6, 6, 4]


def test_text_without_a_token_is_an_error():
    """Nothing at all, or nothing visible: both are named."""
    with pytest.raises(DataError, match="got no rows"):
        pieces()
    with pytest.raises(DataError, match="example en-1: got a text without a visible"):
        pieces(text(""))


def rule(share=0.15):
    """Which tokens are hidden, by the tiny tokenizer."""
    return mask_rule(tokenizer(), {"mask_share": share})


def hidden(share, lengths, seed=0):
    """Pieces of these lengths, all of the word "lake", with tokens hidden."""
    lake = VOCABULARY["▁lake"]
    flat = np.concatenate([[START, *[lake] * (n - 2), END] for n in lengths]).astype(np.int64)
    return flat, hide(flat, lengths, rule(share), generator("hide", seed))


def test_a_tokenizer_without_a_mask_is_refused():
    """Another piece in its place would be another task."""
    with pytest.raises(DataError, match="no piece <mask>"):
        mask_rule(tiny_tokenizer(), {"mask_share": 0.15})


def test_special_tokens_are_no_ordinary_ones():
    """Neither what stands around a text nor the mask."""
    found = rule()
    assert found.mask == len(VOCABULARY)
    assert not set(found.ordinary.tolist()) & {START, END, found.mask}
    assert set(ids("the green")) <= set(found.ordinary.tolist())


def test_the_share_is_of_each_piece():
    """0.25 of 8 and of 16 ordinary tokens: 2 and 4, none of them special."""
    flat, found = hidden(0.25, (10, 18))
    assert [(found.places < 10).sum(), (found.places >= 10).sum()] == [2, 4]
    assert (flat[found.places] == VOCABULARY["▁lake"]).all()
    assert found.truth.tolist() == [VOCABULARY["▁lake"]] * 6


def test_a_fraction_is_left_to_chance():
    """0.15 of 10 is 1.5: one or two, half of the time each, within five standard errors."""
    _, found = hidden(0.15, (12,) * 2000)
    counts = np.bincount(found.places // 12, minlength=2000)
    assert set(counts.tolist()) == {1, 2}
    assert abs(counts.mean() - 1.5) < 5 * 0.5 / 2000**0.5


def test_a_short_piece_has_a_hidden_token():
    """0.15 of 1 would mostly be none."""
    _, found = hidden(0.15, (3,) * 50)
    assert len(found.places) == 50


def test_most_are_masked_some_are_random_some_stay():
    """80, 10 and 10 %, within five standard errors of 20,000; the rest is untouched."""
    flat, found = hidden(0.5, (402,) * 100)
    seen = found.ids[found.places]
    shares = [(seen == rule().mask).mean(), (seen == found.truth).mean()]
    count, pieces_there = len(seen), len(rule().ordinary)
    assert count == 20_000
    assert abs(shares[0] - 0.8) < 5 * (0.8 * 0.2 / count) ** 0.5
    # A random piece is the true one with probability 1 / pieces.
    assert abs(shares[1] - 0.1 * (1 + 1 / pieces_there)) < 5 * (0.1 * 0.9 / count) ** 0.5
    others = np.delete(np.arange(len(flat)), found.places)
    assert np.array_equal(found.ids[others], flat[others])


def test_another_use_hides_others():
    """The same generator hides the same, another other tokens."""
    places = [hidden(0.15, (66,), seed)[1].places.tolist() for seed in (0, 0, 1)]
    assert places[0] == places[1] != places[2]


def test_a_piece_of_nothing_ordinary_hides_nothing():
    """Separators alone can't be predicted."""
    flat = np.array([START, END, END])
    assert hide(flat, (3,), rule(), generator("hide", 0)).places.tolist() == []
