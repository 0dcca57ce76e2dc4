"""The family of extractive question answering: its loss and its answers."""

import math

import numpy as np
import pytest
import torch
from tiny_encoder import tiny_tokenizer

from harness.records import QaExample
from harness.tasks import extractive_qa, family_module
from harness.tasks.extractive_qa import span_loss

SETTINGS = {
    "max_length": 12,
    "doc_stride": 2,
    "max_query_length": 3,
    "max_answer_length": 4,
    "n_best": 5,
    "learning_rate": 1e-4,
}


def question(name, context, answer=None):
    """A question about the first occurrence of `answer`, or without an answer."""
    return QaExample(
        id=name,
        language="en",
        document="d",
        context=context,
        question="where",
        answers=(answer,) if answer else (),
        answer_starts=(context.index(answer),) if answer else (),
    )


def build(*examples, training=True):
    """Windows by the tiny tokenizer; the context starts at position 4."""
    return extractive_qa.build(examples, tiny_tokenizer(), SETTINGS, (), training=training)


def test_the_family_is_found_by_its_name():
    """A score for starts and one for ends at each token."""
    module = family_module("extractive_qa")
    assert (module.HEAD, module.outputs(())) == ("token", 2)


def test_the_loss_of_a_batch_reads_its_own_windows():
    """Windows of 6 and 7 tokens, asked for in reverse; sure answers at 5 and at 4 cost nothing."""
    made = build(question("a", "the king", "the"), question("b", "the old king", "old"))
    assert np.diff(made.bounds).tolist() == [7, 8]
    logits = torch.zeros(15, 2)
    logits[5], logits[8 + 4] = 50.0, 50.0
    assert extractive_qa.loss(logits, made, np.array([1, 0])).item() == pytest.approx(0, abs=1e-6)


def test_an_unanswerable_question_is_trained_on_the_first_token():
    """A sure start and end at position 0 cost nothing."""
    made = build(question("a", "the king"))
    logits = torch.zeros(len(made.ids), 2)
    logits[0] = 50.0
    assert extractive_qa.loss(logits, made, np.array([0])).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("no_answer", "text"), [(False, "king"), (True, "")])
def test_no_answer_is_chosen_only_where_the_settings_allow_it(no_answer, text):
    """The first token scores 8, "king" (position 5) 2."""
    asked = [question("a", "the king")]
    made = build(*asked, training=False)
    logits = np.zeros((len(made.ids), 2), np.float32)
    logits[0], logits[5] = 4, 1
    settings = {**SETTINGS, "no_answer": no_answer}
    (found,) = extractive_qa.decode(logits, made, asked, settings, ())
    assert found.text == text


def test_the_loss_is_the_mean_of_start_and_end():
    """Windows of 2 and 4 tokens, all logits equal: (ln 2 + ln 4) / 2 for starts and for ends."""
    loss = span_loss(torch.zeros(6, 2), (2, 4), torch.tensor([[0, 1], [3, 0]]))
    assert loss.item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_the_loss_reads_starts_and_ends_from_their_columns():
    """A sure start (column 0) at 1 and a sure end (column 1) at 2 cost nothing."""
    logits = torch.zeros(3, 2)
    logits[1, 0] = logits[2, 1] = 50.0
    assert span_loss(logits, (3,), torch.tensor([[1, 2]])).item() == pytest.approx(0.0, abs=1e-6)


def test_the_loss_has_finite_gradients():
    """Windows of different lengths are padded with -inf inside."""
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 2))).requires_grad_()
    span_loss(logits, (2, 5), torch.tensor([[0, 1], [3, 4]])).backward()
    assert torch.isfinite(logits.grad).all()
