"""The worker in a container: one for all stages of a walk, started when the first has to run.

The plan is made and read outside; inside runs `worker.run_stage`, as everywhere (`inside.py`). One
container, not one a stage, because Python and torch take seconds to load; a stage that ends it
takes no other with it, the next gets a new one. The store lies at the same path inside and out.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from harness import wire
from harness.artifacts import Store, describe_os_errors
from harness.backends import Backend, OneAtATime
from harness.containers import refusals, shape
from harness.containers.box import STDERR, Box, started
from harness.containers.engine import connect
from harness.containers.limits import Limits, read_limits
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

_ENTRYPOINT = ("python", "-m", "harness.backends.inside")


class _Worker:
    """The container of a walk, while it lives."""

    def __init__(self, limits: Limits, stack: contextlib.ExitStack) -> None:
        """Closing `stack` stops and removes the container."""
        self._limits, self._stack = limits, stack
        self._box: Box | None = None

    def run(
        self, planned: PlannedStage, store: Store, resources: Resources, progress: Progress
    ) -> bool:
        """Run the stage in the container; True where it was made now.

        Raises:
            HarnessError: what the stage says is wrong, as `worker.run_stage`.
            MachineError: no engine, no image, no memory, or the engine went away.
            StoppedError: somebody or the time limit stopped the container.
        """
        box = self._box or self._start(store, resources)
        box.send(wire.write_job(planned, store, resources))
        for event in _events(box):
            made = wire.follow(event, progress)
            if made is not None:
                return made
        self._box = None
        ended = box.ended()
        self._stack.close()
        raise ended.failure() or refusals.broken(ended.status)

    def _start(self, store: Store, resources: Resources) -> Box:
        with describe_os_errors(store.root):
            store.root.mkdir(parents=True, exist_ok=True)
        read = [*([resources.mirror] if resources.mirror else []), *resources.files.values()]
        folders = [shape.Folder(path=one) for one in read]
        work = shape.Work(
            command=(),
            entrypoint=_ENTRYPOINT,
            folders=(*folders, shape.Folder(path=store.root, writable=True)),
            gpu=resources.device.startswith("cuda"),
            stdin=True,
        )
        client = self._stack.enter_context(contextlib.closing(connect()))
        self._box = self._stack.enter_context(started(client, work, self._limits))
        return self._box


@contextlib.contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Backend]:
    """A worker whose container lives as long as the context; it starts with the first stage."""
    with contextlib.ExitStack() as stack:
        yield OneAtATime(_Worker(read_limits(given), stack).run)


def _events(box: Box) -> Iterator[dict[str, Any]]:
    """What the worker reports; what it and its libraries say goes to stderr as it comes."""
    said = codecs.getincrementaldecoder("utf-8")("replace")
    rest = b""
    for stream, data in box.frames():
        if stream == STDERR:
            # Through sys.stderr, where a progress bar makes room for it.
            sys.stderr.write(said.decode(data))
            sys.stderr.flush()
            continue
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
