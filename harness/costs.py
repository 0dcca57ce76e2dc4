"""What a stage will take: tokens, floating-point operations, bytes; estimates, never in a key.

Training of a Transformer encoder takes about three times the operations of a forward pass, which
takes two a weight and token (Kaplan et al. 2020, arXiv 2001.08361, section 2.1) plus attention's
4 * layers * window length * hidden size a token. Word embeddings are look-ups and cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.bindings import Binding
from harness.models import EncoderPin, ExtractiveQa

_FLOAT = 4
# Bytes that a row of text takes as it is stored, and a prediction.
_ROW_BYTES, _PREDICTION_BYTES = 1500, 250
# Share of the vocabulary's rows that a training set of some thousand questions touches.
_TOUCHED = 0.08


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate; zero where a stage has none of it."""

    tokens: int = 0
    training_flops: float = 0.0
    inference_flops: float = 0.0
    disk_bytes: int = 0

    def seconds(self, speed: Mapping[str, float]) -> float:
        """Time at `speed`: {"training": FLOP/s, "inference": FLOP/s}."""
        return self.training_flops / speed["training"] + self.inference_flops / speed["inference"]


def encoder_cost(pin: EncoderPin) -> Cost:
    """All weights, in fp32."""
    return Cost(disk_bytes=pin.parameters * _FLOAT)


def rows_cost(data: Binding) -> Cost:
    """The rows as they are stored."""
    return Cost(disk_bytes=data.rows() * _ROW_BYTES)


def training_cost(pin: EncoderPin, data: Binding, settings: ExtractiveQa) -> Cost:
    """One fine-tuning."""
    tokens = int(data.rows() * data.pin.tokens_per_row * settings.epochs)
    touched = int(pin.vocabulary * _TOUCHED) * pin.hidden_size
    return Cost(
        tokens=tokens,
        training_flops=3 * _forward(pin, tokens, _length(data, settings)),
        disk_bytes=(_body(pin) + touched) * _FLOAT,
    )


def prediction_cost(pin: EncoderPin, data: Binding, settings: ExtractiveQa) -> Cost:
    """One pass over the evaluation data."""
    tokens = int(data.rows() * data.pin.tokens_per_row)
    return Cost(
        tokens=tokens,
        inference_flops=_forward(pin, tokens, _length(data, settings)),
        disk_bytes=data.rows() * _PREDICTION_BYTES,
    )


def _length(data: Binding, settings: ExtractiveQa) -> float:
    return min(data.pin.tokens_per_row, float(settings.max_length))


def _body(pin: EncoderPin) -> int:
    return pin.parameters - pin.vocabulary * pin.hidden_size


def _forward(pin: EncoderPin, tokens: int, length: float) -> float:
    return tokens * (2.0 * _body(pin) + 4.0 * pin.layers * pin.hidden_size * length)
