"""The training loop of every fine-tuning: batches, a loss, hyper-parameters; no task."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from harness.errors import StageError
from harness.models import Optimiser, Warmup
from harness.training.batching import Batch

_ENTRIES = 60  # of the loss curve, at most
_LOOK = 10  # steps between two looks at the losses: each makes the host wait for the device


class Progress(Protocol):
    """What the loop needs of `stages.contract.Progress`, which lies above this module."""

    def start(self, total: int, unit: str) -> None:
        """There are `total` units of work."""

    def advance(self, done: int, **figures: float) -> None:
        """`done` more are finished."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training did."""

    steps: int
    tokens: int
    """Tokens seen, padding not counted."""
    loss: tuple[tuple[int, float], ...]
    """(step, mean loss since the last entry), at most 60 entries."""
    decay: float
    """Product over the steps of 1 - learning rate * weight decay."""


@dataclass
class _Losses:
    """Losses by step, fetched from the device now and then."""

    steps: int
    pending: list[Tensor] = field(default_factory=list)
    unreported: list[float] = field(default_factory=list)
    seen: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)

    def add(self, loss: Tensor) -> float | None:
        """Keep a step's loss; returns the newest one when it was fetched."""
        self.pending.append(loss)
        step = self.seen + len(self.pending)
        every = math.ceil(self.steps / _ENTRIES)
        due = step % every == 0 or step == self.steps
        if not due and len(self.pending) < _LOOK:
            return None
        self._fetch()
        if due:
            self.curve.append((step, sum(self.unreported) / len(self.unreported)))
            self.unreported.clear()
            return self.curve[-1][1]
        return self.unreported[-1]

    def _fetch(self) -> None:
        for value in torch.stack(self.pending).tolist():
            self.seen += 1
            if not math.isfinite(value):
                raise StageError(
                    where=f"training, step {self.seen} of {self.steps}",
                    got=f"a loss of {value}",
                    expected="a finite loss",
                    fix="Lower the learning rate, or set `precision: fp32` in the profile.",
                )
            self.unreported.append(value)
        self.pending.clear()


def warmup_steps(warmup: Warmup, steps: int) -> int:
    """Steps of the warm-up; a share is rounded up, as transformers does."""
    if warmup.steps is not None:
        return warmup.steps
    assert warmup.fraction is not None
    return math.ceil(warmup.fraction * steps)


def rate(step: int, warmup: int, steps: int) -> float:
    """Share of the learning rate at `step` (from 0): linear up from 0, then linear down to 0.

    transformers' `get_linear_schedule_with_warmup`; the first step of a warm-up has rate 0.
    """
    if step < warmup:
        return step / warmup
    return max(0.0, (steps - step) / max(1, steps - warmup))


def exempt(name: str, settings: Optimiser) -> bool:
    """Whether the parameter called `name` is not decayed."""
    return any(part in name for part in settings.decay_exempt)


def optimiser(module: nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """AdamW (decoupled weight decay, bias correction) in two groups: decayed and exempt."""
    groups: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    for name, parameter in module.named_parameters():
        groups[exempt(name, settings)].append(parameter)
    decayed = {"params": groups[False], "weight_decay": settings.weight_decay}
    plain = {"params": groups[True], "weight_decay": 0.0}
    return torch.optim.AdamW(
        [group for group in (decayed, plain) if group["params"]],
        lr=settings.learning_rate,
        eps=settings.adam_epsilon,
        fused=True,
    )


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[None]:
    """bf16 products with fp32 weights where `precision` is "bf16", else nothing."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def train(
    module: nn.Module,
    batches: Iterable[Sequence[Batch]],
    loss: Callable[[Batch], Tensor],
    settings: Optimiser,
    *,
    steps: int,
    precision: str,
    progress: Progress,
) -> Trained:
    """Train `module` in place.

    Args:
        module: all its parameters are trained; their device is used.
        batches: for each optimiser step, its micro-batches.
        loss: mean loss over a micro-batch's units, a scalar.
        settings: hyper-parameters.
        steps: how many steps `batches` holds; the schedule ends there.
        precision: "bf16" (autocast, fp32 weights) or "fp32".
        progress: told about each step.

    Raises:
        StageError: a loss isn't finite.
    """
    parameters = list(module.parameters())
    device = parameters[0].device
    adam, warmup = optimiser(module, settings), warmup_steps(settings.warmup, steps)
    losses, tokens, decay, timer = _Losses(steps), 0, 1.0, _Timer()
    module.train()
    progress.start(steps, "steps")
    for step, parts in enumerate(batches):
        learning_rate = settings.learning_rate * rate(step, warmup, steps)
        for group in adam.param_groups:
            group["lr"] = learning_rate
        value = _backward(parts, loss, device, precision)
        torch.nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
        adam.step()
        adam.zero_grad(set_to_none=True)
        decay *= 1.0 - learning_rate * settings.weight_decay
        tokens += sum(len(part.ids) for part in parts)
        _report(progress, losses.add(value), timer, tokens)
    return Trained(steps=losses.seen, tokens=tokens, loss=tuple(losses.curve), decay=decay)


def _backward(
    parts: Sequence[Batch],
    loss: Callable[[Batch], Tensor],
    device: torch.device,
    precision: str,
) -> Tensor:
    """Add up the gradients of a step's mean loss; returns that loss, still on the device."""
    whole = sum(part.units for part in parts)
    total = torch.zeros((), device=device)
    for part in parts:
        with autocast(device, precision):
            value = loss(part) * (part.units / whole)
        value.backward()  # type: ignore[no-untyped-call]
        total = total + value.detach()
    return total


@dataclass
class _Timer:
    """Tokens per second since the last look."""

    since: float = field(default_factory=time.monotonic)
    tokens: int = 0

    def rate(self, tokens: int) -> float:
        now = time.monotonic()
        speed = (tokens - self.tokens) / max(now - self.since, 1e-9)
        self.since, self.tokens = now, tokens
        return speed


def _report(progress: Progress, value: float | None, timer: _Timer, tokens: int) -> None:
    if value is None:
        progress.advance(1)
    else:
        progress.advance(1, loss=value, tokens_per_second=timer.rate(tokens))
