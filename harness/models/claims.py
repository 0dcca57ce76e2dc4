"""Papers and claims: what is stated, compared and reported, and how it is judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from harness.models.base import (
    ArxivId,
    Identifier,
    Kind,
    Language,
    Metric,
    Model,
    Rung,
    Severity,
    Text,
)


class Evidence(Model):
    """Where a number is printed."""

    arxiv: ArxivId
    """The paper in which it was read (which may quote the claim's paper)."""
    version: str | None = None
    table: str | None = None
    row: str | None = None
    column: str | None = None
    page: int | None = None
    quote: str | None = None
    """The printed cell or words."""
    status: Literal["primary", "secondary", "unverified"]
    """primary: read in the paper; secondary: in another that quotes it; unverified: neither."""
    known_inconsistency: str | None = None
    """Why a number that fails a transcription check is kept all the same."""

    @model_validator(mode="after")
    def _says_where(self) -> Evidence:
        if not (self.table or self.page or self.quote):
            raise ValueError("evidence with a table, a page or a quoted cell")
        return self


class Reported(Model):
    """A number that the paper reports, as printed."""

    value: float
    """In points (0-100) of the claim's metric."""
    decimals: Annotated[int, Field(ge=0, le=4)] = 1
    """Digits printed after the point; one printed unit is 10^-decimals."""
    seeds: Annotated[int, Field(ge=1)] | None = None
    """Runs behind the number, where the paper says."""
    best_of: Annotated[int, Field(ge=2)] | None = None
    """The number is the best of so many runs or equal models, not their mean; the luck of that is
    subtracted before it is compared (docs/verdict.md)."""
    items: Annotated[int, Field(ge=1)] | None = None
    """Of one system on one test set: its size, which a share of right answers has to fit."""
    evidence: Evidence


class Precondition(Model):
    """A part of the paper's set-up: no verdict; what a run does otherwise is a deviation."""

    what: Text
    paper: Text
    tasks: tuple[Identifier, ...] = ()
    """The tasks that it is about, by their names in tasks.yaml."""
    evidence: Evidence


class Paper(Model):
    """A publication."""

    format: Literal[1]
    id: Identifier
    title: Text
    authors: Text
    arxiv: ArxivId
    arxiv_version: Annotated[str, StringConstraints(pattern=r"^v\d+$")]
    venue: Text
    encoder: Identifier
    """The encoder that the paper's systems start from, by its name in pins.yaml."""
    setup: tuple[Precondition, ...] = ()
    """What every run has to have to be about the paper's claims."""
    note: str | None = None


class MaskedLmMix(Model):
    """Continued masked language modelling beside the intermediate tasks."""

    task: Identifier = "wikipedia"
    """The task that the text comes from."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    share: Annotated[float, Field(gt=0, lt=1)]
    """Share of all optimiser steps; they come on top of the tasks' own."""


class Intermediate(Model):
    """The training between the encoder and the target fine-tuning."""

    tasks: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """Rows of tasks.yaml that have training data; several are trained on at once, by the
    protocol's `multi_task`."""
    masked_lm: MaskedLmMix | None = None


class System(Model):
    """A training recipe that a claim compares; encoder and target come from elsewhere."""

    label: Text
    """How a reader calls it, e.g. "English SQuAD first"."""
    intermediate: Intermediate | None = None
    """None: straight from the encoder to the target task."""
    best_of: tuple[Identifier, ...] = ()
    """For each target the best of these systems, by its mean score over seeds and languages."""

    @model_validator(mode="after")
    def _one_form(self) -> System:
        if self.best_of and self.intermediate:
            raise ValueError("either `intermediate` or `best_of`")
        return self


class Compare(Model):
    """Which systems play which part.

    One of: treatment and baseline; reference and alternatives; order, of two systems or more, the
    best first.
    """

    treatment: Identifier | None = None
    baseline: Identifier | None = None
    reference: Identifier | None = None
    alternatives: tuple[Identifier, ...] = ()
    order: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _one_form(self) -> Compare:
        forms = (
            (self.treatment is not None, self.baseline is not None),
            (self.reference is not None, len(self.alternatives) > 0),
            (len(self.order) > 1, len(self.order) > 1),
        )
        if sum(any(form) for form in forms) != 1 or sum(all(form) for form in forms) != 1:
            raise ValueError("treatment and baseline, reference and alternatives, or an order")
        return self

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(system, compared with), one entry for each difference that the claim is about."""
        if self.treatment is not None and self.baseline is not None:
            return ((self.treatment, self.baseline),)
        if self.order:
            return tuple(zip(self.order, self.order[1:], strict=False))
        assert self.reference is not None
        return tuple((name, self.reference) for name in self.alternatives)


class ReportedNumbers(Model):
    """What the paper prints for the claim."""

    levels: dict[Identifier, Reported] = Field(default_factory=dict)
    """System -> mean over the claim's languages."""
    effect: Reported | None = None
    """Treatment minus baseline."""
    per_language: dict[Identifier, dict[Language, Reported]] = Field(default_factory=dict)
    """System -> language -> score, where the paper has them."""


class VerdictRule(Model):
    """How the estimate is judged (docs/verdict.md); frozen before the run."""

    version: Annotated[int, Field(ge=1)]
    tau0: Annotated[float, Field(gt=0)] = 2.5
    """Prior standard deviation over seeds of the effect, in points."""
    nu0: Annotated[float, Field(ge=0)] = 4.0
    """Weight of that prior, in degrees of freedom."""
    retention: Annotated[float, Field(ge=0, le=1)] = 0.5
    """rho: the share of the reported gain that SUBSTANTIAL asks for."""
    margin: Annotated[float, Field(gt=0)] | None = None
    """m of QUANTITATIVE; None: max(1.0, 0.25 * |reported gain|)."""
    delta: Annotated[float, Field(gt=0)] = 2.0
    """Margin of `no_better`, in points."""
    at_least: Annotated[int, Field(ge=1)] | None = None
    """Of a `direction` with alternatives: so many of them have to be above the reference."""
    min_seeds: Annotated[int, Field(ge=1)] = 1
    required_rung: dict[Identifier, Rung]
    """Profile -> the rung that makes `harness reproduce` exit with 0; DIRECTION for others."""


class ContaminationRule(Model):
    """What it means that two data sets of the claim overlap (docs/contamination.md); frozen too."""

    train_test: Severity = "error"
    """A test question, with its context, stands in training data (exactly or nearly)."""
    context: Severity = "warning"
    """A test context stands in training data, with other questions."""
    document: Severity = "warning"
    """Training and test passages come from the same article."""
    question: Severity = "info"
    """A test question stands in training data, with another context."""
    id: Severity = "warning"
    """Training and test rows have the same id: parallel questions in another language."""
    language: Severity = "error"
    """Training data hold languages that they are declared not to hold."""
    train_train: Severity = "warning"
    """A question with its context is in the intermediate and in the target training data."""


class AveragingRule(Model):
    """Over which languages the claim's mean runs; each weighs the same."""

    languages: Literal["all"] | Annotated[tuple[Language, ...], Field(min_length=1)]
    note: str | None = None


class ClaimDeviation(Model):
    """A difference from the paper that the manifest's author knows of."""

    what: Text
    paper: Text
    here: Text


class Claim(Model):
    """One checkable statement of a paper."""

    format: Literal[1]
    id: Identifier
    title: Text
    statement: Text
    """The claim in a sentence that a non-specialist understands."""
    kind: Kind
    targets: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    """The tasks that are evaluated; the mean over several weighs each the same."""
    groups: tuple[tuple[Identifier, ...], ...] = ()
    """Of an `ordering`: groups of targets, the one with the largest gain first."""
    metric: Metric
    average: AveragingRule
    protocol: Identifier
    systems: Annotated[dict[Identifier, System], Field(min_length=2)]
    compare: Compare
    variants: tuple[Identifier, ...] = ()
    """Systems that are run and shown beside the claim; the verdict doesn't read them."""
    reported: ReportedNumbers = Field(default_factory=ReportedNumbers)
    source: Evidence
    """Where the claim itself is stated."""
    verdict: VerdictRule
    contamination: ContaminationRule = Field(default_factory=ContaminationRule)
    deviations: tuple[ClaimDeviation, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _systems(self) -> Claim:
        named = {name for pair in self.compare.pairs() for name in pair} | set(self.variants)
        named |= {name for system in self.systems.values() for name in system.best_of}
        reported = set(self.reported.levels) | set(self.reported.per_language)
        for name in sorted((named | reported) - set(self.systems)):
            raise ValueError(f"one of the systems {', '.join(self.systems)}, not `{name}`")
        for name in sorted(set(self.systems) - named):
            raise ValueError(f"system `{name}` to be compared with another, or not to be there")
        for system in self.systems.values():
            if any(self.systems[name].best_of for name in system.best_of):
                raise ValueError("`best_of` systems that are trained, not another `best_of`")
        return self

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Claim:
        several = self.compare.reference is not None
        if self.kind == "no_better" and not several:
            raise ValueError("a reference with alternatives for `no_better`")
        if several != (self.verdict.at_least is not None) and self.kind == "direction":
            raise ValueError("verdict.at_least for a `direction` with alternatives, only there")
        if several and self.kind not in ("no_better", "direction"):
            raise ValueError(f"a treatment and a baseline for `{self.kind}`")
        if bool(self.compare.order or self.groups) != (self.kind == "ordering"):
            raise ValueError("compare.order or groups for an `ordering`, and for no other")
        if self.compare.order and self.groups:
            raise ValueError("an order of systems or of groups of targets, not both")
        return self

    @model_validator(mode="after")
    def _fits_its_targets(self) -> Claim:
        sized = bool(self.reported.effect and self.reported.effect.value)
        if self.kind in ("gain", "aggregate") and not sized:
            raise ValueError(f"reported.effect for a `{self.kind}`; else it is a `direction`")
        if self.kind == "aggregate" and len(self.targets) < 2:
            raise ValueError("several targets for an `aggregate`; with one it is a `gain`")
        if len(set(self.targets)) < len(self.targets):
            raise ValueError("each target once")
        if len(self.targets) > 1 and (self.metric != "score" or self.average.languages != "all"):
            raise ValueError("metric `score` and all languages for several targets")
        if self.groups and sorted(sum(self.groups, ())) != sorted(self.targets):
            raise ValueError("groups that hold each target once")
        return self
