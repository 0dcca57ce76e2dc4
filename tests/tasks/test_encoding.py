"""Layouts, distinct texts, and sequences packed from parts."""

import numpy as np
import pytest
from tiny_encoder import VOCABULARY, tiny_tokenizer

from harness.errors import DataError
from harness.tasks import encoding
from harness.tasks.encoding import (
    Layout,
    Part,
    constant,
    cut,
    encode_distinct,
    pack,
    pair_layout,
    ranges,
    read_tokenizer,
    single_layout,
    singles,
    take,
)


def part(*stretches, ids=range(100)):
    """A part from (start, length) of each sequence."""
    table = np.array(stretches, np.int64).reshape(-1, 2)
    return Part(ids=np.array(ids, np.int32), starts=table[:, 0], lengths=table[:, 1])


def stretches(made):
    """The ids of each stretch of a part."""
    return [made.ids[a : a + n].tolist() for a, n in zip(made.starts, made.lengths, strict=True)]


def test_the_layout_is_the_tokenizers_own():
    """<s> A </s></s> B </s>: ids 0, then 2 2, then 2; and <s> A </s>."""
    assert pair_layout(tiny_tokenizer()) == Layout(before=(0,), between=(2, 2), after=(2,))
    assert single_layout(tiny_tokenizer()) == Layout(before=(0,), after=(2,))


@pytest.mark.parametrize("layout", [pair_layout, single_layout])
def test_a_tokenizer_without_special_tokens_is_refused(layout):
    """Position 0 has to be free for "no answer", or for the label."""
    plain = tiny_tokenizer()
    plain.post_processor = None
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        layout(plain)


def test_a_tokenizers_own_padding_is_no_part_of_the_layout():
    """A tokenizer.json may ask for padding and truncation."""
    padded = tiny_tokenizer()
    padded.enable_padding(length=9, pad_id=1, pad_token="<pad>")
    padded.enable_truncation(3)
    assert single_layout(padded) == Layout(before=(0,), after=(2,))


def test_equal_texts_share_their_tokens():
    """Three texts, two of them the same: five tokens are kept."""
    made = encode_distinct(tiny_tokenizer(), ["the king", "a river city", "the king"])
    assert len(made.ids) == 5
    the, king = VOCABULARY["▁the"], VOCABULARY["▁king"]
    assert stretches(made)[0] == stretches(made)[2] == [the, king]
    assert len(stretches(made)[1]) == 3


def test_texts_are_tokenised_in_portions(monkeypatch):
    """Two at a time give what all at once give."""
    texts = ["the", "king", "", "a city", "river", "the king"]
    whole = stretches(encode_distinct(tiny_tokenizer(), texts))
    monkeypatch.setattr(encoding, "_TEXTS", 2)
    assert stretches(encode_distinct(tiny_tokenizer(), texts)) == whole


def test_no_texts_are_no_sequences():
    """Empty arrays, no error."""
    made = singles(tiny_tokenizer(), [], 9)
    assert (len(made.ids), made.bounds.tolist(), made.units.tolist()) == (0, [0], [0])


def test_parts_are_packed_in_turn():
    """Stretches 5 6 and 9, then 1 and nothing."""
    ids, bounds = pack([part((5, 2), (9, 1)), part((1, 1), (0, 0))])
    assert ids.tolist() == [5, 6, 1, 9]
    assert bounds.tolist() == [0, 3, 4]
    assert ids.dtype == np.int32


def test_packing_in_portions_changes_nothing(monkeypatch):
    """Seven sequences, three at a time."""
    parts = [part(*((i, i % 3) for i in range(7))), constant((8, 9), 7)]
    whole = pack(parts)
    monkeypatch.setattr(encoding, "_ROWS", 3)
    for ours, theirs in zip(pack(parts), whole, strict=True):
        assert ours.tolist() == theirs.tolist()


def test_a_part_is_cut_at_its_end():
    """To two, to none where nothing is left, and not beyond what there is."""
    made = cut(part((5, 3), (5, 3), (5, 1)), np.array([2, -1, 4]))
    assert stretches(made) == [[5, 6], [], [5]]


def test_a_part_can_be_repeated():
    """The second stretch twice."""
    assert stretches(take(part((5, 1), (7, 2)), np.array([1, 1]))) == [[7, 8], [7, 8]]


def test_ranges_follow_one_another():
    """Two from 5, none, and three from 0."""
    assert ranges(np.array([5, 9, 0]), np.array([2, 0, 3])).tolist() == [5, 6, 0, 1, 2]


def test_single_texts_are_cut_with_their_special_tokens():
    """At four tokens <s> and </s> leave room for two; an empty text is both alone."""
    made = singles(tiny_tokenizer(), ["the old king", ""], 4)
    the, old = VOCABULARY["▁the"], VOCABULARY["▁old"]
    assert made.ids.tolist() == [0, the, old, 2, 0, 2]
    assert made.bounds.tolist() == [0, 4, 6]
    assert made.units.tolist() == [0, 1, 2]


def test_a_tokenizer_is_read_once_and_again_when_its_file_changes(tmp_path):
    """A run's stages share it; a file that was replaced isn't mistaken for the old one."""
    file = tmp_path / "tokenizer.json"
    first, other = tiny_tokenizer(), tiny_tokenizer()
    other.add_tokens(["another"])
    first.save(str(file))
    found = read_tokenizer(tmp_path)
    assert read_tokenizer(tmp_path) is found
    other.save(str(file))
    assert read_tokenizer(tmp_path).get_vocab_size() == found.get_vocab_size() + 1
