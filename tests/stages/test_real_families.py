"""Tatoeba and Universal Dependencies as they are: rows, checks and examples, by the pins."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from stage_runs import read_json, run_stage

from harness.manifest import load_manifests
from harness.models import DatasetPin
from harness.records import Sentence, TagExample, read_examples
from harness.sources.mirror import load_mirror
from harness.stages.contract import Resources

REALIGN = {"max": 0, "unfound": "error"}


@pytest.fixture(scope="module")
def mirror() -> Path:
    """The mirror that the environment names."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    return Path(os.environ["HARNESS_MIRROR"])


@pytest.fixture(scope="module")
def pins() -> dict[str, DatasetPin]:
    """The project's own."""
    return dict(load_manifests().pins.datasets)


def made(
    mirror: Path, pin: DatasetPin, out: Path, name: str, configs: list[str], split: str, suite: str
) -> tuple[list[Any], list[dict[str, Any]]]:
    """The examples of some configs, and what their checks found, as stages make them."""
    held = load_mirror(mirror)
    assert held is not None
    entries = {one: held.datasets[str(pin.repo)].configs[one][split] for one in configs}
    reader = {"name": pin.reader, "columns": pin.columns, "labels": list(pin.labels)}
    reader["unlabelled"] = pin.unlabelled
    source = {
        "kind": "hub",
        "name": name,
        "repo": pin.repo,
        "revision": pin.revision,
        "language": pin.language.model_dump(mode="json"),
        "files": {
            one: {"file": pin.configs[one][split].file, "sha256": entries[one].sha256}
            for one in configs
        },
    }
    config = {"source": source, "configs": configs, "split": split, "languages": None}
    config |= {"combine": "concat", "limit": None, "reader": reader}
    rows = run_stage("dataset", out / "rows", config, resources=Resources(mirror=mirror))
    rules = {
        "suite": suite,
        "reader": reader,
        "expected": {"rows": sum(one.rows for one in entries.values()), "languages": {}},
        "no_answer": False,
        "realign": REALIGN,
    }
    checks = run_stage("checks", out / "checks", rules, {"dataset": rows})
    examples = run_stage(
        "examples", out / "examples", {"reader": reader, "realign": REALIGN}, {"dataset": rows}
    )
    found = read_examples(examples / "examples.jsonl", suite)  # type: ignore[arg-type]
    assert read_json(examples / "repairs.json")["dropped"] == {}
    return found, read_json(checks / "checks.json")


def test_tatoeba_in_ten_languages(
    mirror: Path, pins: dict[str, DatasetPin], tmp_path: Path
) -> None:
    """Eight sets of 1,000 pairs, 390 of Swahili, 234 of Telugu; each sentence knows its mate."""
    held = load_mirror(mirror)
    assert held is not None
    configs = [one for one in held.datasets["google/xtreme"].configs if one.startswith("tatoeba")]
    found, outcomes = made(
        mirror, pins["tatoeba"], tmp_path, "tatoeba", configs, "validation", "retrieval"
    )
    assert all(isinstance(one, Sentence) for one in found)
    counts = Counter((one.language, one.side) for one in found)
    sizes = dict.fromkeys(("ar", "bn", "de", "fi", "id", "ko", "ru", "zh"), 1000)
    sizes |= {"sw": 390, "te": 234}
    assert counts == {
        (code, side): size for code, size in sizes.items() for side in ("foreign", "english")
    }
    by_id = {one.id: one for one in found}
    assert len(by_id) == len(found)
    assert all(by_id[one.mates[0]].mates == (one.id,) for one in found)
    assert not any(one.text.endswith("\n") for one in found)
    german = next(one for one in found if one.language == "de" and one.side == "foreign")
    assert by_id[german.mates[0]].text == "Mary said she didn't know where Tom was."
    assert {one["name"] for one in outcomes if not one["passed"]} <= {
        *("pairs_unique", "visible.source_sentence", "visible.target_sentence"),
        *("normalized.source_sentence", "normalized.target_sentence"),
        *("in_language.source_sentence", "no_control.source_sentence"),
    }


@pytest.mark.parametrize(
    ("config", "split", "rows", "first"),
    [
        ("udpos.English", "train", 2001, ("From", "ADP")),
        ("udpos.English", "test", 2077, ("What", "PRON")),
        ("udpos.Telugu", "test", 146, ("చూసేరండీ", "VERB")),
    ],
)
def test_universal_dependencies(
    mirror: Path,
    pins: dict[str, DatasetPin],
    tmp_path: Path,
    config: str,
    split: str,
    rows: int,
    first: tuple[str, str],
) -> None:
    """Tags by name: the file's own names are the pin's."""
    found, _ = made(mirror, pins["udpos"], tmp_path, "udpos", [config], split, "tagging")
    assert all(isinstance(one, TagExample) for one in found)
    assert len(found) == rows
    assert (found[0].words[0], found[0].tags[0]) == first
    assert {tag for one in found for tag in one.tags} <= set(pins["udpos"].labels)
