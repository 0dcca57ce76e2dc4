"""Sequences shared among threads against all of them in one."""

import numpy as np
import pytest
import torch
from tiny_encoder import token_model, write_tiny_encoder

from harness.training.batching import Batch
from harness.training.lanes import lanes_of
from harness.training.model import prepare_dropout

LENGTHS = (5, 8, 3, 6)
OFF = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture
def threads():
    """Set the number of torch's threads; put it back at the end."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def batch(lengths=LENGTHS):
    """Sequences of these lengths, with ids that differ."""
    ids = torch.arange(sum(lengths)) % 17 + 3
    return Batch(index=np.arange(len(lengths)), ids=ids, lengths=lengths, units=len(lengths))


def gradients(model, one):
    """Of every parameter, from a loss that looks at every token."""
    model.zero_grad()
    (model(one) - 1.0).pow(2).sum().backward()
    return {name: value.grad for name, value in model.named_parameters()}


def test_lanes_are_balanced_and_hold_every_token_once():
    """The longest first, each to the lane with least; 11 tokens each."""
    lanes = lanes_of(LENGTHS, 2)
    assert [lane.lengths for lane in lanes] == [(8, 3), (6, 5)]
    assert sorted(torch.cat([lane.tokens for lane in lanes]).tolist()) == list(range(22))
    assert lanes[0].tokens.tolist() == [*range(5, 13), *range(13, 16)]


def test_no_lane_is_empty():
    """Two sequences and eight threads are two lanes; one sequence is one."""
    assert [lane.lengths for lane in lanes_of((4, 9), 8)] == [(9,), (4,)]
    assert len(lanes_of((4,), 8)) == 1


def test_lanes_give_what_one_thread_gives(tmp_path, threads):
    """Without dropout: states and every gradient in float64, two and three lanes against one."""
    model = token_model(write_tiny_encoder(tmp_path, **OFF)).double().train()
    threads(1)
    with torch.inference_mode():
        states = model.states(batch())
    wanted = gradients(model, batch())
    for count in (2, 3):
        threads(count)
        with torch.inference_mode():
            assert torch.allclose(model.states(batch()), states, atol=1e-12)
        found = gradients(model, batch())
        assert torch.get_num_threads() == count
        for name, value in wanted.items():
            assert torch.allclose(found[name], value, atol=1e-10), name


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_lanes_compute_as_their_caller_does(tmp_path, threads, kind):
    """Autocast reaches the threads: bf16 states are bf16 in a lane too; each is one thread."""
    model = token_model(write_tiny_encoder(tmp_path, **OFF))
    seen = []
    model.encoder.encoder.layer[0].intermediate.register_forward_hook(
        lambda module, inputs, output: seen.append((output.dtype, torch.get_num_threads()))
    )
    threads(2)
    narrow = kind is torch.bfloat16
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=narrow):
        model.states(batch())
    assert seen == [(kind, 1)] * 2


def test_dropout_of_lanes_is_the_same_each_time(tmp_path, threads):
    """Equal bits at equal places, however the threads are scheduled; other bits elsewhere."""
    model = token_model(write_tiny_encoder(tmp_path)).train()
    prepare_dropout(model, 0)
    threads(2)
    found = []
    for step in (4, *[5] * 6):
        model.draws.at(step, 0)
        found.append(gradients(model, batch()))
    other, first, *again = found
    for one in again:
        for name, value in first.items():
            assert torch.equal(one[name], value), name
    assert not torch.equal(first["heads.0.output.weight"], other["heads.0.output.weight"])


def test_what_a_lane_raises_reaches_the_caller(tmp_path, threads):
    """An error inside a thread isn't lost, and the next call works."""
    model = token_model(write_tiny_encoder(tmp_path))
    threads(2)

    def fail(module, inputs):
        raise ValueError("no")

    hook = model.encoder.encoder.layer[1].register_forward_pre_hook(fail)
    with torch.inference_mode(), pytest.raises(ValueError, match="no"):
        model.states(batch())
    hook.remove()
    with torch.inference_mode():
        assert len(model.states(batch())) == 22
