"""A tag for each word, read at its first sub-token."""

import math

import numpy as np
import pytest
import torch
from tiny_encoder import VOCABULARY, tiny_tokenizer
from unigram import PIECES, UNKNOWN, rows, unigram_tokenizer

from harness.errors import DataError, UsageError
from harness.records import TagExample
from harness.tasks import family_module, tagging

LABELS = ("NOUN", "VERB", "O")


def sentence(text, tags=None, name="e"):
    """Words between spaces; every word is a noun unless said otherwise."""
    words = tuple(text.split(" ")) if isinstance(text, str) else tuple(text)
    given = tuple(tags.split()) if tags is not None else ("NOUN",) * len(words)
    return TagExample(id=name, language="en", document="d", words=words, tags=given)


def build(*examples, max_length=64, long_sentences="split", training=True, labels=LABELS):
    """Sequences by the small tokenizer."""
    settings = {"max_length": max_length, "long_sentences": long_sentences}
    return tagging.build(examples, unigram_tokenizer(), settings, labels, training=training)


def learnt(made):
    """(piece, tag) of each token that is trained on."""
    places = np.flatnonzero(made.tags >= 0)
    return [(PIECES[made.ids[i]], LABELS[made.tags[i]]) for i in places]


def firsts(made):
    """The piece that each word is read at; None beyond the sequence."""
    return [PIECES[made.ids[i]] if i >= 0 else None for i in made.first]


def test_the_family_is_found_by_its_name():
    """A score for each tag at every token."""
    module = family_module("tagging")
    assert (module.HEAD, module.outputs(LABELS)) == ("token", 3)


def test_the_first_sub_token_carries_the_tag():
    """The others and the special tokens are not trained on."""
    made = build(sentence("the kings played", "O NOUN VERB"))
    assert rows(made) == ["<s> ▁the ▁king s ▁play ed </s>"]
    assert learnt(made) == [("▁the", "O"), ("▁king", "NOUN"), ("▁play", "VERB")]


def test_words_without_spaces_keep_their_tags():
    """Thai and Chinese words begin with the word mark alone, as in XLM-R's own scripts."""
    made = build(sentence("ประเทศไทย 国 كتابكم", "NOUN VERB O"))
    assert rows(made) == ["<s> ▁ ประเทศ ไทย ▁ 国 ▁كتاب كم </s>"]
    assert learnt(made) == [("▁", "NOUN"), ("▁", "VERB"), ("▁كتاب", "O")]


def test_words_are_tokenised_as_a_pretokenised_sentence():
    """Tokenizers' is_pretokenized=True gives the same tokens and first sub-tokens."""
    words = ["the", "kings", "国的", "ประเทศไทย", "xyz", "played", "the king", "كتابكم"]
    made = build(sentence(words))
    reference = unigram_tokenizer().encode(words, is_pretokenized=True)
    assert made.ids.tolist() == reference.ids
    places = reference.word_ids
    assert made.first.tolist() == [places.index(word) for word in range(len(words))]


@pytest.mark.parametrize("lost", ["", " ", "\u00a0", "\u200b", "\ufeff"])
def test_a_word_without_tokens_is_the_unknown_token(lost):
    """So that the words after it keep their places and tags."""
    made = build(sentence(["the", lost, "played"], "O NOUN VERB"))
    assert made.ids.tolist()[2] == UNKNOWN
    assert learnt(made) == [("▁the", "O"), ("<unk>", "NOUN"), ("▁play", "VERB")]


def test_the_unknown_token_is_found_by_name_too():
    """WordLevel and WordPiece know theirs by name, Unigram by number."""
    settings = {"max_length": 64, "long_sentences": "split"}
    made = tagging.build([sentence(["the", ""])], tiny_tokenizer(), settings, LABELS, training=True)
    assert made.ids.tolist() == [0, VOCABULARY["▁the"], VOCABULARY["<unk>"], 2]


def test_a_long_sentence_is_split_between_words():
    """Eight tokens less two leave six: three words of two tokens each, then one."""
    made = build(sentence("kings played kings played", "NOUN VERB NOUN VERB"), max_length=8)
    assert rows(made) == ["<s> ▁king s ▁play ed ▁king s </s>", "<s> ▁play ed </s>"]
    assert made.units.tolist() == [0, 1, 2]
    assert firsts(made) == ["▁king", "▁play", "▁king", "▁play"]
    assert made.beyond == 0


def test_a_split_never_parts_a_word():
    """Five tokens and a word of two: it begins the next sequence."""
    made = build(sentence("the the the the the kings"), max_length=8)
    assert rows(made) == ["<s> ▁the ▁the ▁the ▁the ▁the </s>", "<s> ▁king s </s>"]


def test_sentences_around_a_split_one_are_whole():
    """Words follow one another over all examples."""
    made = build(sentence("the"), sentence("the " * 7 + "king"), sentence("played"), max_length=8)
    assert [row.count("▁") for row in rows(made)] == [1, 6, 2, 1]
    assert firsts(made) == ["▁the"] * 8 + ["▁king", "▁play"]


@pytest.mark.parametrize("long_sentences", ["split", "truncate"])
def test_a_sentence_that_just_fits_is_one_sequence(long_sentences):
    """Six tokens of six."""
    made = build(sentence("kings kings kings"), max_length=8, long_sentences=long_sentences)
    assert rows(made) == ["<s> ▁king s ▁king s ▁king s </s>"]


def test_a_truncated_sentence_loses_its_end():
    """The word at the edge keeps its first sub-token and its tag; the next ones have none."""
    text = sentence("the kings played kings kings the", "O NOUN VERB NOUN NOUN O")
    made = build(text, max_length=8, long_sentences="truncate")
    assert rows(made) == ["<s> ▁the ▁king s ▁play ed ▁king </s>"]
    assert firsts(made) == ["▁the", "▁king", "▁play", "▁king", None, None]
    assert [tag for _, tag in learnt(made)] == ["O", "NOUN", "VERB", "NOUN"]
    assert made.beyond == 2


def test_truncation_starts_anew_with_each_sentence():
    """Room for six in both."""
    both = sentence("the " * 8 + "the"), sentence("king " * 6 + "king")
    made = build(*both, max_length=8, long_sentences="truncate")
    assert [len(row.split()) for row in rows(made)] == [8, 8]
    assert made.beyond == 3 + 1


@pytest.mark.parametrize("long_sentences", ["split", "truncate"])
def test_a_word_longer_than_a_sequence_is_cut(long_sentences):
    """Of "▁king" and nine "s" six tokens are left, and the word keeps its tag."""
    made = build(sentence(["king" + "s" * 9], "VERB"), max_length=8, long_sentences=long_sentences)
    assert rows(made) == ["<s> ▁king s s s s s </s>"]
    assert learnt(made) == [("▁king", "VERB")]


def test_a_word_longer_than_a_sequence_stands_alone():
    """Between two others, when sentences are split."""
    made = build(sentence(["the", "king" + "s" * 9, "the"]), max_length=8)
    assert rows(made) == ["<s> ▁the </s>", "<s> ▁king s s s s s </s>", "<s> ▁the </s>"]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("tags", ["NOUN", "NOUN NOUN NOUN", ""])
def test_more_or_fewer_tags_than_words_are_refused(tags, training):
    """Two words."""
    with pytest.raises(DataError, match=r"example e7: got 2 words and \d tags"):
        build(sentence("the king"), sentence("the king", tags, name="e7"), training=training)


def test_a_sentence_without_words_is_refused():
    """There is nothing to tag."""
    with pytest.raises(DataError, match="example e7: got 0 words"):
        build(sentence((), name="e7"))


def test_a_tag_outside_the_set_is_refused_in_training():
    """The second word of the second sentence; never tag 0."""
    with pytest.raises(DataError, match="example e7: got the label 'ADJ'"):
        build(sentence("the king"), sentence("the king", "O ADJ", name="e7"), sentence("the"))


def test_a_tag_that_training_never_saw_may_stand_in_the_evaluation():
    """It can't be predicted, and is a miss: no tags are read."""
    made = build(sentence("the king", "O ADJ"), training=False)
    assert made.tags.tolist() == [-1] * 4


def test_a_sequence_without_room_for_a_word_is_refused():
    """Two special tokens of two."""
    with pytest.raises(UsageError, match="max_length"):
        build(sentence("the"), max_length=2)


def test_the_loss_is_the_mean_over_words():
    """Sentences of one and of two words; ln 3 for each word that all tags are equal for."""
    made = build(sentence("kings", "NOUN"), sentence("the played", "O VERB"))
    logits = torch.zeros(4 + 5, 3)
    logits[1, 0] = 50.0
    found = tagging.loss(logits, made, np.array([0, 1]))
    assert found.item() == pytest.approx(2 / 3 * math.log(3))


def test_the_loss_reads_the_sentences_of_the_batch():
    """The third, then the first: sure of the right tags costs nothing."""
    made = build(sentence("kings", "VERB"), sentence("the"), sentence("the king", "O NOUN"))
    logits = torch.zeros(4 + 4, 3)
    logits[1, 2] = logits[2, 0] = logits[4 + 1, 1] = 50.0
    found = tagging.loss(logits, made, np.array([2, 0]))
    assert found.item() == pytest.approx(0, abs=1e-6)


def test_only_first_sub_tokens_get_a_gradient():
    """Four tokens, one of them learnt."""
    made = build(sentence("kings"))
    logits = torch.zeros(4, 3, requires_grad=True)
    tagging.loss(logits, made, np.array([0])).backward()
    assert logits.grad.abs().sum(1).bool().tolist() == [False, True, False, False]


def decode(made, examples, chosen, labels=LABELS):
    """Predictions where the tag of each piece is given."""
    logits = np.zeros((len(made.ids), len(labels)), np.float32)
    for row, piece in enumerate(made.ids):
        if PIECES[piece] in chosen:
            logits[row, labels.index(chosen[PIECES[piece]])] = 1
    return tagging.decode(logits, made, examples, {}, labels)


def test_each_word_has_its_prediction():
    """Read at the first sub-token, also across a split; later sub-tokens have no say."""
    examples = [sentence("kings played kings the", name="a"), sentence("played", name="b")]
    made = build(*examples, max_length=8, training=False)
    found = decode(made, examples, {"▁play": "VERB", "▁the": "O", "s": "O", "ed": "O"})
    assert [(one.id, one.tags) for one in found] == [
        ("a", ("NOUN", "VERB", "NOUN", "O")),
        ("b", ("VERB",)),
    ]


@pytest.mark.parametrize(("labels", "rest"), [(LABELS, "O"), (("VERB", "NOUN"), "VERB")])
def test_words_beyond_a_truncation_have_the_neutral_tag(labels, rest):
    """`O`, or the first tag where there is none."""
    examples = [sentence("king " * 6 + "king")]
    made = build(*examples, max_length=8, long_sentences="truncate", training=False)
    (found,) = decode(made, examples, {"▁king": "NOUN"}, labels)
    assert found.tags == ("NOUN",) * 6 + (rest,)


def test_large_tag_sets_are_matched_by_name():
    """1,300 supertags, each at its place."""
    labels = tuple(f"S{i}" for i in range(1300))
    examples = [sentence(["the"] * 1300, " ".join(reversed(labels)))]
    made = build(*examples, labels=labels)
    assert made.tags[made.first].tolist() == list(range(1299, -1, -1))
