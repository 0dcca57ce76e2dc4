"""Bars on a terminal: what they tell, that they fit, and silence elsewhere."""

import io
from dataclasses import replace

import pytest
from fake_stages import planned
from rich.console import Console
from rich.progress import Progress

from harness.console import Watcher, _columns, watching
from harness.costs import Cost

DATA = planned("data")
LONG = replace(planned("x" * 90), stage="finetune", cost=Cost(training_flops=3e9))
SHORT = replace(planned("short"), stage="predict", cost=Cost(inference_flops=1e9))


@pytest.fixture
def screen():
    """A watcher on a terminal of so many columns, and what that shows."""

    def make(width):
        console = Console(file=io.StringIO(), width=width, height=20, color_system=None)
        bars = Progress(*_columns(width), console=console, auto_refresh=False)

        def shown():
            with console.capture() as captured:
                console.print(bars.make_tasks_table(bars.tasks))
            return [line.rstrip() for line in captured.get().splitlines()]

        return Watcher(console, bars), bars, shown

    return make


def test_a_wide_terminal_shows_stage_steps_loss_speed_and_time(screen):
    """The second of three stages, three steps of eight done."""
    watcher, _, shown = screen(120)
    watcher.begin([DATA, LONG, SHORT], 4)
    watcher.stage(DATA, 1)
    watcher.ended(1)
    bar = watcher.stage(LONG, 2)
    bar.start(8, "steps")
    bar.advance(3, loss=4.4051, tokens_per_second=1035.4)
    whole, part = shown()
    assert whole.startswith("all stages")
    assert "1/3 stages" in whole
    assert part.startswith("2/3 finetune: xxx")
    assert "3/8 steps  loss 4.405  1,035 tokens/s" in part
    assert part.endswith(" left")


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(screen, width):
    """A wrapped line would leave rubbish behind at every refresh; the figures are whole."""
    watcher, _, shown = screen(width)
    watcher.begin([LONG, SHORT], 0)
    bar = watcher.stage(LONG, 1)
    bar.start(8, "steps")
    bar.advance(3, loss=4.4051, tokens_per_second=1035.4)
    lines = shown()
    assert len(lines) == 2
    assert all(len(line) <= width for line in lines)
    assert "3/8 steps  loss 4.405  1,035 tokens/s" in lines[1]


def test_the_whole_moves_by_the_work_that_is_done(screen):
    """Stages without operations weigh nothing; half of a training of 3 in 4 is 3/8."""
    watcher, bars, _ = screen(120)
    watcher.begin([DATA, LONG, SHORT], 0)
    watcher.stage(DATA, 1)
    watcher.ended(1)
    bar = watcher.stage(LONG, 2)
    bar.start(8, "steps")
    assert bars.tasks[0].percentage == 0
    bar.advance(4)
    assert bars.tasks[0].percentage == 37.5
    watcher.ended(2)
    assert bars.tasks[0].percentage == 75


def test_stages_side_by_side_have_a_bar_each(screen):
    """Each moves the whole by its own share; the bar of one that has ended goes."""
    watcher, bars, shown = screen(120)
    watcher.begin([LONG, SHORT], 0)
    long, short = watcher.stage(LONG, 1), watcher.stage(SHORT, 2)
    long.start(2, "steps")
    short.start(0, "on another machine")
    long.advance(1)
    assert [line.split()[0] for line in shown()] == ["all", "1/2", "2/2"]
    watcher.ended(2)
    assert [line.split()[0] for line in shown()] == ["all", "1/2"]
    assert bars.tasks[0].percentage == 62.5


def test_a_stage_that_nobody_needs_any_more_counts_as_done(screen):
    """Its claims failed before it started."""
    watcher, bars, shown = screen(120)
    watcher.begin([LONG, SHORT], 0)
    watcher.ended(1)
    assert "1/2 stages" in shown()[0]
    assert bars.tasks[0].percentage == 75


def test_stages_that_compute_nothing_count_alike(screen):
    """Otherwise the bar would stand still."""
    watcher, bars, _ = screen(120)
    watcher.begin([DATA, DATA], 0)
    watcher.stage(DATA, 1)
    watcher.ended(1)
    assert bars.tasks[0].percentage == 50


def test_who_waits_is_told_for_what(screen):
    """Another run has the stage; nobody knows how long."""
    watcher, _, shown = screen(60)
    watcher.begin([LONG], 0)
    watcher.stage(LONG, 1).start(0, "waiting for another run")
    assert "1/1 finetune waiting for another run" in shown()[1]


def test_bytes_are_shown_in_megabytes(screen):
    """A download."""
    watcher, _, shown = screen(100)
    watcher.fetch(1)
    bar = watcher.stage(DATA, 1)
    bar.start(5_000_000, "bytes")
    bar.advance(1_250_000)
    assert "0/1 downloads" in shown()[0]
    assert "1.2/5.0 MB" in shown()[1]


def test_a_log_stays_silent(monkeypatch, capsys):
    """Also where FORCE_COLOR, which CI systems set, calls it a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with watching(quiet=False) as watcher:
        watcher.begin([LONG], 0)
        bar = watcher.stage(LONG, 1)
        bar.start(8, "steps")
        bar.advance(8, loss=1.0)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
