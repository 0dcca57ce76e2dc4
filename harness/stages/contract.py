"""What a stage is: a name, a version, the config keys that it reads, and where its code lies.

The plan reads this module and never the code of a stage; the worker imports that code only when
the stage runs. A stage function gets a `StageContext` and writes its payload files into
`context.out`; the store adds `meta.json` and renames the folder when it returns. A long one keeps
checkpoints in `context.scratch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One kind of step."""

    name: str
    version: int
    """Part of the key of every artifact that the stage makes: raise it when results change."""
    reads: tuple[str, ...]
    """The keys of `StageContext.config`, all of which enter the artifact's key."""
    run: str
    """"module:function", imported when the stage runs."""


class Progress(Protocol):
    """Where a long stage says how far it is; a no-op where nobody looks."""

    def start(self, total: int, unit: str) -> None:
        """The stage has `total` units (e.g. "steps", "windows") of work; 0: nobody knows."""

    def advance(self, done: int, **figures: float) -> None:
        """`done` more units are finished; `figures` (loss, tokens_per_second) are shown."""


class Silent:
    """Progress that nobody looks at."""

    def start(self, total: int, unit: str) -> None:
        """Nothing to show."""

    def advance(self, done: int, **figures: float) -> None:
        """Nothing to show."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the machine gives a stage; none of it enters a key."""

    mirror: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    """A torch device: "cpu", "cuda", "cuda:1"."""
    checkpoint_seconds: float | None = 60.0
    """Between two checkpoints of a long stage; 0: after every step; None: time plays no part."""
    checkpoint_steps: int | None = None
    """Steps between two checkpoints; None: they play no part."""
    devices: int = 1
    """How many of `device` a training is spread over, with a process each."""
    rank: int = 0
    """Which of those processes this is."""


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """Everything that a stage function may read, and the two folders that it may write."""

    config: Mapping[str, Any]
    """Exactly the keys that `Stage.reads` names; plain JSON values."""
    inputs: Mapping[str, Path]
    """Role -> folder of a finished artifact."""
    input_keys: Mapping[str, str]
    """Role -> that artifact's key."""
    out: Path
    """An empty folder; a relative file written here becomes part of the artifact."""
    scratch: Path
    """A folder, perhaps still to be made, that survives a crash: what the stage wrote here is there
    when it is run again, and gone once its artifact is finished."""
    resources: Resources
    progress: Progress


StageFunction = Callable[[StageContext], None]

# In the order in which a plan runs them.
STAGES: tuple[Stage, ...] = (
    Stage(
        name="encoder",
        version=1,
        reads=("pin",),
        run="harness.stages.encoder:run",
    ),
    Stage(
        name="dataset",
        version=2,
        reads=("source", "configs", "split", "languages", "combine", "limit", "reader"),
        run="harness.stages.dataset:run",
    ),
    Stage(
        name="checks",
        version=3,
        reads=("suite", "reader", "expected", "no_answer", "realign"),
        run="harness.stages.checks:run",
    ),
    Stage(
        name="examples",
        version=3,
        reads=("reader", "realign"),
        run="harness.stages.examples:run",
    ),
    Stage(
        name="contamination",
        version=2,
        reads=("family", "sets", "rule"),
        run="harness.stages.contamination:run",
    ),
    Stage(
        name="intermediate",
        version=5,
        reads=("parts", "mix", "seed", "precision", "threads"),
        run="harness.stages.training:intermediate",
    ),
    Stage(
        name="finetune",
        version=5,
        reads=("parts", "mix", "seed", "precision", "threads"),
        run="harness.stages.training:finetune",
    ),
    Stage(
        name="predict",
        version=5,
        reads=("family", "settings", "labels", "no_answer", "precision", "threads"),
        run="harness.stages.predict:run",
    ),
    Stage(
        name="score",
        version=2,
        reads=("family", "scorer", "labels"),
        run="harness.stages.score:run",
    ),
    Stage(
        name="compare",
        version=4,
        reads=("comparison",),
        run="harness.stages.compare:run",
    ),
)


def stage(name: str) -> Stage:
    """The stage called `name`; KeyError where there is none."""
    return {one.name: one for one in STAGES}[name]
