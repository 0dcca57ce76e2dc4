"""`harness score`: the official metric on anyone's predictions."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.manifest import choose, load_manifests
from harness.score_files import score_files


def run(
    *,
    task: str,
    language: str,
    gold: Path,
    predictions: Path,
    manifests: Path | None,
    as_json: bool,
) -> None:
    """Print EM and F1, in points."""
    scorer = choose("task", task, load_manifests(manifests).tasks).scorer
    result = score_files(task, scorer, language, gold, predictions)
    if as_json:
        click.echo(json.dumps(result, indent=1, sort_keys=True))
        return
    click.echo(
        f"{task} {language}: EM {result['em']:.2f}, F1 {result['f1']:.2f} "
        f"({result['items']} questions, {result['scorer']})"
    )
