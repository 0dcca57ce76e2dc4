"""`harness pins check|update`: whether pinned sources moved on, and pinning the newest revision."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from harness import options, yaml12
from harness.errors import DataError, UsageError
from harness.manifest import choose, load_manifests, parse_model
from harness.models import Mirror, Pins
from harness.resources import resource_dir
from harness.sources.hub import repository_revision
from harness.sources.hub_errors import disk_error
from harness.yaml_edit import Place, with_value

MOVED = 3


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A pinned repository."""

    section: Literal["datasets", "encoders"]
    name: str
    repo: str
    revision: str
    files: Mapping[Place, tuple[str, str | None]]
    """Keys of the file's sha256, below the pin -> (file, sha256)."""

    @property
    def place(self) -> Place:
        """The pin's keys in pins.yaml."""
        return (self.section, self.name)

    def newest(self) -> str:
        """The newest revision that the Hub has."""
        return repository_revision(self.repo, "dataset" if self.section == "datasets" else "model")


def run(action: str, name: str | None, given: Mapping[str, Any], *, as_json: bool) -> int:
    """Do `action`; returns the exit status.

    Raises:
        UsageError: no pin of that name, or one that nothing can move.
        DataError: `update`: the repository is gone or can't be read.
        MachineError: the Hub can't be reached, or the file can't be written.
    """
    manifests = load_manifests(given["manifests"], given["pins"])
    entries = _chosen(manifests.pins, name)
    mirror = options.read_mirror(options.mirror_dir(given["mirror"]))
    if action == "check":
        return _check(entries, mirror, as_json=as_json)
    if name is None:
        raise UsageError(
            where="harness pins update",
            got="no name",
            expected="the one pin to update",
            fix="`harness pins check` shows which ones moved.",
        )
    facts = [_update(entry, _file_of(entry, given), mirror) for entry in entries]
    if as_json:
        click.echo(json.dumps({"format": 1, "updated": facts}, indent=1))
    else:
        click.echo("\n".join(line for one in facts for line in _told(one)))
    return 0


def _chosen(pins: Pins, name: str | None) -> list[Entry]:
    entries = list(_entries(pins))
    if name is None:
        return entries
    choose("pin", name, {**pins.datasets, **pins.encoders})
    found = [entry for entry in entries if entry.name == name]
    if not found:
        raise UsageError(
            where=f"pin `{name}`",
            got="nothing that comes from the Hub",
            expected=f"one of {', '.join(entry.name for entry in entries)}",
            fix="Generated, packaged and user-brought data change with their own pins only.",
        )
    return found


def _entries(pins: Pins) -> Iterator[Entry]:
    for name, data in pins.datasets.items():
        if data.kind == "hub":
            files = {
                ("configs", config, split, "sha256"): (one.file, one.sha256)
                for config, splits in data.configs.items()
                for split, one in splits.items()
            }
            yield _entry("datasets", name, data, files)
    for name, encoder in pins.encoders.items():
        if encoder.kind == "hub":
            hashes = {("files", file): (file, sha256) for file, sha256 in encoder.files.items()}
            yield _entry("encoders", name, encoder, hashes)


def _entry(section: Literal["datasets", "encoders"], name: str, pin: Any, files: Any) -> Entry:
    return Entry(section=section, name=name, repo=pin.repo, revision=pin.revision, files=files)


def _check(entries: Sequence[Entry], mirror: Mirror | None, *, as_json: bool) -> int:
    rows = [_compared(entry, mirror) for entry in entries]
    moved = [row for row in rows if row["moved"] or row["problems"]]
    if as_json:
        click.echo(json.dumps({"format": 1, "pins": rows}, indent=1))
        return MOVED if moved else 0
    for row in moved:
        if row["moved"]:
            pinned, newest = row["pinned"][:12], row["newest"][:12]
            click.echo(f"{row['name']}: pinned {pinned}, newest {newest} ({row['repo']})")
        for problem in row["problems"]:
            click.echo(f"{row['name']}: {problem}")
    if moved:
        advice = "`harness pins update NAME` pins the newest revision of one."
        click.echo(f"{len(rows)} pins, {len(moved)} moved or in doubt. {advice}")
        return MOVED
    click.echo(f"{len(rows)} pins, none moved")
    return 0


def _compared(entry: Entry, mirror: Mirror | None) -> dict[str, Any]:
    """One pin beside the Hub and the mirror; a repository that is gone doesn't stop the others."""
    newest: str | None = None
    problems: list[str] = []
    try:
        newest = entry.newest()
    except DataError as error:
        problems.append(f"{error.got} on the Hub (pinned {entry.revision[:12]}, {entry.repo})")
    return {
        "name": entry.name,
        "repo": entry.repo,
        "pinned": entry.revision,
        "newest": newest,
        "moved": newest not in (None, entry.revision),
        "problems": [*problems, *_differences(entry, mirror)],
    }


def _differences(entry: Entry, mirror: Mirror | None) -> Iterator[str]:
    """Where the mirror holds something else than what is pinned; holding less is no difference."""
    held = _held(entry, mirror)
    if held is None:
        return
    revision, hashes = held
    if revision != entry.revision:
        yield f"the mirror holds {revision[:12]}, pinned is {entry.revision[:12]}"
        return
    for place, (file, sha256) in entry.files.items():
        found = hashes.get(place)
        if sha256 is not None and found not in (None, sha256):
            yield f"{file} has sha256 {found} in the mirror, pinned is {sha256}"


def _held(entry: Entry, mirror: Mirror | None) -> tuple[str, dict[Place, str]] | None:
    """The mirror's revision of a repository and its files' sha256; a partial copy tells none."""
    if mirror is None:
        return None
    if entry.section == "encoders":
        model = mirror.models.get(entry.repo)
        if model is None:
            return None
        return model.revision, {("files", file): one for file, one in model.files.items()}
    data = mirror.datasets.get(entry.repo)
    if data is None:
        return None
    hashes: dict[Place, str] = {
        ("configs", config, split, "sha256"): one.sha256
        for config, splits in data.configs.items()
        for split, one in splits.items()
        if not data.partial
    }
    return data.revision, hashes


def _update(entry: Entry, path: Path, mirror: Mirror | None) -> dict[str, Any]:
    """Rewrite the entry's revision and hashes in `path`; what was done, as plain values."""
    newest = entry.newest()
    held = _held(entry, mirror)
    known = held[1] if held and held[0] == newest else {}
    hashes = {
        place: known.get(place) if newest != entry.revision else sha256 or known.get(place)
        for place, (_, sha256) in entry.files.items()
    }
    _write(path, entry, newest, hashes)
    return {
        "name": entry.name,
        "repo": entry.repo,
        "file": str(path),
        "pinned": entry.revision,
        "newest": newest,
        "sha256": {file: hashes[place] for place, (file, _) in entry.files.items()},
        "changed": newest != entry.revision
        or any(hashes[place] != sha256 for place, (_, sha256) in entry.files.items()),
    }


def _told(facts: Mapping[str, Any]) -> Iterator[str]:
    name, path = facts["name"], facts["file"]
    if not facts["changed"]:
        yield f"{name}: {facts['pinned'][:12]} is the newest; {path} stays as it was"
        return
    yield f"{name}: {facts['pinned'][:12]} -> {facts['newest'][:12]} in {path}"
    unknown = sum(sha256 is None for sha256 in facts["sha256"].values())
    if unknown:
        yield (
            f"  {unknown} files have no sha256: fetch them into a new mirror, then run "
            f"`harness pins update {name} --mirror DIR`. Rows and languages stay as they were: "
            "fetch says if they changed."
        )


def _file_of(entry: Entry, given: Mapping[str, Any]) -> Path:
    """The pins file that the entry is read from: the user's own goes before the project's."""
    if given["pins"]:
        return Path(given["pins"])
    own = [Path(given["manifests"])] if given["manifests"] else []
    paths = [folder / "pins.yaml" for folder in (*own, resource_dir("manifests"))]
    return next(path for path in paths if path.is_file() and entry.place in yaml12.load(path)[1])


def _write(path: Path, entry: Entry, revision: str, hashes: Mapping[Place, str | None]) -> None:
    raw = edited = path.read_bytes()
    edited = with_value(edited, (*entry.place, "revision"), revision, str(path))
    for place, sha256 in hashes.items():
        edited = with_value(edited, (*entry.place, *place), sha256, str(path), after="file")
    if edited == raw:
        return
    _replace(path.resolve(), edited)


def _replace(path: Path, data: bytes) -> None:
    """Write aside and rename; a pins file that doesn't load takes nobody's place."""
    with disk_error(path):
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".pins-", suffix=".yaml")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            parse_model(Pins, Path(aside))
            Path(aside).chmod(path.stat().st_mode & 0o777)
            Path(aside).replace(path)
        finally:
            Path(aside).unlink(missing_ok=True)
