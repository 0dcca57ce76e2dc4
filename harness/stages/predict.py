"""Answers of a trained model to every evaluation question, one file for each language."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from harness.errors import DataError, StageError
from harness.records import Prediction, QaExample, read_examples, write_rows
from harness.stages.contract import StageContext
from harness.tasks.extractive_qa import build_windows, qa_settings
from harness.tasks.span_decoding import decode
from harness.training.infer import token_logits
from harness.training.model import TokenModel, check_length, load_encoder
from harness.training.seeding import deterministic
from harness.training.weights import apply_delta, read_delta


def run(context: StageContext) -> None:
    """Write `predictions/<language>.jsonl` and `predict.json` {windows, tokens}.

    Raises:
        DataError: no examples, or a context without a visible character.
        StageError: the model artifact holds no head (it is one of an intermediate training).
    """
    settings = qa_settings(context.config["settings"])
    device = torch.device(context.resources.device)
    deterministic(int(context.config["threads"]), device)
    examples = read_examples(context.inputs["examples"] / "examples.jsonl")
    if not examples:
        raise DataError(
            where="evaluation examples",
            got="no rows",
            expected="at least one question",
            fix="Check the task's evaluation languages and limit.",
        )
    tokenizer = Tokenizer.from_file(str(context.inputs["encoder"] / "tokenizer.json"))
    windows = build_windows(examples, tokenizer, settings, training=False)
    model = _model(context, device)
    check_length(model, settings.max_length)
    logits = token_logits(
        model, windows, precision=str(context.config["precision"]), progress=context.progress
    )
    predictions = decode(logits[:, 0], logits[:, 1], windows, examples, settings)
    _write(context.out, examples, predictions)
    counts = {"windows": len(windows.example), "tokens": len(windows.ids)}
    text = json.dumps(counts, sort_keys=True) + "\n"
    (context.out / "predict.json").write_text(text, encoding="utf-8")


def _model(context: StageContext, device: torch.device) -> TokenModel:
    packed = device.type == "cpu"
    encoder = load_encoder(context.inputs["encoder"], packed=packed)
    delta = read_delta(context.inputs["model"])
    if not delta.head:
        raise StageError(
            where="model artifact",
            got="no head",
            expected="head.weight and head.bias",
            fix="Predict with the artifact of a fine-tuning.",
        )
    apply_delta(encoder, delta)
    outputs, width = delta.head["head.weight"].shape
    head = nn.Linear(width, outputs)
    head.load_state_dict({"weight": delta.head["head.weight"], "bias": delta.head["head.bias"]})
    return TokenModel(encoder, head, packed=packed).to(device)


def _write(out: Path, examples: list[QaExample], predictions: list[Prediction]) -> None:
    folder = out / "predictions"
    folder.mkdir()
    by_language: dict[str, list[Prediction]] = {}
    for example, prediction in zip(examples, predictions, strict=True):
        by_language.setdefault(example.language, []).append(prediction)
    for language, rows in by_language.items():
        write_rows(folder / f"{language}.jsonl", rows)
