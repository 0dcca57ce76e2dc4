"""`python -m faults`: break runs in every way, then print what was injected and what survived."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from faults import damage, kills, power, runs, world


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every part works on."""

    folder: Path
    own: world.World | None
    """Of the campaign's own claim; None where another was named."""
    calm: runs.Case
    """A run that nobody disturbed, without checkpoints."""
    expected: dict[str, str]
    checkpoints: str
    """How often runs that are killed write them."""
    kills: int
    jobs: int
    each: int
    seed: int

    @property
    def world(self) -> world.World:
        """What some faults are injected into; UsageError where another claim was named."""
        if self.own is None:
            raise click.UsageError("With --claim there are kills alone.")
        return self.own


Told = tuple[int, list[str], str]
"""Faults injected, what went wrong, and more to say."""


def _kills(setting: Setting) -> Told:
    case = runs.Case(
        folder=setting.folder / "killed",
        words=setting.calm.words,
        checkpoints=setting.checkpoints,
        jobs=setting.jobs,
    )
    toll = kills.campaign(case, setting.calm, setting.expected, setting.kills, setting.seed)
    return toll.injected(), toll.faults, toll.told()


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
@click.option("--jobs", default=1, show_default=True, help="Kills: stages side by side.")
@click.option("--each", default=8, show_default=True, help="Random states a power cut.")
@click.option("--seed", default=0, show_default=True)
@click.option("--claim", help="Kills: another claim than the campaign's own.")
@click.option("--profile", default="mini", show_default=True, help="With --claim.")
@click.option("--checkpoints", default="3steps", show_default=True, help="With --claim.")
@click.option("--dir", "place", type=click.Path(path_type=Path), help="Where to work.")
def main(parts: tuple[str, ...], **given: Any) -> None:
    """Inject faults (all PARTS where none is named); status 1 where something went wrong.

    Example: python -m faults kills power --kills 20
    """
    runs.load()
    with runs.scratch_folder(given["place"]) as folder:
        setting = _prepare(folder, given)
        wrong = sum(_report(name, setting) for name in parts or PARTS)
    sys.exit(1 if wrong else 0)


def _prepare(folder: Path, given: Mapping[str, Any]) -> Setting:
    """Run once without a fault: on one seed of the claim that was named, or on our own."""
    own = None if given["claim"] else world.build(folder / "world")
    named = (given["claim"], "--profile", given["profile"], "--seeds", "1", "--device", "cpu")
    calm = runs.Case(
        folder=folder / "calm", words=own.words() if own else named, checkpoints="never"
    )
    if runs.run(calm) not in runs.VERDICT:
        raise click.ClickException(runs.said(calm))
    return Setting(
        folder=folder,
        own=own,
        calm=calm,
        expected=runs.results(calm),
        checkpoints="0s" if own else given["checkpoints"],
        **{name: given[name] for name in ("kills", "jobs", "each", "seed")},
    )


def _report(name: str, setting: Setting) -> int:
    injected, faults, more = PARTS[name](setting)
    click.echo(f"{name}: {injected} injected, {len(faults)} faults. {more}".rstrip())
    for fault in faults[:20]:
        click.echo(f"  {fault}")
    return len(faults)


if __name__ == "__main__":
    main()
