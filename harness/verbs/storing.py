"""`harness store list|verify|gc`."""

from __future__ import annotations

from pathlib import Path

import click

from harness import options
from harness.artifacts import Store
from harness.errors import VerificationError


def run(action: str, folder: Path | None, *, broken: bool, dry_run: bool) -> None:
    """Do `action` on the store."""
    store = options.open_store(folder)
    if action == "list":
        _list(store)
    elif action == "verify":
        _verify(store)
    else:
        _collect(store, broken=broken, dry_run=dry_run)


def _list(store: Store) -> None:
    for key in store.keys():  # noqa: SIM118 (a Store is no mapping)
        meta = store.meta(key)
        size = sum(one["bytes"] for one in meta["files"].values())
        click.echo(f"{key[:16]}  {meta['stage']:<12} {size / 1e6:10.1f} MB")


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


def _collect(store: Store, *, broken: bool, dry_run: bool) -> None:
    word = "would remove" if dry_run else "removed"
    for name in store.sweep(dry_run=dry_run):
        click.echo(f"{word} unfinished work {name}")
    if not broken:
        return
    for key in [key for key in store.keys() if store.verify(key)]:  # noqa: SIM118
        if not dry_run:
            with store.locked(key):
                store.remove(key)
        click.echo(f"{word} broken artifact {key[:16]}")
