"""How long a report of thirty claims takes to render."""

import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.records import Comparison
from harness.report.render import render_run

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "report"))


@pytest.fixture(scope="module")
def comparisons() -> list[Comparison]:
    """Those that the tests render, over and over."""
    import example

    return [example.gain(), example.no_better()] * 15


def test_render(benchmark: BenchmarkFixture, comparisons: list[Comparison]) -> None:
    """Scoreboard, charts and tables, in one page."""
    assert "</html>" in benchmark.pedantic(render_run, (comparisons,), rounds=3)
