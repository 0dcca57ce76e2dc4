"""Protocols, profiles, tasks and machines: how a claim is run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.models.base import Family, Identifier, Language, Model, Text


class Warmup(Model):
    """Linear warm-up: a share of all steps, or a number of steps."""

    fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    steps: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Warmup:
        if (self.fraction is None) == (self.steps is None):
            raise ValueError("either fraction or steps")
        return self


class Optimiser(Model):
    """AdamW and its schedule."""

    learning_rate: Annotated[float, Field(gt=0, lt=1)]
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Micro-batches that one optimiser step is made of."""
    warmup: Warmup
    weight_decay: Annotated[float, Field(ge=0)]
    decay_exempt: tuple[str, ...] = ("bias", "LayerNorm")
    """Parameters whose name contains one of these are not decayed."""
    adam_epsilon: Annotated[float, Field(gt=0)] = 1e-8
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Largest global gradient norm of a step."""


class Training(Optimiser):
    """Hyper-parameters of one fine-tuning."""

    epochs: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    """Windows, sentences or questions per optimiser step."""


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


class Classification(Training):
    """Training and evaluation of the classification of one or two texts."""

    max_length: Annotated[int, Field(ge=8, le=512)]
    """Tokens of both texts and the special tokens; the longer text is cut first."""


class MultipleChoice(Training):
    """Training and evaluation of the choice between endings or answers."""

    max_length: Annotated[int, Field(ge=8, le=512)]
    """Tokens of the context with one choice and the special tokens; the context is cut."""


class Tagging(Training):
    """Training and evaluation of a tag for each word, read at its first sub-token."""

    max_length: Annotated[int, Field(ge=8, le=512)]
    long_sentences: Literal["split", "truncate"]
    """split: a sentence too long becomes several; truncate: words beyond it aren't trained on and
    are predicted as `O` where that is a tag, else as the first of the task's labels."""


class Retrieval(Model):
    """Sentence vectors and the search among them; nothing is trained."""

    search: Literal["nearest", "mine"]
    """nearest: for each English sentence the nearest of the other language; mine: pairs found by
    ratio margin, of whose scores the scorer takes the best threshold."""
    pooling: Literal["mean", "first"]
    """mean: of all tokens, special tokens included; first: the first special token."""
    layer: Annotated[int, Field(ge=0)]
    """Index into transformers' `hidden_states`: 0 is the embeddings, 24 the last of 24 layers."""
    max_length: Annotated[int, Field(ge=8, le=512)]
    neighbours: Annotated[int, Field(ge=1)] = 4
    """k of the ratio margin (Artetxe and Schwenk 2019), for mining."""


class MaskedLm(Model):
    """Continued masked language modelling; the optimiser is that of the tasks beside it."""

    batch_size: Annotated[int, Field(ge=1)]
    """Pieces of text per optimiser step."""
    max_length: Annotated[int, Field(ge=8, le=512)]
    """Tokens of a piece of running text, special tokens included."""
    mask_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Of these tokens 80 % become the mask, 10 % a random piece, 10 % stay."""


class MultiTask(Optimiser):
    """Training on several tasks at once: every batch is of one task, of the size it has there."""

    sampling: Literal["proportional", "capped", "temperature"] = "proportional"
    """How often each task is drawn: by its examples, by at most `cap` of them, or by its share
    to the power of 1 / `temperature`."""
    cap: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=1)] | None = None
    heads: Literal["family", "task"] = "task"
    """family: tasks of one family with the same labels share a head."""
    most_steps: Annotated[int, Field(ge=1)] | None = None
    """None: as many steps as the tasks have on their own, all together."""

    @model_validator(mode="after")
    def _sampling(self) -> MultiTask:
        given = {"capped": self.cap, "temperature": self.temperature}
        for name, value in given.items():
            if (self.sampling == name) != (value is not None):
                key = "cap" if name == "capped" else name
                raise ValueError(f"`{key}` with sampling `{name}`, and with no other")
        return self


class ProtocolSwitch(Model):
    """A known peculiarity of the original scripts and what is done here instead."""

    name: Identifier
    original: Text
    here: Text
    about: tuple[Family | Literal["multi_task"], ...] = ()
    """Only claims that have to do with one of these list it; empty: all of them."""


class Protocol(Model):
    """A named, versioned set of hyper-parameters and evaluation rules."""

    format: Literal[1]
    id: Identifier
    version: Annotated[int, Field(ge=1)]
    summary: Text
    source: Text
    extractive_qa: ExtractiveQa
    classification: Classification | None = None
    multiple_choice: MultipleChoice | None = None
    tagging: Tagging | None = None
    retrieval: Retrieval | None = None
    masked_lm: MaskedLm | None = None
    multi_task: MultiTask | None = None
    tasks: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)
    """Task -> values that replace its family's."""
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


def _listed(value: Any) -> Any:
    """One data set is a list of one."""
    return [value] if isinstance(value, dict | DataSpec) else value


DataSpecs = Annotated[tuple[DataSpec, ...], BeforeValidator(_listed), Field(min_length=1)]

# Family -> the official scorers of its tasks.
_SCORERS: dict[Family, tuple[str, ...]] = {
    "extractive_qa": ("squad_v1", "squad_v2", "mlqa"),
    "classification": ("accuracy",),
    "multiple_choice": ("accuracy",),
    "tagging": ("seqeval", "token_accuracy"),
    "retrieval": ("accuracy", "bucc_f1"),
    "masked_lm": (),
}


class Task(Model):
    """A row of tasks.yaml."""

    title: Text
    family: Family
    scorer: (
        Literal["squad_v1", "squad_v2", "mlqa", "accuracy", "seqeval", "token_accuracy", "bucc_f1"]
        | None
    ) = None
    """None: the task is only trained on."""
    labels: Literal["index", "data"] | tuple[Text, ...] = ()
    """The labels or tags that there are, in the order of the head's outputs: these, `index` for
    whole numbers from 0 (choices, places of sentences), or `data` for those of the training rows,
    sorted."""
    languages: tuple[Language, ...] = ()
    """Languages of the evaluation data, in the paper's order."""
    train: DataSpecs | None = None
    """Several data sets are trained on as if they were one."""
    evaluation: DataSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        fitting = _SCORERS[self.family]
        if self.scorer is not None and self.scorer not in fitting:
            names = " or ".join(f"`{name}`" for name in fitting) or "none"
            raise ValueError(f"scorer {names} for {self.family}, not `{self.scorer}`")
        labelled = self.family in ("classification", "multiple_choice", "tagging")
        if (labelled or self.scorer == "accuracy") != bool(self.labels):
            raise ValueError("`labels` where there are labels, choices or tags, and nowhere else")
        return self


class Tasks(Model):
    """tasks.yaml."""

    format: Literal[1]
    tasks: dict[Identifier, Task]


class TaskBinding(Model):
    """The data that a profile gives a task instead of the table's."""

    train: DataSpecs | None = None
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
    overrides: dict[Identifier, dict[str, Any]] = Field(default_factory=dict)
    """Family, `multi_task` or task -> values that replace the protocol's; each is listed as a
    deviation. A task's come after its family's."""
    best_of: Annotated[int, Field(ge=1)] | None = None
    """Only the first so many systems of a `best_of` are run; listed as a deviation."""
    bind: dict[Identifier, TaskBinding] = Field(default_factory=dict)
