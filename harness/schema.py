"""The manifests' JSON schema, for editors and other tools: `python -m harness.schema` writes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from harness.models import Claim, Machines, Mirror, Model, Paper, Pins, Profile, Protocol, Tasks
from harness.resources import resource_dir

SCHEMA_FILE = "schema.json"
_KINDS: dict[str, type[Model]] = {
    "paper": Paper,
    "claim": Claim,
    "protocol": Protocol,
    "profile": Profile,
    "tasks": Tasks,
    "pins": Pins,
    "machines": Machines,
    "mirror": Mirror,
}


def schema() -> dict[str, Any]:
    """One document: under `$defs` each kind of file by its name, then the parts that they share.

    A file of one kind is checked against `schema.json#/$defs/<kind>`.
    """
    pairs = [(model, "validation") for model in _KINDS.values()]
    _, document = models_json_schema(pairs, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    parts: dict[str, Any] = document["$defs"]
    names = {model.__name__: kind for kind, model in _KINDS.items()}
    kinds = {kind: parts.pop(model.__name__) for kind, model in _KINDS.items()}
    found: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Manifests of the reproduction harness",
        "$defs": {**kinds, **parts},
        "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in names.values()],
    }
    return found


def write(path: Path) -> None:
    """Write the schema as JSON with sorted keys."""
    text = json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else resource_dir("manifests") / SCHEMA_FILE)
