"""The suites of the other families, on rows in the columns of FACTS' data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from harness.data_checks.engine import run_plan
from harness.data_checks.suites import plan_checks

RUN: dict[str, Any] = {"rows": None, "languages": {}}


def nli(number: int) -> dict[str, Any]:
    """A row of XNLI."""
    return {
        "premise": f"The dog is in house {number}.",
        "hypothesis": "The dog is in a house.",
        "label": number % 3,
    }


def pair(number: int) -> dict[str, Any]:
    """A row of PAWS-X."""
    return {
        "id": number,
        "sentence1": f"The dog is in house {number}.",
        "sentence2": "In the house is the dog.",
        "label": number % 2,
    }


def story(number: int) -> dict[str, Any]:
    """A row of HellaSwag."""
    return {"ctx_a": f"The man is at door {number}.", "endings": ["He", "it"], "label": "1"}


def cosmos(number: int) -> dict[str, Any]:
    """A row of CosmosQA."""
    choices = {f"answer{n}": f"Choice {n}" for n in range(4)}
    return {"context": f"It is {number}.", "question": "Why?", **choices, "label": number % 4}


def common(number: int) -> dict[str, Any]:
    """A row of CommonsenseQA."""
    return {
        "question": f"Where is {number}?",
        "choices": {"label": ["A", "B"], "text": ["here", "there"]},
        "answerKey": "B",
    }


CASES = {
    "xnli": ("classification", nli),
    "pawsx": ("classification", pair),
    "hellaswag": ("multiple_choice", story),
    "cosmosqa": ("multiple_choice", cosmos),
    "commonsenseqa": ("multiple_choice", common),
}


def failed(dataset: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> list[str]:
    """Names of the error-level checks that fail on sixty rows, each changed."""
    family, make = CASES[dataset]
    rows = [{**change(make(n)), "language": "en", "config": "c"} for n in range(60)]
    results = run_plan(pa.Table.from_pylist(rows), plan_checks(family, dataset, RUN))
    return [one["name"] for one in results if not one["passed"] and one["level"] == "error"]


@pytest.mark.parametrize("dataset", CASES)
def test_sound_rows_pass(dataset: str) -> None:
    """In the columns that the data sets have."""
    assert failed(dataset, lambda row: row) == []


@pytest.mark.parametrize(
    ("dataset", "change", "caught_by"),
    [
        ("xnli", {"label": -1}, "labels_known"),
        ("xnli", {"label": 0}, "label_balance"),
        ("xnli", {"label": "neutral"}, "label_is_number.label"),
        ("pawsx", {"sentence2": " "}, "not_blank.sentence2"),
        ("pawsx", {"sentence1": "Это столица."}, "mostly_in_language.sentence1"),
        ("hellaswag", {"label": ""}, "label_names_choice"),
        ("hellaswag", {"label": "2"}, "label_names_choice"),
        ("hellaswag", {"endings": ["He", ""]}, "choices_not_blank.endings"),
        ("hellaswag", {"endings": "He"}, "choices_are_texts.endings"),
        ("cosmosqa", {"label": -1}, "label_known"),
        ("commonsenseqa", {"answerKey": ""}, "label_known"),
    ],
)
def test_unsound_rows_are_caught(dataset: str, change: dict[str, Any], caught_by: str) -> None:
    """Withheld labels, another label list, lost texts."""
    assert caught_by in failed(dataset, lambda row: {**row, **change})
