"""`harness store list|verify|gc`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from harness import options
from harness.artifacts import PROVENANCE, Store
from harness.errors import UsageError, VerificationError
from harness.stages.contract import STAGES

Metas = dict[str, dict[str, Any]]
# Roles of the input that describes an artifact best, the best first.
_TELLING = ("dataset", "predictions", "model", "examples")
_ORDER = {one.name: number for number, one in enumerate(STAGES)}


def run(action: str, folder: Path | None, **given: bool) -> None:
    """Do `action` on the store; `given` are the options of gc.

    Raises:
        UsageError: the named store isn't there, or an option is another action's.
        VerificationError: verify found files that aren't as they were written.
    """
    told = [name for name, value in given.items() if value]
    if action != "gc" and told:
        raise UsageError(
            where=f"store {action}",
            got=f"--{told[0].replace('_', '-')}",
            expected="no such option",
            fix="It belongs to `harness store gc`.",
        )
    store = options.open_store(folder)
    if not store.root.is_dir():
        if folder:
            raise UsageError(
                where=f"--store {folder}",
                got="no such folder",
                expected="a store that a run made",
                fix="Check the path.",
            )
        click.echo(f"No store yet at {store.root}")
    elif action == "list":
        _list(store)
    elif action == "verify":
        _verify(store)
    else:
        _collect(store, **given)


def _list(store: Store) -> None:
    """A line for each artifact, in the pipeline's order and then by time; the sum at the end."""
    metas, damaged = _metas(store)
    rows = [(_place(meta["stage"]), _made(store, key), key) for key, meta in metas.items()]
    for _, made, key in sorted(rows):
        stage, size = metas[key]["stage"], _size(_bytes(metas[key]))
        click.echo(f"{key[:12]}  {stage:<12}  {size:>8}  {made}  {_what(key, metas)}".rstrip())
    for key in damaged:
        click.echo(f"{key[:12]}  damaged: see `harness store verify`")
    count = len(metas) + len(damaged)
    total = _size(sum(_bytes(meta) for meta in metas.values()))
    click.echo(f"{count} artifact{'' if count == 1 else 's'}, {total.strip()}, in {store.root}")


def _metas(store: Store) -> tuple[Metas, list[str]]:
    """Every artifact's meta.json, and the keys of those whose meta.json can't be trusted."""
    metas, damaged = {}, []
    for key in store.keys():  # noqa: SIM118 (a Store is no mapping)
        try:
            metas[key] = store.meta(key)
        except VerificationError:
            damaged.append(key)
    return metas, damaged


def _bytes(meta: Mapping[str, Any]) -> int:
    return sum(one["bytes"] for one in meta["files"].values())


def _made(store: Store, key: str) -> str:
    """When it was finished, UTC, to the minute."""
    try:
        ended = str(json.loads((store.get(key) / PROVENANCE).read_bytes())["ended"])
    except (OSError, ValueError, KeyError):
        ended = ""
    return f"{ended[:16]:<16}".replace("T", " ")


def _what(key: str, metas: Metas) -> str:
    """What tells an artifact from others of its stage, by its configuration and its inputs'."""
    if key not in metas:
        return "?"
    config, inputs = metas[key]["config"], metas[key]["inputs"]
    if "pin" in config:
        return str(config["pin"]["title"])
    if "source" in config:
        return f"{config['source']['name']} {config['split']}"
    if "comparison" in config:
        return str(config["comparison"]["claim"]["id"])
    role = next((one for one in _TELLING if one in inputs), None)
    words = _what(inputs[role], metas) if role else ""
    if "intermediate" in inputs:
        words += f" after {_what(inputs['intermediate'], metas)}"
    elif "seed" in config:
        words += f", seed {config['seed']}"
    return words


def _place(stage: str) -> int:
    return _ORDER.get(stage, len(_ORDER))


def _size(count: int) -> str:
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} B "


def _verify(store: Store) -> None:
    keys = list(store.keys())
    problems = [problem for key in keys for problem in store.verify(key)]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise VerificationError(
            where=f"store {store.root}",
            got=f"{len(problems)} files that aren't as they were written",
            expected="the recorded sha256 of every file",
            fix="`harness store gc --broken` drops those artifacts; a run makes them again.",
        )
    click.echo(f"{len(keys)} artifacts, every file as recorded")


def _collect(store: Store, *, broken: bool, checkpoints: bool, dry_run: bool) -> None:
    word = "would remove" if dry_run else "removed"
    swept = store.sweep(dry_run=dry_run, checkpoints=checkpoints)
    for name in swept:
        click.echo(f"{word} unfinished work {name}")
    damaged = [key for key in store.keys() if store.verify(key)] if broken else []  # noqa: SIM118
    for key in damaged:
        if not dry_run:
            with store.locked(key):
                store.remove(key)
        click.echo(f"{word} broken artifact {key[:16]}")
    if not (swept or damaged):
        click.echo("nothing to remove")
