"""What a person sees while a run goes on: bars on a terminal, a line for each stage in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.progress import TimeRemainingColumn as TimeLeft
from rich.table import Column

from harness.graph import PlannedStage
from harness.stages.contract import Silent

# Narrower terminals get neither the bars themselves nor the systems' names.
_WIDE = 100
_BAR, _FIGURES, _TIME = 14, 40, 17
# Steps take seconds: the time left is estimated from the last minutes.
_MEMORY = 180.0


class _Bar:
    """The bar of a stage that runs; moves the bar of the whole by the stage's share."""

    def __init__(self, bars: Progress, task: TaskID, whole: TaskID, share: float) -> None:
        self._bars, self._task, self._whole, self._share = bars, task, whole, share
        self._unit, self._done, self._total = "", 0, 0
        self._moved = 0.0

    def start(self, total: int, unit: str) -> None:
        """Set the bar's length; 0 where it isn't known."""
        self._unit, self._done, self._total = unit, 0, total
        self._bars.reset(self._task, total=total or None, figures=self._count())

    def advance(self, done: int, **figures: float) -> None:
        """Move the bar and show the newest figures."""
        self._done += done
        shown = [self._count()]
        if "loss" in figures:
            shown.append(f"loss {figures['loss']:.3f}")
        if "tokens_per_second" in figures:
            shown.append(f"{figures['tokens_per_second']:,.0f} tokens/s")
        self._bars.update(self._task, advance=done, figures="  ".join(shown))
        if self._total:
            self._move(self._share * done / self._total)

    def end(self) -> None:
        """Take the bar away; the whole has moved by the stage's share."""
        self._bars.remove_task(self._task)
        self._move(self._share - self._moved)

    def _move(self, share: float) -> None:
        self._moved += share
        self._bars.update(self._whole, advance=share)

    def _count(self) -> str:
        if not self._total:
            return self._unit
        if self._unit == "bytes":
            return f"{self._done / 1e6:,.1f}/{self._total / 1e6:,.1f} MB"
        return f"{self._done:,}/{self._total:,} {self._unit}"


class Watcher:
    """Observes a run; `bars` is None where stderr is not a terminal."""

    def __init__(self, console: Console, bars: Progress | None, *, lines: bool = False) -> None:
        """Show on `bars`; one line at the start goes to `console`.

        Without bars, and where `lines` are asked for, each stage that ran is told of at its end.
        """
        self._console, self._bars, self._lines = console, bars, lines
        self._began: dict[int, tuple[str, float]] = {}
        self._unit = ""
        self._shares: list[float] = []
        self._whole = TaskID(0)
        self._running: dict[int, _Bar] = {}
        self._ended = 0

    def begin(self, todo: Sequence[PlannedStage], cached: int) -> None:
        """Say how much there is to do."""
        line = f"{len(todo)} stages to run, {cached} already in the store"
        self._begin(_shares(todo), "stages", line)

    def fetch(self, todo: int) -> None:
        """Say how much there is to look at on the Hub or in the mirror."""
        line = f"{todo} data sets and encoders for the mirror"
        self._begin([1.0] * todo, "downloads", line)

    def _begin(self, shares: list[float], unit: str, line: str) -> None:
        self._shares, self._unit = shares, unit
        if self._bars is not None and shares:
            self._console.print(line)
            # With its figures: the bars are drawn from another thread too, at any time.
            self._whole = self._bars.add_task(
                f"all {unit}", total=sum(shares), figures=self._counted()
            )

    def stage(self, planned: PlannedStage, number: int) -> Silent | _Bar:
        """Show the stage that starts, on a bar of its own."""
        if self._bars is None or not self._shares:
            self._began[number] = f"{planned.stage} {planned.label}", time.monotonic()
            return Silent()
        title = f"{number}/{len(self._shares)} {planned.stage}"
        if self._console.width >= _WIDE:
            title += f": {planned.label}"
        task = self._bars.add_task(title, total=None, figures="")
        bar = _Bar(self._bars, task, self._whole, self._shares[number - 1])
        self._running[number] = bar
        return bar

    def ended(self, number: int) -> None:
        """Take the bar of a stage away; one that never started counts as done."""
        if self._bars is None or not self._shares:
            if self._lines and number in self._began:
                self._tell(number)
            return
        if number in self._running:
            self._running.pop(number).end()
        else:
            self._bars.update(self._whole, advance=self._shares[number - 1])
        self._ended += 1
        self._bars.update(self._whole, figures=self._counted())

    def _tell(self, number: int) -> None:
        """Say that a stage has ended, after how long; a log keeps it when the run is killed."""
        name, began = self._began.pop(number)
        took = time.monotonic() - began
        # Whoever reads the log may be gone: the run goes on.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{number}/{len(self._shares)} {name.strip()}: {took:,.0f} s\n")
            sys.stderr.flush()

    def _counted(self) -> str:
        return f"{self._ended:,}/{len(self._shares):,} {self._unit}"


@contextlib.contextmanager
def watching(quiet: bool) -> Iterator[Watcher]:
    """A watcher on stderr; without bars where that is not a terminal, silent when asked."""
    console = Console(stderr=True)
    # Not console.is_terminal: FORCE_COLOR, which many CI systems set, makes that true in a log.
    if quiet or not sys.stderr.isatty():
        yield Watcher(console, None, lines=not quiet)
        return
    columns = _columns(console.width)
    with Progress(*columns, console=console, transient=True, speed_estimate_period=_MEMORY) as bars:
        yield Watcher(console, bars)


def _shares(todo: Sequence[PlannedStage]) -> list[float]:
    """Each stage's share of the work: its operations; 1 each where none computes much."""
    work = [one.cost.training_flops + one.cost.inference_flops for one in todo]
    return work if sum(work) else [1.0] * len(todo)


def _columns(width: int) -> list[ProgressColumn]:
    """Title, bar, figures, time left; no line is longer than the terminal is wide."""
    wide = width >= _WIDE
    room = width - _BAR - _FIGURES - _TIME if wide else 17
    title = Column(no_wrap=True, overflow="ellipsis", max_width=room)
    figures = Column(no_wrap=True, overflow="ellipsis")
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False, table_column=title),
        TextColumn("{task.fields[figures]}", markup=False, table_column=figures),
        TimeLeft(compact=not wide),
    ]
    if wide:
        columns.insert(1, BarColumn(bar_width=_BAR))
        columns.append(TextColumn("left"))
    return columns
