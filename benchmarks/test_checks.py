"""How long the data checks take: `python -m pytest benchmarks/test_checks.py`.

The real data are those of the `small` profile, where HARNESS_MIRROR names a mirror that has them.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.data_checks.engine import run_plan
from harness.data_checks.suites import plan_checks
from harness.sources.rows import read_rows

RUN = {"rows": None, "languages": {}, "no_answer": False, "realign": 0}
CONTEXTS, QUESTIONS = 19_000, 130_000
TYDIQA = "datasets/google-research-datasets/tydiqa/secondary_task/{}-00000-of-00001.parquet"
XQUAD = "datasets/google/xquad/xquad.{}/validation-00000-of-00001.parquet"
LANGUAGES = ("ar", "de", "en", "es", "hi", "ru", "vi", "zh")
PREFIXES = {"arabic": "ar", "english": "en", "finnish": "fi"} | {
    "indonesian": "id",
    "korean": "ko",
    "russian": "ru",
}


def labelled(table: pa.Table, codes: list[str]) -> pa.Table:
    """With the columns that the stage `dataset` adds."""
    table = table.append_column("language", pa.array(codes))
    return table.append_column("config", pa.array(["c"] * len(codes)))


@pytest.fixture(scope="module")
def squad() -> pa.Table:
    """As many rows as SQuAD 2.0 has, in contexts of 120 words."""
    draw = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(draw.choice(letters, draw.integers(2, 10))) for _ in range(3000)]
    words += ["the", "of", "and", "is"] * 200
    contexts = [" ".join(words[i] for i in one) for one in draw.integers(0, 3800, (CONTEXTS, 120))]
    rows = []
    for number, picks in enumerate(draw.integers(0, 3800, (QUESTIONS, 10))):
        context = contexts[number % CONTEXTS]
        start = context.index(" ", number % 400) + 1
        text = context[start : context.index(" ", start)]
        rows.append(
            {
                "id": f"q{number}",
                "context": context,
                "question": " ".join(words[i] for i in picks),
                "answers": {"text": [text], "answer_start": [start]},
            }
        )
    return labelled(pa.Table.from_pylist(rows), ["en"] * QUESTIONS)


@pytest.fixture(scope="module")
def small() -> dict[str, pa.Table]:
    """Every data set that the profile `small` reads."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    mirror = Path(os.environ["HARNESS_MIRROR"])
    tables = {}
    for split in ("train", "validation"):
        table = read_rows(mirror / TYDIQA.format(split))
        codes = [PREFIXES[one.split("-")[0]] for one in table.column("id").to_pylist()]
        tables[split] = labelled(table, codes)
    for code in LANGUAGES:
        table = read_rows(mirror / XQUAD.format(code))
        tables[code] = labelled(table, [code] * table.num_rows)
    return tables


def check_all(tables: dict[str, pa.Table]) -> int:
    """The number of checks that were made."""
    plan = plan_checks("extractive_qa", "squad", RUN)
    return sum(len(run_plan(table, plan)) for table in tables.values())


def test_small(benchmark: BenchmarkFixture, small: dict[str, pa.Table]) -> None:
    """Ten tables, 17,012 rows."""
    assert benchmark.pedantic(check_all, args=(small,), rounds=2) > 500


def test_squad_size(benchmark: BenchmarkFixture, squad: pa.Table) -> None:
    """130,000 generated rows."""
    assert benchmark.pedantic(check_all, args=({"squad": squad},), rounds=1) > 50
