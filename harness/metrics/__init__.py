"""The scorers: one explicit table, each imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from harness.errors import UsageError
from harness.models import Metric

if TYPE_CHECKING:
    from harness.metrics.answers import LanguageScore

# (id -> gold answers, id -> predicted text, language) -> the scores of that language.
ScoreFunction = Callable[[Mapping[str, Sequence[str]], Mapping[str, str], str], "LanguageScore"]
# (gold, predictions, name of the set in errors) -> metric -> points. What the two hold follows
# from what the scorer reads: labels, sentences of tags, or pairs of ids.
AlignedFunction = Callable[[Sequence[Any], Sequence[Any], str], dict[str, float]]
# The same of labels or tags -> the points of each item, whose mean is the score.
ItemsFunction = Callable[[Sequence[Any], Sequence[Any], str], Sequence[float]]
Reads = Literal["answers", "labels", "tags", "pairs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """An official metric."""

    function: str
    """"module:function", imported on use."""
    version: int
    """Raise it when any score changes: it travels with every number."""
    reads: Reads = "answers"
    """The form of gold and predictions; "answers" is a ScoreFunction, all else Aligned."""
    metric: Metric | None = None
    """The one metric of labels, tags or pairs; of answers there are two, em and f1."""
    items: str | None = None
    """"module:function" of an ItemsFunction, for labels and tags."""


SCORERS: dict[str, Scorer] = {
    "squad_v1": Scorer(function="harness.metrics.squad:score", version=1),
    "squad_v2": Scorer(function="harness.metrics.squad_v2:score", version=1),
    "mlqa": Scorer(function="harness.metrics.mlqa:score", version=1),
    "accuracy": Scorer(
        function="harness.metrics.accuracy:score",
        version=1,
        reads="labels",
        metric="accuracy",
        items="harness.metrics.accuracy:items",
    ),
    "seqeval": Scorer(
        function="harness.metrics.tagging:score",
        version=1,
        reads="tags",
        metric="f1",
        items="harness.metrics.tagging:items",
    ),
    "token_accuracy": Scorer(
        function="harness.metrics.words:score",
        version=1,
        reads="tags",
        metric="accuracy",
        items="harness.metrics.words:items",
    ),
    "bucc_f1": Scorer(
        function="harness.metrics.bitext:score", version=1, reads="pairs", metric="f1"
    ),
}


def signature(name: str) -> str:
    """Scorer and version as they stand beside a number, e.g. "squad_v1/1".

    Raises:
        UsageError: there is no scorer of that name.
    """
    return f"{name}/{known_scorer(name).version}"


def load_scorer(name: str) -> ScoreFunction:
    """The function of a scorer of answers.

    Raises:
        UsageError: there is no such scorer of answers.
    """
    if known_scorer(name).reads != "answers":
        raise _unfit(name, "answers to questions")
    return cast(ScoreFunction, _load(SCORERS[name].function))


def load_aligned_scorer(name: str) -> AlignedFunction:
    """The function of a scorer of labels, tags or pairs.

    Raises:
        UsageError: there is no such scorer of labels, tags or pairs.
    """
    if known_scorer(name).reads == "answers":
        raise _unfit(name, "labels, tags or pairs")
    return cast(AlignedFunction, _load(SCORERS[name].function))


def load_items(name: str) -> ItemsFunction:
    """The function that gives the points of each item, of a scorer of labels or tags.

    Raises:
        UsageError: there is no such scorer of labels or tags.
    """
    items = known_scorer(name).items
    if items is None:
        raise _unfit(name, "labels or tags")
    return cast(ItemsFunction, _load(items))


def known_scorer(name: str) -> Scorer:
    """The scorer's row of the table.

    Raises:
        UsageError: there is no scorer of that name.
    """
    if name not in SCORERS:
        raise UsageError(
            where="scorer",
            got=f"`{name}`",
            expected=f"one of {', '.join(SCORERS)}",
            fix="Correct the task's `scorer`.",
        )
    return SCORERS[name]


def _load(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _unfit(name: str, what: str) -> UsageError:
    return UsageError(
        where="scorer",
        got=f"`{name}`, which scores {SCORERS[name].reads}",
        expected=f"a scorer of {what}",
        fix="Correct the task's `scorer`.",
    )
