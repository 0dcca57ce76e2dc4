"""Trimmed training equals full training; deltas follow one another and survive a round trip."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoder import tiny_config, write_tiny_encoder

from harness.errors import StageError
from harness.models import Training
from harness.training.batching import Batch, Course
from harness.training.heads import new_head
from harness.training.loop import train
from harness.training.model import TokenModel, load_encoder, prepare_dropout
from harness.training.seeding import generator
from harness.training.weights import (
    apply_delta,
    embedding,
    make_delta,
    read_delta,
    trim,
    write_delta,
)

USED = np.array([0, 1, 2, 5, 8, 13])
LENGTHS = (4, 6, 3)


class Quiet:
    """A progress that nobody looks at."""

    def start(self, total, unit):
        """Nothing."""

    def advance(self, done, **figures):
        """Nothing."""


@pytest.fixture
def folder(tmp_path):
    """A tiny encoder."""
    return write_tiny_encoder(tmp_path / "encoder")


def settings():
    """Strong decay and clipping, so that a mistake in either shows."""
    return Training(
        learning_rate=0.01,
        epochs=1,
        batch_size=3,
        warmup={"fraction": 0.3},
        weight_decay=0.3,
        clip_norm=0.05,
    )


def head(seed):
    """A new head for the tiny encoder."""
    return new_head("token", 2, tiny_config(), seed)


def trained(encoder, ids, steps=6, seed=0):
    """Train `encoder` with a new head on `steps` batches of the ids given; returns model, decay."""
    model = TokenModel(encoder, [head(seed)]).double()
    prepare_dropout(model, seed)
    rng = generator("batches", seed)
    batches = []
    for _ in range(steps):
        drawn = torch.from_numpy(rng.choice(ids, size=sum(LENGTHS)).astype(np.int64))
        batches.append((Batch(index=np.arange(3), ids=drawn, lengths=LENGTHS, units=3),))
    done = train(
        model,
        Course(steps=steps, after=lambda done: batches[done:], draws=model.draws),
        lambda one: (model(one) - 1.0).pow(2).mean(),
        settings(),
        precision="fp32",
        progress=Quiet(),
    )
    return model, done.decay


def test_trimmed_training_equals_training_the_full_table(folder):
    """Every tensor and every row of the table, in float64, to 1e-10."""
    full = load_encoder(folder)
    whole, _ = trained(full, USED)
    small = load_encoder(folder)
    remap = trim(small, USED)
    model, decay = trained(small, remap[USED])
    delta = make_delta(small, USED, decay, model.heads)
    rebuilt = load_encoder(folder).double()
    apply_delta(rebuilt, delta)
    assert embedding(small).num_embeddings == len(USED)
    for name, value in whole.encoder.state_dict().items():
        assert torch.allclose(rebuilt.state_dict()[name], value, atol=1e-10, rtol=0), name
    assert torch.allclose(
        delta.heads["heads.0.output.weight"], whole.heads[0].output.weight, atol=1e-10, rtol=0
    )


def test_untouched_rows_are_only_scaled(folder):
    """Row 20 isn't used: it is its old self times the factor, which isn't one."""
    encoder = load_encoder(folder)
    before = embedding(encoder).weight[20].double()
    remap = trim(encoder, USED)
    model, decay = trained(encoder, remap[USED])
    rebuilt = load_encoder(folder).double()
    apply_delta(rebuilt, make_delta(encoder, USED, decay, model.heads))
    assert decay < 0.999
    assert torch.allclose(embedding(rebuilt).weight[20], before * decay, atol=1e-12)


def test_a_second_training_starts_where_the_first_ended(folder):
    """Trimmed twice, with other rows, equals the full table trained twice; in float64, to 1e-10."""
    others = np.array([0, 1, 2, 9, 13, 21])
    halfway = trained(load_encoder(folder), USED)[0].encoder
    whole = load_encoder(folder).double()
    whole.load_state_dict(halfway.state_dict())
    trained(whole, others, seed=1)
    first = load_encoder(folder)
    _, decay = trained(first, trim(first, USED)[USED])
    one = make_delta(first, USED, decay, None)
    second = load_encoder(folder).double()
    apply_delta(second, one)
    small, more = trained(second, trim(second, others)[others], seed=1)
    two = make_delta(second, others, more, small.heads)
    rebuilt = load_encoder(folder).double()
    apply_delta(rebuilt, one)
    apply_delta(rebuilt, two)
    assert two.rows.tolist() == others.tolist()
    for name, value in whole.state_dict().items():
        assert torch.allclose(rebuilt.state_dict()[name], value, atol=1e-10, rtol=0), name


def test_trimming_gives_the_encoders_file_back(folder):
    """It is mapped into memory, the whole table with it, for as long as a tensor lies in it."""
    encoder = load_encoder(folder)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    assert is_mapped(folder)
    trim(encoder, USED)
    assert not is_mapped(folder)
    words = next(name for name in before if "word_embeddings" in name)
    before[words] = before[words][USED]
    after = encoder.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def is_mapped(folder):
    """Whether the encoder's weights lie in this process's memory as their file does."""
    return str(folder / "model.safetensors") in Path("/proc/self/maps").read_text("utf-8")


def test_a_delta_survives_a_round_trip(folder, tmp_path):
    """Tensors, rows, values, scale and head come back equal."""
    encoder = load_encoder(folder)
    trim(encoder, USED)
    delta = make_delta(encoder, USED, 0.875, torch.nn.ModuleList([head(0)]))
    write_delta(tmp_path, delta)
    back = read_delta(tmp_path)
    assert back.scale == 0.875
    assert back.rows.tolist() == USED.tolist()
    assert torch.equal(back.values, delta.values)
    assert back.tensors.keys() == delta.tensors.keys()
    assert torch.equal(back.heads["heads.0.output.weight"], delta.heads["heads.0.output.weight"])


def test_an_intermediate_delta_has_no_head(folder, tmp_path):
    """Without a head nothing of one is stored."""
    encoder = load_encoder(folder)
    trim(encoder, USED)
    write_delta(tmp_path, make_delta(encoder, USED, 1.0, None))
    assert read_delta(tmp_path).heads == {}


def test_the_padding_row_keeps_its_part(folder):
    """The padding id is remapped, so that its gradient stays zero."""
    encoder = load_encoder(folder)
    trim(encoder, USED)
    assert embedding(encoder).padding_idx == 1


def test_a_folder_without_a_model_is_refused(tmp_path):
    """An expected error, not a traceback."""
    with pytest.raises(StageError, match=r"delta\.safetensors"):
        read_delta(tmp_path)
