"""Which sequences form a batch."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

from harness.models import Training
from harness.training.batching import budget_batches, collate, step_count, training_steps
from harness.training.seeding import generator


@dataclass(frozen=True)
class Rows:
    """Sequences for the tests."""

    ids: np.ndarray
    bounds: np.ndarray
    units: np.ndarray


def rows(lengths, units=None):
    """Sequence i holds `lengths[i]` times the id i, and is a unit unless `units` says."""
    return Rows(
        np.repeat(np.arange(len(lengths)), lengths).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.cumsum([0, *([1] * len(lengths) if units is None else units)]),
    )


def settings(**changes):
    """A training of 2 epochs in batches of 4."""
    values = {"learning_rate": 0.1, "epochs": 2, "batch_size": 4, "weight_decay": 0.0}
    return Training(**{**values, "warmup": {"steps": 0}, **changes})


def order(sequences, **changes):
    """The sequences of each step, as lists."""
    chosen = settings(**changes)
    steps = training_steps(sequences, chosen, seed=0)
    count = step_count(len(sequences.units) - 1, chosen)
    return [[int(i) for part in step for i in part.index] for step in islice(steps, count)]


def test_an_epoch_takes_every_sequence_once():
    """10 sequences in batches of 4: 4, 4, 2; the next epoch in another order."""
    steps = order(rows([2] * 10))
    assert [len(step) for step in steps] == [4, 4, 2, 4, 4, 2]
    first = [i for step in steps[:3] for i in step]
    second = [i for step in steps[3:] for i in step]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_number_of_steps_is_known_beforehand():
    """2 epochs of ceil(10 / 4) = 3."""
    assert step_count(10, settings()) == 6 == len(order(rows([2] * 10)))


def test_lengths_play_no_part_in_the_order():
    """Two tokenizers that cut the same windows differently train in the same order."""
    assert order(rows([1] * 10)) == order(rows(list(range(1, 11))))


def test_accumulation_cuts_a_step_into_micro_batches():
    """The same four sequences, as 3 parts of 2, 1 and 1."""
    step = next(iter(training_steps(rows([2] * 8), settings(accumulation=3), seed=0)))
    assert [len(part.lengths) for part in step] == [2, 1, 1]
    assert order(rows([2] * 8), accumulation=3) == order(rows([2] * 8))


def test_a_step_smaller_than_the_accumulation_has_no_empty_part():
    """One sequence left over makes one micro-batch."""
    steps = list(islice(training_steps(rows([2] * 5), settings(accumulation=4), seed=0), 2))
    assert [len(part.lengths) for part in steps[-1]] == [1]


def test_the_order_of_a_seed_is_pinned():
    """The permutation of test_seeding, in batches of four: a literal that is never edited."""
    assert order(rows([2] * 8), epochs=1) == [[6, 7, 2, 3], [1, 0, 5, 4]]


def test_sequences_of_a_unit_stand_together():
    """Units of 2, 1, 3 and 2 sequences, two units a batch."""
    steps = order(rows([1] * 8, units=[2, 1, 3, 2]), batch_size=2, epochs=1)
    members = {0: [0, 1], 1: [2], 2: [3, 4, 5], 3: [6, 7]}
    drawn = generator("order", 0, 0).permutation(4).tolist()
    assert steps == [members[a] + members[b] for a, b in (drawn[:2], drawn[2:])]


def test_accumulation_never_divides_a_unit():
    """Three units of three sequences in two micro-batches: two units and one."""
    step = next(training_steps(rows([1] * 9, units=[3] * 3), settings(accumulation=2), seed=0))
    assert [(part.units, len(part.lengths)) for part in step] == [(2, 6), (1, 3)]


def test_a_batch_knows_its_task():
    """Which of several that are trained on together."""
    step = next(training_steps(rows([1] * 4), settings(), seed=0, task=3))
    assert [part.task for part in step] == [3]


def test_training_goes_on_when_its_epochs_are_over():
    """A task of a mixture starts another permutation."""
    steps = islice(training_steps(rows([1] * 4), settings(epochs=1), seed=0), 3)
    assert [sorted(step[0].index.tolist()) for step in steps] == [[0, 1, 2, 3]] * 3


def test_collate_packs_in_the_order_asked_for():
    """Sequence 2 (three tokens), then 0 (one token)."""
    batch = collate(rows([1, 2, 3]), np.array([2, 0]))
    assert batch.ids.tolist() == [2, 2, 2, 0]
    assert batch.lengths == (3, 1)
    assert batch.units == 2


def test_a_budget_counts_padding():
    """Budget 12: 6 + 6, then 4 + 4 + 2 (3 x 4 = 12), then 1."""
    lengths = [6, 1, 4, 6, 2, 4]
    batches = budget_batches(np.concatenate([[0], np.cumsum(lengths)]), 12)
    assert [one.tolist() for one in batches] == [[0, 3], [2, 5, 4], [1]]


@pytest.mark.parametrize("budget", [1, 100])
def test_a_budget_loses_no_sequence(budget):
    """Longer than the budget or far below it: every sequence is in one batch."""
    batches = budget_batches(np.array([0, 5, 7, 20]), budget)
    assert sorted(int(i) for one in batches for i in one) == [0, 1, 2]
