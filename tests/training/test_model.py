"""Packed, padded and transformers' own forward pass give the same numbers."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoder import token_model, write_tiny_encoder
from transformers import AutoModel

from harness.errors import StageError, UsageError
from harness.training.batching import Batch
from harness.training.model import check_length, load_encoder

LENGTHS = (5, 9, 2)


def batch():
    """Three sequences of different lengths."""
    ids = torch.from_numpy(np.random.default_rng(0).integers(4, 30, sum(LENGTHS)))
    return Batch(index=np.arange(3), ids=ids, lengths=LENGTHS, units=3)


@pytest.mark.parametrize(("head", "rows"), [("token", 16), ("first", 3)])
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_packed_and_padded_agree(tmp_path, kind, head, rows):
    """The layout of a CPU and that of a GPU, on one device."""
    folder = write_tiny_encoder(tmp_path, kind)
    with torch.inference_mode():
        packed = token_model(folder, packed=True, head=head)(batch())
        padded = token_model(folder, packed=False, head=head)(batch())
    assert packed.shape == (rows, 2)
    assert torch.allclose(packed, padded, atol=1e-5)


def test_packed_and_padded_gradients_agree(tmp_path):
    """Without dropout, training on a GPU's layout moves every weight as on a CPU's."""
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folder = write_tiny_encoder(tmp_path, **off)
    models = [token_model(folder, packed=packed).train() for packed in (True, False)]
    for model in models:
        (model(batch()) - 1.0).pow(2).sum().backward()
    padded = dict(models[1].named_parameters())
    for name, parameter in models[0].named_parameters():
        assert torch.allclose(parameter.grad, padded[name].grad, atol=1e-4), name


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_a_sequence_alone_has_transformers_own_values(tmp_path, kind):
    """Positions and token types are those that the encoder would number itself."""
    folder = write_tiny_encoder(tmp_path, kind)
    model = token_model(folder, packed=True)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    with torch.inference_mode():
        mine = model(batch()).split(LENGTHS)
        for ids, logits in zip(batch().ids.split(LENGTHS), mine, strict=True):
            states = encoder(input_ids=ids[None]).last_hidden_state[0]
            assert torch.allclose(model.heads[0](states, (len(ids),)), logits, atol=1e-5)


@pytest.mark.parametrize(("kind", "most"), [("bert", 66), ("xlm-roberta", 64)])
def test_windows_longer_than_the_positions_are_refused(tmp_path, kind, most):
    """XLM-R's first position is its padding id plus one: 66 positions hold 64 tokens."""
    model = token_model(write_tiny_encoder(tmp_path, kind), packed=True)
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
        load_encoder(folder, packed=True)


def test_a_folder_without_weights_is_refused(tmp_path):
    """Weights in any format but safetensors are never read."""
    folder = write_tiny_encoder(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(StageError, match="transformers folder"):
        load_encoder(folder, packed=True)


def test_code_beside_the_weights_is_never_run(tmp_path):
    """A config that names its own Python code is refused or ignored, not executed."""
    folder = write_tiny_encoder(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')", "utf-8")
    load_encoder(folder, packed=True)
    assert not (tmp_path / "ran").exists()
