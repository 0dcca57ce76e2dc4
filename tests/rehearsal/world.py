"""The world: every repository of pins.yaml, what a user brings, and the pins that say so."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from harness import yaml12
from harness.canonical import file_sha256
from harness.models import DatasetPin, EncoderPin, Pins
from harness.resources import resource_dir
from rehearsal import licensed
from rehearsal.encoder import write_encoder
from rehearsal.rows import Part, table

TRAIN_ROWS, ROWS, OTHER_ROWS = 6, 3, 1
"""Of a training split, of each language of another, of a training file's other languages."""
# What a data set's rows are translations of, or an extension of, by the pins' names.
ORIGINALS = {"squad-translated": "squad", "squad_v2": "squad"}


@dataclass(frozen=True, kw_only=True)
class World:
    """Where it lies."""

    root: Path
    """The repositories' files, in a mirror's layout: what the Hub serves."""
    pins: Path
    """For `--pins`: pins.yaml with the world's rows, hashes and the encoder's size."""
    files: Mapping[str, Path]
    """For `--files`: data set -> folder."""
    revisions: Mapping[str, str]
    """Repository -> its pinned revision."""

    @property
    def options(self) -> list[str]:
        """`--files NAME=DIR` for each."""
        return [part for name, at in self.files.items() for part in ("--files", f"{name}={at}")]


def build(folder: Path, encoder: str) -> World:
    """Write the world into `folder`; `encoder` is the one of the profile, by its name in the pins.

    The pins differ from the project's in what these files make different, and in nothing else.
    """
    document: dict[str, Any] = copy.deepcopy(
        yaml12.load(resource_dir("manifests") / "pins.yaml")[0]
    )
    pins = Pins.model_validate(document)
    said: list[str] = []
    files: dict[str, Path] = {}
    for name, pin in pins.datasets.items():
        if pin.kind == "mini":
            continue
        root = folder / "hub/datasets" / str(pin.repo) if pin.kind == "hub" else folder / name
        if pin.kind == "files":
            files[name] = root
        for config, split in _splits(pin):
            parts = list(parts_of(name, pin, config, split))
            texts, facts = _write(root, parts)
            said += texts
            document["datasets"][name]["configs"][config][split] |= facts
    model = pins.encoders[encoder]
    size = _write_encoder(folder / "hub/models" / str(model.repo), model, said)
    document["encoders"][encoder] |= size
    (folder / "pins.yaml").write_text(json.dumps(document, indent=1), encoding="utf-8")
    hubs = [*pins.datasets.values(), *pins.encoders.values()]
    revisions = {str(one.repo): str(one.revision) for one in hubs if one.kind == "hub"}
    return World(root=folder / "hub", pins=folder / "pins.yaml", files=files, revisions=revisions)


def _splits(pin: DatasetPin) -> Iterator[tuple[str, str]]:
    for config, splits in pin.configs.items():
        for split in splits:
            yield config, split


def parts_of(name: str, pin: DatasetPin, config: str, split: str) -> Iterator[Part]:
    """What a split's file holds, a part for each language."""
    one, training = pin.configs[config][split], split.startswith("train")
    for language in _languages(pin, config):
        rows = TRAIN_ROWS if training else ROWS
        if training and one.languages and language not in one.languages:
            rows = OTHER_ROWS
        yield Part(
            dataset=name,
            seed=ORIGINALS.get(name, name),
            pin=pin,
            split=one,
            config=config,
            name=split,
            language=language,
            rows=rows,
        )


def _languages(pin: DatasetPin, config: str) -> list[str]:
    rule = pin.language
    if rule.by == "fixed":
        return [str(rule.language)]
    if rule.by == "config":
        return [rule.names[config]]
    return list(dict.fromkeys(rule.names.values()))


def _write(root: Path, parts: list[Part]) -> tuple[list[str], dict[str, Any]]:
    """One split's file; returns its texts, and what a pin says of it."""
    one = parts[0].split
    if parts[0].pin.kind == "files":
        texts, count = licensed.write(root, parts)
        # The project's pin says no more of data that it can't hold.
        return texts, {"rows": count} if one.rows else {}
    path = root / one.file
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = table(parts)
    pq.write_table(rows, path)
    facts: dict[str, Any] = {"sha256": file_sha256(path), "rows": rows.num_rows}
    if one.languages:
        counts = {part.language: part.rows for part in parts if part.language in one.languages}
        facts["languages"] = counts
    return list(_texts(rows.to_pylist())), facts


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of plain lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _write_encoder(folder: Path, pin: EncoderPin, texts: list[str]) -> dict[str, Any]:
    size: dict[str, Any] = dict(write_encoder(folder, texts))
    return {**size, "files": {name: file_sha256(folder / name) for name in pin.files}}
