"""The training loop on a model of a few numbers."""

import numpy as np
import pytest
import torch

from harness.errors import StageError
from harness.models import Training, Warmup
from harness.training.batching import Batch, Course
from harness.training.dropout import Draws
from harness.training.loop import exempt, optimiser, rate, train, warmup_steps


class Log:
    """A progress that remembers."""

    def __init__(self):
        self.total, self.done, self.figures = None, 0, []

    def start(self, total, unit):
        """Remember what was announced."""
        self.total = (total, unit)

    def advance(self, done, **figures):
        """Count, and keep the figures."""
        self.done += done
        if figures:
            self.figures.append(figures)


def settings(**changes):
    """Plain AdamW at 0.1 unless `changes` say otherwise."""
    values = {"learning_rate": 0.1, "epochs": 1, "batch_size": 2, "weight_decay": 0.5}
    return Training(**{**values, "warmup": {"steps": 0}, **changes})


def batch(*index):
    """A batch of one-token sequences."""
    ids = torch.tensor(index)
    return Batch(index=np.array(index), ids=ids, lengths=(1,) * len(index), units=len(index))


def course(steps):
    """These steps, from wherever a training is."""
    return Course(steps=len(steps), after=lambda done: steps[done:], draws=Draws("test"))


def run(steps, loss=None, log=None, **changes):
    """Train a 1 -> 1 linear layer in float64; returns it and what was done."""
    layer = torch.nn.Linear(1, 1).double()
    with torch.no_grad():
        layer.weight.fill_(2.0)
        layer.bias.fill_(0.0)
    squares = loss or (lambda one: (layer(one.ids.double()[:, None]) - 1.0).pow(2).mean())
    done = train(
        layer,
        course(steps),
        squares,
        settings(**changes),
        precision="fp32",
        progress=log or Log(),
    )
    return layer, done


def test_the_schedule_rises_and_falls_linearly():
    """2 of 6 steps warm up: 0, 1/2, then 4/4, 3/4, 2/4, 1/4."""
    assert [rate(step, 2, 6) for step in range(6)] == [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]


def test_a_warmup_longer_than_the_training_only_rises():
    """500 steps of warm-up in 4 steps of training, as xtreme-2020 does on TyDi QA."""
    assert [rate(step, 500, 4) for step in range(4)] == [0.0, 0.002, 0.004, 0.006]


def test_a_warmup_share_is_rounded_up():
    """10 % of 25 steps is 2.5: three steps. Steps are taken as they are."""
    assert warmup_steps(Warmup(fraction=0.1), 25) == 3
    assert warmup_steps(Warmup(steps=500), 25) == 500


def test_parameters_are_exempt_by_part_of_their_name():
    """Biases and layer norms aren't decayed."""
    assert exempt("encoder.LayerNorm.weight", settings())
    assert exempt("head.bias", settings())
    assert not exempt("head.weight", settings())


def test_every_parameter_is_in_one_group():
    """The weight is decayed, the bias is not."""
    decayed, plain = optimiser(torch.nn.Linear(1, 1), settings()).param_groups
    assert (len(decayed["params"]), decayed["weight_decay"]) == (1, 0.5)
    assert (len(plain["params"]), plain["weight_decay"]) == (1, 0.0)


def test_one_step_by_hand():
    """From w = 2, lr 0.1, decay 0.5: 2 * (1 - 0.05) = 1.9, then Adam's first step of 0.1 * sign."""
    layer, done = run([(batch(1),)], clip_norm=100.0)
    assert layer.weight.item() == pytest.approx(1.8, abs=1e-6)
    assert layer.bias.item() == pytest.approx(-0.1, abs=1e-6)
    assert done.decay == pytest.approx(0.95)
    assert (done.steps, done.tokens) == (1, 1)


def test_decay_is_the_product_over_the_schedule():
    """Rates 0.1 and 0.05 with decay 0.5: 0.95 * 0.975."""
    _, done = run([(batch(1),), (batch(1),)])
    assert done.decay == pytest.approx(0.95 * 0.975)


def test_accumulation_equals_one_batch():
    """Parts of 2 and 1 sequences weigh 2/3 and 1/3: the same step as the 3 together."""
    whole, _ = run([(batch(1, 2, 5),)] * 3)
    parts, _ = run([(batch(1, 2), batch(5))] * 3)
    assert torch.allclose(whole.weight, parts.weight, atol=1e-12)
    assert torch.allclose(whole.bias, parts.bias, atol=1e-12)


def test_a_micro_batch_weighs_by_its_units():
    """Losses 1 and 4 of three units and one: (3 * 1 + 4) / 4, however many sequences they are."""
    layer = torch.nn.Linear(1, 1)
    ids = torch.ones(5, dtype=torch.int64)
    parts = [
        Batch(index=np.arange(count), ids=ids[:count], lengths=(1,) * count, units=units)
        for count, units in ((3, 3), (5, 1))
    ]
    done = train(
        layer,
        course([parts]),
        lambda one: layer.weight.sum() * 0.0 + (1.0 if one.units == 3 else 4.0),
        settings(),
        precision="fp32",
        progress=Log(),
    )
    assert done.loss == ((1, 1.75),)


def test_what_a_step_leaves_alone_stays():
    """A head that takes no part in a step is neither moved nor decayed."""
    used, idle = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    before = idle.weight.detach().clone()
    train(
        torch.nn.ModuleList([used, idle]),
        course([(batch(1),)] * 3),
        lambda one: used(one.ids.float()[:, None]).pow(2).mean(),
        settings(),
        precision="fp32",
        progress=Log(),
    )
    assert torch.equal(idle.weight, before)


def test_a_loss_that_is_not_finite_names_its_step():
    """The third of five is NaN; the error is a StageError that says so."""
    weight = torch.zeros(1, requires_grad=True)
    layer = torch.nn.Linear(1, 1)

    def loss(one):
        value = float("nan") if int(one.index[0]) == 3 else 1.0
        return (layer.weight.sum() + weight.sum()) * 0.0 + value

    with pytest.raises(StageError, match=r"step 3 of 5.*a loss of nan"):
        train(
            layer,
            course([(batch(i),) for i in range(1, 6)]),
            loss,
            settings(),
            precision="fp32",
            progress=Log(),
        )


def test_the_loss_curve_has_at_most_sixty_entries():
    """130 steps: an entry every 3, the last at step 130; each is a mean since the one before."""
    layer = torch.nn.Linear(1, 1)
    steps = [(batch(i),) for i in range(1, 131)]
    done = train(
        layer,
        course(steps),
        lambda one: layer.weight.sum() * 0.0 + float(one.index[0]),
        settings(),
        precision="fp32",
        progress=Log(),
    )
    assert len(done.loss) == 44
    assert done.loss[0] == (3, 2.0)
    assert done.loss[-1] == (130, 130.0)


def test_progress_hears_of_every_step():
    """25 steps are announced and advanced, figures come with them."""
    log = Log()
    run([(batch(1),)] * 25, log=log)
    assert log.total == (25, "steps")
    assert log.done == 25
    assert {"loss", "tokens_per_second"} == set(log.figures[-1])
