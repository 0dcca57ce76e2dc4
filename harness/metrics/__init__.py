"""The scorers: one explicit table, each imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.metrics.answers import LanguageScore

# (id -> gold answers, id -> predicted text, language) -> the scores of that language.
ScoreFunction = Callable[[Mapping[str, Sequence[str]], Mapping[str, str], str], "LanguageScore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A metric that turns answers into exact match and F1."""

    function: str
    """"module:function", imported on use."""
    version: int
    """Raise it when any score changes: it travels with every number."""


SCORERS: dict[str, Scorer] = {
    "squad_v1": Scorer(function="harness.metrics.squad:score", version=1),
    "mlqa": Scorer(function="harness.metrics.mlqa:score", version=1),
}


def signature(name: str) -> str:
    """Scorer and version as they stand beside a number, e.g. "squad_v1/1".

    Raises:
        UsageError: there is no scorer of that name.
    """
    return f"{name}/{_known(name).version}"


def load_scorer(name: str) -> ScoreFunction:
    """The function of a scorer.

    Raises:
        UsageError: there is no scorer of that name.
    """
    module, _, function = _known(name).function.partition(":")
    return cast(ScoreFunction, getattr(importlib.import_module(module), function))


def _known(name: str) -> Scorer:
    if name not in SCORERS:
        raise UsageError(
            where="scorer",
            got=f"`{name}`",
            expected=f"one of {', '.join(SCORERS)}",
            fix="Correct the task's `scorer`.",
        )
    return SCORERS[name]
