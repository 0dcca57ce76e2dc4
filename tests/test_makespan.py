"""The model of a run on several devices, on graphs whose schedule can be drawn by hand."""

from dataclasses import replace

import pytest
from fake_stages import planned

from harness.costs import Cost
from harness.makespan import makespan

# One operation a second.
SPEED = {"training": 1.0, "inference": 1.0}


def stage(name, seconds, *inputs):
    """A training of so many seconds; none where it is 0."""
    return replace(planned(name, *inputs), cost=Cost(training_flops=float(seconds)))


# data (0) -> a (3) -> c (2); data -> b (4); d (1) alone
STAGES = [stage("data", 0), stage("a", 3, "data"), stage("b", 4, "data"), stage("c", 2, "a")]
STAGES.append(stage("d", 1))


@pytest.mark.parametrize(
    ("devices", "seconds"),
    [
        (1, 10),  # 3 + 4 + 2 + 1
        (2, 5),  # a 0-3, c 3-5 beside b 0-4, d 4-5
        (3, 5),  # the chain a, c
    ],
)
def test_stages_are_laid_on_free_devices_in_the_plans_order(devices, seconds):
    """Each as soon as its inputs are there."""
    assert makespan(STAGES, SPEED, devices) == seconds


def test_with_endless_devices_the_longest_chain_is_left():
    """Nothing makes it shorter."""
    assert makespan(STAGES, SPEED) == 5


def test_the_plans_order_may_cost_more_than_the_best():
    """Short ones first leave the long one for the end: 1 + 3; the long one first would take 3."""
    stages = [stage("x", 1), stage("y", 1), stage("z", 3)]
    assert makespan(stages, SPEED, 2) == 4


def test_inputs_that_are_there_already_take_no_time():
    """What the store has isn't among the stages to run."""
    assert makespan([stage("c", 2, "a")], SPEED, 1) == 2


def test_nothing_to_do_takes_no_time():
    """Everything is in the store."""
    assert makespan([], SPEED, 8) == 0
