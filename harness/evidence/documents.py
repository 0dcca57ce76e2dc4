"""The JSON documents that a run writes, as models, and their published schemas.

`python -m harness.evidence.documents` writes schemas/<document>.schema.json; a changed form gets
another `format`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from harness.models import Identifier, Model, Sha256
from harness.records import Comparison, Score
from harness.resources import resource_dir
from harness.run_stages import StageRecord


class ComparisonDocument(Model):
    """comparison.json: every claim of the run with its verdict and all that its report shows."""

    format: Literal[1]
    comparisons: tuple[Comparison, ...]


class ScoresDocument(Model):
    """scores.json: every score, by claim."""

    format: Literal[1]
    claims: dict[str, tuple[Score, ...]]


class StagesDocument(Model):
    """stages.json: every stage with its configuration, inputs and key, in the order they ran."""

    format: Literal[1]
    stages: tuple[StageRecord, ...]


class RunDocument(Model):
    """run.json: what the run was, and the sha256 of every other file but the attestation."""

    format: Literal[1]
    claims: dict[str, Sha256]
    """Claim -> key of its comparison."""
    profile: Identifier
    protocols: dict[str, Identifier]
    """Claim -> protocol."""
    artifacts: tuple[Sha256, ...]
    """Keys of all stages behind the comparisons, in the order they ran."""
    files: dict[str, Sha256]
    """Path in the folder -> sha256."""
    sha256: Sha256
    """Of this document's canonical JSON with this field empty."""


class Counts(Model):
    """Stages of a run."""

    made: int
    cached: int


class Failed(Model):
    """Why a claim has no comparison."""

    exit: int
    message: str
    where: str
    got: str
    expected: str
    fix: str


class ResultsDocument(Model):
    """What `harness reproduce --json` prints."""

    format: Literal[1]
    run: str | None
    """The run folder; None where no claim has a verdict."""
    stages: Counts
    comparisons: dict[str, Comparison]
    """Claim -> its comparison."""
    failed: dict[str, Failed] = Field(default_factory=dict)
    """Claim -> why it has none."""


DOCUMENTS: dict[str, type[Model]] = {
    "comparison": ComparisonDocument,
    "scores": ScoresDocument,
    "stages": StagesDocument,
    "run": RunDocument,
    "results": ResultsDocument,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document."""
    found = DOCUMENTS[name].model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{name}.schema.json",
        **found,
    }


def write(folder: Path) -> None:
    """Write all of them, with sorted keys."""
    for name in DOCUMENTS:
        text = json.dumps(schema(name), indent=1, sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else resource_dir("schemas"))
