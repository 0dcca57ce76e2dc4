"""The typed, frozen form of every manifest: papers, claims, protocols, profiles, tasks, pins.

Every model refuses keys that it doesn't know (`extra="forbid"`). `manifest.py` reads the files;
this module only says what they may hold. The JSON schema in `manifests/schema.json` is made from
it and kept current by a test.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Revision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
ArxivId = Annotated[str, StringConstraints(pattern=r"^\d{4}\.\d{4,5}$")]


def _inside(path: str) -> str:
    """Refuse a path that could leave the folder that it is relative to."""
    parts = path.split("/")
    if not path or path != path.strip() or "\\" in path or "\x00" in path or ":" in parts[0]:
        raise ValueError("a relative path with forward slashes is expected")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("the path must stay inside its folder")
    return path


# A file inside a repository or mirror: relative, forward slashes, never upwards.
RelativePath = Annotated[str, StringConstraints(max_length=300), AfterValidator(_inside)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Kind = Literal["gain", "direction", "no_better"]
Rung = Literal[
    "INVALID", "QUANTITATIVE", "SUBSTANTIAL", "CONTRADICTED", "DIRECTION", "INCONCLUSIVE"
]
Metric = Literal["em", "f1"]
Precision = Literal["bf16", "fp32"]


class Model(BaseModel):
    """Frozen, keyword-only, nothing unknown, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
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
            raise ValueError("evidence needs a table, a page or a quoted cell")
        return self


class Reported(Model):
    """A number that the paper reports, as printed."""

    value: float
    """In points (0-100) of the claim's metric."""
    decimals: Annotated[int, Field(ge=0, le=4)] = 1
    """Digits printed after the point; one printed unit is 10^-decimals."""
    seeds: Annotated[int, Field(ge=1)] | None = None
    """Runs behind the number, where the paper says."""
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
    note: str | None = None


class Intermediate(Model):
    """The training between the encoder and the target fine-tuning."""

    task: Identifier
    """A row of tasks.yaml that has training data."""


class System(Model):
    """A training recipe that a claim compares; encoder and target come from elsewhere."""

    label: Text
    """How a reader calls it, e.g. "English SQuAD first"."""
    intermediate: Intermediate | None = None
    """None: straight from the encoder to the target task."""


class Compare(Model):
    """Which systems play which part: treatment and baseline, or reference and alternatives."""

    treatment: Identifier | None = None
    baseline: Identifier | None = None
    reference: Identifier | None = None
    alternatives: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _one_form(self) -> Compare:
        pair = self.treatment is not None and self.baseline is not None
        several = self.reference is not None and len(self.alternatives) > 0
        mixed = (self.treatment or self.baseline) and (self.reference or self.alternatives)
        if mixed or not (pair or several):
            raise ValueError("give treatment and baseline, or reference and alternatives")
        return self

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(system, compared with), one entry for each difference that the claim is about."""
        if self.treatment is not None and self.baseline is not None:
            return ((self.treatment, self.baseline),)
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
    min_seeds: Annotated[int, Field(ge=1)] = 1
    required_rung: dict[Identifier, Rung]
    """Profile -> the rung that makes `harness reproduce` exit with 0."""


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
    target: Identifier
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
    deviations: tuple[ClaimDeviation, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Claim:
        named = {name for pair in self.compare.pairs() for name in pair} | set(self.variants)
        reported = set(self.reported.levels) | set(self.reported.per_language)
        for name in sorted((named | reported) - set(self.systems)):
            raise ValueError(f"`{name}` is not one of the systems {', '.join(self.systems)}")
        for name in sorted(set(self.systems) - named):
            raise ValueError(f"system `{name}` is compared with nothing")
        if (self.kind == "no_better") != (self.compare.reference is not None):
            raise ValueError("`no_better` compares a reference with alternatives, others a pair")
        if self.kind == "gain" and self.reported.effect is None:
            raise ValueError("a `gain` needs reported.effect; without a size it is a `direction`")
        return self


class Warmup(Model):
    """Linear warm-up: a share of all steps, or a number of steps."""

    fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    steps: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Warmup:
        if (self.fraction is None) == (self.steps is None):
            raise ValueError("give fraction or steps, not both")
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


class ExtractiveQa(Training):
    """Training and evaluation of extractive question answering."""

    max_length: Annotated[int, Field(ge=32, le=512)]
    """Tokens of a window, question and special tokens included."""
    doc_stride: Annotated[int, Field(ge=1)]
    """Tokens between the starts of two windows of a context (run_squad.py's meaning)."""
    max_query_length: Annotated[int, Field(ge=1)]
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


class Task(Model):
    """A row of tasks.yaml."""

    title: Text
    family: Literal["extractive_qa"]
    scorer: Literal["squad_v1", "mlqa"] = "squad_v1"
    languages: tuple[Language, ...] = ()
    """Languages of the evaluation data, in the paper's order."""
    train: DataSpec | None = None
    evaluation: DataSpec | None = None


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


class LanguageRule(Model):
    """How a row's language is told."""

    by: Literal["id_prefix", "config", "fixed"]
    names: dict[str, Language] = Field(default_factory=dict)
    """Prefix or config -> language code."""
    language: Language | None = None
    """The one language of all rows, for `fixed`."""


class SplitPin(Model):
    """One split of one config."""

    file: RelativePath
    """Inside the repository."""
    sha256: Sha256 | None = None
    """None: recorded at the first fetch, and the run is flagged HASH_ON_FIRST_USE."""
    rows: Annotated[int, Field(ge=1)] | None = None
    languages: dict[Language, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Rows per language, where the split holds several."""


class Realign(Model):
    """The repair of answer offsets that a pin allows."""

    max: Annotated[int, Field(ge=0)] = 0
    """At most so many answers may be moved to their nearest occurrence."""


class DatasetPin(Model):
    """A data set at one revision."""

    kind: Literal["hub", "files", "mini"]
    title: Text
    license: Text
    repo: str | None = None
    revision: Revision | None = None
    generator: Identifier | None = None
    """What the mini generator calls the data set."""
    generator_version: int | None = None
    language: LanguageRule
    configs: dict[str, dict[Identifier, SplitPin]]
    no_answer: bool = False
    """Some questions have no answer in their context (SQuAD 2.0)."""
    realign: Realign = Field(default_factory=Realign)
    tokens_per_row: Annotated[float, Field(gt=0)] = 200.0
    """Mean tokens of all windows of a row, for estimates only."""
    note: str | None = None

    @model_validator(mode="after")
    def _pinned(self) -> DatasetPin:
        if self.kind == "hub" and not (self.repo and self.revision):
            raise ValueError("a hub data set needs `repo` and `revision`: unpinned data is refused")
        if self.kind == "mini" and (self.generator is None or self.generator_version is None):
            raise ValueError("generated data needs `generator` and `generator_version`")
        return self


class EncoderPin(Model):
    """A pre-trained encoder at one revision."""

    kind: Literal["hub", "package"]
    title: Text
    license: Text
    parameters: int
    layers: int
    hidden_size: int
    vocabulary: int
    """Rows of the word embedding."""
    repo: str | None = None
    revision: Revision | None = None
    files: dict[RelativePath, Sha256 | None] = Field(default_factory=dict)
    """File -> sha256 (hub: files of the repository; package: files of the package)."""
    package: str | None = None
    package_version: str | None = None

    @model_validator(mode="after")
    def _pinned(self) -> EncoderPin:
        if self.kind == "hub" and not (self.repo and self.revision):
            raise ValueError("a hub encoder needs `repo` and `revision`: unpinned data is refused")
        if self.kind == "package" and not (self.package and self.package_version):
            raise ValueError("a packaged encoder needs `package` and `package_version`")
        return self


class Pins(Model):
    """pins.yaml."""

    format: Literal[1]
    datasets: dict[Identifier, DatasetPin]
    encoders: dict[Identifier, EncoderPin]


class MirrorSplit(Model):
    """One file of a mirror."""

    file: RelativePath
    sha256: Sha256
    rows: Annotated[int, Field(ge=0)]
    languages: dict[str, int] = Field(default_factory=dict)


class MirrorDataset(Model):
    """What a mirror holds of a data set."""

    revision: Revision
    partial: bool = False
    note: str | None = None
    configs: dict[str, dict[str, MirrorSplit]]


class MirrorModel(Model):
    """What a mirror holds of an encoder."""

    revision: Revision
    files: dict[RelativePath, Sha256]


class Mirror(Model):
    """mirror.yaml: what a mirror folder says it holds."""

    format: Literal[1]
    datasets: dict[str, MirrorDataset] = Field(default_factory=dict)
    """Keyed by repository, e.g. google/xquad."""
    models: dict[str, MirrorModel] = Field(default_factory=dict)
