"""Every data set of a mirror, as it is: no expectation of level error fails."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pinned_plans import plan

from harness.data_checks.engine import run_plan
from harness.models import MirrorSplit
from harness.sources.mirror import load_mirror
from harness.sources.rows import read_rows

CODES = {
    **{"arabic": "ar", "english": "en", "finnish": "fi", "indonesian": "id", "korean": "ko"},
    **{"russian": "ru", "English": "en", "Telugu": "te", "ara": "ar", "ben": "bn", "cmn": "zh"},
    **{"deu": "de", "fin": "fi", "ind": "id", "kor": "ko", "rus": "ru", "swh": "sw", "tel": "te"},
}
FAMILIES = {
    "secondary_task": ("extractive_qa", "tydiqa"),
    "xquad": ("extractive_qa", "xquad"),
    "udpos": ("tagging", "udpos"),
    "tatoeba": ("retrieval", "tatoeba"),
}


@pytest.fixture(scope="module")
def mirror() -> Path:
    """The mirror that the environment names."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    return Path(os.environ["HARNESS_MIRROR"])


def checked(mirror: Path, config: str, entry: MirrorSplit) -> list[dict[str, Any]]:
    """The outcomes on one file, with what mirror.yaml promises of it."""
    table = read_rows(mirror / entry.file)
    start, _, end = config.partition(".")
    codes = [CODES.get(end, end)] * table.num_rows
    if start == "secondary_task":
        codes = [CODES[one.split("-")[0]] for one in table.column("id").to_pylist()]
    table = table.append_column("language", pa.array(codes))
    table = table.append_column("config", pa.array([config] * table.num_rows))
    promised = {CODES[name]: count for name, count in entry.languages.items()}
    run = {"rows": entry.rows, "languages": promised, "realign": {"max": 100, "unfound": "error"}}
    return run_plan(table, plan(*FAMILIES[start], **run))


def test_no_error_on_untouched_data(mirror: Path) -> None:
    """Four families' files; what is odd in them are warnings, each with rows and a cause."""
    held = load_mirror(mirror)
    assert held is not None
    seen: Counter[str] = Counter()
    wrong = []
    for dataset in held.datasets.values():
        for config, splits in dataset.configs.items():
            for split, entry in splits.items():
                if config.partition(".")[0] not in FAMILIES:
                    continue
                seen[config.partition(".")[0]] += 1
                failed = [one for one in checked(mirror, config, entry) if not one["passed"]]
                wrong += [(config, split, one) for one in failed if one["level"] == "error"]
                assert all(one["rows"] and one["cause"] for one in failed)
    assert set(seen) == set(FAMILIES)
    assert wrong == []
