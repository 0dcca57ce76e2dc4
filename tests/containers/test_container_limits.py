"""The options of a container, as the command line gives them."""

import pytest

from harness.containers.limits import Limits, memory_bytes, read_limits
from harness.errors import UsageError


def test_nothing_given_is_no_limit_but_the_engines():
    """Memory is the one that has a default, which needs the engine."""
    assert read_limits({"store": None}) == Limits()


@pytest.mark.parametrize("memory", ["1000000000", "8g", "512M"])
def test_memory_is_bytes_or_has_a_unit(memory):
    """As `docker run --memory` takes it."""
    assert read_limits({"memory": memory}).memory == memory


@pytest.mark.parametrize(
    "given",
    [{"memory": "much"}, {"memory": "8 g"}, {"memory": "-1"}, {"cpus": 0.0}, {"timeout": -1.0}],
    ids=str,
)
def test_what_is_no_amount_is_refused(given):
    """Before anything starts."""
    with pytest.raises(UsageError, match=f"--{next(iter(given))}: got"):
        read_limits(given)


@pytest.mark.parametrize(
    ("memory", "count"),
    [(None, None), ("1000", 1000), ("2k", 2048), ("3M", 3 << 20), ("8g", 8 << 30)],
)
def test_memory_in_bytes(memory, count):
    """Units are powers of 1,024, as `docker run` has them."""
    assert memory_bytes(Limits(memory=memory)) == count


def test_the_image_is_the_options_the_environments_or_the_projects(monkeypatch):
    """In this order; the project has one with CUDA and one without."""
    monkeypatch.setenv("HARNESS_IMAGE", "environment")
    assert Limits(image="option").image_name(True) == "option"
    assert Limits().image_name(True) == "environment"
    monkeypatch.delenv("HARNESS_IMAGE")
    assert Limits().image_name(True) == "reproduction-harness:gpu"
    assert Limits().image_name(False) == "reproduction-harness:cpu"
