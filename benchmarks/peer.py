"""What a user would run instead: transformers' Trainer on the same windows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import material
import numpy as np
import torch
from sides import GPU, THREADS, Rounds
from torch.utils.data import Sampler
from transformers import (
    AutoModelForQuestionAnswering,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

DEFAULT_RATE = 3e-5


def train(encoder: Path, *, best: bool, steps: int, rounds: int) -> None:
    """Train for ever, in rounds of `steps` steps; `best`: with all that Trainer has to be fast.

    Default: what the question answering example does unless told otherwise (fp32, every window
    padded to the longest length). Best: bf16, padded to the batch's longest window, windows of a
    batch of similar length. Both with the fused AdamW that Trainer takes by itself.
    """
    features = material.windows(encoder, material.questions("train"), training=True)
    index = material.batches(features, steps * (rounds + 1))
    if best:
        index = _grouped(features, index, rounds + 1)
    data = material.rows_of(features, index.reshape(-1))
    counter = Rounds(steps)
    trainer = _Ordered(
        model=AutoModelForQuestionAnswering.from_pretrained(encoder, dtype=torch.float32),
        args=_arguments(bf16=best, num_train_epochs=1000, learning_rate=DEFAULT_RATE),
        train_dataset=data,
        data_collator=_collator(encoder, best=best),
        callbacks=[_Pause(counter, data)],
    )
    trainer.train()


def predict(encoder: Path, windows: int) -> None:
    """Predict `windows` windows a round: bf16 weights, sorted by length, little padding."""
    features = material.windows(encoder, material.questions("validation"), training=False)
    index = material.batches(features, windows // material.BATCH).reshape(-1)
    lengths = np.diff(features.bounds)[index]
    data = material.rows_of(features, index[np.argsort(-lengths)])
    counter = Rounds(1)
    trainer = Trainer(
        model=AutoModelForQuestionAnswering.from_pretrained(encoder, dtype=torch.float32),
        args=_arguments(bf16_full_eval=True),
        data_collator=_collator(encoder, best=True),
    )
    while True:
        trainer.predict(data)
        counter.step(int(lengths.sum()))


def _arguments(**more: Any) -> TrainingArguments:
    torch.set_num_threads(THREADS)
    logging.set_verbosity_error()
    return TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not GPU,
        per_device_train_batch_size=material.BATCH,
        per_device_eval_batch_size=material.BATCH,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=0,
        **more,
    )


def _collator(encoder: Path, *, best: bool) -> DataCollatorWithPadding:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(encoder / "tokenizer.json"),
        pad_token="<pad>",  # noqa: S106 - no password
    )
    if best:
        return DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)
    longest = material.SETTINGS["max_length"]
    return DataCollatorWithPadding(tokenizer, padding="max_length", max_length=longest)


def _grouped(features: Any, index: np.ndarray, rounds: int) -> np.ndarray:
    """The same windows in batches of similar length; each round has long and short batches."""
    flat = index.reshape(-1)
    flat = flat[np.argsort(-np.diff(features.bounds)[flat], kind="stable")]
    sorted_batches = flat.reshape(-1, material.BATCH)
    dealt = sorted_batches.reshape(-1, rounds, material.BATCH).transpose(1, 0, 2)
    return dealt.reshape(-1, material.BATCH)


class _InOrder(Sampler[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.count))

    def __len__(self) -> int:
        return self.count


class _Ordered(Trainer):
    """Trainer with the batches as they stand: every round is to hold the same lengths."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:  # noqa: ARG002
        assert self.train_dataset is not None
        return _InOrder(len(self.train_dataset))


class _Pause(TrainerCallback):
    """Stand still between two rounds."""

    def __init__(self, counter: Rounds, data: list[dict[str, Any]]) -> None:
        lengths = [len(one["input_ids"]) for one in data]
        self.tokens = np.array(lengths).reshape(-1, material.BATCH).sum(1)
        self.counter = counter

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Count the step's real tokens."""
        self.counter.step(int(self.tokens[(state.global_step - 1) % len(self.tokens)]))
