"""A sentence's vector is a mean, or the first, of the hidden states that transformers gives."""

import numpy as np
import pytest
import torch
from tiny_encoder import Count, Rows, write_tiny_encoder
from transformers import AutoModel

from harness.errors import UsageError
from harness.training import infer
from harness.training.embed import sentence_embeddings
from harness.training.model import TokenModel, load_encoder

LENGTHS = (3, 12, 7, 1, 12)


@pytest.fixture
def sequences():
    """Five sequences of different lengths."""
    ids = np.random.default_rng(1).integers(4, 30, sum(LENGTHS)).astype(np.int32)
    return Rows(ids, np.concatenate([[0], np.cumsum(LENGTHS)]))


@pytest.fixture(params=["bert", "xlm-roberta"])
def folder(request, tmp_path):
    """A tiny encoder of either kind, two layers."""
    return write_tiny_encoder(tmp_path, request.param)


def embed(folder, sequences, *, layer=2, pooling="mean", precision="fp32"):
    """The vectors."""
    model = TokenModel(load_encoder(folder), ())
    return sentence_embeddings(
        model, sequences, layer=layer, pooling=pooling, precision=precision, progress=Count()
    )


def hidden_states(folder, sequences, layer):
    """What transformers calls `hidden_states[layer]`, for each sequence alone: (tokens, width)."""
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    for start, end in zip(sequences.bounds[:-1], sequences.bounds[1:], strict=True):
        ids = torch.from_numpy(sequences.ids[None, start:end].astype(np.int64))
        with torch.inference_mode():
            yield encoder(input_ids=ids, output_hidden_states=True).hidden_states[layer][0].numpy()


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_vector_is_the_mean_of_a_layers_states(folder, sequences, layer):
    """Special tokens included; padding isn't."""
    found = embed(folder, sequences, layer=layer)
    expected = [one.mean(axis=0) for one in hidden_states(folder, sequences, layer)]
    assert found.dtype == np.float32
    assert np.allclose(found, expected, atol=1e-5)


def test_or_the_state_of_the_first_token(folder, sequences):
    """Whatever the sequence's place in its batch."""
    found = embed(folder, sequences, pooling="first", layer=1)
    expected = [one[0] for one in hidden_states(folder, sequences, 1)]
    assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("budget", [1, 14])
def test_batches_change_nothing(folder, sequences, monkeypatch, budget):
    """One by one or a few at once: the same vectors in the order of the input."""
    whole = embed(folder, sequences)
    monkeypatch.setitem(infer.TOKENS_PER_BATCH, "cpu", budget)
    assert np.allclose(embed(folder, sequences), whole, atol=1e-5)


def test_bf16_stays_near_fp32(folder, sequences):
    """Within 0.05 of states whose spread is about one; the result is float32."""
    narrow = embed(folder, sequences, precision="bf16")
    assert narrow.dtype == np.float32
    assert 0 < np.abs(narrow - embed(folder, sequences)).max() < 0.05


def test_layers_above_are_not_run_and_come_back(folder, sequences):
    """A look at the first layer leaves the encoder as it was."""
    model = TokenModel(load_encoder(folder), ())
    last = model.encoder.encoder.layer[1]
    calls = []
    last.register_forward_hook(lambda *_: calls.append(1))
    progress = Count()
    sentence_embeddings(
        model, sequences, layer=1, pooling="mean", precision="fp32", progress=progress
    )
    assert not calls
    assert progress.done == progress.total == 5
    assert model.encoder.encoder.layer[1] is last


def test_a_layer_beyond_the_encoder_is_the_users_mistake(folder, sequences):
    """It has two: 0, 1 and 2 can be asked for."""
    with pytest.raises(UsageError, match=r"settings\.layer: got 3; expected 0 to 2"):
        embed(folder, sequences, layer=3)
