"""Inference gives each token its logits, however sequences are batched."""

import numpy as np
import pytest
import torch
from tiny_encoder import Count, Rows, write_tiny_encoder

from harness.training import infer
from harness.training.batching import Batch
from harness.training.heads import new_head
from harness.training.model import TokenModel, load_encoder

LENGTHS = (3, 12, 7, 1, 12)


@pytest.fixture(params=["token", "first"])
def model(request, tmp_path):
    """A tiny model with each kind of head."""
    encoder = load_encoder(write_tiny_encoder(tmp_path))
    return TokenModel(encoder, [new_head(request.param, 2, encoder.config, 0)])


@pytest.fixture
def sequences():
    """Five sequences of different lengths."""
    ids = np.random.default_rng(1).integers(4, 30, sum(LENGTHS)).astype(np.int32)
    return Rows(ids, np.concatenate([[0], np.cumsum(LENGTHS)]))


@pytest.mark.parametrize("budget", [1, 14, 4096])
def test_logits_are_those_of_each_sequence_alone(model, sequences, monkeypatch, budget):
    """One by one, a few or all together: the same numbers in the order of the input."""
    monkeypatch.setitem(infer.TOKENS_PER_BATCH, "cpu", budget)
    progress = Count()
    logits = infer.all_logits(model, sequences, precision="fp32", progress=progress)
    assert progress.done == progress.total == 5
    alone = []
    for start, length in zip(sequences.bounds, LENGTHS, strict=False):
        ids = torch.from_numpy(sequences.ids[start : start + length].astype(np.int64))
        with torch.inference_mode():
            alone.append(model(Batch(index=np.array([0]), ids=ids, lengths=(length,), units=1)))
    assert np.allclose(logits, torch.cat(alone).numpy(), atol=1e-5)


def test_bf16_stays_near_fp32(model, sequences):
    """Within 0.05 of logits whose spread is about one tenth."""
    wide = infer.all_logits(model, sequences, precision="fp32", progress=Count())
    narrow = infer.all_logits(model, sequences, precision="bf16", progress=Count())
    assert narrow.dtype == np.float32
    assert np.abs(wide - narrow).max() < 0.05


def test_dropout_is_off(model, sequences):
    """A model left in training mode predicts the same twice."""
    model.train()
    one = infer.all_logits(model, sequences, precision="fp32", progress=Count())
    assert (one == infer.all_logits(model, sequences, precision="fp32", progress=Count())).all()
