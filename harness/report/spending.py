"""What the claim took, as far as that is the same on every machine: steps, tokens, operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.records import Comparison
from harness.report.tables import Column, Row, Table, figure, table, text
from harness.report.words import number

_CAPTION = (
    "Each stage counted once, however many systems or targets share it. Tokens: real ones, "
    "padding not counted. Operations: estimated from tokens and the encoder’s size, not measured. "
    "Seconds, memory and machine stand on the provenance page."
)
_COLUMNS = (
    Column(label="Phase"),
    *(Column(label=name, numeric=True) for name in ("Stages", "Steps", "Tokens", "Operations")),
)
_PHASES = {"intermediate": "Intermediate training", "finetune": "Fine-tuning"}
_SCALES = ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"))


@dataclass(frozen=True)
class _Spent:
    phase: str
    artifact: str
    steps: int
    tokens: int
    flops: float


def cost_table(comparison: Comparison) -> Table | None:
    """Stages, steps, tokens and operations by phase; None where none is recorded."""
    found = {one.artifact: one for one in _spent(comparison)}
    if not found:
        return None
    phases = dict.fromkeys(one.phase for one in found.values())
    rows = [_row(phase, [one for one in found.values() if one.phase == phase]) for phase in phases]
    rows.append(_row("All", list(found.values()), strong=True))
    return table(_CAPTION, _COLUMNS, rows)


def cost_words(comparison: Comparison) -> str:
    """E.g. "12 trainings, 1,234,000 tokens, 4.1 PFLOP"; empty where nothing is recorded."""
    found = {one.artifact: one for one in _spent(comparison)}.values()
    tokens, flops = sum(one.tokens for one in found), sum(one.flops for one in found)
    return f"{tokens:,} tokens, about {operations(flops)}" if tokens and flops else ""


def operations(flops: float) -> str:
    """Floating-point operations in a unit that fits, e.g. "4.1 PFLOP"; nothing where unknown."""
    for scale, unit in _SCALES:
        if flops >= scale:
            return f"{number(flops / scale, 1)}\N{NO-BREAK SPACE}{unit}"
    return f"{flops:,.0f}\N{NO-BREAK SPACE}FLOP" if flops else ""


def _spent(comparison: Comparison) -> Iterable[_Spent]:
    for run in comparison.training:
        yield _Spent(_PHASES[run.phase], run.artifact, run.steps, run.tokens, run.flops)
    for one in comparison.predictions:
        yield _Spent("Prediction", one.artifact, 0, one.tokens, one.flops)


def _row(phase: str, found: Sequence[_Spent], *, strong: bool = False) -> Row:
    steps, tokens = sum(one.steps for one in found), sum(one.tokens for one in found)
    cells = (
        text(phase),
        figure(f"{len(found):,}"),
        figure(f"{steps:,}" if steps else ""),
        figure(f"{tokens:,}"),
        figure(operations(sum(one.flops for one in found))),
    )
    return Row(cells=cells, strong=strong)
