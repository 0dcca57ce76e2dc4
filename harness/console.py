"""What a person sees while a run goes on: bars on a terminal, silence elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harness.graph import PlannedStage


class Silent:
    """Progress that nobody looks at."""

    def start(self, total: int, unit: str) -> None:
        """Nothing to show."""

    def advance(self, done: int, **figures: float) -> None:
        """Nothing to show."""


class _Bar:
    """The bar of the stage that runs now."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task, self._unit, self._scale = bars, task, "", 1.0

    def start(self, total: int, unit: str) -> None:
        """Set the bar's length."""
        self._unit, self._scale = unit, 1.0
        if unit == "bytes":
            self._unit, self._scale = f"of {total / 1e6:,.1f} MB", 1e-6
        self._bars.reset(self._task, total=total * self._scale, figures=self._unit)

    def advance(self, done: int, **figures: float) -> None:
        """Move the bar and show the newest figures."""
        shown = [self._unit]
        if "loss" in figures:
            shown.append(f"loss {figures['loss']:.3f}")
        if "tokens_per_second" in figures:
            shown.append(f"{figures['tokens_per_second']:,.0f} tokens/s")
        self._bars.update(self._task, advance=done * self._scale, figures="  ".join(shown))


class Watcher:
    """Observes a run; `bars` is None where stderr is not a terminal."""

    def __init__(self, console: Console, bars: Progress | None) -> None:
        """Show on `bars`; one line at the start goes to `console`."""
        self._console, self._bars = console, bars
        self._todo = 0
        self._whole: TaskID | None = None
        self._part: TaskID | None = None

    def begin(self, todo: int, cached: int) -> None:
        """Say how much there is to do."""
        self._begin(todo, "stages", f"{todo} stages to run, {cached} already in the store")

    def fetch(self, todo: int) -> None:
        """Say how much there is to look at on the Hub or in the mirror."""
        self._begin(todo, "downloads", f"{todo} data sets and encoders for the mirror")

    def _begin(self, todo: int, unit: str, line: str) -> None:
        self._todo = todo
        if self._bars is not None and todo:
            self._console.print(line)
            self._whole = self._bars.add_task(f"all {unit}", total=todo, figures=unit)
            self._part = self._bars.add_task("", total=None, figures="")

    def stage(self, planned: PlannedStage, number: int) -> Silent | _Bar:
        """Show the stage that starts."""
        if self._bars is None or self._whole is None or self._part is None:
            return Silent()
        self._bars.update(self._whole, completed=number - 1)
        title = f"{number}/{self._todo} {planned.stage}: {planned.label}"
        self._bars.reset(self._part, total=None, description=title, figures="")
        return _Bar(self._bars, self._part)


@contextlib.contextmanager
def watching(quiet: bool) -> Iterator[Watcher]:
    """A watcher on stderr; quiet when asked or when stderr is not a terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Watcher(console, None)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}"),
        TextColumn("{task.fields[figures]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield Watcher(console, bars)
