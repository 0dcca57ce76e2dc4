"""`harness score`: the official metric on anyone's predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.errors import UsageError
from harness.manifest import choose, load_manifests
from harness.metrics import Reads, known_scorer
from harness.models import Task
from harness.score_files import score_files

_ITEMS: dict[Reads, str] = {
    "answers": "questions",
    "labels": "items",
    "tags": "sentences",
    "pairs": "gold pairs",
}
_METRICS = {"em": "EM", "f1": "F1"}
_NOT_METRICS = ("task", "language", "scorer", "items", "repeated")


def run(
    *,
    task: str,
    language: str,
    gold: Path,
    predictions: Path,
    manifests: Path | None,
    as_json: bool,
) -> None:
    """Print the task's metrics, in points."""
    row = choose("task", task, load_manifests(manifests).tasks)
    scorer = _scorer(task, row)
    _check_language(task, row, language)
    result = score_files(task, scorer, language, gold, predictions, row.labels)
    if as_json:
        click.echo(json.dumps(result, indent=1, sort_keys=True))
        return
    click.echo(_sentence(result, _ITEMS[known_scorer(scorer).reads]))


def _scorer(task: str, row: Task) -> str:
    if row.scorer is None:
        raise UsageError(
            where=f"task `{task}`",
            got="no official metric",
            expected="a task that is evaluated",
            fix="It is only trained on: name another task.",
        )
    return row.scorer


def _check_language(task: str, row: Task, language: str) -> None:
    """Scorers of answers may be used on any language that they have rules for."""
    if row.family != "extractive_qa" and language not in row.languages:
        raise UsageError(
            where=f"task `{task}`",
            got=f"language `{language}`",
            expected=f"one of {', '.join(row.languages)}",
            fix="Name the language that the files are in.",
        )


def _sentence(result: dict[str, Any], items: str) -> str:
    figures = [name for name in result if name not in _NOT_METRICS]
    shown = ", ".join(f"{_METRICS.get(name, name)} {result[name]:.2f}" for name in figures)
    once = f", {result['repeated']} repeated lines not counted" if result.get("repeated") else ""
    return (
        f"{result['task']} {result['language']}: {shown} "
        f"({result['items']} {items}, {result['scorer']}{once})"
    )
