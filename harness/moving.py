"""Tensors to a device, without a wait."""

from __future__ import annotations

import torch
from torch import Tensor


def move(values: Tensor, device: torch.device) -> Tensor:
    """`values` on `device`; the host goes on while a GPU fetches them from page-locked memory."""
    if device.type == "cpu":
        return values
    return values.pin_memory().to(device, non_blocking=True)
