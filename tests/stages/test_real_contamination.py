"""Overlap of real data sets, where HARNESS_MIRROR names a mirror that has them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from stage_runs import REALIGN, reader, run_stage

from harness.data_checks.contamination import survey
from harness.data_checks.parts import Part
from harness.models import ContaminationRule
from harness.records import QaExample, read_examples
from harness.sources.mirror import load_mirror
from harness.stages.contract import Resources

TYDIQA, XQUAD = "google-research-datasets/tydiqa", "google/xquad"
NAMES = {
    **{"arabic": "ar", "bengali": "bn", "english": "en", "finnish": "fi", "indonesian": "id"},
    **{"korean": "ko", "russian": "ru", "swahili": "sw", "telugu": "te"},
}


def examples(out: Path, repo: str, config: str, split: str) -> list[QaExample]:
    """What the stages `dataset` and `examples` make of a split of the mirror."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    mirror = Path(os.environ["HARNESS_MIRROR"])
    held = load_mirror(mirror)
    assert held is not None
    entry = held.datasets[repo].configs[config][split]
    rule: dict[str, Any] = {"by": "id_prefix", "names": NAMES}
    if repo != TYDIQA:
        rule = {"by": "config", "names": {config: config.removeprefix("xquad.")}}
    source = {
        **{"kind": "hub", "name": repo, "repo": repo, "language": rule},
        "revision": held.datasets[repo].revision,
        "files": {config: {"file": entry.file, "sha256": entry.sha256}},
    }
    settings = {"source": source, "configs": [config], "split": split, "combine": "concat"}
    settings |= {"languages": None, "limit": None, "reader": reader()}
    where = out / f"{config}-{split}"
    data = run_stage("dataset", where / "dataset", settings, resources=Resources(mirror=mirror))
    limits = {"realign": {**REALIGN, "max": 1000}, "reader": reader()}
    made = run_stage("examples", where / "examples", limits, {"dataset": data})
    return read_examples(made / "examples.jsonl")


def overlap(
    training: Sequence[QaExample], evaluation: Sequence[QaExample], *languages: str
) -> dict[str, int]:
    """Kind -> rows of the evaluation set that were found, exactly or nearly."""
    parts = {
        "target": Part.of(name="training", languages=languages, examples=training),
        "evaluation": Part.of(name="evaluation", languages=(), examples=evaluation),
    }
    found = survey(parts, ContaminationRule().model_dump(mode="json"))
    return {one["by"]: one["exact"] + one["near"] for one in found if not one["passed"]}


def test_tydiqa_and_xquad_are_apart(tmp_path: Path) -> None:
    """As they are: two cities whose names are nearly the same, and nothing else."""
    train = examples(tmp_path, TYDIQA, "secondary_task", "train")
    test = examples(tmp_path, TYDIQA, "secondary_task", "validation")
    assert overlap(train, test, "en") == {"question": 1}
    assert overlap(examples(tmp_path, XQUAD, "xquad.en", "validation"), test, "en") == {}


def test_tydiqa_train_with_test_rows_in_it(tmp_path: Path) -> None:
    """Rows planted as they are, in capitals, without full stops, and with a sentence replaced."""
    train = examples(tmp_path, TYDIQA, "secondary_task", "train")
    test = examples(tmp_path, TYDIQA, "secondary_task", "validation")
    english = [one for one in test if one.language == "en" and len(one.context) > 400][:40]
    planted = [
        QaExample(
            id=f"planted{number}",
            language="en",
            document=f"planted{number}",
            context=(
                one.context,
                one.context.upper(),
                one.context.replace(".", " ;"),
                one.context[: len(one.context) * 4 // 5] + "Nobody knows what came of it since.",
            )[number % 4],
            question=(one.question, one.question.upper() + "!")[number % 2],
            answers=one.answers,
            answer_starts=one.answer_starts,
        )
        for number, one in enumerate(english)
    ]
    found = overlap([*train, *planted], test, "en")
    assert found["example"] == len({(one.context, one.question) for one in english}) == 40


def test_a_set_split_by_rows_shares_documents(tmp_path: Path) -> None:
    """Halves of TyDi QA have some passages in common, halves of XQuAD nearly all.

    TyDi QA numbers every question's document anew, so passages alone tell.
    """
    train = examples(tmp_path, TYDIQA, "secondary_task", "train")
    halves = [{one.context for one in train[start::2]} for start in (0, 1)]
    shared = sum(one.context in halves[0] for one in train[1::2])
    assert overlap(train[::2], train[1::2], "en")["context"] >= shared > 100
    xquad = examples(tmp_path, XQUAD, "xquad.en", "validation")
    # XQuAD asks two questions twice of one context, in both halves.
    found = overlap(xquad[::2], xquad[1::2], "en")
    assert (found["context"], found["example"]) == (594, 2)


def test_translations_share_ids_only(tmp_path: Path) -> None:
    """XQuAD asks the same 1,190 questions in each language."""
    english = examples(tmp_path, XQUAD, "xquad.en", "validation")
    german = examples(tmp_path, XQUAD, "xquad.de", "validation")
    assert overlap(german, english, "de") == {"id": 1190}


def test_nine_languages_where_english_was_declared(tmp_path: Path) -> None:
    """The development set, all labelled English: ids and scripts tell."""
    train = examples(tmp_path, TYDIQA, "secondary_task", "train")
    mixed = [
        QaExample(**{name: getattr(one, name) for name in one.__slots__} | {"language": "en"})
        for one in examples(tmp_path, TYDIQA, "secondary_task", "validation")
    ]
    others = sum(not one.id.startswith("english") for one in mixed)
    assert overlap([*train, *mixed], train[:1], "en")["language"] >= others
