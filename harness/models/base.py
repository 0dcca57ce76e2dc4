"""What every manifest model shares: frozen, nothing unknown, and the types of its fields."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

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
