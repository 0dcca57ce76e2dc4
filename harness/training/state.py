"""All that a training has changed, as tensors and plain facts, and back.

Data order and masks aren't here: they are drawn anew for each epoch or step, so that the number of
steps that were done says where they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.training.dropout import FastDropout

_WEIGHT, _MOMENT, _RANDOM = "weight.", "optimiser.", "random."


def capture(module: nn.Module, adam: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights, the optimiser's state, and the state of torch's own random numbers."""
    tensors = {f"{_WEIGHT}{name}": value for name, value in module.state_dict().items()}
    for number, entry in adam.state_dict()["state"].items():
        tensors |= {f"{_MOMENT}{number}.{name}": value for name, value in entry.items()}
    tensors[f"{_RANDOM}cpu"] = torch.get_rng_state()
    device = next(module.parameters()).device
    if device.type == "cuda":
        tensors[f"{_RANDOM}cuda"] = torch.cuda.get_rng_state(device)
    return tensors


def restore(module: nn.Module, adam: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `capture` took."""
    module.load_state_dict(dict(_under(_WEIGHT, tensors)))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(_MOMENT, tensors):
        number, _, which = name.partition(".")
        state.setdefault(int(number), {})[which] = value
    adam.load_state_dict({"state": state, "param_groups": adam.state_dict()["param_groups"]})
    torch.set_rng_state(tensors[f"{_RANDOM}cpu"])
    device = next(module.parameters()).device
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors[f"{_RANDOM}cuda"], device)


def dropout_states(module: nn.Module) -> list[dict[str, Any]]:
    """The states of the generators that dropout draws from, as plain JSON."""
    return [_plain(one.bit_generator.state) for one in _generators(module)]


def set_dropout_states(module: nn.Module, states: list[dict[str, Any]]) -> None:
    """Put back what `dropout_states` took."""
    for one, state in zip(_generators(module), states, strict=True):
        one.bit_generator.state = state


def _generators(module: nn.Module) -> list[np.random.Generator]:
    """Each once, in the order of the modules."""
    found = [one.rng for one in module.modules() if isinstance(one, FastDropout)]
    return list({id(one): one for one in found}.values())


def _plain(value: Any) -> Any:
    """Arrays of integers as lists, numpy's integers as Python's."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, value in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value
