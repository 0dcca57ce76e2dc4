"""A mirror of a few questions in the project's own data sets, to be damaged, and its profile."""

from __future__ import annotations

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


def rows(*ids: str) -> Rows:
    """One sound question for each id."""
    answers = {"text": ["Paris"], "answer_start": [0]}
    row = {"context": "Paris is the capital.", "question": "Which city?", "answers": answers}
    return [{"id": one, **row, "answers": dict(answers)} for one in ids]


def sound() -> dict[Split, Rows]:
    """What the mirror holds before anything is damaged."""
    train = rows(*(f"english-{n}-0" for n in range(8)))
    evaluation = rows(*(f"{name}-{n}-1" for name in ("english", "finnish") for n in range(4)))
    parallel = {split: rows(*"abcd") for split in (ENGLISH, ARABIC, GERMAN)}
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
