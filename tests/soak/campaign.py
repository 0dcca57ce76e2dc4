"""One long-lived process that runs, collects and looks, beside runs that are killed.

Whatever happens, no artifact may verify and be wrong, every run that nobody killed must end as if
it were alone, and this process must neither grow nor keep files open.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import fake_stages
import psutil
from cli_runs import start

from harness import cli
from harness.artifacts import Store
from harness.canonical import file_sha256
from harness.errors import HarnessError
from harness.stages import contract

CLAIMS = (
    "phang2020/tydiqa-english-gain",
    "phang2020/tydiqa-english-gain-f1",
    "phang2020/tydiqa-no-better-multilingual",
)
_GOOD = {0, 10, 11}
_SLOW = ("encoder", "finetune", "predict")


@dataclass(kw_only=True)
class Sample:
    """The long-lived process after so many seconds."""

    seconds: float
    memory: int
    """Resident bytes."""
    files: int
    """Open files."""


@dataclass(kw_only=True)
class Soak:
    """What happened."""

    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def growth(self) -> float:
        """Bytes an hour, by least squares over the second half (the first warms caches)."""
        half = self.samples[len(self.samples) // 2 :]
        times, sizes = [one.seconds for one in half], [float(one.memory) for one in half]
        middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
        spread = sum((one - middle) ** 2 for one in times)
        slope = sum((t - middle) * (m - mean) for t, m in zip(times, sizes, strict=True))
        return 3600 * slope / spread if spread else 0.0


def soak(folder: Path, *, seconds: float, steps: int, seed: int) -> Soak:
    """Do random things in `folder` until the time or the steps are used up."""
    draw = random.Random(seed)
    world = _World(folder, draw)
    found, began = Soak(), time.monotonic()
    with _faked():
        # A store to begin with.
        _run(world)
        while found.done.total() < steps and time.monotonic() - began < seconds:
            what = draw.choices(list(_STEPS), weights=[4, 4, 3, 1, 1])[0]
            try:
                _STEPS[what](world)
            except AssertionError as error:
                found.wrong.append(f"{what}: {error}")
            found.done[what] += 1
            process = psutil.Process()
            found.samples.append(
                Sample(
                    seconds=time.monotonic() - began,
                    memory=process.memory_info().rss,
                    files=process.num_fds(),
                )
            )
    return found


@contextlib.contextmanager
def _faked() -> Iterator[None]:
    before = contract.STAGES
    contract.STAGES = fake_stages.pipeline()
    try:
        yield
    finally:
        contract.STAGES = before


class _World:
    """A store, and what was seen of it."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.folder, self.draw = folder, draw
        self.store = Store(folder / "store")
        self.known: dict[str, str] = {}
        """Claim and seeds -> digest of the comparison that it must give."""
        self.steer = folder / "steer"
        self.steer.mkdir(parents=True)

    def options(self) -> list[str]:
        """A random run."""
        claim, seeds = self.draw.choice(CLAIMS), self.draw.choice(("1", "2"))
        out = self.folder / f"run-{self.draw.randrange(4)}-{os.getpid()}"
        return [
            *("reproduce", claim, "--seeds", seeds, "--device", "cpu", "--jobs", "1"),
            *("--mirror", str(self.steer), "--out", str(out)),
        ]

    def harness(self, *arguments: str) -> tuple[int, str]:
        """`harness ARGUMENTS` in this process: status and output."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                cli.harness.main([*arguments, "--store", str(self.store.root)], "harness")
                status = 0
            except SystemExit as ended:
                status = int(ended.code or 0)
            except HarnessError as error:
                status = error.exit_code
                said.write(str(error))
        return status, said.getvalue()

    def check(self, options: list[str]) -> None:
        """The comparison of a run is the same each time, wherever its parts came from."""
        path = Path(options[options.index("--out") + 1]) / "comparison.json"
        name = f"{options[1]} {options[3]}"
        found = file_sha256(path)
        assert self.known.setdefault(name, found) == found, f"{name} gave another comparison"


def _run(world: _World) -> None:
    """A run in this process; half of the time under collections of another."""
    _forget_looks(world)
    options = world.options()
    beside = _collector(world) if world.draw.random() < 0.5 else None
    status, said = world.harness(*options)
    if beside:
        beside.communicate()
    assert status in _GOOD, f"status {status}: {said[-500:]}"
    world.check(options)


def _kill(world: _World) -> None:
    """Two runs at once, one of them killed at a random moment; the other must not notice."""
    _forget_looks(world)
    for stage in _SLOW:
        (world.steer / stage).write_text("nap", encoding="utf-8")
    options = [world.options() for _ in range(2)]
    options[1][-1] += "-other"
    # Of one claim with other seeds, the run that ends last would be a second look.
    options[1][3] = options[0][3]
    runs = [start(*one, store=world.store.root, stdout=subprocess.DEVNULL) for one in options]
    time.sleep(world.draw.uniform(0.2, 6))
    runs[0].send_signal(signal.SIGKILL)
    errors = [run.communicate()[1] for run in runs]
    for stage in _SLOW:
        (world.steer / stage).unlink()
    assert runs[1].returncode in _GOOD, f"status {runs[1].returncode}: {errors[1][-500:]}"
    world.check(options[1])


def _collect(world: _World) -> None:
    """By age, size or reach, or all of it."""
    options = world.draw.choice(
        (["--older-than", "0m"], ["--keep-size", "20kB"], ["--unreachable"], ["--broken"], [])
    )
    status, said = world.harness("store", "gc", *options)
    assert status == 0, f"status {status}: {said[-500:]}"


def _verify(world: _World) -> None:
    """Every artifact is as it was written."""
    status, said = world.harness("store", "verify")
    assert status == 0, f"status {status}: {said[-500:]}"


def _list(world: _World) -> None:
    """Nothing is damaged."""
    status, said = world.harness("store", "list")
    assert (status, "damaged" in said) == (0, False), said[-500:]


def _collector(world: _World) -> subprocess.Popen[str]:
    return start("store", "gc", "--older-than", "0m", store=world.store.root)


def _forget_looks(world: _World) -> None:
    """Seeds come and go at random here, which a claim allows twice only."""
    shutil.rmtree(world.store.root / "looks", ignore_errors=True)


_STEPS = {"run": _run, "kill": _kill, "collect": _collect, "verify": _verify, "list": _list}


def report(found: Soak) -> str:
    """A line for people."""
    last, first = found.samples[-1], found.samples[len(found.samples) // 2]
    return json.dumps(
        {
            "steps": dict(found.done),
            "wrong": found.wrong,
            "seconds": round(last.seconds),
            "MiB at half time and at the end": [first.memory >> 20, last.memory >> 20],
            "MiB an hour": round(found.growth() / (1 << 20), 1),
            "open files at half time and at the end": [first.files, last.files],
            "most open files": max(one.files for one in found.samples),
        },
        indent=1,
    )
