"""Runs of the command line as processes that can be killed, and what they must leave behind.

A run is forked from this process, which has loaded the libraries but computed nothing: it is the
same as a fresh `harness`, without the seconds of start-up that would make hundreds of kills slow.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.artifacts import Store
from harness.canonical import file_sha256
from harness.evidence import ATTESTATION, CRATE
from harness.provenance import environment
from harness.sealed import META

VERDICT = (0, 10, 11)
# Times and machines are told here, or the digests of such files; everything else must be the same.
_FREE = frozenset({"provenance.json", "provenance.html", CRATE, "run.json", ATTESTATION, META})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A run on a store of its own."""

    folder: Path
    words: tuple[str, ...]
    """Of the command, places apart: claims, profile, what is read."""
    checkpoints: str = "0s"
    place: str = "run"
    """Name of the run folder; several runs of one command on one store have their own."""

    jobs: int = 1
    """Stages side by side; 1 in the forked process itself, more in workers of their own."""

    @property
    def store(self) -> Store:
        """Where its artifacts are."""
        return Store(self.folder / "store")

    def command(self) -> list[str]:
        """The arguments of `harness`."""
        places = ["--store", str(self.store.root), "--out", str(self.folder / self.place)]
        how = ["--checkpoints", self.checkpoints, "--jobs", str(self.jobs)]
        return ["reproduce", *self.words, *places, *how]


def load() -> None:
    """Load what a run loads, without starting any thread.

    The worker first: it tells the OpenMP library, which reads it once, not to spin.
    """
    for name in (
        "harness.worker",
        "torch",
        "transformers",
        "datasets",
        "great_expectations",
        "harness.session",
    ):
        importlib.import_module(name)
    for name in ("training", "predict", "dataset", "checks", "contamination", "compare", "score"):
        importlib.import_module(f"harness.stages.{name}")
    environment()


def start(
    case: Case, before: Callable[[], None] | None = None, words: Sequence[str] | None = None
) -> int:
    """Fork a run of the case's command, or of `harness` with `words`; its process id.

    `before` is called in it first.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        os.setsid()
        case.folder.mkdir(parents=True, exist_ok=True)
        log = os.open(_log(case), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.argv = ["harness", *(words or case.command())]
        if before:
            before()
        from harness import cli

        cli.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def wait(child: int, seconds: float | None = None) -> int | None:
    """The exit status, -9 where it was killed; None where it still runs after `seconds`."""
    ends = None if seconds is None else time.monotonic() + seconds
    while ends is not None:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > ends:
            return None
        time.sleep(0.002)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(
    case: Case, before: Callable[[], None] | None = None, words: Sequence[str] | None = None
) -> int:
    """Run to the end, as `start`; the exit status."""
    status = wait(start(case, before, words))
    assert status is not None
    return status


def said(case: Case) -> str:
    """What its runs printed."""
    return _log(case).read_text(encoding="utf-8", errors="replace")


def _log(case: Case) -> Path:
    return case.folder / f"{case.place}.log"


def results(case: Case) -> dict[str, str]:
    """Every file that equal runs must have in common -> its sha256: run folder and payloads."""
    run = case.folder / case.place
    return _files("run", run, run) | of_artifacts(case, case.store.root / "artifacts")


def of_artifacts(case: Case, below: Path) -> dict[str, str]:
    """Of `results`, the payloads that lie below a folder of the store."""
    return _files("artifacts", case.store.root / "artifacts", below)


def _files(name: str, top: Path, below: Path) -> dict[str, str]:
    return {
        f"{name}/{path.relative_to(top)}": file_sha256(path)
        for path in sorted(below.rglob("*"))
        if path.is_file() and path.name not in _FREE
    }


def finished(store: Store) -> dict[str, str]:
    """Key -> sha256 of meta.json (which holds those of all other files), of what is finished."""
    return {key: file_sha256(store.path(key) / META) for key in store.keys()}  # noqa: SIM118


def in_progress(store: Store) -> set[str]:
    """Keys of the work folders: what was being made when a run ended."""
    folder = store.root / "work"
    return {one.name.split("-")[0] for one in folder.glob("*")} if folder.is_dir() else set()


@contextlib.contextmanager
def scratch_folder(place: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="faults-", dir=place))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def differences(case: Case, expected: dict[str, str]) -> list[str]:
    """Files of the case that differ from `expected`, are missing, or are too many."""
    found = results(case)
    return sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
