"""Packed, padded and transformers' own forward pass give the same numbers."""

import itertools
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoder import token_model, write_tiny_encoder
from transformers import AutoModel

from harness.errors import StageError, UsageError
from harness.training import attention
from harness.training.batching import Batch
from harness.training.model import check_length, load_encoder

LENGTHS = (5, 9, 2)


def batch():
    """Three sequences of different lengths."""
    ids = torch.from_numpy(np.random.default_rng(0).integers(4, 30, sum(LENGTHS)))
    return Batch(index=np.arange(3), ids=ids, lengths=LENGTHS, units=3)


def padded(folder, batch):
    """Transformers' own encoder of a folder, and its states of a padded batch: (tokens, width)."""
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    ids = torch.nn.utils.rnn.pad_sequence(
        batch.ids.split(batch.lengths), batch_first=True, padding_value=encoder.config.pad_token_id
    )
    mask = torch.arange(ids.shape[1]) < torch.tensor(batch.lengths)[:, None]
    return encoder, encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state[mask]


@pytest.mark.parametrize(("head", "rows"), [("token", 16), ("first", 3)])
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_packed_and_padded_agree(tmp_path, kind, head, rows):
    """A packed row gives what transformers makes of a padded rectangle."""
    folder = write_tiny_encoder(tmp_path, kind)
    model = token_model(folder, head=head)
    with torch.inference_mode():
        packed = model(batch())
        expected = model.heads[0](padded(folder, batch())[1], LENGTHS)
    assert packed.shape == (rows, 2)
    assert torch.allclose(packed, expected, atol=1e-5)


def test_packed_and_padded_gradients_agree(tmp_path):
    """Without dropout, training on a packed row moves every weight as on a padded rectangle."""
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folder = write_tiny_encoder(tmp_path, **off)
    model = token_model(folder).train()
    (model.states(batch()) - 1.0).pow(2).sum().backward()
    encoder, states = padded(folder, batch())
    (states - 1.0).pow(2).sum().backward()
    expected = dict(encoder.named_parameters())
    for name, parameter in model.encoder.named_parameters():
        assert torch.allclose(parameter.grad, expected[name].grad, atol=1e-4), name


def test_a_softmax_cancels_a_keys_bias(tmp_path):
    """Its gradient is rounding, which Adam makes steps of: tests of weights leave it out."""
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = token_model(write_tiny_encoder(tmp_path, **off)).double().train()
    (model.states(batch()) - 1.0).pow(2).sum().backward()
    largest = {name: float(one.grad.abs().max()) for name, one in model.encoder.named_parameters()}
    assert max(value for name, value in largest.items() if name.endswith("key.bias")) < 1e-12
    assert min(value for name, value in largest.items() if name.endswith("query.bias")) > 1e-4


def attended(query, key, value, bounds, dropout, scaling):
    """What a GPU's kernels compute of a row, a sequence at a time."""
    assert bounds.longest == max(LENGTHS)
    edges = bounds.starts.tolist()
    parts = [
        torch.nn.functional.scaled_dot_product_attention(
            *(one[:, :, a:b] for one in (query, key, value)), dropout_p=dropout, scale=scaling
        )
        for a, b in itertools.pairwise(edges)
    ]
    return torch.cat(parts, 2).transpose(1, 2)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_a_gpus_way_through_the_layers_agrees(tmp_path, monkeypatch, kind):
    """All but its kernels, on a CPU: one row, and where its sequences begin."""

    def straight(layers, states, lengths, *_):
        return layers(states, attention.bounds_of(lengths, states.device))

    model = token_model(write_tiny_encoder(tmp_path, kind))
    with torch.inference_mode():
        expected = model(batch())
        monkeypatch.setattr("harness.training.model.through", straight)
        monkeypatch.setattr(attention, "_on_gpu", attended)
        assert torch.allclose(model(batch()), expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_a_sequence_alone_has_transformers_own_values(tmp_path, kind):
    """Positions and token types are those that the encoder would number itself."""
    folder = write_tiny_encoder(tmp_path, kind)
    model = token_model(folder)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    with torch.inference_mode():
        mine = model(batch()).split(LENGTHS)
        for ids, logits in zip(batch().ids.split(LENGTHS), mine, strict=True):
            states = encoder(input_ids=ids[None]).last_hidden_state[0]
            assert torch.allclose(model.heads[0](states, (len(ids),)), logits, atol=1e-5)


@pytest.mark.parametrize(("kind", "most"), [("bert", 66), ("xlm-roberta", 64)])
def test_windows_longer_than_the_positions_are_refused(tmp_path, kind, most):
    """XLM-R's first position is its padding id plus one: 66 positions hold 64 tokens."""
    model = token_model(write_tiny_encoder(tmp_path, kind))
    check_length(model, most)
    with pytest.raises(UsageError, match=f"at most {most}"):
        check_length(model, most + 1)


def test_a_missing_weight_is_not_drawn_at_random(tmp_path):
    """The library would initialise it anew; here it is an error that names it."""
    folder = write_tiny_encoder(tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match=r"no weights for encoder\.layer\.0\.output"):
        load_encoder(folder)


def test_a_folder_without_weights_is_refused(tmp_path):
    """Weights in any format but safetensors are never read."""
    folder = write_tiny_encoder(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(StageError, match="transformers folder"):
        load_encoder(folder)


def test_code_beside_the_weights_is_never_run(tmp_path):
    """A config that names its own Python code is refused or ignored, not executed."""
    folder = write_tiny_encoder(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", "utf-8")
    load_encoder(folder)
    assert not (tmp_path / "ran").exists()
