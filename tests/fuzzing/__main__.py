"""`make fuzz`: every target in a process of its own, with a table of what came out.

    python -m fuzzing [--seconds 60] [--inputs 1000000] [--start SEED] [--coverage] [TARGET...]

A process may take 4 GiB; one that dies of a signal, or takes more, has crashed too. With
`--coverage`, which makes it slower, what was reached of the modules that the targets fuzz.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fuzzing import reached

MEMORY = 4 << 30


def main() -> None:
    """Status 1 where anything crashed."""
    parser = argparse.ArgumentParser(prog="fuzzing")
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--start", type=int, default=int(time.time()))
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _alone(given)
        return
    with tempfile.TemporaryDirectory(prefix="fuzz-told-") as folder:
        sys.exit(1 if _campaign(given, Path(folder)) else 0)


def _campaign(given: argparse.Namespace, folder: Path) -> int:
    """Every target; how many crashes there were."""
    from fuzzing.campaign import TARGETS

    shares = "  lines %, branches %" if given.coverage else ""
    _say(
        f"seed {given.start}; {'target':<16}{'inputs':>9}{'refused':>9}{'seconds':>9}"
        f"{'slowest':>9}{'MiB':>7}  crashes{shares}"
    )
    names = given.targets or list(TARGETS)
    crashes = sum(_target(name, given, folder) for name in names)
    if given.coverage:
        for line in reached.table(reached.reached(folder, names)):
            _say(line)
    return crashes


def _alone(given: argparse.Namespace) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    (name,), folder = given.targets, os.environ.get("FUZZ_COVERAGE")
    with reached.measuring(name, Path(folder)) if folder else contextlib.nullcontext():
        # Loaded only now: all that it loads is measured.
        from fuzzing.campaign import fuzz

        count = fuzz(name, inputs=given.inputs, seconds=given.seconds, start=given.start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    _say(json.dumps({**vars(count), "peak": peak}))


def _target(name: str, given: argparse.Namespace, folder: Path) -> int:
    last = folder / "last"
    last.write_text("nothing yet")
    options = ["--seconds", given.seconds, "--inputs", given.inputs, "--start", given.start]
    variables = {"FUZZ_LAST_INPUT": str(last)}
    if given.coverage:
        variables["FUZZ_COVERAGE"] = str(folder)
    ran = subprocess.run(
        [sys.executable, "-m", "fuzzing", "--alone", *map(str, options), name],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode:
        _say(f"{name}: ended with {ran.returncode}, on {last.read_text()[:2000]}")
        return 1
    found = json.loads(ran.stdout)
    crashes = found["crashes"]
    shares = reached.summary(reached.reached(folder, [name])) if given.coverage else ""
    _say(
        f"{'':<{len(str(given.start)) + 7}}{name:<16}{found['inputs']:>9}{found['refused']:>9}"
        f"{found['seconds']:>9.0f}{found['slowest']:>9.3f}{found['peak']:>7}"
        f"  {len(crashes)}{shares}"
    )
    for place, (value, told) in crashes.items():
        _say(f"  {place}\n    input: {value[:600]}\n{_indented(told)}")
    return len(crashes)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-8:])


if __name__ == "__main__":
    main()
