"""Where random numbers come from: a purpose -> a generator, and torch's settings for equal bits.

Two systems that a claim compares share data order, head initialisation and dropout because they
name the same purpose ("order", "head", "dropout") and seed index.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch

from harness.canonical import digest


def generator(*purpose: Any) -> np.random.Generator:
    """The generator of a purpose, e.g. `generator("order", seed, epoch)`.

    Args:
        purpose: plain JSON values; their canonical JSON is hashed into the 256 bits of entropy.
            Different purposes give independent streams, equal ones the same stream.

    SFC64 because dropout draws hundreds of millions of words a step and it is the fastest of
    numpy's bit generators that pass the usual test batteries.
    """
    entropy = int(digest(list(purpose)), 16)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy)))


def torch_seed(*purpose: Any) -> int:
    """A 63-bit seed for torch's own generator, used only where a GPU draws its dropout."""
    return int(generator(*purpose).integers(0, 2**63))


def deterministic(threads: int, device: torch.device) -> None:
    """Make torch give equal bits for equal inputs on this machine.

    Args:
        threads: CPU threads; sums are split among them, so their number changes bits.
        device: a GPU also needs a fixed cuBLAS work space, set before its first use. One with a
            number becomes the present one: streams, graphs and generators are of that.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if device.index is not None:
            torch.cuda.set_device(device)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory with NaN only helps to find operations that read it before they write;
    # it costs a sixth of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
