"""Which task each step of a mixed training is of."""

import numpy as np
import pytest

from harness.models import MultiTask
from harness.training.mixing import mixed_steps, sampling_shares, task_order, with_share


def settings(**changes):
    """Of a training on several tasks."""
    values = {"learning_rate": 0.1, "warmup": {"steps": 0}, "weight_decay": 0.0}
    return MultiTask(**{**values, **changes})


def test_a_task_is_drawn_by_its_examples():
    """300 and 100: three quarters and one."""
    assert sampling_shares([300, 100], settings()).tolist() == [0.75, 0.25]


def test_a_cap_bounds_what_counts():
    """min(300, 100), min(100, 100), min(50, 100): 100, 100, 50 of 250."""
    shares = sampling_shares([300, 100, 50], settings(sampling="capped", cap=100))
    assert shares == pytest.approx([0.4, 0.4, 0.2])


def test_a_temperature_flattens():
    """Shares 0.9 and 0.1 to the power of 1/2: 0.9487 and 0.3162, of 1.2649: 3 to 1."""
    shares = sampling_shares([900, 100], settings(sampling="temperature", temperature=2.0))
    assert shares == pytest.approx([0.75, 0.25])


def test_one_task_alone_has_all_steps():
    """No draw: seven steps of task 0."""
    assert task_order([7], [100], None, seed=0).tolist() == [0] * 7


def test_there_are_as_many_steps_as_the_tasks_have_alone():
    """3,000 + 1,000, of which three quarters are of the first, within five standard errors."""
    order = task_order([3000, 1000], [300, 100], settings(), seed=0)
    assert len(order) == 4000
    assert abs((order == 0).mean() - 0.75) < 5 * (0.75 * 0.25 / 4000) ** 0.5


def test_most_steps_bounds_them():
    """No more than asked for, and no more than there are."""
    assert len(task_order([30, 10], [3, 1], settings(most_steps=25), seed=0)) == 25
    assert len(task_order([30, 10], [3, 1], settings(most_steps=50), seed=0)) == 40


def test_the_draw_is_the_seeds():
    """The same order for the same seed, another for another."""
    orders = [task_order([30, 10], [3, 1], settings(), seed).tolist() for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, [0, 9, 0, 9, 0, 9]), (0.25, [0, 0, 0, 9]), (0.01, [0, 0, 0])]
)
def test_a_share_is_of_all_steps(share, expected):
    """3 / (1 - share) = 6, 4 and 3.03: three, one and none are put in."""
    assert with_share(np.zeros(3, dtype=np.int64), share, 9).tolist() == expected


def test_added_steps_leave_the_others_in_order():
    """Every second one is of task 9."""
    assert with_share(np.array([2, 0, 1]), 0.5, 9).tolist() == [2, 9, 0, 9, 1, 9]


def test_every_step_comes_from_its_own_stream():
    """Task 1, 0, 1: the first of each, then the second of task 1."""
    streams = [iter([("a",), ("b",)]), iter([("x",), ("y",)])]
    assert list(mixed_steps(streams, np.array([1, 0, 1]))) == [("x",), ("a",), ("y",)]
