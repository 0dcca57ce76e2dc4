"""Runs one target on damaged input, for a number of inputs or seconds, and counts what came out."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzzing import data_targets, run_targets, stored_targets
from harness.errors import HarnessError

TARGETS = data_targets.TARGETS | stored_targets.TARGETS | run_targets.TARGETS
_ROUND = 50
_SECONDS_AN_INPUT = 10.0


@dataclass(kw_only=True)
class Count:
    """What a target did."""

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    crashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Place in the code -> (the input, the traceback)."""


def fuzz(name: str, *, inputs: int, seconds: float, start: int = 0) -> Count:
    """Run a target until it had `inputs` inputs or `seconds` are over; the same inputs each time.

    Args:
        name: of TARGETS.
        inputs: at most so many.
        seconds: no new round begins after that.
        start: the first round's seed.
    """
    count, began = Count(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for number in _rounds(start):
            left = inputs - count.inputs
            if left <= 0 or time.monotonic() - began > seconds:
                break
            _round(name, number, min(left, _ROUND), count, Path(folder))
    count.seconds = time.monotonic() - began
    return count


def _rounds(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _round(name: str, number: int, inputs: int, count: Count, folder: Path) -> None:
    strategy, read = TARGETS[name]

    @seed(number)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy())
    def one(value: Any) -> None:
        # Its own processor time: how busy the machine is tells nothing of the code.
        before = time.process_time()
        count.inputs += 1
        # Where a death by signal leaves no traceback, the last input does.
        trail = os.environ.get("FUZZ_LAST_INPUT")
        if trail:
            Path(trail).write_text(repr(value), encoding="utf-8", errors="backslashreplace")
        try:
            read(value, folder)
        except HarnessError:
            count.refused += 1
        except Exception as error:
            told = traceback.format_exc()
            count.crashes.setdefault(_place(error), (repr(value), told))
        taken = time.process_time() - before
        count.slowest = max(count.slowest, taken)
        if taken > _SECONDS_AN_INPUT:
            count.crashes.setdefault(f"{taken:.0f} s", (repr(value), ""))

    one()


def _place(error: BaseException) -> str:
    """Kind of error and the line of ours that let it through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/harness/" in one.filename] or frames
    last = ours[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
