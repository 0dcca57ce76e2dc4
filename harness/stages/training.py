"""Training stages: examples and an encoder in, what training changed out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from harness.errors import DataError
from harness.models import Family, MultiTask, Optimiser, Training
from harness.moving import move
from harness.records import read_examples
from harness.stages.contract import StageContext
from harness.tasks import FamilyModule, Features, family_module, masked_lm
from harness.tasks.encoding import read_tokenizer
from harness.training.batching import (
    Batch,
    Course,
    Step,
    StepSize,
    step_count,
    training_steps,
)
from harness.training.checkpoint import Checkpoints, made_by
from harness.training.compiled import compile_layers
from harness.training.heads import new_head
from harness.training.loop import Trained, exempt, train
from harness.training.masked import MaskedBatch, MaskedLmHead, lm_head
from harness.training.mixing import mixed_steps, task_order, with_share
from harness.training.model import TokenModel, check_length, load_encoder, prepare_dropout
from harness.training.ranks import Ranks
from harness.training.recorded import record_layers
from harness.training.seeding import deterministic, generator
from harness.training.weights import (
    apply_delta,
    embedding,
    make_delta,
    read_delta,
    trim,
    write_delta,
)

_WORDS = "embeddings.word_embeddings.weight"


def intermediate(context: StageContext) -> None:
    """Train on the intermediate tasks; the artifact is the encoder's delta, without heads.

    Raises:
        DataError: no examples, or examples that aren't of the task.
        StageError: a loss isn't finite.
    """
    _run(context, keep_heads=False)


def finetune(context: StageContext) -> None:
    """Train on the target task, from the encoder or from the intermediate training's result.

    The head is new in either case (the paper attaches a new one to the intermediate model) and is
    the same for all systems of a seed. Of several parts the first is the target: its labels are
    kept, and predictions are made with its head.

    Raises:
        DataError: no examples, or examples that aren't of the task.
        StageError: a loss isn't finite.
    """
    _run(context, keep_heads=True)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A task that is trained on."""

    module: FamilyModule
    settings: Mapping[str, Any]
    labels: tuple[str, ...]
    features: Features
    examples: int
    head: int

    def training(self) -> Training:
        """Its own hyper-parameters."""
        return _hyper_parameters(self.settings)


@dataclass(frozen=True, kw_only=True)
class _Text:
    """What continued masked language modelling reads."""

    settings: Mapping[str, Any]
    share: float
    features: Features
    rule: masked_lm.MaskRule


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Everything that is trained on, and how."""

    parts: list[_Part]
    text: _Text | None
    settings: Optimiser
    """Of the optimiser and its schedule."""
    order: np.ndarray
    """The task of each step; masked language modelling comes after the parts."""

    def features(self) -> list[Features]:
        """Of each task."""
        return [one.features for one in self.tasks()]

    def tasks(self) -> list[_Part | _Text]:
        """The parts, and the text where there is some."""
        return [*self.parts, *([self.text] if self.text else [])]


def _run(context: StageContext, *, keep_heads: bool) -> None:
    device = torch.device(context.resources.device)
    deterministic(int(context.config["threads"]), device)
    plan = _plan(context)
    encoder = _starting_point(context)
    used = _vocabulary(encoder, plan)
    plan = _remapped(plan, encoder, used)
    model = _model(encoder, plan, int(context.config["seed"]), device)
    trained = _train(model, plan, context)
    if context.resources.rank > 0:
        return  # the first process writes for all
    scale = 1.0 if exempt(_WORDS, plan.settings) else trained.decay
    heads = model.heads if keep_heads else None
    write_delta(context.out, make_delta(encoder, used, scale, heads))
    _write_log(context, plan, trained)
    if keep_heads:
        _write_json(context.out / "labels.json", list(plan.parts[0].labels))


def _plan(context: StageContext) -> _Plan:
    mix = context.config["mix"] or {}
    seed = int(context.config["seed"])
    several = mix.get("multi_task")
    multi = None if several is None else MultiTask.model_validate(dict(several))
    tokenizer = read_tokenizer(context.inputs["encoder"])
    parts = _parts(context, tokenizer, shared=multi is not None and multi.heads == "family")
    text = _text(context, mix["masked_lm"], tokenizer) if mix.get("masked_lm") else None
    steps = [step_count(len(one.features.units) - 1, one.training()) for one in parts]
    order = task_order(steps, [one.examples for one in parts], multi, seed)
    return _Plan(
        parts=parts,
        text=text,
        settings=parts[0].training() if multi is None else multi,
        order=order if text is None else with_share(order, text.share, len(parts)),
    )


def _parts(context: StageContext, tokenizer: Tokenizer, *, shared: bool) -> list[_Part]:
    parts, heads = [], dict[Any, int]()
    for place, part in enumerate(context.config["parts"]):
        family: Family = part["family"]
        examples = _examples(context, f"examples/{place}", family)
        labels = _labels(part["labels"], family, examples)
        module = family_module(family)
        head = heads.setdefault((family, labels) if shared else place, len(heads))
        parts.append(
            _Part(
                module=module,
                settings=part["settings"],
                labels=labels,
                features=module.build(examples, tokenizer, part["settings"], labels, training=True),
                examples=len(examples),
                head=head,
            )
        )
    return parts


def _text(context: StageContext, config: Mapping[str, Any], tokenizer: Tokenizer) -> _Text:
    settings = config["settings"]
    return _Text(
        settings=settings,
        share=float(config["share"]),
        features=masked_lm.build(_examples(context, "text", "masked_lm"), tokenizer, settings),
        rule=masked_lm.mask_rule(tokenizer, settings),
    )


def _examples(context: StageContext, role: str, family: Family) -> list[Any]:
    """The examples of the inputs role/0, role/1, ..., one set after the other."""
    examples: list[Any] = []
    number = 0
    while (folder := context.inputs.get(f"{role}/{number}")) is not None:
        examples += read_examples(folder / "examples.jsonl", family)
        number += 1
    if not examples:
        raise DataError(
            where="training examples",
            got="no rows",
            expected=f"at least one of {family}",
            fix="Check the task's train languages and limit.",
        )
    return examples


def _labels(labels: Any, family: Family, examples: Sequence[Any]) -> tuple[str, ...]:
    """A task's labels: none of "index"; of "data" those that the examples have, sorted."""
    if labels == "index":
        return ()
    if labels != "data":
        return tuple(labels)
    if family == "tagging":
        return tuple(sorted({tag for one in examples for tag in one.tags}))
    return tuple(sorted({one.label for one in examples}))


def _hyper_parameters(settings: Mapping[str, Any]) -> Training:
    """The part of a family's settings that every training has."""
    known = Training.model_fields
    return Training.model_validate({key: value for key, value in settings.items() if key in known})


def _starting_point(context: StageContext) -> nn.Module:
    encoder = load_encoder(context.inputs["encoder"])
    if "intermediate" in context.inputs:
        apply_delta(encoder, read_delta(context.inputs["intermediate"]))
    return encoder


def _vocabulary(encoder: nn.Module, plan: _Plan) -> np.ndarray:
    """Rows of the word embedding that training touches, sorted.

    All where words are predicted: a softmax over the vocabulary has a gradient for each of them.
    """
    table = embedding(encoder)
    if plan.text is not None:
        return np.arange(table.num_embeddings)
    pad = [] if table.padding_idx is None else [table.padding_idx]
    each = [np.unique(features.ids) for features in plan.features()]
    return np.unique(np.concatenate([*each, np.array(pad, dtype=np.int64)]))


def _remapped(plan: _Plan, encoder: nn.Module, used: np.ndarray) -> _Plan:
    """`plan` in the ids of the trimmed vocabulary; the encoder is trimmed."""
    if len(used) == embedding(encoder).num_embeddings:
        return plan
    remap = trim(encoder, used)
    parts = [
        replace(one, features=replace(one.features, ids=remap[one.features.ids]))
        for one in plan.parts
    ]
    return replace(plan, parts=parts)


def _model(encoder: nn.Module, plan: _Plan, seed: int, device: torch.device) -> TokenModel:
    distinct = {one.head: one for one in plan.parts}
    config: Any = encoder.config
    heads = [
        new_head(one.module.HEAD, one.module.outputs(one.labels), config, seed, number)
        for number, one in sorted(distinct.items())
    ]
    model = TokenModel(encoder, heads).to(device)
    for one in plan.tasks():
        check_length(model, int(one.settings["max_length"]))
    prepare_dropout(model, seed)
    return model


def _train(model: TokenModel, plan: _Plan, context: StageContext) -> Trained:
    seed = int(context.config["seed"])
    words = None
    if plan.text is not None:
        words = lm_head(context.inputs["encoder"], model.encoder).to(model.device)
    here, precision = context.resources, str(context.config["precision"])
    quick = {
        "compiled": compile_layers(model, precision, len(plan.order)),
        "recorded": record_layers(model, len(plan.order)),
    }
    return train(
        model if words is None else nn.ModuleList([model, words]),
        Course(
            steps=len(plan.order),
            after=lambda done: _steps(plan, seed, done, here.devices),
            draws=model.draws,
            ranks=Ranks(number=here.rank, count=here.devices),
        ),
        _loss(model, plan, words),
        plan.settings,
        precision=precision,
        progress=context.progress,
        checkpoints=Checkpoints(
            folder=context.scratch,
            maker={**made_by(model.device, here.devices), **quick},
            seconds=here.checkpoint_seconds if here.rank == 0 else None,
            steps=here.checkpoint_steps if here.rank == 0 else None,
        ),
    )


def _steps(plan: _Plan, seed: int, done: int, devices: int) -> Iterator[Step]:
    """The steps that follow the first `done`, each of the task that `plan.order` names.

    A step has a micro-batch for each device at least; but for masked text, whose loss is a mean
    over each micro-batch's hidden words and so depends on how it is cut.
    """
    behind = np.bincount(plan.order[:done], minlength=len(plan.tasks())).tolist()
    streams: list[Iterator[Step]] = [
        training_steps(
            one.features, _cut(one.training(), devices), seed, task=place, done=behind[place]
        )
        for place, one in enumerate(plan.parts)
    ]
    if plan.text is not None:
        size = StepSize(
            batch_size=int(plan.text.settings["batch_size"]),
            accumulation=plan.settings.accumulation,
        )
        place = len(streams)
        pieces = training_steps(plan.text.features, size, seed, task=place, done=behind[place])
        streams.append(_masked_steps(enumerate(pieces, behind[place]), plan.text.rule, seed))
    return mixed_steps(streams, plan.order[done:])


def _cut(settings: Training, devices: int) -> Training:
    return settings.model_copy(update={"accumulation": max(settings.accumulation, devices)})


def _masked_steps(
    steps: Iterable[tuple[int, Step]], rule: masked_lm.MaskRule, seed: int
) -> Iterator[tuple[MaskedBatch, ...]]:
    for number, step in steps:
        rng = generator("mask", seed, number)
        yield tuple(_masked(batch, rule, rng) for batch in step)


def _masked(batch: Batch, rule: masked_lm.MaskRule, rng: np.random.Generator) -> MaskedBatch:
    hidden = masked_lm.hide(batch.ids.numpy(), batch.lengths, rule, rng)
    values = {one.name: getattr(batch, one.name) for one in fields(batch)}
    values["ids"] = torch.from_numpy(hidden.ids)
    places, truth = torch.from_numpy(hidden.places), torch.from_numpy(hidden.truth)
    return MaskedBatch(**values, places=places, truth=truth)


def _loss(model: TokenModel, plan: _Plan, words: MaskedLmHead | None) -> Callable[[Batch], Tensor]:
    table = embedding(model.encoder).weight

    def loss(batch: Batch) -> Tensor:
        if isinstance(batch, MaskedBatch):
            assert words is not None
            places, truth = (move(one, model.device) for one in (batch.places, batch.truth))
            return words(model.states(batch)[places], table, truth)  # type: ignore[no-any-return]
        part = plan.parts[batch.task]
        return part.module.loss(model(batch, part.head), part.features, batch.index)

    return loss


def _write_log(context: StageContext, plan: _Plan, trained: Trained) -> None:
    features = plan.features()
    facts: dict[str, Any] = {
        "examples": sum(one.examples for one in plan.parts),
        "windows": sum(len(one.bounds) - 1 for one in features),
        # Questions without a window that holds their answer; words beyond a cut sentence.
        "unreachable": sum(int(getattr(one, "unreachable", 0)) for one in features),
        "beyond": sum(int(getattr(one, "beyond", 0)) for one in features),
        "steps": trained.steps,
        "tokens": trained.tokens,
        "loss": [[step, value] for step, value in trained.loss],
    }
    if context.config["mix"] is not None:
        facts["tasks"] = np.bincount(plan.order, minlength=len(features)).tolist()
    _write_json(context.out / "training.json", facts)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
