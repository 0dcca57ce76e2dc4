"""The power goes: at every change of a store, in every way that the disk's rules allow."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from faults.disk_model import EXTREMES, Choice, Disk, watched
from harness.artifacts import Store
from harness.canonical import file_sha256
from harness.costs import Cost
from harness.graph import PlannedStage
from harness.stages import contract
from harness.stages.contract import Resources, Silent, Stage, StageContext
from harness.training.checkpoint import Checkpoints
from harness.worker import run_stage

_STEPS = 4
_KEYS = ("a" * 64, "b" * 64)
STAGES = (Stage(name="make", version=1, reads=("number",), run="faults.power:make"),)


def make(context: StageContext) -> None:
    """A stage of four steps with a checkpoint after each, and a payload that tells all steps."""
    checkpoints = Checkpoints(folder=context.scratch, maker={"by": "faults"}, seconds=0.0)
    saved = checkpoints.newest()
    values = saved.tensors["values"] if saved else torch.zeros(64)
    for step in range(saved.number if saved else 0, _STEPS):
        values = values * 3 + step + int(context.config["number"])
        checkpoints.write(step + 1, {"values": values}, {"step": step})
    (context.out / "deep").mkdir()
    (context.out / "deep" / "values").write_text(str(values.tolist()), encoding="utf-8")
    (context.out / "notes").write_text("some\n" * 200, encoding="utf-8")


def work(store: Store, done: list[str] | None = None) -> None:
    """Make two artifacts, drop the first and make it again; `done` hears of what is finished."""
    heard = done if done is not None else []
    for number, key in enumerate(_KEYS):
        run_stage(_planned(number, key), store, Resources(), Silent())
        heard.append(key)
    heard.remove(_KEYS[0])
    store.remove(_KEYS[0])
    run_stage(_planned(0, _KEYS[0]), store, Resources(), Silent())
    heard.append(_KEYS[0])


def _planned(number: int, key: str) -> PlannedStage:
    return PlannedStage(
        key=key,
        stage="make",
        version=1,
        label="",
        config={"number": number},
        inputs={},
        cost=Cost(),
    )


@dataclass
class Losses:
    """What the power cuts did."""

    points: int = 0
    """Moments at which the power went."""
    states: int = 0
    """Disks that were looked at."""
    faults: list[str] = field(default_factory=list)


def campaign(folder: Path, each: int, seed: int, stride: int = 1) -> Losses:
    """Cut the power at every change: four extreme states and `each` random ones.

    With `stride` at every so manyth change.

    In each state: what looks complete is, with the right bytes; what was finished is there; and the
    same work, done again, ends with the same bytes.
    """
    before, contract.STAGES = contract.STAGES, STAGES
    try:
        work(Store(folder / "calm"))
        expected = payloads(Store(folder / "calm"))
        (folder / "live").mkdir()
        disk, losses, finished = Disk(folder / "live"), Losses(), list[str]()
        rng, seen = np.random.default_rng(seed), 0

        def cut(call: str) -> None:
            nonlocal seen
            seen += 1
            if seen % stride:
                return
            losses.points += 1
            for kind in (*EXTREMES, *["random"] * each):
                crashed = folder / "crashed"
                disk.write_crashed(crashed, Choice(kind, rng))
                where = f"{call}, change {seen}, {kind}"
                found = _look_at(Store(crashed), set(finished), expected)
                losses.faults += [f"{where}: {one}" for one in found]
                losses.states += 1
                shutil.rmtree(crashed)

        with watched(disk, cut):
            work(Store(folder / "live"), finished)
        assert payloads(Store(folder / "live")) == expected
        return losses
    finally:
        contract.STAGES = before


def _look_at(store: Store, finished: set[str], expected: dict[str, str]) -> list[str]:
    found = [f"looks complete: {problem}" for problem in unsound(store)]
    found += [f"lost: {key[:4]}" for key in finished if not store.has(key)]
    wrong = {name for name, one in payloads(store).items() if expected.get(name) != one}
    found += [f"wrong: {name}" for name in wrong]
    work(store)
    return found if payloads(store) == expected else [*found, "another end"]


def unsound(store: Store) -> list[str]:
    """What is wrong with artifacts that look complete."""
    return [problem for key in store.keys() for problem in store.verify(key)]  # noqa: SIM118


def payloads(store: Store) -> dict[str, str]:
    """Of complete artifacts: file -> sha256, without times."""
    found = {}
    for key in store.keys():  # noqa: SIM118
        for path in store.path(key).rglob("*"):
            if path.is_file() and path.name not in ("meta.json", "provenance.json"):
                found[f"{key[:4]}/{path.name}"] = file_sha256(path)
    return found
