"""Protocols, profiles, tasks and machines: how a claim is run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.models.base import Identifier, Language, Model, Text


class Warmup(Model):
    """Linear warm-up: a share of all steps, or a number of steps."""

    fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    steps: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Warmup:
        if (self.fraction is None) == (self.steps is None):
            raise ValueError("either fraction or steps")
        return self


class Training(Model):
    """Hyper-parameters of one fine-tuning."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    """Windows or sentences per optimiser step."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Micro-batches that one optimiser step is made of."""
    warmup: Warmup
    weight_decay: Annotated[float, Field(ge=0)]
    decay_exempt: tuple[str, ...] = ("bias", "LayerNorm")
    """Parameters whose name contains one of these are not decayed."""
    adam_epsilon: Annotated[float, Field(gt=0)] = 1e-8
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Largest global gradient norm of a step."""


class QaTraining(Training):
    """Training of extractive question answering."""

    max_length: Annotated[int, Field(ge=32, le=512)]
    """Tokens of a window, question and special tokens included."""
    doc_stride: Annotated[int, Field(ge=1)]
    """Tokens between the starts of two windows of a context (run_squad.py's meaning)."""
    max_query_length: Annotated[int, Field(ge=1)]


class ExtractiveQa(QaTraining):
    """Training and evaluation of extractive question answering."""

    max_answer_length: Annotated[int, Field(ge=1)]
    n_best: Annotated[int, Field(ge=1)]


class ProtocolSwitch(Model):
    """A known peculiarity of the original scripts and what is done here instead."""

    name: Identifier
    original: Text
    here: Text


class Protocol(Model):
    """A named, versioned set of hyper-parameters and evaluation rules."""

    format: Literal[1]
    id: Identifier
    version: Annotated[int, Field(ge=1)]
    summary: Text
    source: Text
    extractive_qa: ExtractiveQa
    switches: tuple[ProtocolSwitch, ...] = ()


class DataSpec(Model):
    """Which rows of which pinned data set a task reads."""

    dataset: Identifier
    """A name in pins.yaml."""
    configs: Annotated[tuple[str, ...], Field(min_length=1)]
    split: Identifier
    languages: tuple[Language, ...] | None = None
    """Keep only rows in these languages; None keeps all."""
    combine: Literal["concat", "spread"] = "concat"
    """spread: row i of parallel configs is taken from config i modulo their number."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Keep the first so many rows of each language."""


# Family -> the official scorers of its tasks.
_SCORERS = {
    "extractive_qa": ("squad_v1", "mlqa"),
    "classification": ("accuracy",),
    "tagging": ("seqeval",),
    "retrieval": ("accuracy", "bucc_f1"),
}


class Task(Model):
    """A row of tasks.yaml."""

    title: Text
    family: Literal["extractive_qa", "classification", "tagging", "retrieval"]
    scorer: Literal["squad_v1", "mlqa", "accuracy", "seqeval", "bucc_f1"] = "squad_v1"
    labels: Literal["index"] | tuple[Text, ...] = ()
    """What scorers of labels and tags accept: these, or `index` for whole numbers from 0."""
    languages: tuple[Language, ...] = ()
    """Languages of the evaluation data, in the paper's order."""
    train: DataSpec | None = None
    evaluation: DataSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        fitting = _SCORERS[self.family]
        if self.scorer not in fitting:
            raise ValueError(f"scorer `{fitting[0]}` for {self.family}, not `{self.scorer}`")
        if (self.scorer in ("accuracy", "seqeval")) != bool(self.labels):
            raise ValueError("`labels` for the scorers accuracy and seqeval, and for no other")
        return self


class Tasks(Model):
    """tasks.yaml."""

    format: Literal[1]
    tasks: dict[Identifier, Task]


class TaskBinding(Model):
    """The data that a profile gives a task instead of the table's."""

    train: DataSpec | None = None
    evaluation: DataSpec | None = None


class MachineSpeed(Model):
    """What a device reaches, for time estimates only."""

    title: Text
    training: Annotated[float, Field(gt=0)]
    """Floating-point operations per second in training."""
    inference: Annotated[float, Field(gt=0)]
    source: Text
    """Measured how, or assumed from what."""


class Machines(Model):
    """machines.yaml."""

    format: Literal[1]
    machines: dict[Identifier, MachineSpeed]


class Profile(Model):
    """The scale of a run."""

    format: Literal[1]
    id: Identifier
    summary: Text
    scaled_down: bool
    """True: the run can show a direction, never the paper's magnitude."""
    encoder: Identifier
    seeds: Annotated[int, Field(ge=1, le=99)]
    precision: Literal["native", "bf16", "fp32"]
    """native: bf16 where the device has it, else fp32; resolved before a key is made."""
    threads: Annotated[int, Field(ge=1)] = 2
    overrides: dict[Literal["extractive_qa"], dict[str, Any]] = Field(default_factory=dict)
    """Family -> values that replace the protocol's; each is listed as a deviation."""
    bind: dict[Identifier, TaskBinding] = Field(default_factory=dict)
