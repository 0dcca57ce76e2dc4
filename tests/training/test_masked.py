"""The language model head against transformers' own, differentiated by torch."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoder import tiny_config, write_tiny_encoder
from torch import nn
from transformers import XLMRobertaForMaskedLM

from harness.errors import StageError
from harness.training import masked
from harness.training.masked import MaskedLmHead, lm_head
from harness.training.model import load_encoder
from harness.training.weights import trim

WIDTH, VOCABULARY, HIDDEN = 8, 53, 5


def numbers(*shape, seed=0):
    """Float64 numbers that need a gradient."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn.requires_grad_()


def case():
    """States, table and truth, and a head with random weights."""
    head = MaskedLmHead(WIDTH, VOCABULARY, 1e-5).double()
    for seed, parameter in enumerate(head.parameters()):
        parameter.data += numbers(*parameter.shape, seed=10 + seed).detach()
    truth = torch.tensor([0, 52, 7, 7, 30])
    return numbers(HIDDEN, WIDTH), numbers(VOCABULARY, WIDTH, seed=1), truth, head


def textbook(states, table, truth, head):
    """The whole softmax at once."""
    guessed = head.LayerNorm(nn.functional.gelu(head.dense(states)))
    return nn.functional.cross_entropy(guessed @ table.T + head.bias, truth)


@pytest.mark.parametrize("pieces", [1, 10, 53, 100])
def test_value_and_gradients_are_the_textbook_ones(monkeypatch, pieces):
    """However many pieces of the vocabulary are in a block; the loss counts twice."""
    monkeypatch.setattr(masked, "_FEWEST", pieces)
    monkeypatch.setattr(masked, "_BYTES", 0)
    found = []
    for loss in (lambda *values: values[3](*values[:3]), textbook):
        states, table, truth, head = case()
        (2.0 * loss(states, table, truth, head)).backward()
        found.append([states.grad, table.grad, *(one.grad for one in head.parameters())])
    for mine, theirs in zip(*found, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-12, rtol=0)


def test_the_table_gets_both_of_its_gradients():
    """As the word embedding of the input and as the last layer."""
    ids = torch.tensor([3, 3, 9, 1, 0])
    grads = []
    for loss in (lambda *values: values[3](*values[:3]), textbook):
        _, table, truth, head = case()
        loss(nn.functional.embedding(ids, table), table, truth, head).backward()
        grads.append(table.grad)
    assert torch.allclose(*grads, atol=1e-12, rtol=0)


def test_bf16_stays_near():
    """Under autocast the products lose digits: within 2 % of the loss."""
    states, table, truth, head = case()
    states, table, head = states.float(), table.float(), head.float()
    with torch.no_grad():
        exact = head(states, table, truth).item()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert head(states, table, truth).item() == pytest.approx(exact, rel=0.02)


def test_a_batch_without_hidden_tokens_costs_nothing():
    """A loss of zero, not of NaN."""
    _, table, _, head = case()
    loss = head(numbers(0, WIDTH), table, torch.empty(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0.0
    assert not table.grad.any()


def test_the_head_is_transformers_own():
    """The same weights give the same logits, hence the same loss."""
    config = tiny_config("xlm-roberta", layer_norm_eps=1e-5)
    theirs = XLMRobertaForMaskedLM(config).lm_head
    mine = MaskedLmHead(16, config.vocab_size, 1e-5)
    mine.dense.load_state_dict(theirs.dense.state_dict())
    states = torch.randn(4, 16, generator=torch.Generator().manual_seed(0))
    truth = torch.tensor([1, 2, 3, 4])
    expected = nn.functional.cross_entropy(theirs(states), truth)
    assert mine(states, theirs.decoder.weight, truth).item() == pytest.approx(expected.item())


def test_a_new_head_hands_states_on(tmp_path):
    """Its dense layer is the identity: random weights would hide what the encoder knows."""
    head = lm_head(write_tiny_encoder(tmp_path), load_encoder(tmp_path))
    assert torch.equal(head.dense.weight, torch.eye(16))
    assert not head.bias.any()


def test_a_trimmed_vocabulary_is_refused(tmp_path):
    """Every row has a gradient, and a word that was cut off couldn't be predicted."""
    encoder = load_encoder(write_tiny_encoder(tmp_path))
    rows = encoder.config.vocab_size
    trim(encoder, np.arange(rows - 1))
    with pytest.raises(StageError, match=rf"{rows - 1} rows .* all {rows}"):
        lm_head(tmp_path, encoder)


def test_a_stored_head_is_used(tmp_path):
    """A folder as transformers writes it for a masked language model."""
    write_tiny_encoder(tmp_path, "xlm-roberta")
    whole = XLMRobertaForMaskedLM(tiny_config("xlm-roberta"))
    whole.save_pretrained(tmp_path)
    head = lm_head(tmp_path, load_encoder(tmp_path))
    assert torch.equal(head.dense.weight, whole.lm_head.dense.weight)
    assert torch.equal(head.LayerNorm.weight, whole.lm_head.layer_norm.weight)
    assert torch.equal(head.bias, whole.lm_head.bias)


def test_a_stored_head_of_another_form_is_refused(tmp_path):
    """One without its dense layer isn't completed with a new one."""
    folder = write_tiny_encoder(tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.bias"] = torch.zeros(3)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match=r"lm_head\.\*"):
        lm_head(folder, load_encoder(folder))
