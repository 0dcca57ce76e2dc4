"""What the faults are injected into: a claim, its data and its encoder, all of them small."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
CLAIM = "faults/killed"


@dataclass(frozen=True, kw_only=True)
class World:
    """Files that a run reads."""

    mirror: Path
    pins: Path
    manifests: Path = _HERE / "manifests"

    def words(self) -> tuple[str, ...]:
        """The options that name them."""
        read = ["--manifests", str(self.manifests), "--pins", str(self.pins)]
        return (
            CLAIM,
            *read,
            "--mirror",
            str(self.mirror),
            "--profile",
            "faults",
            "--device",
            "cpu",
        )


def build(folder: Path) -> World:
    """Write the mirror and its pins; the same bytes each time."""
    served = _served()
    mirror = served.publish(folder / "mirror")
    pins = served.write_pins(served.hashed(served.pins(), mirror), folder / "pins.yaml")
    return World(mirror=mirror, pins=pins)


def _served() -> Any:
    """The test suite's data sets and encoder."""
    tests = str(_HERE.parent / "tests")
    if tests not in sys.path:
        sys.path.insert(0, tests)
    return importlib.import_module("served")
