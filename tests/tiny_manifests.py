"""A whole manifest in a few lines: one claim, two systems, two languages, made-up pins."""

from __future__ import annotations

import copy
from typing import Any

from harness.manifest import Manifests
from harness.models import Claim, MachineSpeed, Paper, Pins, Profile, Protocol, Tasks

CLAIM = "paper1/claim1"
EVIDENCE = {"arxiv": "2001.00001", "table": "1", "status": "primary"}


def _split(file: str, rows: int, **more: Any) -> dict[str, Any]:
    return {"file": file, "sha256": "a" * 64, "rows": rows, **more}


RAW: dict[str, Any] = {
    "paper": {
        "format": 1,
        "id": "paper1",
        "title": "A paper",
        "authors": "A. Author",
        "arxiv": "2001.00001",
        "arxiv_version": "v1",
        "venue": "Nowhere 2020",
        "encoder": "tiny",
    },
    "claim": {
        "format": 1,
        "id": "claim1",
        "title": "A claim",
        "statement": "First training on one task helps another.",
        "kind": "gain",
        "targets": ["target"],
        "metric": "em",
        "average": {"languages": "all"},
        "protocol": "plain",
        "systems": {
            "none": {"label": "Straight"},
            "first": {"label": "Other task first", "intermediate": {"tasks": ["other"]}},
        },
        "compare": {"treatment": "first", "baseline": "none"},
        "reported": {"effect": {"value": 10.0, "evidence": EVIDENCE}},
        "source": EVIDENCE,
        "verdict": {"version": 1, "required_rung": {"quick": "DIRECTION"}},
    },
    "protocol": {
        "format": 1,
        "id": "plain",
        "version": 1,
        "summary": "Plain",
        "source": "nobody's scripts",
        "extractive_qa": {
            "learning_rate": 1e-5,
            "epochs": 2,
            "batch_size": 16,
            "warmup": {"fraction": 0.1},
            "weight_decay": 0.01,
            "max_length": 384,
            "doc_stride": 128,
            "max_query_length": 64,
            "max_answer_length": 30,
            "n_best": 20,
        },
    },
    "profile": {
        "format": 1,
        "id": "quick",
        "summary": "Quick",
        "scaled_down": True,
        "encoder": "tiny",
        "seeds": 2,
        "precision": "fp32",
    },
    "tasks": {
        "target": {
            "title": "Target task",
            "family": "extractive_qa",
            "scorer": "squad_v1",
            "languages": ["en", "ru"],
            "train": {
                "dataset": "questions",
                "configs": ["all"],
                "split": "train",
                "languages": ["en"],
            },
            "evaluation": {"dataset": "questions", "configs": ["all"], "split": "dev"},
        },
        "other": {
            "title": "Other task",
            "family": "extractive_qa",
            "train": {"dataset": "parallel", "configs": ["p.de", "p.fr"], "split": "train"},
        },
    },
    "datasets": {
        "questions": {
            "kind": "hub",
            "title": "Questions",
            "license": "MIT",
            "repo": "someone/questions",
            "revision": "1" * 40,
            "language": {"by": "id_prefix", "names": {"english": "en", "russian": "ru"}},
            "configs": {
                "all": {
                    "train": _split("all/train.parquet", 100, languages={"en": 60, "ru": 40}),
                    "dev": _split("all/dev.parquet", 30, languages={"en": 20, "ru": 10}),
                }
            },
        },
        "parallel": {
            "kind": "hub",
            "title": "Parallel questions",
            "license": "MIT",
            "repo": "someone/parallel",
            "revision": "2" * 40,
            "language": {"by": "config", "names": {"p.de": "de", "p.fr": "fr"}},
            "configs": {
                "p.de": {"train": _split("p.de/train.parquet", 50)},
                "p.fr": {"train": _split("p.fr/train.parquet", 50)},
            },
        },
    },
    "encoders": {
        "tiny": {
            "kind": "hub",
            "title": "A tiny encoder",
            "license": "MIT",
            "parameters": 1000,
            "layers": 2,
            "hidden_size": 4,
            "vocabulary": 100,
            "repo": "someone/tiny",
            "revision": "3" * 40,
            "files": {"config.json": "b" * 64},
        }
    },
}


def tiny(*changes: tuple[str, Any]) -> Manifests:
    """The manifests, with the value at each slash-separated path of RAW replaced."""
    raw = copy.deepcopy(RAW)
    for path, value in changes:
        *parents, last = path.split("/")
        place = raw
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    claim = Claim.model_validate(raw["claim"])
    protocol = Protocol.model_validate(raw["protocol"])
    profile = Profile.model_validate(raw["profile"])
    pins = {"format": 1, "datasets": raw["datasets"], "encoders": raw["encoders"]}
    return Manifests(
        papers={"paper1": Paper.model_validate(raw["paper"])},
        claims={f"paper1/{claim.id}": claim},
        protocols={protocol.id: protocol},
        profiles={profile.id: profile},
        tasks=Tasks.model_validate({"format": 1, "tasks": raw["tasks"]}).tasks,
        pins=Pins.model_validate(pins),
        machines={
            "slow": MachineSpeed(title="slow", training=1e9, inference=2e9, source="made up")
        },
    )
