"""What a task family is: one module each, with the functions of `FamilyModule`.

A family turns examples into token sequences (`build`), says what a head must give for them
(`HEAD`, `outputs`), how far that is from the truth (`loss`), and what a system answers (`decode`).
Training knows sequences and losses and no family.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from harness.models import Family

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer
    from torch import Tensor

# token: a linear layer on every token; first: dense, tanh and a linear layer on the first token
# of each sequence (transformers' heads for RoBERTa).
Head = Literal["token", "first"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """Token sequences, one after the other, in units that a batch never divides."""

    ids: np.ndarray
    """Token ids of all sequences, (tokens,) int32."""
    bounds: np.ndarray
    """Sequence i is ids[bounds[i]:bounds[i + 1]]; (sequences + 1,) int64."""
    units: np.ndarray
    """Unit u is the sequences units[u] to units[u + 1] - 1; (units + 1,) int64. A window, a
    sentence or a pair of texts is a unit, and so are all choices of a question."""


class FamilyModule(Protocol):
    """The functions of a module in `harness/tasks/` whose tasks are trained and predicted.

    `settings` are the family's of the protocol, as plain JSON values; `labels` the task's.
    """

    HEAD: Head

    def outputs(self, labels: Sequence[str]) -> int:
        """Width of the head's output."""

    def build(
        self,
        examples: Sequence[Any],
        tokenizer: Tokenizer,
        settings: Mapping[str, Any],
        labels: Sequence[str],
        *,
        training: bool,
    ) -> Features:
        """The examples' sequences, with whatever `loss` and `decode` need beside them.

        Raises:
            DataError: an example that can't be read as one of the family, or a label outside
                `labels`.
        """

    def loss(self, logits: Tensor, features: Any, index: np.ndarray) -> Tensor:
        """Mean loss over the units of a batch, a scalar.

        Args:
            logits: (tokens, outputs) of a token head, (sequences, outputs) of a first head, for
                the sequences `index` one after the other.
            features: from `build` with training=True.
            index: the batch's sequences, (sequences,); those of a unit stand together.
        """

    def decode(
        self,
        logits: np.ndarray,
        features: Any,
        examples: Sequence[Any],
        settings: Mapping[str, Any],
        labels: Sequence[str],
    ) -> list[Any]:
        """A prediction for each example, in order; `logits` as for `loss`, of all sequences."""


FAMILIES: dict[Family, str] = {
    "extractive_qa": "harness.tasks.extractive_qa",
    "classification": "harness.tasks.classification",
    "multiple_choice": "harness.tasks.multiple_choice",
    "tagging": "harness.tasks.tagging",
}


def family_module(family: Family) -> FamilyModule:
    """The module of a family whose tasks are trained with a head."""
    return cast(FamilyModule, importlib.import_module(FAMILIES[family]))
