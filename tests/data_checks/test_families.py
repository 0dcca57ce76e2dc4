"""The suites of the other families, on rows in the columns of FACTS' data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pinned_plans import plan

from harness.data_checks.engine import run_plan


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
    told = {"ctx_a": f"The man is at door {number}.", "ctx_b": "He" if number % 2 else ""}
    return {**told, "endings": ["opens", "waits"], "label": "1"}


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


def sentence(number: int) -> dict[str, Any]:
    """A row of UDPOS: a determiner, a noun, a number and a full stop."""
    return {"tokens": ["The", "door", str(number), "."], "pos_tags": [5, 7, 8, 12]}


def named(number: int) -> dict[str, Any]:
    """A row of PAN-X."""
    words = ["The", "river", "at", "Vienna", str(number)]
    return {"tokens": words, "ner_tags": [0, 0, 0, 5, 6], "langs": ["en"] * 5}


def tagged(number: int) -> dict[str, Any]:
    """A sentence of CCGbank."""
    tokens = {"tokens": ["The", "door", f"shut{number}"], "tags": ["NP/N", "N", "S\\NP"]}
    return {"id": f"wsj_0001.{number}", "document": "wsj_0001", **tokens}


def bitext(number: int) -> dict[str, Any]:
    """A pair of Tatoeba; the rows' language is German."""
    return {
        "source_sentence": f"Das ist die Tür {number}.\n",
        "target_sentence": f"That is door {number}.\n",
        "source_lang": "deu",
        "target_lang": "eng",
        "language": "de",
    }


def mining(number: int) -> dict[str, Any]:
    """A row of BUCC: three sentences and four, one pair."""
    return {
        "sentence1": [f"Das ist die Tür {number}.", "Nein.", "Er war es nicht."],
        "sentence2": ["No.", "Yes.", f"That is door {number}.", "It is."],
        "gold": [[1, 3]],
        "language": "de",
    }


def article(number: int) -> dict[str, Any]:
    """An article of Wikipedia."""
    text = f"The door is a part of house {number}.\nIt was made in the year {1900 + number}."
    return {"id": str(number), "url": "u", "title": f"Door {number}", "text": text}


CASES = {
    "xnli": ("classification", nli),
    "snli": ("classification", nli),
    "paws-x": ("classification", pair),
    "udpos": ("tagging", sentence),
    "panx": ("tagging", named),
    "ccgbank": ("tagging", tagged),
    "tatoeba": ("retrieval", bitext),
    "bucc": ("retrieval", mining),
    "wikipedia": ("masked_lm", article),
    "hellaswag": ("multiple_choice", story),
    "cosmosqa": ("multiple_choice", cosmos),
    "commonsenseqa": ("multiple_choice", common),
}


def failed(
    dataset: str, change: Callable[[dict[str, Any]], dict[str, Any]], level: str = "error"
) -> list[str]:
    """Names of the checks of a level that fail on sixty rows, each changed."""
    family, make = CASES[dataset]
    rows = [{"language": "en", "config": "c", **change(make(n))} for n in range(60)]
    results = run_plan(pa.Table.from_pylist(rows), plan(family, dataset))
    return [one["name"] for one in results if not one["passed"] and one["level"] == level]


@pytest.mark.parametrize("dataset", CASES)
def test_sound_rows_pass(dataset: str) -> None:
    """In the columns that the data sets have."""
    assert failed(dataset, lambda row: row) == []


@pytest.mark.parametrize(
    ("dataset", "change", "caught_by"),
    [
        ("xnli", {"label": -1}, "labelled"),
        ("xnli", {"label": 3}, "labels_known"),
        ("snli", {"label": 3}, "labels_known"),
        ("xnli", {"label": 0}, "label_balance"),
        ("xnli", {"label": "neutral"}, "label_is_number.label"),
        ("paws-x", {"sentence2": " "}, "mostly_not_blank.sentence2"),
        ("paws-x", {"sentence1": "Это столица."}, "mostly_in_language.sentence1"),
        ("hellaswag", {"label": ""}, "labelled"),
        ("hellaswag", {"label": "2"}, "label_names_choice"),
        ("hellaswag", {"endings": ["He", ""]}, "choices_not_blank"),
        ("hellaswag", {"endings": "He"}, "choices_are_texts"),
        ("cosmosqa", {"label": -1}, "labelled"),
        ("cosmosqa", {"label": 4}, "label_known"),
        ("commonsenseqa", {"answerKey": ""}, "labelled"),
        ("commonsenseqa", {"answerKey": "C"}, "label_names_choice"),
        ("commonsenseqa", {"choices": {"label": ["A"], "text": ["x", "y"]}}, "choices_are_texts"),
        ("udpos", {"pos_tags": [5, 7, 8]}, "lengths_agree"),
        ("udpos", {"pos_tags": [5, 7, 8, 17]}, "labels_known"),
        ("udpos", {"pos_tags": [5, 7, 8, -1]}, "labels_known"),
        ("panx", {"ner_tags": [0, 0, 0, 6, 6]}, "bio_valid"),
        ("ccgbank", {"tags": ["N", "N"]}, "lengths_agree"),
        ("ccgbank", {"id": "wsj_0001.1"}, "ids_unique"),
        ("tatoeba", {"source_lang": "fra"}, "declared_pair"),
        ("bucc", {"gold": [[0, 2]]}, "gold_in_range"),
        ("bucc", {"gold": [[3, 5]]}, "gold_in_range"),
        ("bucc", {"sentence2": ["No.", " ", "Ja.", "It."]}, "mostly_not_blank.sentence2"),
        ("wikipedia", {"text": " "}, "mostly_not_blank.text"),
    ],
)
def test_unsound_rows_are_caught(dataset: str, change: dict[str, Any], caught_by: str) -> None:
    """Withheld labels, another label list, lost texts."""
    assert caught_by in failed(dataset, lambda row: {**row, **change})


def test_rows_that_the_pin_drops_are_only_warned_of() -> None:
    """SNLI's pin drops pairs without a label; the warning counts them."""
    changed = lambda row: {**row, "label": -1}  # noqa: E731
    assert "labelled" not in failed("snli", changed)
    assert "labelled" in failed("snli", changed, "warning")


def test_one_blank_text_of_many_is_only_warned_of() -> None:
    """One of sixty is more than one in a hundred; one of two hundred isn't."""
    rows = [{**nli(n), "language": "en", "config": "c"} for n in range(200)]
    rows[7]["hypothesis"] = ""
    results = run_plan(pa.Table.from_pylist(rows), plan("classification", "xnli"))
    wrong = {one["name"]: one["level"] for one in results if not one["passed"]}
    assert wrong == {"not_blank.hypothesis": "warning"}
