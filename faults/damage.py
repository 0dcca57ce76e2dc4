"""Damaged files, a clock that jumps, many runs on one store."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults import runs
from faults.power import unsound
from faults.world import World

_YEAR = 365 * 86_400.0


@dataclass
class Count:
    """How often a fault was injected, and what went wrong after it."""

    injected: int = 0
    faults: list[str] = field(default_factory=list)
    refused: int = 0
    """Runs that named the damage and ended; the others went round it, or didn't read it."""

    def judge(self, case: runs.Case, status: int, expected: dict[str, str]) -> None:
        """The run must have ended with a verdict and the expected bytes."""
        if status not in runs.VERDICT:
            self.faults.append(f"exit {status}: {runs.said(case)[-1000:]}")
        self.faults += [f"differs: {name}" for name in runs.differences(case, expected)]
        self.faults += unsound(case.store)


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    """Keep nothing."""
    path.write_bytes(b"")


def fill(path: Path) -> None:
    """Put rubbish in it."""
    path.write_bytes(bytes(range(256)))


HARM: tuple[Callable[[Path], None], ...] = (flip, cut, empty, Path.unlink)


def checkpoints(folder: Path, world: World, expected: dict[str, str]) -> Count:
    """The newest checkpoint of a killed run is damaged, or both; the same command ends the same."""
    count = Count()
    ways = itertools.product(("meta.json", "state.safetensors"), HARM, (1, 2))
    for number, (name, harm, many) in enumerate(ways):
        case = runs.Case(folder=folder / f"checkpoint{number}", words=world.words())
        child = runs.start(case)
        scratch = case.store.root / "scratch"
        while runs.wait(child, 0.0) is None and len(_sealed(scratch)) < 2:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        runs.wait(child)
        for one in _sealed(scratch)[-many:]:
            harm(one / name)
        count.injected += 1
        count.judge(case, runs.run(case), expected)
        shutil.rmtree(case.folder)
    return count


def _sealed(scratch: Path) -> list[Path]:
    return sorted(scratch.glob("*/[0-9]*"))


def artifacts(folder: Path, world: World, calm: runs.Case, expected: dict[str, str]) -> Count:
    """A file of a finished artifact that is read again is damaged.

    The run refuses it (status 5); `store gc --broken` and the same command mend it.
    """
    count = Count()
    names = ("predictions/en.jsonl", "meta.json", "delta.safetensors", "examples.jsonl")
    for number, name in enumerate(names):
        for harm in HARM:
            case = runs.Case(folder=folder / f"artifact{number}", words=world.words())
            shutil.copytree(calm.store.root, case.store.root)
            _forget(case, ("compare", "score") if number < 2 else ("compare", "score", "predict"))
            stage = "predict" if number < 2 else ("finetune", "examples")[number - 2]
            victim = next(one for one in _of(case, stage) if (one / name).exists())
            harm(victim / name)
            count.injected += 1
            status = runs.run(case)
            count.refused += status == 5
            if status not in (5, *runs.VERDICT):
                count.faults.append(f"{name}, {harm.__name__}: exit {status}")
            mend = ["store", "gc", "--broken", "--store", str(case.store.root)]
            runs.run(case, words=mend)
            count.judge(case, runs.run(case), expected)
            shutil.rmtree(case.folder)
    return count


def _of(case: runs.Case, stage: str) -> list[Path]:
    store = case.store
    keys = [key for key in store.keys() if store.meta(key)["stage"] == stage]  # noqa: SIM118
    return [store.path(key) for key in keys]


def _forget(case: runs.Case, stages: tuple[str, ...]) -> None:
    for stage in stages:
        for path in _of(case, stage):
            shutil.rmtree(path)


def locks(folder: Path, world: World, calm: runs.Case, expected: dict[str, str]) -> Count:
    """Lock files hold rubbish, or are gone, and nobody holds them."""
    count = Count()
    harms: tuple[Callable[[Path], None], ...] = (fill, Path.unlink)
    for number, harm in enumerate(harms):
        case = runs.Case(folder=folder / f"lock{number}", words=world.words())
        shutil.copytree(calm.store.root, case.store.root)
        _forget(case, ("compare", "score"))
        for path in (case.store.root / "locks").glob("*.lock"):
            harm(path)
        count.injected += 1
        count.judge(case, runs.run(case), expected)
    return count


def read_files(folder: Path, world: World, expected: dict[str, str]) -> Count:
    """A manifest or a downloaded file is damaged: refused, and fine again with the right bytes."""
    count = Count()
    copy = folder / "damaged"
    own = World(mirror=copy / "mirror", pins=copy / "pins.yaml", manifests=copy / "manifests")
    shutil.copytree(world.mirror, own.mirror)
    shutil.copytree(world.manifests, own.manifests)
    shutil.copy(world.pins, own.pins)
    told = {own.manifests / "papers/faults/killed.yaml": 2, own.pins: 2}
    told |= {path: 3 for path in sorted(own.mirror.rglob("*")) if _is_read(path)}
    case = runs.Case(folder=folder / "read", words=own.words())
    for path, status in told.items():
        good = path.read_bytes()
        for harm in (flip, cut, empty) if status == 3 else (cut,):
            harm(path)
            found = runs.run(case)
            count.injected += 1
            count.refused += found == status
            if found != status:
                count.faults.append(f"{path.name}, {harm.__name__}: exit {found}")
            path.write_bytes(good)
        if runs.run(case) not in runs.VERDICT:
            count.faults.append(f"{path.name} is whole again, and the run fails")
        shutil.rmtree(case.store.root)
    count.judge(case, runs.run(case), expected)
    return count


def _is_read(path: Path) -> bool:
    return path.name in ("model.safetensors", "validation-00000-of-00001.parquet") and (
        "tydiqa" in str(path) or "encoder" in str(path)
    )


def clocks(folder: Path, world: World, expected: dict[str, str]) -> Count:
    """Both clocks jump by years, forth and back, at every look."""
    count = Count()
    for number, interval in enumerate(("0s", "60s")):
        case = runs.Case(
            folder=folder / f"clock{number}", words=world.words(), checkpoints=interval
        )
        count.injected += 1
        count.judge(case, runs.run(case, before=_break_clocks), expected)
    return count


def _break_clocks() -> None:
    real, looks = time.time, 0

    def broken() -> float:
        nonlocal looks
        looks += 1
        return real() + (10 * _YEAR if looks % 3 == 0 else -10 * _YEAR if looks % 3 == 1 else 0.0)

    time.time = broken
    time.monotonic = broken


def together(folder: Path, world: World, expected: dict[str, str], many: int) -> Count:
    """So many runs of one command on one store at once: each stage is made once."""
    count = Count(injected=many)
    cases = [
        runs.Case(folder=folder / f"together{many}", words=(*world.words(), "--json"), place=f"{n}")
        for n in range(many)
    ]
    children = [runs.start(case) for case in cases]
    ended = [runs.wait(child) for child in children]
    text = "".join(runs.said(case) for case in cases)
    made = sum(int(one) for one in re.findall(r'"made": (\d+)', text))
    artifacts = len(list(cases[0].store.keys()))
    if made != artifacts:
        count.faults.append(f"{made} stages were run for {artifacts} artifacts")
    for case, status in zip(cases, ended, strict=True):
        count.judge(case, status or 0, expected)
    return count
