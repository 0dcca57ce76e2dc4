"""What a trained model says of every evaluation example, one file for each language."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from harness.errors import DataError, StageError
from harness.models import Family
from harness.records import PairPrediction, Sentence, read_examples, write_rows
from harness.stages.contract import StageContext
from harness.tasks import FamilyModule, Features, family_module, retrieval
from harness.tasks.encoding import read_tokenizer
from harness.training.checkpoint import Checkpoints, made_by
from harness.training.embed import sentence_embeddings
from harness.training.heads import Head, stored_head
from harness.training.infer import all_logits
from harness.training.model import TokenModel, check_length, load_encoder
from harness.training.seeding import deterministic
from harness.training.weights import Delta, apply_delta, read_delta


def run(context: StageContext) -> None:
    """Write `predictions/<language>.jsonl` and `predict.json` {windows, tokens, beyond}.

    Raises:
        DataError: no examples, or one that isn't of the family.
        StageError: the model artifact holds no head (it is one of an intermediate training), or
            was trained on other labels.
    """
    device = torch.device(context.resources.device)
    deterministic(int(context.config["threads"]), device)
    family: Family = context.config["family"]
    examples = read_examples(context.inputs["examples"] / "examples.jsonl", family)
    if not examples:
        raise DataError(
            where="evaluation examples",
            got="no rows",
            expected=f"at least one of {family}",
            fix="Check the task's evaluation languages and limit.",
        )
    tokenizer = read_tokenizer(context.inputs["encoder"])
    predict = _retrieved if family == "retrieval" else _answered
    _write(context.out, *predict(context, examples, tokenizer, device))


_Found = tuple[Features, Iterable[tuple[str, Any]]]
"""What was run, and predictions with their languages."""


def _answered(
    context: StageContext, examples: list[Any], tokenizer: Tokenizer, device: torch.device
) -> _Found:
    module = family_module(context.config["family"])
    settings = {**context.config["settings"], "no_answer": bool(context.config["no_answer"])}
    labels = _labels(context)
    features = module.build(examples, tokenizer, settings, labels, training=False)
    model = _model(context, device, module, labels)
    logits = all_logits(
        model,
        features,
        precision=str(context.config["precision"]),
        progress=context.progress,
        checkpoints=_shards(context, device),
    )
    found = module.decode(logits, features, examples, settings, labels)
    return features, zip((one.language for one in examples), found, strict=True)


def _retrieved(
    context: StageContext, examples: list[Sentence], tokenizer: Tokenizer, device: torch.device
) -> _Found:
    settings = context.config["settings"]
    languages = _languages(examples)
    features = retrieval.build(examples, tokenizer, settings, (), training=False)
    vectors = sentence_embeddings(
        _model(context, device),
        features,
        layer=int(settings["layer"]),
        pooling=settings["pooling"],
        precision=str(context.config["precision"]),
        progress=context.progress,
        checkpoints=_shards(context, device),
    )
    found: list[PairPrediction] = retrieval.search(
        vectors, features, examples, settings, device=str(device)
    )
    return features, ((languages[one.id], one) for one in found)


def _shards(context: StageContext, device: torch.device) -> Checkpoints:
    return Checkpoints(
        folder=context.scratch,
        maker=made_by(device),
        seconds=context.resources.checkpoint_seconds,
        steps=context.resources.checkpoint_steps,
        keep=None,
    )


def _languages(examples: Sequence[Sentence]) -> dict[str, str]:
    """Id -> language of every sentence."""
    languages: dict[str, str] = {}
    for one in examples:
        if languages.setdefault(one.id, one.language) != one.language:
            raise DataError(
                where=f"sentence {one.id}",
                got=f"in {languages[one.id]} and in {one.language}",
                expected="an id that occurs in one language",
                fix="Let the data set's reader put the language into the id.",
            )
    return languages


def _labels(context: StageContext) -> tuple[str, ...]:
    """The labels that the model was trained on, in the order of its outputs."""
    path = context.inputs["model"] / "labels.json"
    if not path.is_file():
        raise StageError(
            where="model artifact",
            got="no head, no labels.json",
            expected="the artifact of a fine-tuning",
            fix="Predict with the artifact of a fine-tuning.",
        )
    trained = tuple(json.loads(path.read_text(encoding="utf-8")))
    wanted = context.config["labels"]
    if not isinstance(wanted, str) and set(wanted) != set(trained):
        raise StageError(
            where="model artifact",
            got=f"trained on the labels {', '.join(trained)}",
            expected=", ".join(wanted),
            fix="Predict with a model that was trained on the task's labels.",
        )
    return trained


def _model(
    context: StageContext,
    device: torch.device,
    module: FamilyModule | None = None,
    labels: Sequence[str] = (),
) -> TokenModel:
    """The encoder after each training that there was, with a head if `module` needs one."""
    encoder = load_encoder(context.inputs["encoder"])
    deltas = [read_delta(context.inputs[role]) for role in _TRAININGS if role in context.inputs]
    for delta in deltas:
        apply_delta(encoder, delta)
    heads = [] if module is None else [_head(encoder, deltas[-1], module, labels)]
    model = TokenModel(encoder, heads).to(device)
    check_length(model, int(context.config["settings"]["max_length"]))
    return model


_TRAININGS = ("intermediate", "model")
"""Inputs that change the encoder, each relative to those before it."""


def _head(encoder: nn.Module, delta: Delta, module: FamilyModule, labels: Sequence[str]) -> Head:
    return stored_head(module.HEAD, module.outputs(labels), encoder.config, delta.heads)


def _write(out: Path, features: Features, found: Iterable[tuple[str, Any]]) -> None:
    folder = out / "predictions"
    folder.mkdir()
    by_language: dict[str, list[Any]] = {}
    for language, prediction in found:
        by_language.setdefault(language, []).append(prediction)
    for language, rows in by_language.items():
        write_rows(folder / f"{language}.jsonl", rows)
    counts = {
        "windows": len(features.bounds) - 1,
        "tokens": len(features.ids),
        # Words that the model never saw, of sentences that were cut.
        "beyond": int(getattr(features, "beyond", 0)),
    }
    text = json.dumps(counts, sort_keys=True) + "\n"
    (out / "predict.json").write_text(text, encoding="utf-8")
