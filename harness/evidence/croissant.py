"""The data sets that a run read, as Croissant metadata: files by hash, and their columns.

Croissant 1.0 (https://mlcommons.org/croissant/1.0): no data, only what and where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from harness.records import Comparison, DataUse
from harness.run_stages import Stages
from harness.sources.schemas import SCHEMAS, columns_of

_HUB = "https://huggingface.co/datasets"
_ML = "http://mlcommons.org/croissant/"
# As the specification asks for it, whole: tools warn about another.
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": _ML,
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "fileSet": "cr:fileSet",
    "samplingRate": "cr:samplingRate",
}


def documents(stages: Stages, comparisons: Iterable[Comparison]) -> dict[str, dict[str, Any]]:
    """Data set, by its name in pins.yaml -> its Croissant document."""
    uses: dict[str, dict[str, DataUse]] = {}
    for comparison in comparisons:
        for use in comparison.data:
            uses.setdefault(use.name, {})[use.artifact] = use
    return {
        name: _document(list(found.values()), stages.by_key[next(iter(found))].config)
        for name, found in sorted(uses.items())
    }


def _document(uses: Sequence[DataUse], config: Mapping[str, Any]) -> dict[str, Any]:
    """Of one data set, of which a run may read several splits."""
    first = uses[0]
    files = {file: sha for use in uses for file, sha in use.files.items()}
    objects = [_file(first, file, sha) for file, sha in sorted(files.items())]
    notes = dict.fromkeys(f"Read for {use.use}, split {use.split}." for use in uses)
    languages = sorted({language for use in uses for language in use.languages})
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": first.name,
        "description": " ".join((f"{first.title}.", *notes)),
        "conformsTo": f"{_ML}1.0",
        "license": first.license,
        "url": f"{_HUB}/{first.repo}" if first.repo else f"#{first.name}",
        "version": first.revision,
        "inLanguage": languages,
        "isLiveDataset": False,
        "distribution": objects,
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": one["@id"].replace("file/", "rows/", 1),
                "name": f"rows of {one['name']}",
                "field": list(_fields(one["@id"], config["reader"])),
            }
            for one in objects
        ],
    }


def _file(use: DataUse, file: str, sha: str) -> dict[str, Any]:
    parquet = file.endswith(".parquet")
    return {
        "@type": "cr:FileObject",
        "@id": f"file/{file}",
        "name": file,
        "contentUrl": f"{_HUB}/{use.repo}/resolve/{use.revision}/{file}" if use.repo else file,
        "encodingFormat": "application/x-parquet" if parquet else "application/octet-stream",
        "sha256": sha,
    }


def _fields(file: str, reader: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The columns that the reader may read, under the data set's own names."""
    schema = SCHEMAS[reader["name"]]
    kinds = {**schema.columns, **schema.optional}
    where = file.replace("file/", "rows/", 1)
    for name, column in columns_of(reader).items():
        yield _field(f"{where}/{column}", column, kinds[name], _extract(file, column))


def _extract(file: str, column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": file}, "extract": {"column": column}}


def _field(ident: str, name: str, kind: pa.DataType, source: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": "cr:Field", "@id": ident, "name": name, "source": source}
    while pa.types.is_list(kind):
        found["repeated"] = True
        kind = kind.value_type
    if pa.types.is_struct(kind):
        inner = [kind.field(i) for i in range(kind.num_fields)]
        found["subField"] = [
            _field(f"{ident}/{one.name}", one.name, one.type, _inside(source, one.name))
            for one in inner
        ]
        return found
    found["dataType"] = "sc:Integer" if pa.types.is_integer(kind) else "sc:Text"
    return found


def _inside(source: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {**source, "transform": {"jsonPath": f"$.{name}"}}
