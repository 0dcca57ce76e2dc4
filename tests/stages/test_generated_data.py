"""Every generated data set through rows, checks and examples, as its pin describes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stage_runs import read_json, reader, run_stage

from harness.manifest import load_manifests
from harness.models import DatasetPin, Family
from harness.records import read_examples

PINS = {name: pin for name, pin in load_manifests().pins.datasets.items() if pin.kind == "mini"}
FAMILIES: dict[str, Family] = {
    **{"squad": "extractive_qa", "pair": "classification", "text": "masked_lm"},
    **dict.fromkeys(("hellaswag", "cosmosqa", "commonsenseqa"), "multiple_choice"),
    **dict.fromkeys(("tags", "ccgbank"), "tagging"),
    **dict.fromkeys(("tatoeba", "bucc"), "retrieval"),
}
SPLITS = sorted(
    {(name, split) for name, pin in PINS.items() for some in pin.configs.values() for split in some}
)


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_generated_rows_are_sound(name: str, split: str, tmp_path: Path) -> None:
    """No check of level error fails; every row that isn't dropped becomes an example."""
    pin: DatasetPin = PINS[name]
    configs = [config for config, splits in pin.configs.items() if split in splits]
    how = reader(
        pin.reader, columns=pin.columns, labels=list(pin.labels), unlabelled=pin.unlabelled
    )
    source = {
        **{"kind": "mini", "name": name, "repo": None, "revision": None, "files": {}},
        **{"generator": pin.generator, "generator_version": pin.generator_version},
        "language": pin.language.model_dump(mode="json"),
    }
    config = {"source": source, "configs": configs, "split": split, "languages": None}
    config |= {"combine": "concat", "limit": None, "reader": how}
    pinned = [pin.configs[one][split] for one in configs]
    repair = {"max": sum(one.realign.max for one in pinned), "unfound": pinned[0].realign.unfound}
    counts = [one.rows for one in pinned]
    expected = {"rows": None if None in counts else sum(filter(None, counts)), "languages": {}}
    rules = {"suite": FAMILIES[pin.reader], "reader": how, "expected": expected}
    rules |= {"no_answer": pin.no_answer, "realign": repair}
    data = run_stage("dataset", tmp_path / "dataset", config)
    run_stage("checks", tmp_path / "checks", rules, {"dataset": data})
    made = run_stage(
        "examples", tmp_path / "examples", {"reader": how, "realign": repair}, {"dataset": data}
    )
    found = read_examples(made / "examples.jsonl", FAMILIES[pin.reader])
    repairs = read_json(made / "repairs.json")
    assert len(found) == repairs["examples"] > 0
    if FAMILIES[pin.reader] != "retrieval":
        rows = read_json(data / "dataset.json")["rows"]
        assert repairs["examples"] + sum(repairs["dropped"].values()) == rows
