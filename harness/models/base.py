"""What every manifest model shares: frozen, nothing unknown, and the types of its fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

# Patterns by name: mistakes.py says in words what each means.
IDENTIFIER = r"^[a-z0-9][a-z0-9_.-]*$"
LANGUAGE = r"^[a-z]{2,3}$"
SHA256 = r"^[0-9a-f]{64}$"
REVISION = r"^[0-9a-f]{40}$"
ARXIV = r"^\d{4}\.\d{4,5}$"

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER, max_length=80)]
Language = Annotated[str, StringConstraints(pattern=LANGUAGE)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]
Revision = Annotated[str, StringConstraints(pattern=REVISION)]
ArxivId = Annotated[str, StringConstraints(pattern=ARXIV)]


def _inside(path: str) -> str:
    """Refuse a path that could leave the folder that it is relative to."""
    parts = path.split("/")
    if not path or path != path.strip() or "\\" in path or "\x00" in path or ":" in parts[0]:
        raise ValueError("a relative path with forward slashes")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("a path that stays inside its folder")
    return path


# A file inside a repository or mirror: relative, forward slashes, never upwards.
RelativePath = Annotated[str, StringConstraints(max_length=300), AfterValidator(_inside)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Kind = Literal["gain", "direction", "no_better", "ordering", "aggregate"]
Rung = Literal[
    "INVALID", "QUANTITATIVE", "SUBSTANTIAL", "CONTRADICTED", "DIRECTION", "INCONCLUSIVE"
]
# score: a task's own figure in XTREME: (EM + F1) / 2 of question answering, else its one metric.
Metric = Literal["em", "f1", "accuracy", "score"]
Family = Literal[
    "extractive_qa", "classification", "multiple_choice", "tagging", "retrieval", "masked_lm"
]
# What a finding about data does: makes the claim INVALID, warns in the report, is only told.
Severity = Literal["error", "warning", "info"]
Precision = Literal["bf16", "fp32"]
MAX_LOOKS = 3
"""The first look at a result and two more: seeds may be added twice."""


class Model(BaseModel):
    """Frozen, keyword-only, nothing unknown, no NaN."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
