"""float32, or bf16 products with float32 master weights.

Autocast alone leaves what runs between the products in float32 and casts weights and activations
at every use: on a CPU with bf16 instructions that costs as much as the products. There, weights
are cast once a step, and what a layer hands on is bf16 too; layer norms, softmax and the heads
still compute in float32 inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from harness.training.model import TokenModel


class Precision:
    """How a module's products are computed. Its parameters stay float32 for everybody else."""

    def __init__(self, module: nn.Module, precision: str) -> None:
        """`precision` is "bf16" or "fp32"; `module` is a `TokenModel` or holds some."""
        self._bf16 = precision == "bf16"
        self._device = next(module.parameters()).device.type
        self._narrow = [
            _Narrow(one.encoder)
            for one in module.modules()
            if self._bf16 and self._device == "cpu" and isinstance(one, TokenModel)
        ]

    def forward(self) -> AbstractContextManager[None]:
        """Around a forward pass; inside `weights`."""
        if self._bf16:
            return torch.autocast(self._device, dtype=torch.bfloat16)
        return nullcontext()

    @contextmanager
    def weights(self) -> Iterator[None]:
        """Around forward and backward passes that no change of the weights interrupts."""
        for one in self._narrow:
            one.put()
        try:
            yield
        finally:
            for one in self._narrow:
                one.take_away()

    def collect(self) -> None:
        """After a backward pass: add its gradients to those of the float32 parameters."""
        for one in self._narrow:
            one.collect()


class _Narrow:
    """bf16 copies of the weights of an encoder's linear layers."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._places = [
            (module, name)
            for module in encoder.modules()
            if isinstance(module, nn.Linear)
            for name, _ in module.named_parameters(recurse=False)
        ]
        self._masters = [getattr(module, name) for module, name in self._places]
        self._copies = [
            nn.Parameter(torch.empty_like(one, dtype=torch.bfloat16)) for one in self._masters
        ]
        self._hook: Any = None

    def put(self) -> None:
        """The copies into the layers, from the masters as they are now."""
        with torch.no_grad():
            for master, copy in zip(self._masters, self._copies, strict=True):
                copy.copy_(master)
        self._replace(self._copies)
        self._hook = self._encoder.embeddings.register_forward_hook(_narrowed)

    def take_away(self) -> None:
        """The masters back into the layers."""
        self._replace(self._masters)
        self._hook.remove()

    def collect(self) -> None:
        """Add the copies' gradients to their masters'."""
        for master, copy in zip(self._masters, self._copies, strict=True):
            if copy.grad is not None:
                wide = copy.grad.to(master.dtype)
                master.grad = wide if master.grad is None else master.grad.add_(wide)
                copy.grad = None

    def _replace(self, parameters: list[Any]) -> None:
        for (module, name), value in zip(self._places, parameters, strict=True):
            module._parameters[name] = value


def _narrowed(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:  # noqa: ARG001
    return output.to(torch.bfloat16)
