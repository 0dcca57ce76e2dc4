"""Classification of one text or a pair."""

import math

import numpy as np
import pytest
import torch
from unigram import rows, unigram_tokenizer

from harness.errors import DataError
from harness.records import PairExample
from harness.tasks import classification, family_module

LABELS = ("entailment", "neutral", "contradiction")


def pair(first, second="", label="neutral", name="e"):
    """One example."""
    return PairExample(
        id=name, language="en", document="d", first=first, second=second, label=label
    )


def build(*examples, max_length=64, training=True):
    """Sequences by the small tokenizer."""
    settings = {"max_length": max_length, "learning_rate": 1e-5}
    return classification.build(examples, unigram_tokenizer(), settings, LABELS, training=training)


def test_the_family_is_found_by_its_name():
    """A score for each label, read at the first token."""
    module = family_module("classification")
    assert (module.HEAD, module.outputs(LABELS)) == ("first", 3)


def test_a_pair_is_laid_out_as_the_tokenizer_says():
    """<s> A </s></s> B </s>."""
    assert rows(build(pair("the king", "playing"))) == ["<s> ▁the ▁king </s> </s> ▁play ing </s>"]


def test_an_empty_second_text_makes_it_a_single():
    """Beside a pair in the same data."""
    made = build(pair("the king"), pair("the", "king"))
    assert rows(made) == ["<s> ▁the ▁king </s>", "<s> ▁the </s> </s> ▁king </s>"]


def test_an_empty_first_text_stays_first():
    """Nothing moves to its place."""
    assert rows(build(pair("", "the king"))) == ["<s> </s> </s> ▁the ▁king </s>"]


def test_languages_without_spaces():
    """Thai, Chinese and Arabic with an attached pronoun."""
    made = build(pair("ประเทศไทย", "国的"), pair("كتابكم", "the"))
    assert rows(made) == [
        "<s> ▁ ประเทศ ไทย </s> </s> ▁ 国 的 </s>",
        "<s> ▁كتاب كم </s> </s> ▁the </s>",
    ]


def test_every_sequence_is_a_unit():
    """Three examples, three units."""
    assert build(pair("the"), pair("the"), pair("king")).units.tolist() == [0, 1, 2, 3]


def test_labels_are_matched_by_name():
    """Their places in the task's list, whatever the order of the examples."""
    made = build(pair("the", label="contradiction"), pair("the", label="entailment"))
    assert made.labels.tolist() == [2, 0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("label", ["Neutral", "1", "-1", ""])
def test_a_label_outside_the_set_is_refused(label, training):
    """Never label 0, and in evaluation never a silent miss."""
    with pytest.raises(DataError, match=rf"example e7: got the label '{label}'; expected one of"):
        build(pair("the"), pair("the", label=label, name="e7"), training=training)


@pytest.mark.parametrize("texts", [("", ""), ("  ", "\u200b")])
def test_an_example_without_text_is_refused(texts):
    """White space and invisible characters give no token."""
    with pytest.raises(DataError, match="example e7"):
        build(pair(*texts, name="e7"))


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [(1, 1, (1, 1)), (9, 2, (4, 2)), (2, 9, (2, 4)), (9, 9, (3, 3)), (9, 3, (3, 3))],
)
def test_the_longer_text_is_cut_first(first, second, kept):
    """Ten tokens less four special ones leave six."""
    (row,) = rows(build(pair("the " * first, "king " * second), max_length=10))
    assert (row.count("▁the"), row.count("▁king")) == kept


@pytest.mark.parametrize("max_length", [8, 9, 10, 11])
def test_cutting_is_the_tokenizers_own_longest_first(max_length):
    """All pairs of 0 to 12 and 1 to 12 tokens, against tokenizers' truncation."""
    sizes = [(a, b) for a in range(13) for b in range(1, 13)]
    made = build(*(pair("the " * a, "king " * b) for a, b in sizes), max_length=max_length)
    reference = unigram_tokenizer()
    reference.enable_truncation(max_length, strategy="longest_first")
    expected = [" ".join(reference.encode("the " * a, "king " * b).tokens) for a, b in sizes]
    assert rows(made) == expected


def test_a_long_single_text_is_cut_at_its_end():
    """Eight tokens less two special ones leave six."""
    assert rows(build(pair("the king " * 9), max_length=8)) == [
        "<s> ▁the ▁king ▁the ▁king ▁the ▁king </s>"
    ]


def test_the_loss_is_the_mean_cross_entropy():
    """Three equal logits cost ln 3; the batch is in an order of its own."""
    made = build(pair("the", label="entailment"), pair("the", label="contradiction"))
    logits = torch.tensor([[0.0, 0.0, 50.0], [0.0, 0.0, 0.0]])
    found = classification.loss(logits, made, np.array([1, 0]))
    assert found.item() == pytest.approx(math.log(3) / 2)


def test_the_loss_has_finite_gradients():
    """From single-precision logits."""
    logits = torch.zeros(1, 3, requires_grad=True)
    classification.loss(logits, build(pair("the")), np.array([0])).backward()
    assert logits.grad[0].tolist() == pytest.approx([1 / 3, -2 / 3, 1 / 3])


def test_the_highest_logit_is_the_answer():
    """By name, with all logits; the earlier of two equal ones."""
    examples = [pair("the", name="a"), pair("king", name="b")]
    logits = np.array([[0, 0.5, 2], [1, 1, 0]], np.float32)
    found = classification.decode(logits, build(*examples), examples, {}, LABELS)
    assert [(one.id, one.label) for one in found] == [("a", "contradiction"), ("b", "entailment")]
    assert found[0].logits == (0.0, 0.5, 2.0)
