"""What holds for every test: folders of its own, no network, and no skip that nobody allowed.

`allowed_skips.txt` beside this file says which tests may skip and why. With
HARNESS_STRICT_SKIPS=1, which continuous integration sets, any other skip fails the session.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from skip_rules import SkipWatch, read_rules

# Before any test imports a library that reads these once, at import.
_SCRATCH = Path(tempfile.mkdtemp(prefix="harness-tests-"))
os.environ |= {
    "HOME": str(_SCRATCH / "home"),
    "XDG_CACHE_HOME": str(_SCRATCH / "cache"),
    "HF_HOME": str(_SCRATCH / "huggingface"),
    "HARNESS_STORE": str(_SCRATCH / "store"),
    "HF_HUB_OFFLINE": "1",
    # Fake stages are known in the test's own process alone.
    "HARNESS_JOBS": "1",
}
(_SCRATCH / "home").mkdir()
os.environ.pop("HARNESS_ARCHIVE", None)

# Fixtures of several modules: `cli`, `steer`; `a_run`, `sound_run`; `first`.
pytest_plugins = ["cli_runs", "run_folders", "tiny_runs"]


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips, on the process that sees every report."""
    rules = read_rules(Path(__file__).with_name("allowed_skips.txt"))
    strict = os.environ.get("HARNESS_STRICT_SKIPS") == "1"
    config.pluginmanager.register(SkipWatch(rules, strict=strict), "skip-watch")


def pytest_unconfigure() -> None:
    """Leave no scratch folder behind."""
    shutil.rmtree(_SCRATCH, ignore_errors=True)
