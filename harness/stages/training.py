"""Fine-tuning stages: examples and an encoder in, what training changed out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.errors import DataError
from harness.models import QaTraining
from harness.records import QaExample, read_examples
from harness.stages.contract import StageContext
from harness.tasks.extractive_qa import (
    Windows,
    build_windows,
    pair_layout,
    span_loss,
    window_settings,
)
from harness.training.batching import Batch, Sequences, step_count, training_steps
from harness.training.loop import Trained, exempt, train
from harness.training.model import (
    TokenModel,
    check_length,
    load_encoder,
    new_head,
    prepare_dropout,
)
from harness.training.seeding import deterministic
from harness.training.weights import (
    Delta,
    apply_delta,
    embedding,
    make_delta,
    read_delta,
    trim,
    write_delta,
)

_WORDS = "embeddings.word_embeddings.weight"


def intermediate(context: StageContext) -> None:
    """Train on an intermediate task; the artifact is the encoder's delta, without the head.

    Raises:
        DataError: no examples, or examples that can't be read as questions about contexts.
        StageError: a loss isn't finite.
    """
    _run(context, keep_head=False)


def finetune(context: StageContext) -> None:
    """Train on the target task, from the encoder or from the intermediate training's result.

    The head is new in either case (the paper attaches a new one to the intermediate model) and is
    the same for all systems of a seed.

    Raises:
        DataError: no examples, or examples that can't be read as questions about contexts.
        StageError: a loss isn't finite.
    """
    _run(context, keep_head=True)


def _run(context: StageContext, *, keep_head: bool) -> None:
    settings = QaTraining.model_validate(dict(context.config["settings"]))
    device = torch.device(context.resources.device)
    deterministic(int(context.config["threads"]), device)
    examples = _examples(context.inputs["examples"])
    tokenizer = Tokenizer.from_file(str(context.inputs["encoder"] / "tokenizer.json"))
    shape = window_settings(settings.model_dump())
    windows = build_windows(examples, tokenizer, shape, training=True)
    start = _starting_point(context, windows, tokenizer)
    model = _model(start.encoder, settings, int(context.config["seed"]), device)
    trained = _train(model, windows, start.remap, settings, context)
    scale = 1.0 if exempt(_WORDS, settings) else trained.decay
    head = model.head if keep_head else None
    write_delta(context.out, make_delta(start.encoder, start.used, scale, head, start.previous))
    _write_log(context.out, len(examples), windows, trained)


@dataclass(frozen=True, kw_only=True)
class _Start:
    """The encoder as this training finds it, its word embedding trimmed to the rows in use."""

    encoder: nn.Module
    used: np.ndarray
    remap: np.ndarray
    previous: Delta | None


@dataclass(frozen=True)
class _Remapped:
    """Windows in the ids of the trimmed vocabulary."""

    ids: np.ndarray
    bounds: np.ndarray


def _examples(folder: Path) -> list[QaExample]:
    examples = read_examples(folder / "examples.jsonl")
    if not examples:
        raise DataError(
            where="training examples",
            got="no rows",
            expected="at least one question",
            fix="Check the task's train languages and limit.",
        )
    return examples


def _starting_point(context: StageContext, windows: Windows, tokenizer: Tokenizer) -> _Start:
    packed = torch.device(context.resources.device).type == "cpu"
    encoder = load_encoder(context.inputs["encoder"], packed=packed)
    previous = None
    if "intermediate" in context.inputs:
        previous = read_delta(context.inputs["intermediate"])
        apply_delta(encoder, previous)
    layout = pair_layout(tokenizer)
    specials = [*layout.before, *layout.between, *layout.after]
    pad = embedding(encoder).padding_idx
    used = np.unique([*np.unique(windows.ids), *specials, *([] if pad is None else [pad])])
    return _Start(encoder=encoder, used=used, remap=trim(encoder, used), previous=previous)


def _model(encoder: nn.Module, settings: QaTraining, seed: int, device: torch.device) -> TokenModel:
    config: Any = encoder.config
    deviation = float(getattr(config, "initializer_range", 0.02))
    head = new_head(int(config.hidden_size), 2, seed, deviation)
    model = TokenModel(encoder, head, packed=device.type == "cpu").to(device)
    check_length(model, settings.max_length)
    prepare_dropout(model, seed)
    return model


def _train(
    model: TokenModel,
    windows: Windows,
    remap: np.ndarray,
    settings: QaTraining,
    context: StageContext,
) -> Trained:
    sequences: Sequences = _Remapped(remap[windows.ids], windows.bounds)
    return train(
        model,
        training_steps(sequences, settings, int(context.config["seed"])),
        _loss(model, torch.from_numpy(windows.labels)),
        settings,
        steps=step_count(len(windows.example), settings),
        precision=str(context.config["precision"]),
        progress=context.progress,
    )


def _loss(model: TokenModel, labels: Tensor) -> Callable[[Batch], Tensor]:
    def loss(batch: Batch) -> Tensor:
        return span_loss(model(batch), batch.lengths, labels[batch.index])

    return loss


def _write_log(out: Path, examples: int, windows: Windows, trained: Trained) -> None:
    facts = {
        "examples": examples,
        "windows": len(windows.example),
        "unreachable": windows.unreachable,
        "steps": trained.steps,
        "tokens": trained.tokens,
        "loss": [[step, value] for step, value in trained.loss],
    }
    text = json.dumps(facts, sort_keys=True) + "\n"
    (out / "training.json").write_text(text, encoding="utf-8")
