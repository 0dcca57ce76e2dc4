"""What a stage will take: tokens, floating-point operations, bytes; estimates, never in a key.

Floating-point operations as in EncoderPin.forward_flops; training takes three forward passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.bindings import Binding
from harness.models import EncoderPin, MaskedLm, Model, MultiTask, Training

_FLOAT = 4
# Bytes that a row of text takes as it is stored, and a prediction.
_ROW_BYTES, _PREDICTION_BYTES = 1500, 250
# Bytes of a compressed Parquet file for a token of its text. Measured: TyDi QA 2.2, UD English 2.3,
# Tatoeba German 2.0; less where contexts repeat (XQuAD 0.6).
_DOWNLOAD_BYTES = 2.2
# Share of the vocabulary's rows that a training set of some thousand questions touches.
_TOUCHED = 0.08


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate; zero where a stage has none of it."""

    tokens: int = 0
    training_flops: float = 0.0
    inference_flops: float = 0.0
    disk_bytes: int = 0
    download_bytes: int = 0
    """That `harness fetch` takes from a hub."""

    def seconds(self, speed: Mapping[str, float]) -> float:
        """Time at `speed`: {"training": FLOP/s, "inference": FLOP/s}."""
        return self.training_flops / speed["training"] + self.inference_flops / speed["inference"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A task of a training: its data and the settings that it has on its own."""

    data: Sequence[Binding]
    settings: Training

    def rows(self) -> int:
        """Rows of all its data."""
        return sum(one.rows() for one in self.data)

    def steps(self) -> int:
        """Optimiser steps of the task on its own, a row counted as one sequence."""
        return self.settings.epochs * -(-self.rows() // self.settings.batch_size)

    def tokens(self) -> int:
        """Tokens of all its epochs."""
        once = sum(one.rows() * one.pin.tokens_per_row for one in self.data)
        return int(once * self.settings.epochs)

    def length(self) -> float:
        """Mean tokens of a sequence, at most."""
        return max(_length(one, self.settings) for one in self.data)


@dataclass(frozen=True, kw_only=True)
class Text:
    """The masked LM of a training."""

    settings: MaskedLm
    share: float


def encoder_cost(pin: EncoderPin) -> Cost:
    """All weights, in fp32."""
    size = pin.parameters * _FLOAT
    return Cost(disk_bytes=size, download_bytes=size if pin.kind == "hub" else 0)


def rows_cost(data: Binding) -> Cost:
    """The rows as they are stored."""
    hub = data.pin.kind == "hub"
    download = int(data.file_rows() * data.pin.tokens_per_row * _DOWNLOAD_BYTES) if hub else 0
    return Cost(disk_bytes=data.rows() * _ROW_BYTES, download_bytes=download)


def training_cost(
    pin: EncoderPin,
    parts: Sequence[Part],
    multi_task: MultiTask | None = None,
    text: Text | None = None,
) -> Cost:
    """One training on one task or several, with masked LM or without."""
    own = sum(part.steps() for part in parts)
    most = multi_task.most_steps if multi_task else None
    share = min(1.0, most / own) if most and own else 1.0
    tokens = int(share * sum(part.tokens() for part in parts))
    flops = share * sum(3 * pin.forward_flops(part.tokens(), part.length()) for part in parts)
    rows = int(pin.vocabulary * _TOUCHED)
    if text:
        steps = share * own * text.share / (1 - text.share)
        more = int(steps * text.settings.batch_size * text.settings.max_length)
        tokens, rows = tokens + more, pin.vocabulary
        masked = more * text.settings.mask_share
        flops += 3 * pin.forward_flops(more, float(text.settings.max_length))
        flops += 3 * pin.vocabulary_flops(masked)
    return Cost(
        tokens=tokens,
        training_flops=flops,
        disk_bytes=(pin.body + rows * pin.hidden_size) * _FLOAT,
    )


def prediction_cost(pin: EncoderPin, data: Binding, settings: Model) -> Cost:
    """One pass over the evaluation data."""
    tokens = int(data.rows() * data.pin.tokens_per_row)
    return Cost(
        tokens=tokens,
        inference_flops=pin.forward_flops(tokens, _length(data, settings)),
        disk_bytes=data.rows() * _PREDICTION_BYTES,
    )


def _length(data: Binding, settings: Model) -> float:
    most: float = getattr(settings, "max_length", data.pin.tokens_per_row)
    return min(data.pin.tokens_per_row, most)
