"""Ratios that benchmarks found go into history.jsonl, the plot and the table of docs/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import history
import material
import pytest

Record = Callable[..., None]


@pytest.fixture(scope="session")
def ratios() -> Iterator[dict[str, float]]:
    """Name -> figure; what stands here at the end is kept for good."""
    found: dict[str, float] = {}
    yield found
    if found:
        history.append(found)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded encoder; skips where the real questions aren't there."""
    if material.mirror() is None:
        pytest.skip("needs HARNESS_MIRROR")
    return material.write_encoder(tmp_path_factory.mktemp("encoder"))
