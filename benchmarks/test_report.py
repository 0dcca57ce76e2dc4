"""Reports: how long to render, how large, how long to open.

`extra_info` of `--benchmark-json` has the bytes, and the milliseconds until the load event.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "report"))

import example
from chromium import Chromium, needs_chromium
from full_example import full

from harness.report.render import render_claim, render_run

LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def test_rendering_of_thirty_claims(benchmark: Any) -> None:
    """Scoreboard, charts and tables, in one page: those that the tests render, over and over."""
    comparisons = [example.gain(), example.no_better()] * 15
    assert "</html>" in benchmark.pedantic(render_run, (comparisons,), rounds=3)


def test_rendering(benchmark: Any) -> None:
    """A full TyDi QA run: comparison to HTML, the drawings included."""
    html = benchmark.pedantic(render_claim, [full()], rounds=3, warmup_rounds=1)
    benchmark.extra_info["bytes"] = len(html.encode())


@needs_chromium
def test_opening(benchmark: Any, tmp_path: Path) -> None:
    """A new tab, navigation and the load event, in a browser that is already running."""
    path = tmp_path / "report.html"
    path.write_text(render_claim(full()), encoding="utf-8")
    with Chromium() as browser:
        page = benchmark.pedantic(browser.open, [path], rounds=5, warmup_rounds=1)
        benchmark.extra_info["load_ms"] = round(page.evaluate(LOADED))
    assert page.requests == [path.as_uri()]
