"""The training loop of every fine-tuning: batches, a loss, hyper-parameters; no task."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from harness.errors import StageError
from harness.models import Optimiser, Warmup
from harness.training.batching import Batch, Course
from harness.training.checkpoint import Checkpoints, Saved
from harness.training.precision import Precision
from harness.training.ranks import Ranks
from harness.training.state import capture, restore

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
        self.fetch()
        if due:
            self.curve.append((step, sum(self.unreported) / len(self.unreported)))
            self.unreported.clear()
            return self.curve[-1][1]
        return self.unreported[-1]

    def fetch(self) -> None:
        """Wait for the device and take over its losses; StageError where one isn't finite."""
        if not self.pending:
            return
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


@dataclass(kw_only=True)
class _State:
    """All that changes from step to step; what a checkpoint holds."""

    module: nn.Module
    adam: torch.optim.AdamW
    losses: _Losses
    tokens: int = 0
    decay: float = 1.0

    def save(self, checkpoints: Checkpoints, step: int) -> None:
        """Write a checkpoint after `step` steps."""
        self.losses.fetch()
        facts = {
            "tokens": self.tokens,
            "decay": self.decay,
            "curve": self.losses.curve,
            "unreported": self.losses.unreported,
        }
        checkpoints.write(step, capture(self.module, self.adam), facts)

    def go_on_from(self, saved: Saved) -> None:
        """Be what `save` wrote."""
        facts: dict[str, Any] = saved.facts
        restore(self.module, self.adam, saved.tensors)
        self.tokens, self.decay = facts["tokens"], facts["decay"]
        self.losses.seen, self.losses.unreported = saved.number, facts["unreported"]
        self.losses.curve = [(step, value) for step, value in facts["curve"]]


def train(
    module: nn.Module,
    course: Course,
    loss: Callable[[Batch], Tensor],
    settings: Optimiser,
    *,
    precision: str,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train `module` in place; go on where a checkpoint is.

    Args:
        module: all its parameters are trained; their device is used.
        course: the optimiser steps; the schedule ends with them.
        loss: mean loss over a micro-batch's units, a scalar.
        settings: hyper-parameters.
        precision: "bf16" (autocast, fp32 weights) or "fp32".
        progress: told about each step.
        checkpoints: where and when to write them; an interrupted training that goes on from one
            ends with the bits of an uninterrupted one.

    Raises:
        StageError: a loss isn't finite.
    """
    parameters = list(module.parameters())
    warmup = warmup_steps(settings.warmup, course.steps)
    state = _State(module=module, adam=optimiser(module, settings), losses=_Losses(course.steps))
    module.train()
    progress.start(course.steps, "steps")
    saved = checkpoints.newest() if checkpoints else None
    if saved:
        state.go_on_from(saved)
        progress.advance(saved.number)
    timer, precise = _Timer(tokens=state.tokens), Precision(module, precision)
    for step, parts in enumerate(course.after(state.losses.seen), state.losses.seen):
        learning_rate = settings.learning_rate * rate(step, warmup, course.steps)
        for group in state.adam.param_groups:
            group["lr"] = learning_rate
        begin = partial(course.draws.at, step)
        values = _backward(parts, course.ranks, loss, precise, begin)
        value = course.ranks.total(values, parameters)
        torch.nn.utils.clip_grad_norm_(parameters, settings.clip_norm)
        state.adam.step()
        state.adam.zero_grad(set_to_none=True)
        state.decay *= 1.0 - learning_rate * settings.weight_decay
        state.tokens += sum(len(part.ids) for part in parts)
        _report(progress, state.losses.add(value), timer, state.tokens)
        if checkpoints and checkpoints.due(step + 1):
            state.save(checkpoints, step + 1)
    losses = state.losses
    return Trained(
        steps=losses.seen, tokens=state.tokens, loss=tuple(losses.curve), decay=state.decay
    )


def _backward(
    parts: Sequence[Batch],
    ranks: Ranks,
    loss: Callable[[Batch], Tensor],
    precise: Precision,
    begin: Callable[[int], None],
) -> list[Tensor]:
    """Add up the gradients of this process's part of a step's mean loss.

    Returns the shares of its micro-batches in that loss, still on the device.

    `begin` is told the number of each micro-batch before it.
    """
    whole = sum(part.units for part in parts)
    values = []
    with precise.weights():
        for number, part in ranks.own(parts):
            begin(number)
            with precise.forward():
                value = loss(part) * (part.units / whole)
            value.backward()  # type: ignore[no-untyped-call]
            precise.collect()
            values.append(value.detach())
    return values


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
