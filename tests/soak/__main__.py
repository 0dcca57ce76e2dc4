"""`make soak SECONDS=7200`: status 1 where anything was wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from soak.campaign import report, soak


def main() -> None:
    """Run until the time is over."""
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        found = soak(Path(folder), seconds=given.seconds, steps=10**9, seed=given.seed)
    sys.stdout.write(f"seed {given.seed}\n{report(found)}\n")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
