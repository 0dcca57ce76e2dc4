"""Which bytes a task reads: a profile's choice of data, the pins, and what a mirror holds.

Pure: reads no file. A `Binding` holds everything about a data set that enters keys, and the facts
that the report shows beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import DataError, ManifestError
from harness.manifest import Manifests
from harness.models import (
    DatasetPin,
    DataSpec,
    EncoderPin,
    Mirror,
    MirrorDataset,
    MirrorSplit,
    Profile,
    SplitPin,
)

Use = Literal["train", "evaluation"]


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The rows that one use of a task reads."""

    dataset: str
    pin: DatasetPin
    spec: DataSpec
    splits: Mapping[str, SplitPin | MirrorSplit]
    """Config -> its file with the sha256 that is expected, as the mirror or the pin says."""
    languages: tuple[str, ...]
    """Languages that the rows are in, as far as pin and mirror tell."""
    missing: tuple[str, ...] = ()
    """Languages that were asked for and that the mirror doesn't hold."""
    hash_on_first_use: bool = False
    note: str | None = None

    def source(self) -> dict[str, Any]:
        """The `source` of the dataset stage: identity of the bytes, no path of this machine."""
        return {
            "kind": self.pin.kind,
            "name": self.dataset,
            "repo": self.pin.repo,
            "revision": self.pin.revision,
            "generator": self.pin.generator,
            "generator_version": self.pin.generator_version,
            "language": self.pin.language.model_dump(mode="json"),
            # The pin's name for a file: a mirror's own would make the same bytes another key.
            "files": {
                config: {
                    "file": self.pin.configs[config][self.spec.split].file,
                    "sha256": split.sha256,
                }
                for config, split in self.splits.items()
            },
        }

    def config(self) -> dict[str, Any]:
        """The dataset stage's configuration."""
        return {
            "source": self.source(),
            "configs": list(self.splits),
            "split": self.spec.split,
            "languages": list(self.spec.languages) if self.spec.languages else None,
            "combine": self.spec.combine,
            "limit": self.spec.limit,
            "reader": self.reader(),
        }

    def reader(self) -> dict[str, Any]:
        """How the rows become examples."""
        fields = {"columns", "labels", "unlabelled"}
        return {"name": self.pin.reader, **self.pin.model_dump(mode="json", include=fields)}

    def expected(self) -> dict[str, Any]:
        """Rows, and rows per language, that the selection must have; None where nobody says."""
        languages = self._expected_languages()
        rows = sum(languages.values()) if languages else self._expected_rows()
        return {"rows": rows, "languages": languages}

    def realign(self) -> dict[str, Any]:
        """The repair that the pins of these splits allow, all of them together."""
        pinned = [self.pin.configs[config][self.spec.split].realign for config in self.splits]
        drop = bool(pinned) and all(one.unfound == "drop" for one in pinned)
        most = sum(one.max for one in pinned)
        return {"max": most, "unfound": "drop" if drop else "error"}

    def file_rows(self) -> int:
        """Rows of the files that are read, selected or not; 1,000 each where nobody says."""
        return sum(split.rows or 1000 for split in self.splits.values())

    def rows(self) -> int:
        """Rows, for estimates: as expected or, up to a limit, held; 1,000 where nobody says."""
        expected = self.expected()["rows"]
        counts = [split.rows for split in self.splits.values() if split.rows is not None]
        if expected or len(counts) < len(self.splits):
            limited = (self.spec.limit or 0) * max(len(self.languages), 1)
            return int(expected or limited or 1000)
        held = counts[0] if self.spec.combine == "spread" else sum(counts)
        most = (self.spec.limit or held) * max(len(self.languages), 1)
        return min(held, most)

    def _expected_rows(self) -> int | None:
        counts = [split.rows for split in self.splits.values()]
        if self.spec.limit or self.spec.languages or not counts or None in counts:
            return None
        known = [count for count in counts if count is not None]
        return known[0] if self.spec.combine == "spread" else sum(known)

    def _expected_languages(self) -> dict[str, int]:
        if self.spec.combine == "spread" or len(self.splits) != 1:
            return {}
        counts = _language_rows(self.pin, next(iter(self.splits.values())))
        wanted = self.spec.languages or tuple(counts)
        if not counts or any(language not in counts for language in wanted):
            return {}
        limit = self.spec.limit
        return {lang: min(counts[lang], limit or counts[lang]) for lang in wanted}


def data_specs(manifests: Manifests, profile: Profile, task: str, use: Use) -> tuple[DataSpec, ...]:
    """What `task` reads for `use` under `profile`; nothing where it isn't trained.

    Raises:
        ManifestError: the task has no evaluation data.
    """
    bound = profile.bind.get(task)
    found = getattr(bound, use, None) or getattr(manifests.tasks[task], use)
    if use == "train":
        return found or ()
    if found is None:
        raise no_data(task, use, profile)
    return (found,)


def no_data(task: str, use: Use, profile: Profile) -> ManifestError:
    """A task was asked for data that no manifest gives it."""
    return ManifestError(
        where=f"tasks.yaml: {task}",
        got=f"no `{use}` data",
        expected=f"`{use}` with dataset, configs and split",
        fix=f"Add it, or bind it in the profile {profile.id}.",
    )


def bind(
    manifests: Manifests,
    spec: DataSpec,
    use: Use,
    *,
    mirror: Mirror | None,
    languages: Sequence[str] | None = None,
) -> Binding:
    """The data that `spec` names; `languages` narrows them, and training data need all of these.

    Raises:
        DataError: the mirror holds another revision than the pin, or lacks data.
    """
    pin = manifests.pins.datasets[spec.dataset]
    held = mirror.datasets.get(pin.repo or "") if mirror and pin.kind == "hub" else None
    if held:
        _same_revision(spec.dataset, pin, held)
    splits = _splits(spec, use, pin, held, languages)
    available = _available(pin, splits)
    if held and use == "train":
        _holds_languages(spec, available)
    missing: tuple[str, ...] = ()
    if languages is not None:
        chosen = tuple(lang for lang in languages if available is None or lang in available)
        missing = tuple(lang for lang in languages if lang not in chosen)
        if not chosen or (missing and use == "train"):
            raise _not_held(spec.dataset, "/".join(missing), spec.split)
        spec = spec.model_copy(update={"languages": chosen})
    return Binding(
        dataset=spec.dataset,
        pin=pin,
        spec=spec,
        splits=splits,
        languages=spec.languages or available or (),
        missing=missing,
        hash_on_first_use=pin.kind != "mini"
        and any(pin.configs[config][spec.split].sha256 is None for config in splits),
        note=held.note if held and held.partial else pin.note,
    )


def _splits(
    spec: DataSpec,
    use: Use,
    pin: DatasetPin,
    held: MirrorDataset | None,
    languages: Sequence[str] | None,
) -> dict[str, SplitPin | MirrorSplit]:
    """The files of the configs that are wanted and there; all of them for training."""
    names = pin.language.names if pin.language.by == "config" and languages is not None else {}
    found: dict[str, SplitPin | MirrorSplit] = {}
    for config in spec.configs:
        if names and names[config] not in (languages or ()):
            continue
        split = _split(spec.dataset, pin, held, config, spec.split)
        if split is not None:
            found[config] = split
        elif use == "train":
            raise _not_held(spec.dataset, config, spec.split)
    if not found:
        raise _not_held(spec.dataset, ", ".join(spec.configs), spec.split)
    return found


def bind_encoder(name: str, pin: EncoderPin, mirror: Mirror | None) -> EncoderPin:
    """The pin with the mirror's hash in place of each that it leaves open.

    Keys then depend on the encoder's bytes, whether the pin or the mirror says what they are.

    Raises:
        DataError: the mirror holds another revision.
    """
    held = mirror.models.get(pin.repo or "") if mirror and pin.kind == "hub" else None
    if held is None:
        return pin
    if held.revision != pin.revision:
        raise _moved(str(pin.repo), held.revision, str(pin.revision), name)
    files = {file: sha256 or held.files.get(file) for file, sha256 in pin.files.items()}
    return pin.model_copy(update={"files": files})


def _holds_languages(spec: DataSpec, available: tuple[str, ...] | None) -> None:
    for language in spec.languages or ():
        if available is not None and language not in available:
            raise _not_held(spec.dataset, language, spec.split)


def _same_revision(dataset: str, pin: DatasetPin, held: MirrorDataset) -> None:
    if held.revision != pin.revision:
        raise _moved(str(pin.repo), held.revision, str(pin.revision), dataset)


def _moved(repo: str, held: str, pinned: str, name: str) -> DataError:
    return DataError(
        where=f"mirror.yaml: {repo}",
        got=f"revision {held}",
        expected=f"{pinned}, as {name} is pinned",
        fix="Fetch it again with `harness fetch`, or name another --mirror.",
    )


def _split(
    dataset: str, pin: DatasetPin, held: MirrorDataset | None, config: str, split: str
) -> SplitPin | MirrorSplit | None:
    """The mirror's file where it has one, checked against the pin; the pin's without a mirror."""
    pinned = pin.configs[config][split]
    if held is None:
        return pinned
    found = held.configs.get(config, {}).get(split)
    if found is None:
        return None if held.partial else pinned
    full = not held.partial and pinned.sha256 is not None
    if full and found.sha256 != pinned.sha256:
        raise DataError(
            where=f"mirror.yaml: {pin.repo} {config} {split}",
            got=f"sha256 {found.sha256}",
            expected=f"{pinned.sha256}, as {dataset} is pinned",
            fix="Fetch it again with `harness fetch`, or name another --mirror.",
        )
    return found


def _not_held(dataset: str, config: str, split: str) -> DataError:
    return DataError(
        where=f"mirror: {dataset}",
        got=f"no {config} {split}",
        expected="the rows that the claim needs",
        fix="Fetch them with `harness fetch`, or name another --mirror.",
    )


def _language_rows(pin: DatasetPin, split: SplitPin | MirrorSplit) -> dict[str, int]:
    """Rows per language code; a mirror may name languages as the ids do."""
    names = pin.language.names if pin.language.by == "id_prefix" else {}
    return {names.get(name, name): count for name, count in split.languages.items()}


def _available(
    pin: DatasetPin, splits: Mapping[str, SplitPin | MirrorSplit]
) -> tuple[str, ...] | None:
    """Languages that the splits hold; None: nobody says."""
    if pin.language.by == "fixed":
        return (str(pin.language.language),)
    if pin.language.by == "config":
        return tuple(pin.language.names[config] for config in splits)
    counted = {
        name: rows for split in splits.values() for name, rows in _language_rows(pin, split).items()
    }
    return tuple(counted) or None
