"""Stage `dataset`: the raw rows that a task reads, unrepaired, each with its language."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.models import LanguageRule
from harness.sources import assemble, files, mirror, rows
from harness.stages.contract import Resources, StageContext


def run(context: StageContext) -> None:
    """Write `rows.parquet` and `dataset.json` {name, split, rows, languages, files}.

    Raises:
        DataError: a file is missing or not the pinned one, isn't what the schema says, holds a
            row whose language can't be told, or nothing is left after the selection.
    """
    config = context.config
    source, split = config["source"], config["split"]
    where = f"data set {source['name']}, {'+'.join(config['configs'])}/{split}"
    rule = LanguageRule.model_validate(source["language"])
    context.progress.start(len(config["configs"]), "files")
    tables: list[pa.Table] = []
    hashes: dict[str, str] = {}
    for one in config["configs"]:
        table, read = _read(source, one, split, context.resources)
        table = rows.squad_columns(table, where)
        with _naming(where):
            tables.append(assemble.labelled(table, one, rule))
        hashes |= read
        context.progress.advance(1)
    table = _combined(tables, config, where)
    pq.write_table(table, context.out / "rows.parquet", compression="zstd")
    facts = {
        "name": source["name"],
        "split": split,
        "rows": table.num_rows,
        "languages": assemble.count_languages(table),
        "files": hashes,
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


def _read(
    source: Mapping[str, Any], config: str, split: str, resources: Resources
) -> tuple[pa.Table, dict[str, str]]:
    if source["kind"] == "mini":
        return _generated(source, config, split), {}
    file = source["files"][config]
    if source["kind"] == "files":
        path = files.locate(resources.files, source["name"], file["file"], file["sha256"])
        return rows.read_rows(path), {file["file"]: file_sha256(path)}
    path = _from_mirror(source, config, split, resources.mirror)
    return rows.read_rows(path), {file["file"]: file_sha256(path)}


def _generated(source: Mapping[str, Any], config: str, split: str) -> pa.Table:
    # Imported here: the generator reads its fact base when it is imported.
    from harness.sources import mini

    if source["generator_version"] != mini.GENERATOR_VERSION:
        raise DataError(
            where=f"data set {source['name']}",
            got=f"generator version {mini.GENERATOR_VERSION}",
            expected=f"version {source['generator_version']} (the pin)",
            fix="Raise the pin's generator_version, or install the harness version of the pin.",
        )
    generated = mini.generate(source["generator"], config, split)
    schema = dict(rows.SQUAD_COLUMNS)
    if generated and "title" in generated[0]:
        schema = {**rows.OPTIONAL_COLUMNS, **schema}
    return pa.Table.from_pylist(generated, schema=pa.schema(list(schema.items())))


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
