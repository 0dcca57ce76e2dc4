"""How store operations grow with the number of artifacts: `python benchmarks/store.py 1000 100000`.

The artifacts are written straight into their places; `put` is timed as a stage puts them, flushed.
Times are the process's own (user and system), so that a busy machine does not matter;
waiting for the disk is not in them.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.artifacts import Store
from harness.canonical import bytes_sha256, canonical_json, digest
from harness.collecting import Entry, Rule, candidates, collect, entries
from harness.leases import leased
from harness.verbs import clearing, storing

_ROWS = b'{"number": 1}\n' * 20
_PROVENANCE = canonical_json({"ended": "2026-01-01T00:00"})
_FILES = {
    "rows.jsonl": {"sha256": bytes_sha256(_ROWS), "bytes": len(_ROWS)},
    "provenance.json": {"sha256": bytes_sha256(_PROVENANCE), "bytes": len(_PROVENANCE)},
}
_MINUTE = 60.0
_NOW = time.time()
_SINGLE = 300
_PLANNED = 1000


def main(sizes: list[int]) -> None:
    """A column for each size."""
    columns = {size: _measured(size) for size in sizes}
    rows = list(next(iter(columns.values())))
    say(f"{'':<34}" + "".join(f"{size:>12,}" for size in columns))
    for row in rows:
        say(f"{row:<34}" + "".join(f"{column[row]:>12}" for column in columns.values()))


def say(line: str) -> None:
    """On stdout, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _key(number: int) -> str:
    return digest({"number": number})


def _put(store: Store, number: int) -> None:
    """As a stage of a plan leaves it: two files and a description."""
    key = _key(number)
    with store.locked(key), store.writing(key) as folder:
        (folder / "rows.jsonl").write_bytes(_ROWS)
        store.commit(key, folder, _description(number), {"ended": "2026-01-01T00:00"})


def _description(number: int) -> dict[str, Any]:
    config = {"seed": number % 5, "source": {"name": f"set-{number % 50}"}, "split": "train"}
    inputs = {"dataset": _key(number - 1)} if number % 4 else {}
    return {"stage": "dataset", "version": 1, "config": config, "inputs": inputs}


def _place(store: Store, number: int) -> None:
    """The same without locks, renames and flushing."""
    folder = store.path(_key(number))
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_bytes(_ROWS)
    (folder / "provenance.json").write_bytes(_PROVENANCE)
    meta = {"key": _key(number), **_description(number), "files": _FILES}
    (folder / "meta.json").write_bytes(canonical_json({**meta, "meta_sha256": digest(meta)}))


def _measured(size: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        store = Store(Path(folder))
        for number in range(size):
            _place(store, number)
        say(f"{size} artifacts are there")
        draw = random.Random(0)  # noqa: S311 (which are looked at is no secret)
        some = [draw.randrange(size) for _ in range(_SINGLE)]
        planned = [_key(draw.randrange(size)) for _ in range(_PLANNED)]
        return {
            "put, µs (flushed)": _each(lambda n: _put(store, size + n), range(_SINGLE)),
            "has, µs": _each(lambda n: store.has(_key(n)), some),
            "get and meta, µs": _each(lambda n: store.meta(_key(n)), some),
            "verify one, µs": _each(lambda n: store.verify(_key(n)), some),
            "lease of 1,000 keys, ms": _whole(lambda: _lease(store, planned), 1e3),
            "store list, s": _whole(lambda: _quietly(storing._list, store)),
            "store verify, s": _whole(lambda: _quietly(storing._verify, store)),
            "gc, nothing asked for, ms": _whole(store.sweep, 1e3),
            **_collections(store, size),
        }


def _each(act: Callable[[int], Any], numbers: Any) -> str:
    began = time.process_time()
    for number in numbers:
        act(number)
    return f"{1e6 * (time.process_time() - began) / len(numbers):.0f}"


def _whole(act: Callable[[], Any], factor: float = 1.0) -> str:
    began = time.process_time()
    act()
    return f"{factor * (time.process_time() - began):.2f}"


def _lease(store: Store, keys: list[str]) -> None:
    with leased(store, keys):
        pass


def _quietly(act: Callable[[Store], None], store: Store) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        act(store)


def _collections(store: Store, size: int) -> dict[str, str]:
    """Each rule lets a quarter of the store go: first as a dry run, then in earnest."""
    for number in range(size):
        # The lease counts as a use: now each was used a minute after the one before.
        used = _NOW - _MINUTE * (size - number)
        os.utime(store.path(_key(number)) / "meta.json", (used, used))
    quarter = size // 4
    rules: dict[str, Callable[[list[Entry]], Rule]] = {
        "age": lambda _: Rule(older_than=_MINUTE * 3 * quarter),
        "size": lambda found: Rule(keep_bytes=sum(one.size for one in found[quarter:])),
        "reach": lambda _: Rule(reachable=_reachable(store, range(size - quarter, size + _SINGLE))),
    }
    return {
        f"gc by {name}{', dry run' if dry_run else ''}, s": _whole(
            functools.partial(_collect, store, rule, quarter, dry_run=dry_run)
        )
        for name, rule in rules.items()
        for dry_run in (True, False)
    }


def _reachable(store: Store, numbers: range) -> set[str]:
    """As `gc --unreachable`: all claims at all profiles, and a run folder that names `numbers`."""
    run = store.root / "run"
    run.mkdir(exist_ok=True)
    (run / "run.json").write_bytes(canonical_json({"artifacts": [_key(one) for one in numbers]}))
    given = {"runs": [run], "manifests": None, "pins": None, "mirror": None}
    return clearing._reachable(store, given)


def _collect(
    store: Store, rule: Callable[[list[Entry]], Rule], about: int, *, dry_run: bool
) -> None:
    found = entries(store)
    went = len(list(collect(store, candidates(found, rule(found)), dry_run=dry_run)))
    # Descriptions differ by a byte or two.
    assert abs(went - about) <= about // 50, (went, about)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [1000, 10_000, 100_000])
