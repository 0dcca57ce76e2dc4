"""What needs no cluster: options, a machine without Ray, what is kept free for a stage."""

import sys
from dataclasses import replace

import pytest
from fake_stages import planned

from harness.backends import opened
from harness.costs import Cost
from harness.stages.contract import Resources

GAIN = "phang2020/tydiqa-english-gain"
GIB = 2**30
LARGEST = {"CPU": 8.0, "memory": 64.0 * GIB}
TRAINING = replace(
    planned("train"),
    config={"threads": 2},
    cost=Cost(training_flops=1e15, disk_bytes=2 * GIB),
)


def test_without_ray_it_is_told_what_to_install(cli, steer, monkeypatch):
    """Status 6; nothing else of the harness needs it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "harness.backends.ray", raising=False)
    result = cli("reproduce", GAIN, "--mirror", steer, "--backend", "ray")
    assert result.status == 6
    assert result.err.startswith("harness: --backend ray: got no package ray; expected ray as ")
    assert "reproduction-harness[ray]" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "value", "backend"),
    [("--ray-address", "h:1", "local"), ("--cpus", "2", "local"), ("--image", "i", "local")],
)
def test_options_of_another_backend_are_refused(cli, steer, option, value, backend):
    """They would have no effect, and nobody would notice."""
    result = cli("reproduce", GAIN, "--mirror", steer, "--backend", backend, option, value)
    assert result.status == 2
    assert f"{option}: got an option of --backend " in result.err


def test_a_walk_that_runs_nothing_needs_no_cluster():
    """Everything is in the store: nobody is asked, no error."""
    with opened({"backend": "ray", "ray_address": "127.0.0.1:1"}) as backend:
        assert backend.takes(planned("one"))


def test_a_certain_gpu_is_refused(cli, steer):
    """Ray gives each stage its own."""
    result = cli("reproduce", GAIN, "--mirror", steer, "--backend", "ray", "--device", "cuda:1")
    assert result.status == 2
    assert "--device cuda:1: got one GPU of this machine" in result.err


def needs(stage, device="cpu", **largest):
    """CPUs, GPUs and memory in GiB of a stage."""
    from harness.backends import ray

    found = ray._needs(stage, Resources(device=device), {**LARGEST, **largest})
    return found["num_cpus"], found["num_gpus"], found["memory"] / GIB


@pytest.mark.parametrize(
    ("stage", "device", "expected"),
    [
        (TRAINING, "cpu", (2, 0, 3 + 4 * 2)),
        (TRAINING, "cuda", (2, 1, 3 + 4 * 2)),
        (replace(TRAINING, cost=Cost(inference_flops=1e12)), "cuda", (2, 1, 3)),
        (planned("data"), "cuda", (1, 0, 1)),
    ],
)
def test_a_stage_gets_what_its_kind_takes(stage, device, expected):
    """A GPU only where it trains or predicts."""
    assert needs(stage, device) == expected


def test_no_stage_asks_for_more_than_the_largest_machine_has():
    """It would wait for ever."""
    assert needs(TRAINING, CPU=1.0, memory=4.0 * GIB) == (1, 0, 4)
