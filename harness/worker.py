"""Run ONE planned stage: the single code path of every backend."""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import os
from pathlib import Path

from harness import several_devices
from harness.artifacts import Store, describe_os_errors
from harness.graph import PlannedStage
from harness.provenance import Clock, environment
from harness.stages.contract import Progress, Resources, StageContext, StageFunction, stage

# libgomp, which torch brings, spins for milliseconds at the end of every parallel region. Beside
# one other busy process 20 steps of two threads took 62 s, with this 21 s; alone, 10 s with both.
# Read when torch loads, so it stands here and not in a stage.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def run_stage(
    planned: PlannedStage, store: Store, resources: Resources, progress: Progress
) -> bool:
    """Make the artifact of `planned` unless the store has it; True where it was made now.

    Waits where another worker holds the key's lock, and then finds its artifact.

    Raises:
        HarnessError: what the stage says is wrong.
        MachineError: disk full, no permission.
        VerificationError: an input isn't as it was written.
    """
    with store.locked(planned.key, lambda: progress.start(0, "waiting for another run")):
        if store.has(planned.key):
            return False
        clock = Clock()
        with store.writing(planned.key) as folder:
            devices = resources.devices if planned.stage in several_devices.TRAINING else 1
            if devices > 1:
                several_devices.run(planned, store, resources, folder, progress)
            else:
                _run_here(planned, store, resources, folder, progress)
            _return_memory()
            device = {"device": resources.device, **({"devices": devices} if devices > 1 else {})}
            provenance = {**environment(), **clock.stop(), **device}
            store.commit(planned.key, folder, planned.description(), provenance)
    return True


def run_shared(
    planned: PlannedStage, store: Store, resources: Resources, out: Path, progress: Progress
) -> None:
    """A process's share of a stage on several devices; raises as `run_stage`."""
    from harness.training.ranks import join

    join(resources.rank, resources.devices, cpu=resources.device == "cpu")
    _run_here(planned, store, resources, out, progress)


def _run_here(
    planned: PlannedStage, store: Store, resources: Resources, out: Path, progress: Progress
) -> None:
    """Call the stage's function in this process; its files go to `out`."""
    context = StageContext(
        config=planned.config,
        inputs={role: checked_input(store, key) for role, key in planned.inputs.items()},
        input_keys=dict(planned.inputs),
        out=out,
        scratch=store.scratch(planned.key),
        resources=resources,
        progress=progress,
    )
    with describe_os_errors(store.root):
        _function(planned.stage)(context)


@functools.cache
def checked_input(store: Store, key: str) -> Path:
    """An input's folder; its bytes, up to gigabytes, are compared once a process."""
    return store.sound(key)


def _return_memory() -> None:
    """Give freed memory back: glibc keeps what a training took, and the next would add to it."""
    gc.collect()
    # What is left are libraries: looking through them again took 0.3 s a stage.
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _function(name: str) -> StageFunction:
    module, _, function = stage(name).run.partition(":")
    found: StageFunction = getattr(importlib.import_module(module), function)
    return found
