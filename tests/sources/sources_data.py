"""Tiny data files and pins for the tests of this folder."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hub_server import REVISION

from harness.models import DatasetPin

QA = "datasets/owner/qa/secondary_task/train-00000-of-00001.parquet"


def parquet(*ids: str) -> bytes:
    """A Parquet file of one question for each id, as bytes."""
    answers = {"text": ["answer"], "answer_start": [4]}
    row = {"context": "The answer is here.", "question": "Which?", "answers": answers}
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"id": one, **row} for one in ids]), stream)
    return stream.getvalue()


def qa_pin(**changes: Any) -> DatasetPin:
    """A pin of the data set that `QA` belongs to; `changes` go into its one split."""
    split = {"file": "secondary_task/train-00000-of-00001.parquet", **changes}
    return DatasetPin.model_validate(
        {
            "kind": "hub",
            "title": "Questions",
            "license": "Apache-2.0",
            "repo": "owner/qa",
            "revision": REVISION,
            "language": {"by": "id_prefix", "names": {"english": "en", "korean": "ko"}},
            "configs": {"secondary_task": {"train": split}},
        }
    )


class Counter:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.total, self.unit, self.done = 0, "", 0

    def start(self, total: int, unit: str) -> None:
        """Remember the total."""
        self.total, self.unit = total, unit

    def advance(self, done: int, **figures: float) -> None:
        """Add up."""
        self.done += done
