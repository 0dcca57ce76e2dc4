"""Data sets and an encoder for the local Hub, and manifests that name them.

The data are a few generated questions in the files and schema of the real ones. The profile
`served` reads them from the Hub; `brought` is the same with translations that the user brings.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hub_server import REVISION
from rehearsal.rows import table
from rehearsal.world import parts_of
from tiny_encoder import VOCABULARY, write_tiny_encoder

from harness import yaml12
from harness.canonical import file_sha256
from harness.manifest import load_manifests
from harness.resources import resource_dir
from harness.sources import mini

SPREAD = ("xquad.ar", "xquad.ru")
TYDIQA = {
    "train": "secondary_task/train-00000-of-00001.parquet",
    "validation": "secondary_task/validation-00000-of-00001.parquet",
}
ENCODER = ("config.json", "model.safetensors", "tokenizer.json")
TRAIN_ROWS = {"en": 12, "ar": 3, "ru": 3}
"""As in TyDi QA, the training file has more than the English that is read of it."""
ROWS = {"en": 5, "ar": 4, "ru": 4}
XQUAD_ROWS = 10
PROFILE: dict[str, Any] = {
    "format": 1,
    "summary": "A few questions from a Hub",
    "scaled_down": True,
    "encoder": "served-encoder",
    "seeds": 1,
    "precision": "fp32",
    "overrides": {
        "extractive_qa": {"epochs": 1, "max_length": 128, "doc_stride": 64},
        "masked_lm": {"max_length": 128},
    },
}


def publish(root: Path) -> Path:
    """Write the files of every repository below `root`, in a mirror's layout."""
    tydiqa = root / "datasets/owner/tydiqa"
    validation = mini.generate("tydiqa", "secondary_task", "validation")
    by_language = {code: _of(validation, name) for code, name in NAMES.items()}
    english = mini.generate("tydiqa", "secondary_task", "train")
    # Not the rows of the validation file again.
    others = [row for code in ("ar", "ru") for row in by_language[code][-TRAIN_ROWS[code] :]]
    _write([*english[: TRAIN_ROWS["en"]], *others], tydiqa / TYDIQA["train"])
    rows = [row for code, count in ROWS.items() for row in by_language[code][:count]]
    _write(rows, tydiqa / TYDIQA["validation"])
    xquad = root / "datasets/owner/xquad"
    _write(mini.generate("squad", "plain_text", "train")[:XQUAD_ROWS], xquad / _xquad("xquad.en"))
    for config in SPREAD:
        translated = config.replace("xquad", "translated")
        rows = mini.generate("squad_translated", translated, "train")
        _write(rows[:XQUAD_ROWS], xquad / _xquad(config))
    _write_wikipedia(root / "datasets/owner/wikipedia")
    write_tiny_encoder(root / "models/owner/encoder", max_position_embeddings=130)
    return root


def wikipedia() -> dict[str, str]:
    """Config -> its file."""
    configs = load_manifests().pins.datasets["wikipedia"].configs
    return {config: splits["train"].file for config, splits in configs.items()}


def _write_wikipedia(folder: Path) -> None:
    pin = load_manifests().pins.datasets["wikipedia"]
    for config, file in wikipedia().items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(list(parts_of("wikipedia", pin, config, "train"))), folder / file)


NAMES = {"en": "english", "ar": "arabic", "ru": "russian"}


def write_manifests(folder: Path) -> Path:
    """The profiles `served` and `brought`, to lay over the project's manifests."""
    english = _bound("xquad", ["xquad.en"], "validation")
    spread = {"train": {**_bound("xquad", SPREAD, "validation")["train"], "combine": "spread"}}
    bind = {"squad": english, "squad_v2": english, "squad_translated": spread}
    brought = {name: one for name, one in bind.items() if name != "squad_translated"}
    for name, bound in {"served": bind, "brought": brought}.items():
        path = folder / f"profiles/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**PROFILE, "id": name, "bind": bound}), encoding="utf-8")
    return folder


def pins() -> dict[str, Any]:
    """The project's pins with those of the served repositories in their place, without hashes."""
    document = copy.deepcopy(yaml12.load(resource_dir("manifests") / "pins.yaml")[0])
    data, here = document["datasets"], {"revision": REVISION}
    data["tydiqa"] |= {**here, "repo": "owner/tydiqa"}
    data["tydiqa"]["configs"]["secondary_task"] = {
        "train": {
            "file": TYDIQA["train"],
            "rows": sum(TRAIN_ROWS.values()),
            "languages": {"en": TRAIN_ROWS["en"]},
        },
        "validation": {
            "file": TYDIQA["validation"],
            "rows": sum(ROWS.values()),
            "languages": dict(ROWS),
        },
    }
    data["xquad"] |= {**here, "repo": "owner/xquad"}
    for config in ("xquad.en", *SPREAD):
        data["xquad"]["configs"][config]["validation"]["rows"] = XQUAD_ROWS
    data["wikipedia"] |= {**here, "repo": "owner/wikipedia"}
    document["encoders"]["served-encoder"] = {
        **here,
        **{"kind": "hub", "title": "Tiny", "license": "MIT", "repo": "owner/encoder"},
        **{"parameters": 2000, "layers": 2, "hidden_size": 16},
        "vocabulary": len(VOCABULARY) + 20,
        "files": dict.fromkeys(ENCODER),
    }
    return document


def hashed(document: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """`document` with the sha256 of every served file."""
    known: dict[str, Any] = copy.deepcopy(dict(document))
    for name in ("tydiqa", "xquad", "wikipedia"):
        for splits in known["datasets"][name]["configs"].values():
            for split in splits.values():
                path = root / "datasets/owner" / name / split["file"]
                split["sha256"] = file_sha256(path) if path.exists() else None
    held = known["encoders"]["served-encoder"]["files"]
    held |= {file: file_sha256(root / "models/owner/encoder" / file) for file in held}
    return known


def write_pins(document: Mapping[str, Any], path: Path) -> Path:
    """JSON is YAML too."""
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return path


def _of(rows: list[dict[str, Any]], language: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["id"].startswith(f"{language}-")]


def _xquad(config: str) -> str:
    return f"{config}/validation-00000-of-00001.parquet"


def _bound(dataset: str, configs: Any, split: str) -> dict[str, Any]:
    return {"train": {"dataset": dataset, "configs": list(configs), "split": split}}


def _write(rows: list[dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mini.write_parquet(rows, path)
