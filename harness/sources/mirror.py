"""A mirror: a folder in the Hub's layout whose `mirror.yaml` says what it holds.

`fetch` writes mirrors, every other command only reads them. A file is used after its sha256 and
its number of rows were found to be what mirror.yaml says or, where there is no mirror.yaml, what
the pins say. Nothing heavy is imported before a file is looked into.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from harness.canonical import file_sha256
from harness.errors import DataError, MachineError
from harness.manifest import parse_model
from harness.models import DatasetPin, EncoderPin, Mirror, MirrorDataset, MirrorModel, MirrorSplit

NAME = "mirror.yaml"
Kind = Literal["datasets", "models"]


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """One split of a Hub data set, and what its bytes must be."""

    repo: str
    revision: str
    config: str
    split: str
    file: str
    """Inside the repository."""
    sha256: str | None = None
    """None: nobody knows it in advance; mirror.yaml's is the only one there is."""
    rows: int | None = None
    """Of the full file; not looked at where mirror.yaml has the file."""


def load_mirror(folder: Path) -> Mirror | None:
    """What `folder` says it holds, or None where it has no mirror.yaml.

    Raises:
        DataError: there is no such folder.
        ManifestError: mirror.yaml breaks its format; names file, line and key.
    """
    if not folder.is_dir():
        raise DataError(
            where=str(folder),
            got="no such folder",
            expected="a mirror: a folder in the Hub's layout",
            fix="Check --mirror (or $HARNESS_MIRROR), or make a mirror with `harness fetch`.",
        )
    path = folder / NAME
    return parse_model(Mirror, path) if path.exists() else None


def save_mirror(mirror: Mirror, folder: Path) -> None:
    """Write mirror.yaml aside and rename it, so that a reader never sees half of it."""
    document = mirror.model_dump(mode="json", exclude_defaults=True)
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    try:
        handle, aside = tempfile.mkstemp(dir=folder, prefix=".mirror-", suffix=".yaml")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files for the owner alone; a mirror is meant to be shared.
        Path(aside).chmod(0o644)
        Path(aside).replace(folder / NAME)
    except OSError as error:
        raise MachineError(
            where=str(folder / NAME),
            got=error.strerror or str(error),
            expected="a folder that can be written",
            fix="Make room or fix the permissions, then run the same command again.",
        ) from error


def place(kind: Kind, repo: str, file: str) -> str:
    """Where a repository's file lies in a mirror, relative to the mirror's folder."""
    return f"{kind}/{repo}/{file}"


def wanted(pin: DatasetPin, config: str, split: str, mirror: Mirror | None = None) -> HubFile:
    """The file that `pin` names for a split, with the hash that a run must find.

    A partial copy can't have the pinned bytes: there the mirror's own hash is the one to find.

    Raises:
        DataError: the pin has no such config or split.
    """
    splits = pin.configs.get(config, {})
    if pin.repo is None or pin.revision is None or split not in splits:
        raise DataError(
            where=f"pin of {pin.title}",
            got=f"a request for {config}/{split}",
            expected=f"one of {', '.join(f'{c}/{s}' for c in pin.configs for s in pin.configs[c])}",
            fix="Name a config and split that pins.yaml has.",
        )
    one, dataset = splits[split], mirror.datasets.get(pin.repo) if mirror else None
    held = dataset.configs.get(config, {}).get(split) if dataset else None
    sha256, rows = one.sha256, one.rows
    if dataset is not None and held is not None and (dataset.partial or sha256 is None):
        sha256, rows = held.sha256, held.rows
    return HubFile(
        repo=pin.repo,
        revision=pin.revision,
        config=config,
        split=split,
        file=one.file,
        sha256=sha256,
        rows=rows,
    )


def locate(folder: Path, pin: DatasetPin, config: str, split: str) -> Path:
    """The verified file of a pinned split; raises as `locate_file`."""
    mirror = load_mirror(folder)
    return locate_file(folder, wanted(pin, config, split, mirror), mirror)


def locate_file(folder: Path, file: HubFile, mirror: Mirror | None) -> Path:
    """The file of a split in the mirror `folder`, after its bytes and rows were checked.

    Args:
        folder: the mirror.
        file: what is asked for.
        mirror: what `load_mirror(folder)` gave.

    Raises:
        DataError: the mirror holds another revision, doesn't hold the split, or holds less than
            its mirror.yaml (or, without one, the pin) says: no file, other bytes, other rows.
    """
    if mirror is None:
        path = folder / place("datasets", file.repo, file.file)
        _verify(folder, path, file.sha256, file.rows, "the pin")
        return path
    entry = _entry(folder, file, mirror)
    path = folder / entry.file
    _verify(folder, path, entry.sha256, entry.rows, NAME)
    if file.sha256 is not None and file.sha256 != entry.sha256:
        raise _mismatch(path, f"sha256 {entry.sha256}", f"sha256 {file.sha256} (the pin)")
    return path


def locate_encoder(folder: Path, pin: EncoderPin) -> dict[str, Path]:
    """File of the pinned encoder -> its verified path in the mirror.

    Raises:
        DataError: as `locate_file`.
    """
    assert pin.repo is not None
    mirror = load_mirror(folder)
    files: Mapping[str, str | None] = pin.files
    if mirror is not None:
        files = _model_hashes(folder, pin, mirror.models.get(pin.repo))
    paths = {name: folder / place("models", pin.repo, name) for name in files}
    for name, sha256 in files.items():
        _verify(folder, paths[name], sha256, None, NAME if mirror else "the pin")
    return paths


def _model_hashes(folder: Path, pin: EncoderPin, model: MirrorModel | None) -> dict[str, str]:
    asked = f"{pin.repo} at {pin.revision}"
    if model is None or model.revision != pin.revision:
        raise _absent(folder, asked, f"it at {model.revision}" if model else "no such encoder")
    lacking = sorted(set(pin.files) - set(model.files))
    if lacking:
        raise _absent(folder, asked, f"it without {', '.join(lacking)}")
    for name, sha256 in pin.files.items():
        if sha256 is not None and sha256 != model.files[name]:
            path = folder / place("models", str(pin.repo), name)
            raise _mismatch(path, f"sha256 {model.files[name]}", f"sha256 {sha256} (the pin)")
    return {name: model.files[name] for name in pin.files}


def _entry(folder: Path, file: HubFile, mirror: Mirror) -> MirrorSplit:
    dataset: MirrorDataset | None = mirror.datasets.get(file.repo)
    asked = f"{file.repo} {file.config}/{file.split}"
    if dataset is None:
        raise _absent(folder, asked, f"only {', '.join(mirror.datasets) or 'nothing'}")
    if dataset.revision != file.revision:
        raise _absent(folder, f"{asked} at {file.revision}", f"it at {dataset.revision}")
    entry = dataset.configs.get(file.config, {}).get(file.split)
    if entry is None:
        held = [f"{c}/{s}" for c, splits in dataset.configs.items() for s in splits]
        raise _absent(folder, asked, f"of it only {', '.join(held)}")
    return entry


def _verify(folder: Path, path: Path, sha256: str | None, rows: int | None, source: str) -> None:
    try:
        if not path.is_file():
            raise _mismatch(path, "no such file", f"the file that {source} names")
        if not path.resolve().is_relative_to(folder.resolve()):
            raise _mismatch(path, "a link that leads out of the mirror", "a file of its own")
        found = file_sha256(path)
    except OSError as error:
        raise _mismatch(path, error.strerror or str(error), "a readable file") from error
    if sha256 is not None and found != sha256:
        raise _mismatch(path, f"sha256 {found}", f"sha256 {sha256} ({source})")
    if rows is not None and path.suffix == ".parquet":
        # Imported here: what only asks for mirror.yaml never waits for Arrow.
        from harness.sources.rows import parquet_rows

        count = parquet_rows(path)
        if count != rows:
            raise _mismatch(path, f"{count} rows", f"{rows} rows ({source})")


def _mismatch(path: Path, got: str, expected: str) -> DataError:
    fix = "The mirror is damaged or not the one that was pinned: fetch it into a new folder."
    return DataError(where=str(path), got=got, expected=expected, fix=fix)


def _absent(folder: Path, asked: str, held: str) -> DataError:
    return DataError(
        where=f"mirror {folder}",
        got=held,
        expected=asked,
        fix=f"Add it with `harness fetch ... --to {folder}`, or name a mirror that has it.",
    )


# libyaml's where PyYAML was built with it: fetch writes the file anew after each of hundreds of
# files, and in Python that took longer than fetching them.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Quotes text that begins like a number: YAML 1.1 and 1.2 disagree on which of it is one."""


def _text(dumper: Any, text: str) -> Any:
    style = "'" if text[:1].isdigit() or text[:1] in "+-." else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
