"""All that a training has changed, as tensors and plain facts, and back.

Nothing random is here: data order, masks and dropout are drawn anew for each epoch or step, so that
the number of steps that were done says where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

_WEIGHT, _MOMENT = "weight.", "optimiser."


def capture(module: nn.Module, adam: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights and the optimiser's state."""
    tensors = {f"{_WEIGHT}{name}": value for name, value in module.state_dict().items()}
    for number, entry in adam.state_dict()["state"].items():
        tensors |= {f"{_MOMENT}{number}.{name}": value for name, value in entry.items()}
    return tensors


def restore(module: nn.Module, adam: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `capture` took."""
    module.load_state_dict(dict(_under(_WEIGHT, tensors)))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(_MOMENT, tensors):
        number, _, which = name.partition(".")
        state.setdefault(int(number), {})[which] = value
    adam.load_state_dict({"state": state, "param_groups": adam.state_dict()["param_groups"]})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value
