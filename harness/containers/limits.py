"""Which image runs, and what a worker may take; values of the command line, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError

REPOSITORY = "reproduction-harness"
_MEMORY = re.compile(r"\d+[bkmg]?", re.IGNORECASE)
_NAMES = ("image", "memory", "cpus", "timeout")
_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What `--image`, `--memory`, `--cpus` and `--timeout` say."""

    image: str | None = None
    """Name, digest or ID; None: $HARNESS_IMAGE, else the project's own."""
    memory: str | None = None
    """Bytes, or with k, m, g behind; None: nine tenths of the engine's, all without a container."""
    cpus: float | None = None
    """None: all."""
    timeout: float | None = None
    """Seconds that the worker may run; None: no end."""

    def image_name(self, gpu: bool) -> str:
        """The image to look for."""
        own = f"{REPOSITORY}:{'gpu' if gpu else 'cpu'}"
        return self.image or os.environ.get("HARNESS_IMAGE") or own


def read_limits(given: Mapping[str, Any]) -> Limits:
    """The command line's values.

    Raises:
        UsageError: an amount that isn't one.
    """
    limits = Limits(**{name: given.get(name) for name in _NAMES})
    if limits.memory is not None and not _MEMORY.fullmatch(limits.memory):
        raise _not_an_amount("memory", limits.memory, "bytes, or a number with k, m or g, as 8g")
    for name, number in (("cpus", limits.cpus), ("timeout", limits.timeout)):
        if number is not None and not number > 0:
            raise _not_an_amount(name, f"{number:g}", "a number above 0")
    return limits


def memory_bytes(limits: Limits) -> int | None:
    """`--memory` in bytes."""
    if limits.memory is None:
        return None
    number, unit = limits.memory.rstrip("bkmgBKMG"), limits.memory[-1].lower()
    return int(number) * _UNITS.get(unit, 1)


def _not_an_amount(name: str, got: str, expected: str) -> UsageError:
    return UsageError(where=f"--{name}", got=got, expected=expected, fix="Give another, or none.")
