"""bf16 with float32 masters: what is cast, what isn't, and that nobody else sees it."""

import pytest
import torch
from tiny_encoder import write_tiny_encoder

from harness.training.batching import Batch
from harness.training.heads import TokenHead
from harness.training.model import TokenModel, load_encoder
from harness.training.precision import Precision


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A tiny packed encoder with a head on every token."""
    folder = tmp_path_factory.mktemp("encoder")
    write_tiny_encoder(folder)
    encoder = load_encoder(folder)
    torch.manual_seed(0)
    return TokenModel(encoder, [TokenHead(encoder.config.hidden_size, 2)]).eval()


BATCH = Batch(index=None, ids=torch.tensor([0, 3, 4, 5, 2, 0, 6, 2]), lengths=(5, 3), units=2)


def gradients(model, precision):
    """Logits and float32 gradients of the sum of their squares."""
    precise = Precision(model, precision)
    with precise.weights():
        with precise.forward():
            logits = model(BATCH)
        (logits**2).sum().backward()
        precise.collect()
    found = {name: one.grad for name, one in model.named_parameters()}
    model.zero_grad(set_to_none=True)
    return logits.detach(), found


def test_logits_and_gradients_are_those_of_float32_up_to_rounding(model):
    """Within bf16's eight bits; every parameter has a gradient, in float32."""
    narrow, wide = gradients(model, "bf16"), gradients(model, "fp32")
    assert (narrow[0] - wide[0]).abs().max() < 0.03 * wide[0].abs().max()
    assert narrow[1].keys() == wide[1].keys()
    for name, expected in wide[1].items():
        assert narrow[1][name].dtype == torch.float32, name
        # Keys' biases shift all scores of a query alike: their gradient is 0 but for rounding.
        if "key.bias" not in name:
            distance = (narrow[1][name] - expected).norm()
            assert distance <= 0.06 * expected.norm(), name


def test_masters_are_back_afterwards(model):
    """The very tensors that an optimiser holds, unchanged; also after an error."""
    before = {name: (id(one), one.detach().clone()) for name, one in model.named_parameters()}
    with pytest.raises(RuntimeError, match="stop"), Precision(model, "bf16").weights():
        assert any(one.dtype == torch.bfloat16 for one in model.parameters())
        raise RuntimeError("stop")
    for name, one in model.named_parameters():
        assert id(one) == before[name][0]
        assert torch.equal(one, before[name][1])


def test_layers_hand_on_bf16_and_heads_get_float32_logits(model):
    """Activations are narrow all the way; what decides the answer isn't."""
    precise = Precision(model, "bf16")
    with torch.inference_mode(), precise.weights(), precise.forward():
        assert model.states(BATCH).dtype == torch.bfloat16
        assert model(BATCH).dtype == torch.float32


def test_weights_are_read_anew_each_time(model):
    """A step of the optimiser between two uses counts."""
    precise = Precision(model, "bf16")
    layer = model.encoder.encoder.layer[0].output.dense
    with precise.weights():
        before = layer.weight.detach().clone()
    with torch.no_grad():
        layer.weight.mul_(2.0)
    with precise.weights():
        assert torch.equal(layer.weight, 2 * before)


def test_gradients_of_micro_batches_add_up_in_float32(model):
    """Two equal micro-batches give twice the gradient, to the last bit."""
    _, once = gradients(model, "bf16")
    precise = Precision(model, "bf16")
    with precise.weights():
        for _ in range(2):
            with precise.forward():
                logits = model(BATCH)
            (logits**2).sum().backward()
            precise.collect()
    for name, one in model.named_parameters():
        assert torch.equal(one.grad, 2 * once[name]), name
    model.zero_grad(set_to_none=True)


def test_float32_casts_nothing(model):
    """All weights stay as they are."""
    with Precision(model, "fp32").weights():
        assert {one.dtype for one in model.parameters()} == {torch.float32}
