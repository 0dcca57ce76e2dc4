"""Pins and mirrors: which bytes a run may read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.models.base import Identifier, Language, Model, RelativePath, Revision, Sha256, Text

# How rows become examples (harness/sources/readers.py).
Reader = Literal[
    "squad",
    "pair",
    "hellaswag",
    "cosmosqa",
    "commonsenseqa",
    "tags",
    "ccgbank",
    "tatoeba",
    "bucc",
    "text",
]


class LanguageRule(Model):
    """How a row's language is told."""

    by: Literal["id_prefix", "config", "fixed"]
    names: dict[str, Language] = Field(default_factory=dict)
    """Prefix or config -> language code."""
    language: Language | None = None
    """The one language of all rows, for `fixed`."""


class Realign(Model):
    """The repair of answer offsets that a pin allows."""

    max: Annotated[int, Field(ge=0)] = 0
    """At most so many answers may be moved to their nearest occurrence."""
    unfound: Literal["error", "drop"] = "error"
    """drop: a question whose answer occurs nowhere is left out and counted (translations)."""


class SplitPin(Model):
    """One split of one config."""

    file: RelativePath
    """Inside the repository."""
    sha256: Sha256 | None = None
    """None: recorded at the first fetch, and the run is flagged HASH_ON_FIRST_USE."""
    rows: Annotated[int, Field(ge=1)] | None = None
    languages: dict[Language, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Rows per language, where the split holds several."""
    realign: Realign = Field(default_factory=Realign)


class DatasetPin(Model):
    """A data set at one revision."""

    kind: Literal["hub", "files", "mini"]
    title: Text
    license: Text
    repo: RelativePath | None = None
    revision: Revision | None = None
    generator: Identifier | None = None
    """What the mini generator calls the data set."""
    generator_version: int | None = None
    language: LanguageRule
    reader: Reader = "squad"
    """The form of its rows."""
    columns: dict[Identifier, str] = Field(default_factory=dict)
    """What the reader calls a column -> what the data set calls it, where the two differ."""
    labels: tuple[Text, ...] = ()
    """Names of labels or tags that are stored as numbers, from 0; the file's own must agree."""
    unlabelled: Literal["error", "drop"] = "error"
    """Rows without a label (-1, or an empty key): refused, or left out and counted."""
    configs: dict[str, dict[Identifier, SplitPin]]
    no_answer: bool = False
    """Some questions have no answer in their context (SQuAD 2.0)."""
    tokens_per_row: Annotated[float, Field(gt=0)] = 200.0
    """Mean tokens of all windows of a row, for estimates only."""
    note: str | None = None

    @model_validator(mode="after")
    def _pinned(self) -> DatasetPin:
        if self.kind == "hub" and not (self.repo and self.revision):
            raise ValueError("`repo` and `revision` of a hub data set: unpinned data is refused")
        if self.kind == "mini" and (self.generator is None or self.generator_version is None):
            raise ValueError("`generator` and `generator_version` of generated data")
        nameless = sorted(self.configs.keys() - self.language.names.keys())
        if self.language.by == "config" and nameless:
            raise ValueError(f"`language.names` says no language of config {nameless[0]}")
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
    repo: RelativePath | None = None
    revision: Revision | None = None
    files: dict[RelativePath, Sha256 | None] = Field(default_factory=dict)
    """File -> sha256 (hub: files of the repository; package: files of the package)."""
    package: str | None = None
    package_version: str | None = None

    @model_validator(mode="after")
    def _pinned(self) -> EncoderPin:
        if self.kind == "hub" and not (self.repo and self.revision):
            raise ValueError("`repo` and `revision` of a hub encoder: unpinned data is refused")
        if self.kind == "package" and not (self.package and self.package_version):
            raise ValueError("`package` and `package_version` of a packaged encoder")
        return self

    @property
    def body(self) -> int:
        """Weights without the word embedding."""
        return self.parameters - self.vocabulary * self.hidden_size

    def forward_flops(self, tokens: int, length: float) -> float:
        """Floating-point operations of one forward pass; training takes about three times as many.

        Two a weight and token (Kaplan et al. 2020, arXiv 2001.08361, section 2.1), and attention's
        4 * layers * sequence length * hidden size a token. Word embeddings are look-ups.

        Args:
            tokens: of all sequences together.
            length: mean tokens of a sequence.
        """
        return tokens * (2.0 * self.body + 4.0 * self.layers * self.hidden_size * length)

    def vocabulary_flops(self, tokens: float) -> float:
        """Of masked LM: each masked token is multiplied with every word embedding."""
        return 2.0 * tokens * self.vocabulary * self.hidden_size


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
