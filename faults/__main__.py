"""`python -m faults`: break runs in every way, then print what was injected and what survived."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from faults import damage, kills, power, runs, world


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every part works on."""

    folder: Path
    world: world.World
    calm: runs.Case
    """A run that nobody disturbed, without checkpoints."""
    expected: dict[str, str]
    kills: int
    each: int
    seed: int


Told = tuple[int, list[str], str]
"""Faults injected, what went wrong, and more to say."""


def _kills(setting: Setting) -> Told:
    toll = kills.campaign(setting.folder, setting.calm, setting.kills, setting.seed)
    stages = ", ".join(f"{name} {count}" for name, count in toll.kills.most_common())
    more = f"in {stages}; {toll.resumed} left a checkpoint; {toll.runs} runs got through"
    return toll.injected(), toll.faults, more


def _power(setting: Setting) -> Told:
    losses = power.campaign(setting.folder, setting.each, setting.seed)
    return losses.states, losses.faults, f"{losses.points} moments"


def _space(setting: Setting) -> Told:
    command = ["unshare", "--mount", "--map-root-user", sys.executable, "-m", "faults.space"]
    folder = setting.folder / "space"
    folder.mkdir()
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        return 0, [], f"not done: {done.stderr.strip().splitlines()[-1:]}"
    parts = json.loads(done.stdout)
    more = ", ".join(f"{name} {one['injected']}" for name, one in parts.items())
    faults = [fault for one in parts.values() for fault in one["faults"]]
    return sum(one["injected"] for one in parts.values()), faults, more


def _counted(count: damage.Count) -> Told:
    return count.injected, count.faults, f"{count.refused} refused" if count.refused else ""


PARTS: dict[str, Callable[[Setting], Told]] = {
    "kills": _kills,
    "power": _power,
    "space": _space,
    "checkpoints": lambda one: _counted(damage.checkpoints(one.folder, one.world, one.expected)),
    "artifacts": lambda one: _counted(
        damage.artifacts(one.folder, one.world, one.calm, one.expected)
    ),
    "locks": lambda one: _counted(damage.locks(one.folder, one.world, one.calm, one.expected)),
    "files": lambda one: _counted(damage.read_files(one.folder, one.world, one.expected)),
    "clocks": lambda one: _counted(damage.clocks(one.folder, one.world, one.expected)),
    "two": lambda one: _counted(damage.together(one.folder, one.world, one.expected, 2)),
    "eight": lambda one: _counted(damage.together(one.folder, one.world, one.expected, 8)),
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--kills", default=200, show_default=True, help="At least so many kills.")
@click.option("--each", default=8, show_default=True, help="Random states a power cut.")
@click.option("--seed", default=0, show_default=True)
@click.option("--dir", "place", type=click.Path(path_type=Path), help="Where to work.")
def main(parts: tuple[str, ...], kills: int, each: int, seed: int, place: Path | None) -> None:
    """Inject faults (all PARTS where none is named); status 1 where something went wrong.

    Example: python -m faults kills power --kills 20
    """
    runs.load()
    with runs.scratch_folder(place) as folder:
        made = world.build(folder / "world")
        calm = runs.Case(folder=folder / "calm", words=made.words(), checkpoints="never")
        if runs.run(calm) not in runs.VERDICT:
            raise click.ClickException(runs.said(calm))
        setting = Setting(
            folder=folder,
            world=made,
            calm=calm,
            expected=runs.results(calm),
            kills=kills,
            each=each,
            seed=seed,
        )
        wrong = sum(_report(name, setting) for name in parts or PARTS)
    sys.exit(1 if wrong else 0)


def _report(name: str, setting: Setting) -> int:
    injected, faults, more = PARTS[name](setting)
    click.echo(f"{name}: {injected} injected, {len(faults)} faults. {more}".rstrip())
    for fault in faults[:20]:
        click.echo(f"  {fault}")
    return len(faults)


if __name__ == "__main__":
    main()
