"""The worker in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.backends import Backend, OneAtATime
from harness.worker import run_stage


@contextlib.contextmanager
def opened(_given: Mapping[str, Any]) -> Iterator[Backend]:
    """`worker.run_stage`, one stage at a time."""
    yield OneAtATime(run_stage)
