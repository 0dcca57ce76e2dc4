"""`harness store gc`: unfinished work, damaged artifacts, finished ones by age, size and reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from harness import looks, options, session
from harness.artifacts import SCRATCH_AGE, Store
from harness.collecting import Entry, Rule, candidates, collect, entries, reached_by_runs
from harness.errors import UsageError
from harness.manifest import Manifests
from harness.plan import Request, build_plan

Given = Mapping[str, Any]
_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_BYTES = {
    **{"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12},
    **{"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40},
}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([A-Za-z]+)")
# Named one by one; beyond that a number says it.
_FEW = 20


def run(store: Store, given: Given) -> None:
    """Clear the store.

    Args:
        store: which is there.
        given: broken, older_than, keep_size, unreachable, runs, manifests, pins, mirror, dry_run.

    Raises:
        UsageError: an amount that is none.
        ManifestError: with `unreachable`, a manifest that breaks a rule.
        VerificationError: with `unreachable`, a run folder whose artifacts can't be told.
        MachineError: no permission.
    """
    age, dry_run = _age(given["older_than"]), bool(given["dry_run"])
    rule = Rule(
        older_than=age,
        keep_bytes=_size(given["keep_size"]),
        reachable=_reachable(store, given) if given["unreachable"] else None,
    )
    word = "would remove" if dry_run else "removed"
    swept = store.sweep(dry_run=dry_run, scratch_age=SCRATCH_AGE if age is None else age)
    for name in swept:
        click.echo(f"{word} unfinished work {name}")
    chosen = _broken(store) if given["broken"] else []
    for one in collect(store, chosen, dry_run=dry_run):
        click.echo(f"{word} broken artifact {one.key[:16]}")
    gone = _finished(store, rule, dry_run=dry_run)
    if gone:
        _tell(gone, word)
    elif not (swept or chosen):
        click.echo("nothing to remove")


def size_text(count: int) -> str:
    """Bytes, e.g. 1.2 MB."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} B "


def _finished(store: Store, rule: Rule, *, dry_run: bool) -> list[Entry]:
    if rule == Rule():
        return []
    return list(collect(store, candidates(entries(store), rule), dry_run=dry_run))


def _tell(gone: list[Entry], word: str) -> None:
    for one in gone[:_FEW]:
        click.echo(f"{word} artifact {one.key[:16]}  {size_text(one.size)}")
    if len(gone) > _FEW:
        click.echo(f"{word} {len(gone) - _FEW} more")
    total = size_text(sum(one.size for one in gone)).strip()
    click.echo(f"{word} {len(gone)} finished artifact{'' if len(gone) == 1 else 's'}, {total}")


def _broken(store: Store) -> list[Entry]:
    return [one for one in entries(store) if store.verify(one.key)]


def _reachable(store: Store, given: Given) -> set[str]:
    """What every claim at every profile needs on this machine, and what run folders refer to."""
    keys = reached_by_runs(store, given["runs"])
    manifests = session.load(given)
    for profile in manifests.profiles:
        keys |= _planned(manifests, profile, store, given)
    return keys


def _planned(manifests: Manifests, profile: str, store: Store, given: Given) -> set[str]:
    mirror = options.read_mirror(options.mirror_dir(given["mirror"]))
    wanted = manifests.profiles[profile].precision
    device = options.resolve_device("auto")
    request = Request(
        claims=tuple(manifests.claims),
        profile=profile,
        seeds=None,
        protocol=None,
        precision=options.resolve_precision(wanted, device),
        looks=looks.read(store),
    )
    return {one.key for one in build_plan(manifests, request, mirror).stages}


def _age(text: str | None) -> float | None:
    return None if text is None else _amount("older-than", text, _SECONDS, "30d, 12h or 90m")


def _size(text: str | None) -> int | None:
    return None if text is None else int(_amount("keep-size", text, _BYTES, "50GB or 500MiB"))


def _amount(option: str, text: str, units: Mapping[str, float], examples: str) -> float:
    found = _AMOUNT.fullmatch(text.strip())
    by_name = {name.lower(): factor for name, factor in units.items()}
    factor = by_name.get(found[2].lower()) if found else None
    if found is None or factor is None:
        raise UsageError(
            where=f"--{option}",
            got=f"`{text}`",
            expected=f"a number with a unit, e.g. {examples}",
            fix=f"Units are {', '.join(units)}.",
        )
    return float(found[1]) * factor
