"""Stage `dataset`: the raw rows that a task reads, unrepaired, each with its language."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.models import LanguageRule
from harness.sources import assemble, ccgbank, files, mirror, rows, schemas
from harness.stages.contract import Resources, StageContext


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The rows of one config, and what was read of it."""

    table: pa.Table
    hashes: Mapping[str, str]
    """File -> sha256."""
    labels: Mapping[str, Sequence[str]]
    """Column -> names of its labels, where the file carries them."""


def run(context: StageContext) -> None:
    """Write `rows.parquet` and `dataset.json` {name, split, rows, languages, files, labels}.

    `labels` names the numbers in the reader's labelled column, from 0.

    Raises:
        DataError: a file is missing or not the pinned one, isn't what the schema says, names its
            labels otherwise than the pin, holds a row whose language can't be told, or nothing is
            left after the selection.
    """
    config = context.config
    source, split, reader = config["source"], config["split"], config["reader"]
    where = f"data set {source['name']}, {'+'.join(config['configs'])}/{split}"
    rule = LanguageRule.model_validate(source["language"])
    context.progress.start(len(config["configs"]), "files")
    tables: list[pa.Table] = []
    parts: list[_Part] = []
    for one in config["configs"]:
        part = _read(config, one, context.resources)
        with _naming(where):
            table = schemas.typed(part.table, reader, where)
            tables.append(assemble.labelled(table, one, rule))
        parts.append(part)
        context.progress.advance(1)
    labels = schemas.label_names(reader, [part.labels for part in parts], where)
    table = _combined(tables, config, where)
    pq.write_table(table, context.out / "rows.parquet", compression="zstd")
    facts = {
        "name": source["name"],
        "split": split,
        "rows": table.num_rows,
        "languages": assemble.count_languages(table),
        "files": {file: sha256 for part in parts for file, sha256 in part.hashes.items()},
        "labels": labels,
    }
    text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
    (context.out / "dataset.json").write_text(text + "\n", encoding="utf-8")


@contextlib.contextmanager
def _naming(where: str) -> Iterator[None]:
    """Let an error about a row's language say of which data set."""
    try:
        yield
    except DataError as error:
        raise DataError(
            where=f"{where}, {error.where}",
            got=error.got,
            expected=error.expected,
            fix=error.fix,
        ) from error


def _combined(tables: Sequence[pa.Table], config: Mapping[str, Any], where: str) -> pa.Table:
    combine = assemble.spread if config["combine"] == "spread" else assemble.concat
    table = combine(tables, where)
    chosen = assemble.select(table, config["languages"], config["limit"])
    if chosen.num_rows == 0:
        languages = ", ".join(assemble.count_languages(table)) or "none"
        raise DataError(
            where=where,
            got=f"no row in {', '.join(config['languages'] or ()) or 'any language'}",
            expected=f"at least one (languages that it holds: {languages})",
            fix="Ask for a language that the data set holds, or fetch a fuller mirror.",
        )
    return chosen


def _read(config: Mapping[str, Any], one: str, resources: Resources) -> _Part:
    source, split, reader = config["source"], config["split"], config["reader"]
    if source["kind"] == "mini":
        return _Part(table=_generated(source, one, split, reader), hashes={}, labels={})
    file = source["files"][one]
    if source["kind"] == "files":
        paths, hashes = files.locate(resources.files, source["name"], file["file"], file["sha256"])
    else:
        paths = [_from_mirror(source, one, split, resources.mirror)]
        hashes = {file["file"]: file_sha256(paths[0])}
    if reader["name"] == "ccgbank":
        return _Part(table=ccgbank.read_auto(paths), hashes=hashes, labels={})
    labels = rows.parquet_labels(paths[0]) if paths[0].suffix == ".parquet" else {}
    return _Part(table=rows.read_rows(paths[0], _most(config)), hashes=hashes, labels=labels)


def _most(config: Mapping[str, Any]) -> int | None:
    """Rows of a file that can be selected at all; None: any of them."""
    alone = config["source"]["language"]["by"] != "id_prefix" and config["combine"] == "concat"
    return config["limit"] if alone else None


def _generated(
    source: Mapping[str, Any], config: str, split: str, reader: Mapping[str, Any]
) -> pa.Table:
    # Imported here: the generator reads its fact base when it is imported.
    from harness.sources import mini

    if source["generator_version"] != mini.GENERATOR_VERSION:
        raise DataError(
            where=f"data set {source['name']}",
            got=f"generator version {mini.GENERATOR_VERSION}",
            expected=f"version {source['generator_version']} (the pin)",
            fix="Raise the pin's generator_version, or install the harness version of the pin.",
        )
    return schemas.from_rows(mini.generate(source["generator"], config, split), reader)


def _from_mirror(source: Mapping[str, Any], config: str, split: str, folder: Path | None) -> Path:
    if folder is None:
        raise DataError(
            where=f"data set {source['name']}",
            got="no mirror",
            expected=f"a mirror that holds {source['repo']}",
            fix="Run `harness fetch` once and give its folder with --mirror (or $HARNESS_MIRROR).",
        )
    file = source["files"][config]
    wanted = mirror.HubFile(
        repo=source["repo"],
        revision=source["revision"],
        config=config,
        split=split,
        file=file["file"],
        sha256=file["sha256"],
    )
    return mirror.locate_file(folder, wanted, mirror.load_mirror(folder))
