"""The data stages on real data, where HARNESS_MIRROR names a mirror that has it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from stage_runs import REALIGN, read_json, reader, run_stage

from harness.canonical import file_sha256
from harness.records import read_examples
from harness.sources.mirror import load_mirror
from harness.stages.contract import Resources

TYDIQA = "google-research-datasets/tydiqa"
TYDIQA_NAMES = {
    "arabic": "ar",
    "bengali": "bn",
    "english": "en",
    "finnish": "fi",
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
    "swahili": "sw",
    "telugu": "te",
}
# Questions in XQuAD's paragraphs that begin with white space: in a copy whose contexts were
# stripped so many answers have to be moved, in a raw copy none.
XQUAD_ASTRAY = {"ar": 26, "de": 0, "en": 5, "es": 5, "hi": 13, "ru": 5, "vi": 5, "zh": 100}


@pytest.fixture
def mirror() -> Path:
    """The mirror that the environment names."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    return Path(os.environ["HARNESS_MIRROR"])


def realigned(
    mirror: Path, out: Path, repo: str, config: str, split: str, allowed: int
) -> tuple[int, int]:
    """Run dataset, checks and examples; (examples, answers that were moved)."""
    held = load_mirror(mirror)
    assert held is not None
    entry = held.datasets[repo].configs[config][split]
    rule: dict[str, Any] = {"by": "id_prefix", "names": TYDIQA_NAMES}
    if repo != TYDIQA:
        rule = {"by": "config", "names": {config: config.removeprefix("xquad.")}}
    source = {
        "kind": "hub",
        "name": repo,
        "repo": repo,
        "revision": held.datasets[repo].revision,
        "language": rule,
        "files": {config: {"file": entry.file, "sha256": entry.sha256}},
    }
    settings = {"source": source, "configs": [config], "split": split, "combine": "concat"}
    settings |= {"languages": None, "limit": None, "reader": reader()}
    data = run_stage("dataset", out / "dataset", settings, resources=Resources(mirror=mirror))
    languages = {TYDIQA_NAMES[name]: count for name, count in entry.languages.items()}
    expected = {"rows": entry.rows, "languages": languages}
    limits = {"suite": "extractive_qa", "expected": expected, "no_answer": False}
    limits |= {"realign": {**REALIGN, "max": allowed}, "reader": reader()}
    checks = run_stage("checks", out / "checks", limits, {"dataset": data})
    assert all(
        one["passed"] for one in read_json(checks / "checks.json") if one["level"] == "error"
    )
    config = {"realign": limits["realign"], "reader": reader()}
    made = run_stage("examples", out / "examples", config, {"dataset": data})
    examples = read_examples(made / "examples.jsonl")
    assert all(
        one.context.startswith(text, start)
        for one in examples
        for text, start in zip(one.answers, one.answer_starts, strict=True)
    )
    return len(examples), read_json(made / "repairs.json")["realigned"]


def test_mirror_holds_what_it_says(mirror: Path) -> None:
    """The sha256 of every file in mirror.yaml."""
    held = load_mirror(mirror)
    assert held is not None
    entries = [
        entry
        for dataset in held.datasets.values()
        for splits in dataset.configs.values()
        for entry in splits.values()
    ]
    assert entries
    assert [file_sha256(mirror / one.file) for one in entries] == [one.sha256 for one in entries]


@pytest.mark.parametrize(("split", "rows"), [("train", 3696), ("validation", 3796)])
def test_tydiqa(mirror: Path, tmp_path: Path, split: str, rows: int) -> None:
    """The six languages' offsets fit their contexts as they are."""
    assert realigned(mirror, tmp_path, TYDIQA, "secondary_task", split, 0) == (rows, 0)


@pytest.mark.parametrize("language", XQUAD_ASTRAY)
def test_xquad(mirror: Path, tmp_path: Path, language: str) -> None:
    """Raw or stripped, no more answers are moved than the stripping explains."""
    allowed = XQUAD_ASTRAY[language]
    count, moved = realigned(
        mirror, tmp_path, "google/xquad", f"xquad.{language}", "validation", allowed
    )
    assert count == 1190
    assert moved in (0, allowed)
