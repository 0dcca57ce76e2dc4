"""A mirror of a few questions in the project's own data sets, to be damaged, and its profile."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from harness.canonical import file_sha256
from harness.manifest import load_manifests

TYDIQA = "google-research-datasets/tydiqa"
XQUAD = "google/xquad"
TRAIN = (TYDIQA, "secondary_task", "train")
VALIDATION = (TYDIQA, "secondary_task", "validation")
ENGLISH, ARABIC, GERMAN = ((XQUAD, f"xquad.{code}", "validation") for code in ("en", "ar", "de"))
Split = tuple[str, str, str]
Rows = list[dict[str, Any]]

PROFILE = """
format: 1
id: few
summary: A few questions from a mirror
scaled_down: true
encoder: multilingual-e5-small
seeds: 1
precision: fp32
bind:
  tydiqa:
    train: {dataset: tydiqa, configs: [secondary_task], split: train, languages: [en]}
    evaluation: {dataset: tydiqa, configs: [secondary_task], split: validation}
  squad:
    train: {dataset: xquad, configs: [xquad.en], split: validation}
  squad_v2:
    train: {dataset: xquad, configs: [xquad.en], split: validation}
  squad_translated:
    train: {dataset: xquad, configs: [xquad.ar, xquad.de], split: validation, combine: spread}
"""


# What the language checks take for that language; the answer is the first word.
TEXTS = {
    "en": ("Paris is the capital of that country and it is large.", "Which city is it, in"),
    "fi": ("Paris on sen maan pääkaupunki ja se on suuri.", "Mikä kaupunki se on, joka on"),
    "de": ("Paris ist die Hauptstadt und sie ist nicht klein.", "Welche Stadt ist das, die"),
    "ar": ("Paris هي عاصمة ذلك البلد وهي مدينة كبيرة جدا.", "ما هي المدينة في"),
}


def rows(*ids: str, language: str = "en") -> Rows:
    """One sound question for each id, about a context of its own."""
    return [_row(one, *TEXTS[language]) for one in ids]


def _row(one: str, context: str, question: str) -> dict[str, Any]:
    mark = hashlib.sha256(one.encode()).hexdigest()[:24]
    return {
        "id": one,
        "context": f"{context} {mark}",
        "question": f"{question} {mark}?",
        "answers": {"text": ["Paris"], "answer_start": [0]},
    }


def sound() -> dict[Split, Rows]:
    """What the mirror holds before anything is damaged."""
    train = rows(*(f"english-{n}-0" for n in range(8)))
    evaluation = rows(*(f"english-{n}-1" for n in range(4)))
    evaluation += rows(*(f"finnish-{n}-1" for n in range(4)), language="fi")
    parallel = {
        split: rows(*"abcd", language=language)
        for split, language in ((ENGLISH, "en"), (ARABIC, "ar"), (GERMAN, "de"))
    }
    return {TRAIN: train, VALIDATION: evaluation, **parallel}


def write_mirror(folder: Path, held: Mapping[Split, Rows | pa.Table]) -> None:
    """The files of `held`, and the mirror.yaml that belongs to them."""
    pins = load_manifests().pins.datasets.values()
    revisions = {pin.repo: pin.revision for pin in pins}
    datasets: dict[str, Any] = {}
    for (repo, config, split), what in held.items():
        file = place(repo, config, split)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(what if isinstance(what, pa.Table) else _table(what), path)
        entry = {"file": file, "sha256": file_sha256(path), "rows": len(what)}
        if repo == TYDIQA and isinstance(what, list):
            ids = [row["id"] for row in what if isinstance(row["id"], str)]
            entry["languages"] = dict(Counter(one.split("-")[0] for one in ids))
        dataset = {"revision": revisions[repo], "partial": True, "configs": {}}
        configs = datasets.setdefault(repo, dataset)["configs"]
        configs.setdefault(config, {})[split] = entry
    write_yaml(folder, {"format": 1, "datasets": datasets})


def place(repo: str, config: str, split: str) -> str:
    """Where a split's file lies in the mirror."""
    return f"datasets/{repo}/{config}/{split}-00000-of-00001.parquet"


def read_yaml(folder: Path) -> dict[str, Any]:
    """mirror.yaml."""
    document: dict[str, Any] = yaml.safe_load((folder / "mirror.yaml").read_text("utf-8"))
    return document


def write_yaml(folder: Path, document: Mapping[str, Any]) -> None:
    """mirror.yaml again."""
    (folder / "mirror.yaml").write_text(yaml.safe_dump(dict(document)), encoding="utf-8")


def entry(document: Mapping[str, Any], split: Split) -> dict[str, Any]:
    """The part of mirror.yaml that is about one split."""
    repo, config, name = split
    found: dict[str, Any] = document["datasets"][repo]["configs"][config][name]
    return found


def _table(held: Rows) -> pa.Table:
    if held:
        return pa.Table.from_pylist(held)
    return pa.Table.from_pylist(rows("a")).slice(0, 0)
