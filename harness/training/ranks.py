"""The processes that share a training, each on a device of its own; mostly there is but one.

accelerate is imported only where there are several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Who this process is among those that train together."""

    number: int = 0
    """From 0; the first reports and writes."""
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this process reports and writes."""
        return self.number == 0

    def own(self, parts: Sequence[_T]) -> Iterator[tuple[int, _T]]:
        """Every `count`-th of a step's parts with its place among all of them; perhaps none."""
        for place in range(self.number, len(parts), self.count):
            yield place, parts[place]

    def total(self, values: Sequence[Tensor], parameters: Sequence[nn.Parameter]) -> Tensor:
        """Sum of `values` over all processes; each parameter's gradient becomes such a sum.

        A parameter that has a gradient nowhere keeps none: the optimiser leaves it alone.
        """
        if self.count == 1:
            return torch.stack(list(values)).sum()
        from accelerate.utils import reduce

        device = parameters[0].device
        value = torch.stack([one.float() for one in values]).sum() if values else torch.zeros(())
        there = [float(one.grad is not None) for one in parameters]
        own = torch.cat([value.to(device)[None], torch.tensor(there, device=device)])
        facts: Tensor = reduce(own, reduction="sum")
        for parameter, holders in zip(parameters, facts[1:].tolist(), strict=True):
            if holders:
                grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                parameter.grad = reduce(grad, reduction="sum")
        return facts[0]


def join(number: int, count: int, *, cpu: bool) -> None:
    """Meet the other processes, at the address that torch's environment variables name."""
    from accelerate import PartialState

    found = PartialState(cpu=cpu)
    assert (found.process_index, found.num_processes) == (number, count)
