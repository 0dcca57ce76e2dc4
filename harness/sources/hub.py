"""Pinned files of the Hub -> a mirror folder. `fetch` and `pins` alone come here.

Files arrive in a folder aside, are checked against the pin and looked into, and only then get
their place in the mirror; mirror.yaml is written after each file, so a fetch that was cut off
goes on where it stopped. Fetches into one mirror take turns, a repository each. A token is read
from the environment alone (`redaction`) and never written anywhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.models import (
    DatasetPin,
    EncoderPin,
    LanguageRule,
    Mirror,
    MirrorDataset,
    MirrorModel,
    MirrorSplit,
    SplitPin,
)
from harness.sources import assemble, rows
from harness.sources.hub_errors import disk_error, translated
from harness.sources.mirror import NAME, load_mirror, save_mirror
from harness.sources.transfer import (
    ASIDE,
    Progress,
    Repository,
    api,
    bring,
    in_the_way,
    not_pinned,
    sizes,
)

LOCK = ".lock"
# Code, or formats that run code when they are opened.
REFUSED = (".py", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def repository_revision(repo: str, kind: Literal["dataset", "model"]) -> str:
    """The newest revision of a repository's main branch (40 hex digits).

    Raises:
        DataError: no such repository, or no access to it.
        MachineError: the Hub can't be reached.
    """
    with translated(f"{repo} ({kind})"):
        info = api().repo_info(repo, repo_type=kind, timeout=30)
    return str(info.sha)


def fetch_dataset(
    pin: DatasetPin, splits: Iterable[tuple[str, str]], to: Path, progress: Progress
) -> MirrorDataset:
    """Bring the files of `splits`, (config, split) pairs, into the mirror `to`.

    What the mirror holds already stays; only what is missing is fetched.

    Returns:
        What the mirror holds of the data set afterwards.

    Raises:
        DataError: not on the Hub, no access, not the pinned bytes, rows or languages, not a data
            file, truncated; or `to` holds another revision or an unknown file in its place.
        MachineError: the Hub can't be reached, the disk is full, or `to` can't be written.
    """
    assert pin.repo is not None and pin.revision is not None
    repository = Repository(kind="dataset", repo=pin.repo, revision=pin.revision)
    with _turn(to, progress):
        return _fetch_splits(pin, repository, list(dict.fromkeys(splits)), to, progress)


def _fetch_splits(
    pin: DatasetPin,
    repository: Repository,
    asked: list[tuple[str, str]],
    to: Path,
    progress: Progress,
) -> MirrorDataset:
    mirror = load_mirror(to) or Mirror(format=1)
    held = _held_dataset(mirror, repository, to)
    pins = {(config, split): _pinned(pin, config, split) for config, split in asked}
    missing = []
    for key, split_pin in pins.items():
        entry = held.configs.get(key[0], {}).get(key[1])
        if not _is_held(
            to, repository, split_pin.file, split_pin.sha256, entry.sha256 if entry else None
        ):
            missing.append(key)
    todo = sizes(repository, [pins[key].file for key in missing], to)
    progress.start(sum(todo.values()), "bytes")
    for config, split in asked:
        if (config, split) in missing:
            one = pins[config, split]
            entry = _bring_split(repository, one, pin.language, to, progress)
            held = _with_split(held, config, split, entry)
            mirror = mirror.model_copy(
                update={"datasets": {**mirror.datasets, repository.repo: held}}
            )
            save_mirror(mirror, to)
    return held


def fetch_encoder(pin: EncoderPin, to: Path, progress: Progress) -> MirrorModel:
    """Bring the files of an encoder into the mirror `to`; as `fetch_dataset`."""
    assert pin.repo is not None and pin.revision is not None
    repository = Repository(kind="model", repo=pin.repo, revision=pin.revision)
    with _turn(to, progress):
        return _fetch_files(pin, repository, to, progress)


def _fetch_files(
    pin: EncoderPin, repository: Repository, to: Path, progress: Progress
) -> MirrorModel:
    mirror = load_mirror(to) or Mirror(format=1)
    held = mirror.models.get(repository.repo)
    held = held or MirrorModel(revision=repository.revision, files={})
    _same_revision(held.revision, repository, to)
    missing = [
        file
        for file, sha256 in pin.files.items()
        if not _is_held(to, repository, file, sha256, held.files.get(file))
    ]
    todo = sizes(repository, missing, to)
    progress.start(sum(todo.values()), "bytes")
    for file in missing:
        sha256 = bring(repository, file, pin.files[file], to, progress, _unlooked)
        held = held.model_copy(update={"files": {**held.files, file: sha256}})
        mirror = mirror.model_copy(update={"models": {**mirror.models, repository.repo: held}})
        save_mirror(mirror, to)
    return held


def _bring_split(
    repository: Repository, pin: SplitPin, rule: LanguageRule, to: Path, progress: Progress
) -> MirrorSplit:
    facts: dict[str, Any] = {}

    def look_into(path: Path) -> None:
        facts.update(_facts(path, pin, rule, f"{repository}, {pin.file}"))

    sha256 = bring(repository, pin.file, pin.sha256, to, progress, look_into)
    return MirrorSplit(file=repository.at(pin.file), sha256=sha256, **facts)


def _facts(path: Path, pin: SplitPin, rule: LanguageRule, where: str) -> dict[str, Any]:
    """Rows, and rows per id prefix where the language rule reads ids; checked against the pin."""
    table = rows.read_rows(path)
    if pin.rows is not None and table.num_rows != pin.rows:
        raise not_pinned(where, f"{table.num_rows} rows", f"{pin.rows} rows")
    if rule.by != "id_prefix" or "id" not in table.column_names:
        return {"rows": table.num_rows}
    ids = table.column("id").to_pylist()
    if pin.languages:
        # A pin may count some languages only: those that are trained on, of a file of many.
        counts = assemble.counted(assemble.languages_of(ids, "", rule))
        found = {language: counts.get(language, 0) for language in pin.languages}
        if found != dict(pin.languages):
            raise not_pinned(where, f"languages {found}", f"{dict(pin.languages)}")
    return {"rows": table.num_rows, "languages": assemble.prefixes(ids, rule)}


def _is_held(
    to: Path, repository: Repository, file: str, pinned: str | None, entry: str | None
) -> bool:
    """Whether the mirror has the file, whole; an unknown file in its place is an error."""
    if file.lower().endswith(REFUSED):
        raise DataError(
            where=f"{repository}, {file}",
            got="a file that is or may hold code",
            expected="data files and safetensors",
            fix="Pin a revision that has the data as Parquet, the weights as safetensors.",
        )
    path = to / repository.at(file)
    if not path.exists():
        return False
    found = file_sha256(path)
    if entry is None and pinned in (None, found):
        # A fetch was cut off before it wrote mirror.yaml: fetched again and compared.
        return False
    if found != entry or pinned not in (None, found):
        raise in_the_way(path, f"sha256 {pinned or entry}")
    return True


@contextmanager
def _turn(to: Path, progress: Progress) -> Iterator[None]:
    """Hold the mirror's lock: two that read mirror.yaml at once would each drop the other's entry.

    Whoever holds it also clears away what a fetch that was killed left behind.
    """
    with disk_error(to):
        to.mkdir(parents=True, exist_ok=True)
        lock = FileLock(to / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.start(0, "waiting for another fetch into this mirror")
            lock.acquire()
    try:
        for folder in to.glob(f"{ASIDE}*"):
            shutil.rmtree(folder, ignore_errors=True)
        yield
    finally:
        lock.release()


def _held_dataset(mirror: Mirror, repository: Repository, to: Path) -> MirrorDataset:
    held = mirror.datasets.get(repository.repo)
    if held is None:
        return MirrorDataset(revision=repository.revision, configs={})
    _same_revision(held.revision, repository, to)
    return held


def _same_revision(held: str, repository: Repository, to: Path) -> None:
    if held != repository.revision:
        raise DataError(
            where=str(to / NAME),
            got=f"{repository.repo} at {held}",
            expected=f"at {repository.revision}",
            fix="A mirror holds one revision of a repository: fetch into another folder.",
        )


def _with_split(held: MirrorDataset, config: str, split: str, one: MirrorSplit) -> MirrorDataset:
    configs = {**held.configs, config: {**held.configs.get(config, {}), split: one}}
    return held.model_copy(update={"configs": configs})


def _pinned(pin: DatasetPin, config: str, split: str) -> SplitPin:
    splits: Mapping[str, SplitPin] = pin.configs.get(config, {})
    if split not in splits:
        raise DataError(
            where=f"pin of {pin.title}",
            got=f"a request for {config}/{split}",
            expected=f"one of {', '.join(f'{c}/{s}' for c in pin.configs for s in pin.configs[c])}",
            fix="Name a config and split that pins.yaml has.",
        )
    return splits[split]


def _unlooked(path: Path) -> None:
    """An encoder's files are looked into by the stage that loads them."""
