"""The worker in this process; in one of its own where memory or time are limited."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from harness.backends import Backend, OneAtATime
from harness.containers.limits import memory_bytes, read_limits
from harness.worker import run_stage


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """`worker.run_stage`, one stage at a time; UsageError where a limit isn't an amount."""
    limits = read_limits(given)
    if limits.memory is None and limits.timeout is None:
        yield OneAtATime(run_stage)
        return
    # Imported here: most runs have no limits.
    from harness.backends import apart

    with apart.opened(memory_bytes(limits), limits.timeout) as limited:
        yield limited
