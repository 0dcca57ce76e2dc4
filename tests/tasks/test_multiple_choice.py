"""The choice between endings or answers."""

import math

import numpy as np
import pytest
import torch
from unigram import rows, unigram_tokenizer

from harness.errors import DataError
from harness.records import ChoiceExample
from harness.tasks import family_module, multiple_choice


def asked(*choices, context="the king", question="", label=0, name="e"):
    """One example."""
    return ChoiceExample(
        id=name,
        language="en",
        document="d",
        context=context,
        question=question,
        choices=choices,
        label=label,
    )


def build(*examples, max_length=64, training=True):
    """Sequences by the small tokenizer."""
    return multiple_choice.build(
        examples, unigram_tokenizer(), {"max_length": max_length}, (), training=training
    )


def test_the_family_is_found_by_its_name():
    """One score a sequence, read at the first token."""
    module = family_module("multiple_choice")
    assert (module.HEAD, module.outputs(())) == ("first", 1)


def test_each_choice_is_a_sequence():
    """Beside the context."""
    assert rows(build(asked("played", "kings"))) == [
        "<s> ▁the ▁king </s> </s> ▁play ed </s>",
        "<s> ▁the ▁king </s> </s> ▁king s </s>",
    ]


def test_a_question_stands_after_the_context():
    """Both are the first text of the pair."""
    made = build(asked("ไทย", "的", context="the king", question="playing"))
    assert rows(made) == [
        "<s> ▁the ▁king ▁play ing </s> </s> ▁ ไทย </s>",
        "<s> ▁the ▁king ▁play ing </s> </s> ▁ 的 </s>",
    ]


def test_a_context_may_be_missing():
    """CommonsenseQA has questions only."""
    assert rows(build(asked("king", "played", context="", question="the")))[0] == (
        "<s> ▁the </s> </s> ▁king </s>"
    )


def test_a_unit_is_all_choices_of_a_question():
    """Two, four and three choices."""
    made = build(asked("the", "king"), asked(*["the"] * 4, label=3), asked(*["the"] * 3, label=1))
    assert made.units.tolist() == [0, 2, 6, 9]
    assert len(made.bounds) == 10
    assert made.labels.tolist() == [0, 3, 1]


def test_the_end_of_the_context_is_cut_first():
    """Ten tokens less four special ones leave six: question and choice have two each."""
    made = build(asked("king s", "kings", context="the ing ed", question="playing"), max_length=10)
    assert rows(made)[1] == "<s> ▁the ▁ ▁play ing </s> </s> ▁king s </s>"


def test_choices_of_one_question_are_cut_each_for_itself():
    """The context keeps what its own choice leaves."""
    made = build(asked("the", "the the the", context="king king king king"), max_length=8)
    assert [row.count("▁king") for row in rows(made)] == [3, 1]


def test_the_question_is_cut_after_the_context():
    """Room for four: the choice takes three, the question one, the context none."""
    made = build(asked("the the the", "the", question="playing"), max_length=8)
    assert rows(made)[0] == "<s> ▁play </s> </s> ▁the ▁the ▁the </s>"


def test_a_choice_longer_than_a_sequence_is_cut():
    """Nothing else is left beside it."""
    made = build(asked("king " * 9, "the"), max_length=8)
    assert rows(made)[0] == "<s> </s> </s> ▁king ▁king ▁king ▁king </s>"


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_that_is_no_choice_is_refused(label, training):
    """-1 isn't the last one."""
    with pytest.raises(DataError, match=rf"e7: got the label {label} of 2 choices.* 0 to 1"):
        build(asked("the", "king", label=label, name="e7"), training=training)


@pytest.mark.parametrize("choices", [(), ("the",)])
def test_less_than_two_choices_are_refused(choices):
    """There is nothing to choose."""
    with pytest.raises(DataError, match="expected at least two choices"):
        build(asked(*choices))


def test_the_loss_is_over_the_choices_of_each_question():
    """Ln 2 for two equal choices, ln 4 for four: the mean."""
    made = build(asked("the", "king"), asked("the", "king", "the", "king", label=2))
    found = multiple_choice.loss(torch.zeros(6, 1), made, np.arange(6))
    assert found.item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_the_loss_reads_the_questions_of_the_batch():
    """The third question, then the first: sure of the right ones, whatever they are."""
    made = build(
        asked("the", "king", label=1), asked("the", "king"), asked("the", "king", "the", label=2)
    )
    logits = torch.tensor([[0.0], [0.0], [50.0], [0.0], [50.0]])
    found = multiple_choice.loss(logits, made, np.array([4, 5, 6, 0, 1]))
    assert found.item() == pytest.approx(0, abs=1e-6)


def test_the_loss_has_finite_gradients():
    """Questions of different size are padded with -inf inside."""
    made = build(asked("the", "king"), asked("the", "king", "the"))
    logits = torch.zeros(5, 1, requires_grad=True)
    multiple_choice.loss(logits, made, np.arange(5)).backward()
    assert torch.isfinite(logits.grad).all()


def test_the_best_choice_is_the_answer():
    """Its place as text, with the question's own logits; the earlier of two equal ones."""
    examples = [asked("the", "king", name="a"), asked("the", "king", "the", name="b")]
    logits = np.array([[0], [1], [2], [3], [3]], np.float32)
    found = multiple_choice.decode(logits, build(*examples), examples, {}, ())
    assert [(one.id, one.label, one.logits) for one in found] == [
        ("a", "1", (0.0, 1.0)),
        ("b", "1", (2.0, 3.0, 3.0)),
    ]
