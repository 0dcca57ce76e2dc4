"""On a GPU: the same numbers as on a CPU, the same bits each time, and no wait within a step.

The stages' own tests run on a GPU with HARNESS_TEST_DEVICE=cuda.
"""

import numpy as np
import pytest
import torch
from tiny_encoder import Count, token_model, write_tiny_encoder
from torch import nn

from harness.models import Training
from harness.models.recipes import Warmup
from harness.tasks.extractive_qa import span_loss
from harness.training import attention, compiled, recorded
from harness.training.batching import Batch, Course
from harness.training.checkpoint import Checkpoints, made_by
from harness.training.loop import train
from harness.training.model import TokenModel, prepare_dropout
from harness.training.seeding import deterministic

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"),
    # Of torch's compiler.
    pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
    pytest.mark.filterwarnings("ignore:Synchronization debug mode:UserWarning"),
]

LENGTHS = (5, 130, 1, 64, 33)
TINY = (5, 31, 1, 16, 33)
GPU = torch.device("cuda")
OFF = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


@pytest.fixture(autouse=True)
def settings():
    """As a stage sets torch up."""
    deterministic(2, GPU)
    yield
    torch.use_deterministic_algorithms(False)


def attended(values, kind, device, dropout=0.0):
    """Attention over a packed row, and the gradients of a weighted sum of it; float32 on a CPU."""
    q, k, v = (one.to(device, kind).requires_grad_() for one in values)
    lengths = LENGTHS if device == "cpu" else attention.bounds_of(LENGTHS, GPU)
    module = nn.Module()
    out, _ = attention.packed_attention(
        module, q, k, v, None, dropout=dropout, scaling=q.shape[-1] ** -0.5, lengths=lengths
    )
    weights = torch.linspace(-1, 1, out.numel(), device=device).view(out.shape)
    (out.float() * weights).sum().backward()
    return [one.float().cpu() for one in (out.detach(), q.grad, k.grad, v.grad)]


def row(width, heads=3):
    """Queries, keys and values of a row, (1, heads, tokens, width)."""
    rng = torch.Generator().manual_seed(3)
    return [torch.randn(1, heads, sum(LENGTHS), width, generator=rng) for _ in range(3)]


@pytest.mark.parametrize("width", [8, 12, 32, 64])
@pytest.mark.parametrize(("kind", "error"), [(torch.float32, 1e-4), (torch.bfloat16, 2e-2)])
def test_attention_is_a_cpus(width, kind, error):
    """Values and gradients, of any length and width."""
    values = [one.to(kind).float() for one in row(width)]
    for mine, expected in zip(
        attended(values, kind, GPU), attended(values, torch.float32, "cpu"), strict=True
    ):
        assert (mine - expected).norm() <= error * expected.norm()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_attentions_dropout_follows_torchs_seed(kind):
    """Equal bits of an equal seed, others of another; the mean stays."""
    q, k, _ = row(64)
    values = [q, k, torch.ones_like(q)]
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(attended(values, kind, GPU, dropout=0.5))
    assert all(torch.equal(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert not torch.equal(found[0][0], found[2][0])
    long = found[0][0][0, 5:135]
    assert abs(long.mean() - 1.0) < 0.05
    assert long.std() > 0.01


def batch(seed):
    """Sequences of some lengths, in another order for each seed."""
    rng = np.random.default_rng(seed)
    lengths = tuple(int(n) for n in rng.permutation(TINY))
    ids = torch.from_numpy(rng.integers(4, 30, sum(lengths)))
    return Batch(index=np.arange(len(lengths)), ids=ids, lengths=lengths, units=len(lengths))


def loss_of(model):
    """Every window's answer is its first token; as the stage computes it."""

    def loss(one):
        labels = torch.zeros((len(one.lengths), 2), dtype=torch.int64)
        return span_loss(model(one), one.lengths, labels)

    return loss


def trained(
    folder, *, device=GPU, steps=12, precision="fp32", layers=False, record=False, kept=None
):
    """The parameters after some steps, on the CPU; layers compiled or recorded, or both."""
    deterministic(2, torch.device(device))
    model = token_model(folder).to(device)
    prepare_dropout(model, 0)
    if layers:
        assert compiled.compile_layers(model, precision, 10_000)
    if record:
        assert recorded.record_layers(model, 10_000)
    recipe = Training(
        learning_rate=1e-3,
        warmup=Warmup(fraction=0.1),
        weight_decay=0.01,
        decay_exempt=("bias", "LayerNorm"),
        adam_epsilon=1e-8,
        clip_norm=1.0,
        epochs=1,
        batch_size=1,
        accumulation=1,
    )
    course = Course(
        steps=steps,
        after=lambda done: ((batch(2 * n), batch(2 * n + 1)) for n in range(done, steps)),
        draws=model.draws,
    )
    train(
        model,
        course,
        loss_of(model),
        recipe,
        precision=precision,
        progress=Count(),
        checkpoints=kept,
    )
    return {name: value.detach().cpu() for name, value in model.named_parameters()}


# A softmax cancels these: their gradients are rounding, which Adam makes steps of.
CANCELLED = ("key.bias", "heads.0.output.bias")


def assert_near(mine, expected, error):
    """No parameter is further off than `error`."""
    off = {name: float((mine[name] - value).abs().max()) for name, value in expected.items()}
    assert {k: v for k, v in off.items() if v > error and not k.endswith(CANCELLED)} == {}


@pytest.mark.parametrize("record", [False, True])
def test_a_training_without_dropout_is_a_cpus(tmp_path, record):
    """A dozen steps of two micro-batches in float32."""
    folder = write_tiny_encoder(tmp_path, **OFF)
    assert_near(trained(folder, record=record), trained(folder, device="cpu"), 5e-4)


WAYS = pytest.mark.parametrize(
    ("precision", "layers", "record"),
    [
        ("fp32", False, False),
        ("fp32", False, True),
        ("bf16", False, False),
        ("bf16", False, True),
        ("bf16", True, False),
        ("bf16", True, True),
    ],
)


def assert_equal(mine, expected):
    """Bit by bit."""
    assert [name for name, value in expected.items() if not torch.equal(value, mine[name])] == []


@WAYS
def test_a_training_gives_the_same_bits_each_time(tmp_path, precision, layers, record):
    """Dropout on; layers compiled or recorded, too."""
    folder = write_tiny_encoder(tmp_path, "xlm-roberta")
    how = {"precision": precision, "layers": layers, "record": record}
    assert_equal(trained(folder, **how), trained(folder, **how))


@WAYS
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path, precision, layers, record):
    """Whatever was recorded before the interruption is recorded again at other steps."""
    folder = write_tiny_encoder(tmp_path / "encoder", "xlm-roberta")
    how = {"precision": precision, "layers": layers, "record": record}
    kept = Checkpoints(folder=tmp_path / "kept", maker=made_by(GPU, 1), seconds=None, steps=5)
    whole = trained(folder, kept=kept, **how)
    assert kept.newest().number == 10
    assert_equal(trained(folder, kept=kept, **how), whole)


def test_recorded_layers_compute_the_same(tmp_path):
    """States and gradients without dropout, rows of several sizes, each met twice."""
    plain = token_model(write_tiny_encoder(tmp_path, **OFF)).to(GPU).train()
    model = token_model(tmp_path).to(GPU).train()
    assert recorded.record_layers(model, 10_000)
    for lengths in ((5, 31), (64, 64, 64, 1), (5, 31), (3,), (64, 64, 64, 1)):
        ids = torch.arange(sum(lengths)) % 26 + 4
        one = Batch(index=np.arange(len(lengths)), ids=ids, lengths=lengths, units=1)
        for each in (plain, model):
            weights = torch.linspace(-1, 1, 16, device=GPU)
            (each.states(one) * weights).sum().backward()
        torch.testing.assert_close(model.states(one), plain.states(one), rtol=1e-4, atol=1e-5)
    # Gradients of all rows have been added up.
    expected = {name: one.grad for name, one in plain.named_parameters() if one.grad is not None}
    for name, one in model.named_parameters():
        if name in expected and not name.endswith("key.bias"):
            torch.testing.assert_close(one.grad, expected[name], rtol=1e-3, atol=1e-4)


def test_a_replay_draws_dropout_anew(tmp_path):
    """By the place in the training alone: a recording's first use included."""
    folder = write_tiny_encoder(tmp_path)
    found = []
    for places in ((0, 1, 0), (1, 1, 0)):
        model = token_model(folder).to(GPU).train()
        prepare_dropout(model, 0)
        assert recorded.record_layers(model, 10_000)
        for place in places:
            model.draws.at(place, 0)
            found.append((place, model.states(batch(0)).detach()))
    for place, states in found:
        for other, others in found:
            assert torch.equal(states, others) == (place == other)


def test_compiled_layers_compute_the_same(tmp_path):
    """States and gradients without dropout, up to bf16's rounding."""
    found = []
    for layers in (False, True):
        model = token_model(write_tiny_encoder(tmp_path / str(layers), **OFF)).to(GPU).train()
        if layers:
            assert compiled.compile_layers(model, "bf16", 10_000)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            states = model.states(batch(0)).float()
        (states * torch.linspace(-1, 1, states.shape[1], device=GPU)).sum().backward()
        grads = [one.grad.flatten() for one in model.encoder.parameters() if one.grad is not None]
        found.append((states.detach(), torch.cat(grads)))
    for mine, expected in zip(*found, strict=True):
        assert (mine - expected).norm() <= 0.05 * expected.norm()


def test_layers_share_their_compiled_code(tmp_path):
    """Four layers and batches of many lengths: no more graphs than for one layer."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    folder = write_tiny_encoder(tmp_path, num_hidden_layers=4)
    trained(folder, precision="bf16", layers=True, steps=20)
    counts = torch._dynamo.utils.counters
    assert counts["stats"]["unique_graphs"] <= 2
    assert not counts["graph_break"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("record", [False, True])
def test_no_step_waits_for_the_gpu(tmp_path, precision, record):
    """Torch raises an error at whatever makes the host wait."""
    model = token_model(write_tiny_encoder(tmp_path)).to(GPU).train()
    prepare_dropout(model, 0)
    if record:
        assert recorded.record_layers(model, 10_000)
    parameters = list(model.parameters())
    adam = torch.optim.AdamW(parameters, fused=True)
    narrow = precision == "bf16"

    def step(seed):
        one = batch(seed)
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=narrow):
            value = loss_of(model)(one)
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)

    step(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_not_every_training_is_compiled(tmp_path):
    """Short ones end sooner without; float32 can't be."""
    model = token_model(write_tiny_encoder(tmp_path)).to(GPU)
    assert isinstance(model, TokenModel)
    assert not compiled.compile_layers(model, "bf16", 10)
    assert not compiled.compile_layers(model, "fp32", 10_000)
    assert not recorded.record_layers(model, 10)
