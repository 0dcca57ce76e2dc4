"""Scores, estimates, verdicts and the comparison that holds them: frozen, their JSON the codec.

Scores are in points: 0-100.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.models import Evidence, Kind, Metric, Model, Reported, Rung, Severity, VerdictRule
from harness.records.items import ItemChanges


class Score(Model):
    """A metric on one system, seed, task and language."""

    system: str
    seed: int
    task: str
    language: str
    split: str
    metric: Metric
    scorer: str
    """Scorer and version, e.g. "squad_v1/1"."""
    value: float
    items: int
    predictions: str
    """Key of the artifact that holds the predictions."""


class Estimate(Model):
    """A difference between two systems, with an interval, over seeds."""

    treatment: str
    baseline: str
    metric: Metric
    value: float
    """Mean over seeds of the mean over languages of the mean difference of items, in points."""
    per_seed: tuple[float, ...]
    per_language: dict[str, float]
    """Language -> mean difference over items and seeds; "task/language" of several tasks."""
    per_task: dict[str, float] = Field(default_factory=dict)
    """Task -> mean over its languages; only where the claim has several."""
    standard_error: float
    degrees_of_freedom: float
    lower: float
    upper: float
    """One-sided bounds at `level`."""
    level: float
    question: Literal["same_items", "new_items"]
    """same_items: does a re-run agree with the paper; new_items: does the gain generalise."""
    method: str


class Agreement(Model):
    """Our numbers per language beside the paper's."""

    languages: int
    """As many as both have."""
    same_sign: int | None = None
    """Of differences: in how many languages both have the same sign."""
    rank_correlation: float | None = None
    """Spearman's; None for fewer than three languages, or where all are equal."""
    rmse: float
    """Root of the mean squared difference, in points."""


class Level(Model):
    """A system's own score, averaged over languages, beside the paper's."""

    system: str
    metric: Metric
    value: float
    """Mean over seeds and languages."""
    per_seed: tuple[float, ...]
    per_language: dict[str, float]
    """Language, or "task/language" of several tasks -> mean over seeds."""
    per_task: dict[str, float] = Field(default_factory=dict)
    """Task -> mean over its languages; only where the claim has several."""
    reported: Reported | None = None
    compatible: bool | None = None
    """None: the paper reports no level, or the run is scaled down."""
    cv: float | None = None
    """CV* of our level and the paper's, in per cent (statistics.agreement); None likewise."""
    reported_per_language: dict[str, Reported] = Field(default_factory=dict)
    """Language -> the paper's score, where it prints them."""
    agreement: Agreement | None = None
    """None: the paper prints no scores per language, or the run is scaled down."""


class Effect(Model):
    """One compared pair: reproduced and reported."""

    treatment: str
    baseline: str
    reported: Reported | None = None
    same_items: Estimate
    new_items: Estimate
    other_metrics: tuple[Estimate, ...] = ()
    """The same difference in the metrics that the claim isn't about."""
    wins: dict[str, int]
    """Sign of the difference per language: {"up": n, "down": n, "equal": n}."""
    p_value: float
    """One-sided, of no difference in the claimed direction."""
    groups: tuple[str, ...] = ()
    """Of an ordering of groups of targets: which two, the one with the larger gain first; the
    estimate is then the difference of their gains."""
    agreement: Agreement | None = None
    """None: the paper doesn't print both systems' scores per language."""


class Verdict(Model):
    """The rung that a claim reaches."""

    rung: Rung
    required: Rung
    met: bool
    flags: tuple[str, ...]
    rule: VerdictRule
    reasons: tuple[str, ...]
    """Each test that was made on the way, with its numbers, in words."""
    looks: int = 1
    """How often a result was looked at, this one included: 1 + times that seeds were added."""
    seeds_needed: dict[Rung, int | None] = Field(default_factory=dict)
    """Rung -> fewest seeds at which it is reachable at all, in the best case; None: 99 won't do."""
    more_seeds: int | None = None
    """Of an inconclusive claim: fewest seeds to add that would decide it, if mean and spread
    stayed; None: ten won't do, or no look is left."""


class TrainingRun(Model):
    """What one fine-tuning did."""

    system: str
    seed: int
    phase: Literal["intermediate", "finetune"]
    target: str = ""
    """The task that a fine-tuning is for; empty for an intermediate training."""
    tasks: dict[str, int] = Field(default_factory=dict)
    """Task -> optimiser steps that were of it, where there are several."""
    artifact: str
    examples: int
    windows: int
    steps: int
    tokens: int
    """Real tokens (padding not counted) seen in training."""
    loss: tuple[tuple[int, float], ...]
    """(step, mean loss since the last entry), at most 60 entries."""
    flops: float = 0.0
    """Estimate of floating-point operations (EncoderPin.forward_flops); 0: not known."""


class PredictionRun(Model):
    """What one pass over a target's evaluation data took."""

    system: str
    seed: int
    target: str
    artifact: str
    windows: int
    tokens: int
    """Real tokens, padding not counted."""
    flops: float


class SystemResult(Model):
    """One system of the comparison."""

    id: str
    label: str
    recipe: str
    """Encoder, intermediate training and target fine-tuning in one line."""
    role: Literal[
        "treatment", "baseline", "reference", "alternative", "ordered", "candidate", "variant"
    ]
    """candidate: a component of a best-of that isn't compared itself."""
    scores: tuple[Score, ...]
    levels: tuple[Level, ...]
    """One for each metric, the claim's first."""
    chosen: dict[str, str] = Field(default_factory=dict)
    """Of a best-of: target -> the system that stands for it there."""


class CheckOutcome(Model):
    """What a data check found."""

    name: str
    level: Severity
    passed: bool
    observed: str
    expected: str
    cause: str = ""
    """The likely reason of a failure."""
    rows: tuple[dict[str, str], ...] = ()
    """Up to ten offending {id, text}."""


class Lengths(Model):
    """How long the contexts of a data set are, in characters."""

    edges: tuple[int, ...]
    """Lower ends of the bins; the last has no upper end."""
    counts: tuple[int, ...]
    """Rows in each bin."""


class OverlapExample(Model):
    """A row of one data set beside the row of another that it is like."""

    training_id: str
    id: str
    similarity: float
    """1: the same after normalisation."""
    training_text: str
    text: str


class Overlap(Model):
    """Two data sets of the claim, compared in one respect."""

    training: str
    """Use of the training set, e.g. "target training"."""
    against: str
    by: Literal["example", "context", "document", "question", "id", "language"]
    """example: a question with its context; language: rows in one that wasn't declared."""
    level: Severity
    passed: bool
    exact: int
    near: int
    """Rows of `against` that are exactly or nearly in `training`."""
    of: int
    cause: str = ""
    examples: tuple[OverlapExample, ...] = ()


class DataUse(Model):
    """A data set that the run read."""

    name: str
    use: str
    """E.g. "target training"."""
    target: str = ""
    """The target that it is for; empty for intermediate training, which serves all."""
    title: str
    repo: str
    revision: str
    license: str
    split: str
    files: dict[str, str]
    """File -> sha256."""
    rows: int
    languages: dict[str, int]
    repairs: dict[str, int]
    """Repair -> how many rows it changed."""
    checks: dict[str, int]
    """{"passed": n, "failed": n, "warned": n}, and "noted" where a check of level info failed."""
    outcomes: tuple[CheckOutcome, ...] = ()
    lengths: Lengths | None = None
    artifact: str
    note: str | None = None


class Deviation(Model):
    """A known difference between the run and the paper."""

    what: str
    paper: str
    here: str
    why: str
    """Who asks for it: "profile mini", "protocol jiant-xtreme", "claim", "mirror", ..."""


class ArtifactRef(Model):
    """A stage that the comparison rests on."""

    stage: str
    label: str
    key: str
    inputs: dict[str, str]


class Named(Model):
    """An id with a title and free facts about it (paper, profile, protocol, encoder)."""

    id: str
    title: str
    facts: dict[str, str] = Field(default_factory=dict)


class ClaimRef(Model):
    """The claim as the report shows it."""

    id: str
    """paper/claim."""
    title: str
    statement: str
    kind: Kind
    targets: dict[str, str]
    """Task -> title, in the claim's order."""
    metric: Metric
    average: str
    source: Evidence


class Comparison(Model):
    """Everything that a report of one claim shows; itself an artifact."""

    format: Literal[1] = 1
    paper: Named
    claim: ClaimRef
    profile: Named
    scaled_down: bool
    protocol: Named
    encoder: Named
    command: str
    languages: dict[str, tuple[str, ...]]
    """Target -> the languages that its mean runs over."""
    missing_languages: dict[str, tuple[str, ...]]
    """Target -> languages of the claim for which the run had no data; none where all are there."""
    seeds: tuple[int, ...]
    precision: str
    systems: tuple[SystemResult, ...]
    effects: tuple[Effect, ...]
    verdict: Verdict
    training: tuple[TrainingRun, ...]
    predictions: tuple[PredictionRun, ...] = ()
    items: tuple[ItemChanges, ...] = ()
    """By pair of systems, target and language."""
    data: tuple[DataUse, ...]
    contamination: tuple[Overlap, ...] = ()
    deviations: tuple[Deviation, ...]
    artifacts: tuple[ArtifactRef, ...]
