"""`harness store list|verify`; `gc` is in `clearing`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from harness import options, strict_json
from harness.artifacts import PROVENANCE, Store
from harness.errors import UsageError, VerificationError
from harness.redaction import printable
from harness.stages.contract import STAGES
from harness.verbs import clearing

Metas = dict[str, dict[str, Any]]
# Roles of the input that describes an artifact best, the best first.
_TELLING = ("dataset", "predictions", "model", "examples")
# More than the longest chain of stages.
_DEEPEST = 20
_ORDER = {one.name: number for number, one in enumerate(STAGES)}


def run(action: str, folder: Path | None, given: Mapping[str, Any]) -> None:
    """Do `action` on the store; `given` holds the options of `gc`.

    Raises:
        UsageError: the named store isn't there, or an option is another action's.
        VerificationError: verify found files that aren't as they were written.
    """
    foreign = [name for name, value in given.items() if value]
    if action != "gc" and foreign:
        raise UsageError(
            where=f"store {action}",
            got=f"--{foreign[0].replace('_', '-')}",
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
        clearing.run(store, given)


def _list(store: Store) -> None:
    """A line for each artifact, in the pipeline's order and then by time; the sum at the end."""
    metas, damaged = _metas(store)
    rows = [(_place(_stage(meta)), _made(store, key), key) for key, meta in metas.items()]
    for _, made, key in sorted(rows):
        stage, size = _stage(metas[key]), clearing.size_text(_bytes(metas[key]))
        line = f"{key[:12]}  {stage:<12}  {size:>8}  {made}  {_described(key, metas)}"
        click.echo(printable(line.rstrip()))
    for key in damaged:
        click.echo(f"{key[:12]}  damaged: see `harness store verify`")
    count = len(metas) + len(damaged)
    total = clearing.size_text(sum(_bytes(meta) for meta in metas.values()))
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
        raw = strict_json.read_bytes(store.get(key) / PROVENANCE, 1 << 20)
        ended = str(strict_json.loads(raw)["ended"])
    except (OSError, ValueError, KeyError, TypeError):
        ended = ""
    return f"{ended[:16]:<16}".replace("T", " ")


def _stage(meta: Mapping[str, Any]) -> str:
    return str(meta.get("stage", "?"))


def _described(key: str, metas: Metas) -> str:
    """What tells an artifact from others; of one that no stage of ours made, a question mark."""
    try:
        return _what(key, metas, _DEEPEST)
    except (KeyError, TypeError):
        return "?"


def _what(key: str, metas: Metas, depth: int) -> str:
    """Its configuration and its inputs'; at most so many inputs of inputs."""
    if key not in metas or not depth:
        return "?"
    config, inputs = metas[key]["config"], metas[key]["inputs"]
    if "pin" in config:
        return str(config["pin"]["title"])
    if "source" in config:
        return f"{config['source']['name']} {config['split']}"
    if "comparison" in config:
        return str(config["comparison"]["claim"]["id"])
    role = next((one for one in _TELLING if one in inputs), None)
    words = _what(inputs[role], metas, depth - 1) if role else ""
    if "intermediate" in inputs:
        words += f" after {_what(inputs['intermediate'], metas, depth - 1)}"
    elif "seed" in config:
        words += f", seed {config['seed']}"
    return words


def _place(stage: str) -> int:
    return _ORDER.get(stage, len(_ORDER))


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
