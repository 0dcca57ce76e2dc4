"""`make fuzz`: every target in a process of its own, with a table of what came out.

    python -m fuzzing [--seconds 60] [--inputs 1000000] [--start SEED] [TARGET...]

A process may take 4 GiB; one that dies of a signal, or takes more, has crashed too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEMORY = 4 << 30


def main() -> None:
    """Status 1 where anything crashed."""
    parser = argparse.ArgumentParser(prog="fuzzing")
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--start", type=int, default=int(time.time()))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _alone(given)
        return
    from fuzzing.campaign import TARGETS

    _say(
        f"seed {given.start}; {'target':<16}{'inputs':>9}{'refused':>9}{'seconds':>9}"
        f"{'slowest':>9}{'MiB':>7}  crashes"
    )
    crashes = 0
    for name in given.targets or TARGETS:
        crashes += _target(name, given)
    sys.exit(1 if crashes else 0)


def _alone(given: argparse.Namespace) -> None:
    from fuzzing.campaign import fuzz

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    count = fuzz(given.targets[0], inputs=given.inputs, seconds=given.seconds, start=given.start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    _say(json.dumps({**vars(count), "peak": peak}))


def _target(name: str, given: argparse.Namespace) -> int:
    with tempfile.NamedTemporaryFile(prefix="fuzz-last-") as last:
        options = ["--seconds", given.seconds, "--inputs", given.inputs, "--start", given.start]
        ran = subprocess.run(
            [*_python(), "-m", "fuzzing", "--alone", *map(str, options), name],
            env={**os.environ, "FUZZ_LAST_INPUT": last.name},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ran.returncode:
            _say(f"{name}: ended with {ran.returncode}, on {Path(last.name).read_text()[:2000]}")
            return 1
    found = json.loads(ran.stdout)
    crashes = found["crashes"]
    _say(
        f"{'':<{len(str(given.start)) + 7}}{name:<16}{found['inputs']:>9}{found['refused']:>9}"
        f"{found['seconds']:>9.0f}{found['slowest']:>9.3f}{found['peak']:>7}  {len(crashes)}"
    )
    for place, (value, told) in crashes.items():
        _say(f"  {place}\n    input: {value[:600]}\n{_indented(told)}")
    return len(crashes)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _python() -> list[str]:
    """With FUZZ_COVERAGE=1 under coverage.py; `coverage combine` and `report` then say it."""
    if os.environ.get("FUZZ_COVERAGE") == "1":
        return [
            sys.executable,
            "-m",
            "coverage",
            "run",
            "--parallel-mode",
            "--branch",
            "--source=harness",
        ]
    return [sys.executable]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-8:])


if __name__ == "__main__":
    main()
