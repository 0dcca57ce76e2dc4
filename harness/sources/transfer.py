"""One file of a repository at one revision -> its place in a mirror, checked on the way."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.canonical import file_sha256
from harness.errors import DataError, MachineError
from harness.redaction import token
from harness.sources.hub_errors import disk_error, translated
from harness.sources.mirror import place

# Where a file lies in the mirror's folder before it has its place.
ASIDE = ".incoming-"
# A connection that is cut again and again would otherwise be resumed for ever.
_MAX_TRANSFER = 3
# Else the client asks the Hub, before the first file, for a list of programs that may be driving
# it, and sends the name of the one that it finds. Read when it is imported, below.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


class Progress(Protocol):
    """Where a fetch says how far it is."""

    def start(self, total: int, unit: str) -> None:
        """There are `total` units (bytes) to fetch."""

    def advance(self, done: int, **figures: float) -> None:
        """`done` more units are here."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository at one revision, as the Hub's client names it."""

    kind: Literal["dataset", "model"]
    repo: str
    revision: str

    def at(self, file: str) -> str:
        """Where `file` lies in a mirror."""
        return place("datasets" if self.kind == "dataset" else "models", self.repo, file)

    def __str__(self) -> str:
        return f"{self.repo} ({self.kind}) at {self.revision[:12]}"


def bring(
    repository: Repository,
    file: str,
    sha256: str | None,
    to: Path,
    progress: Progress,
    look_into: Callable[[Path], None],
) -> str:
    """Download one file aside, check it, give it its place in the mirror `to`.

    Args:
        repository: where from.
        file: inside the repository.
        sha256: what the bytes must be; None where nobody knows it in advance.
        to: the mirror's folder.
        progress: told of every piece, in bytes.
        look_into: called with the file before it gets its place; refuses it by raising.

    Returns:
        The file's sha256.

    Raises:
        DataError: not there, no access, truncated, other bytes, or refused by `look_into`.
        MachineError: the Hub can't be reached, the disk is full, or `to` can't be written.
    """
    from huggingface_hub import hf_hub_download

    where = f"{repository}, {file}"
    with _aside(to) as folder:
        with translated(where), _quietly():
            path = Path(
                hf_hub_download(
                    repository.repo,
                    file,
                    repo_type=repository.kind,
                    revision=repository.revision,
                    local_dir=folder,
                    endpoint=_endpoint(),
                    token=_token(),
                    tqdm_class=_reporting(progress, where),
                )
            )
        found = file_sha256(path)
        if sha256 is not None and found != sha256:
            raise not_pinned(where, f"sha256 {found}", f"sha256 {sha256}")
        look_into(path)
        target = to / repository.at(file)
        with disk_error(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and file_sha256(target) != found:
                raise in_the_way(target, f"sha256 {found}")
            path.replace(target)
    return found


def _reporting(progress: Progress, where: str) -> Any:
    """A bar class that tells `progress` instead of drawing, and stops an endless resumption."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.size, self.received = kwargs.get("total"), 0
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            done = int(n or 0)
            self.received += max(done, 0)
            if self.size and self.received > _MAX_TRANSFER * self.size:
                raise DataError(
                    where=where,
                    got=f"a connection that was cut again and again ({self.received} bytes)",
                    expected=f"one file of {self.size} bytes",
                    fix="Try again later, or on another network.",
                )
            progress.advance(done)
            return None

        def update_transfer(self, n: float | None = 1) -> None:
            """Bytes on the wire, which the client counts beside the bytes of the file."""

    return Bar


def sizes(repository: Repository, files: list[str], to: Path) -> dict[str, int]:
    """Bytes of each file on the Hub; the disk must have room for them."""
    if not files:
        return {}
    with translated(str(repository)):
        listed = api().get_paths_info(
            repository.repo, files, revision=repository.revision, repo_type=repository.kind
        )
    found = {one.path: int(getattr(one, "size", 0)) for one in listed}
    lacking = sorted(set(files) - set(found))
    if lacking:
        raise DataError(
            where=str(repository),
            got=f"no file {', '.join(lacking)}",
            expected="the files that the pin names",
            fix="Mend the pin's `file`, or its revision.",
        )
    free = shutil.disk_usage(to).free
    if sum(found.values()) > free:
        raise MachineError(
            where=str(to),
            got=f"{free} bytes free",
            expected=f"{sum(found.values())} bytes for {repository}",
            fix="Make room or fetch to another disk.",
        )
    return found


@contextmanager
def _quietly() -> Iterator[None]:
    """The client warns of every cut with the file's address, which may be a signed one."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _aside(to: Path) -> Iterator[Path]:
    with disk_error(to):
        folder = Path(tempfile.mkdtemp(dir=to, prefix=ASIDE))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def api() -> Any:
    """The Hub's client, for this environment's endpoint and token."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint(), token=_token())


def _endpoint() -> str | None:
    """Read at each call, not once at import, as the client does by itself."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def _token() -> str | Literal[False]:
    """False, so that the client doesn't look for a token of its own."""
    return token() or False


def in_the_way(path: Path, expected: str) -> DataError:
    """The error for a file of the user's in the place of one to fetch."""
    return DataError(
        where=str(path),
        got="another file in its place",
        expected=expected,
        fix="Move it away or fetch into another folder; nothing was changed.",
    )


def not_pinned(where: str, got: str, expected: str) -> DataError:
    """The error for something on the Hub that isn't what its pin says."""
    return DataError(
        where=where,
        got=got,
        expected=f"{expected} (the pin)",
        fix="The source changed or the transfer was tampered with: nothing was kept. "
        "Try again; if it stays, look at the repository and mend the pin.",
    )
