"""Several workers of this machine, as far as it has cores and memory for their stages."""

from __future__ import annotations

import heapq
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from harness.artifacts import Store
from harness.backends import Ended, ended
from harness.graph import PlannedStage
from harness.stages.contract import Progress, Resources

_GIB = 2**30


class Worker(Protocol):
    """Runs one stage at a time."""

    def start(self) -> None:
        """Start, unless it runs; called before each `run`, and by who calls `close`."""

    def run(
        self, planned: PlannedStage, store: Store, resources: Resources, progress: Progress
    ) -> bool:
        """Run the stage; True where it was made now."""

    def close(self) -> None:
        """End, in the middle of a stage too; called from another thread than `run`."""


class SideBySide:
    """A backend of workers, whose stages this process watches in a thread each."""

    def __init__(self, workers: Sequence[Worker], most: Mapping[str, float]) -> None:
        """`most` is what the stages may need together, named as `needs` names it."""
        self._workers, self._most = workers, most
        self._idle = list(range(len(workers)))
        self._running: dict[str, Mapping[str, float]] = {}
        self._threads: list[threading.Thread] = []
        self._heard: queue.SimpleQueue[tuple[int, str, Ended | BaseException]] = queue.SimpleQueue()

    def takes(self, planned: PlannedStage, /) -> bool:
        """Whether a worker has none and there is room for it; beside no other there always is."""
        if not self._running:
            return True
        return bool(self._idle) and self._has_room(needs(planned))

    def _has_room(self, wanted: Mapping[str, float]) -> bool:
        taken = {name: sum(one[name] for one in self._running.values()) for name in self._most}
        # A core goes to whoever comes while one is left, threads or no: stages have parts of one
        # thread, and wait for the disk. Memory has to be there.
        return (
            taken["threads"] <= self._most["threads"]
            and taken["memory"] + wanted["memory"] <= self._most["memory"]
        )

    def submit(
        self,
        planned: PlannedStage,
        store: Store,
        resources: Resources,
        watch: Callable[[], Progress],
    ) -> None:
        """Give the stage to the first worker that has none: a second starts when it has to."""
        number = heapq.heappop(self._idle)
        self._running[planned.key] = needs(planned)
        # Not in the thread: what has started is closed, whenever the run ends.
        self._workers[number].start()
        work, progress = self._workers[number].run, watch()

        def run() -> None:
            how: Ended | BaseException
            try:
                how = ended(planned, lambda: work(planned, store, resources, progress))
            except BaseException as error:
                how = error
            self._heard.put((number, planned.key, how))

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    def wait(self) -> Ended:
        """Wait for whichever stage ends first."""
        number, key, how = self._heard.get()
        heapq.heappush(self._idle, number)
        del self._running[key]
        if isinstance(how, BaseException):
            raise how
        return how

    def close(self) -> None:
        """End the workers, all at once: each may take seconds to put its work aside."""
        closing = [threading.Thread(target=one.close) for one in self._workers]
        for thread in closing:
            thread.start()
        for thread in (*closing, *self._threads):
            thread.join()


def needs(planned: PlannedStage) -> dict[str, float]:
    """Threads of a stage and bytes of memory that it may take: an estimate.

    Stages with `threads` train or predict. Training holds each weight four times: itself, its
    gradient and Adam's two moments.
    """
    threads = planned.config.get("threads")
    memory = 3 * _GIB if threads else _GIB
    if planned.cost.training_flops:
        memory += 4 * planned.cost.disk_bytes
    return {"threads": float(threads or 1), "memory": float(memory)}
