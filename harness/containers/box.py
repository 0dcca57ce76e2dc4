"""One container from its start to its end: what goes in, what comes out, how it ended."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.containers import refusals
from harness.containers.engine import find_image
from harness.containers.limits import Limits
from harness.containers.shape import Work, arguments
from harness.errors import HarnessError

STDOUT, STDERR = 1, 2
# Seconds for a run to put its work aside, before it is killed.
_GRACE = 10
_KILLED = 137
_STOPPED = (130, _KILLED, 143)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a container ended."""

    status: int
    for_memory: bool
    limit: int
    """Its memory limit in bytes."""

    def failure(self) -> HarnessError | None:
        """What ended it from outside; None where it ended by itself."""
        if self.for_memory:
            return refusals.out_of_memory(self.limit)
        # A run that was told to stop says so itself and ends with 130.
        return refusals.stopped(self.status) if self.status in _STOPPED else None


class Box:
    """A container that runs."""

    def __init__(self, container: Any, attached: Any, timeout: float | None) -> None:
        """Listen to `attached`; the container may run for `timeout` seconds from now."""
        self._container, self._attached, self._timeout = container, attached, timeout
        self._ends = None if timeout is None else time.monotonic() + timeout
        self._frames: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def send(self, line: bytes) -> None:
        """Write to its stdin; where it has ended, `frames` and `ended` will say so."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket().sendall(line)

    def close(self) -> None:
        """Hear and say no more."""
        raw, response = self._socket(), getattr(self._attached, "_response", None)
        with contextlib.suppress(OSError):
            # Ends the listener's reading, so that nothing is closed under its hands.
            raw.shutdown(socket.SHUT_RDWR)
        self._listener.join(timeout=_GRACE)
        for one in (response, self._attached, raw):
            if one is not None:
                one.close()

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """What it says, as (STDOUT or STDERR, bytes), until it ends or the engine is lost.

        Raises:
            StoppedError: it ran longer than it may; it is stopped by then.
        """
        while True:
            left = None if self._ends is None else max(self._ends - time.monotonic(), 0)
            try:
                frame = self._frames.get(timeout=left)
            except queue.Empty:
                self.stop()
                assert self._timeout is not None
                raise refusals.timed_out(self._timeout) from None
            if frame is None:
                return
            yield frame

    def ended(self) -> Ended:
        """How it ended; MachineError where the engine is gone."""
        with refusals.described(running=True):
            status = int(self._container.wait(timeout=_GRACE * 3)["StatusCode"])
            for_memory = status == _KILLED and self._killed_for_memory()
            limit = int(self._container.attrs["HostConfig"]["Memory"])
        return Ended(status=status, for_memory=for_memory, limit=limit)

    def stop(self) -> None:
        """Let it put its work aside and end; kill it where it doesn't."""
        with refusals.described(running=True):
            self._container.stop(timeout=_GRACE)

    def resize(self, columns: int, lines: int) -> None:
        """Tell a terminal inside how large the one outside is."""
        with contextlib.suppress(HarnessError), refusals.described(running=True):
            self._container.resize(height=lines, width=columns)

    def _socket(self) -> Any:
        """The SDK gives a wrapper that only reads."""
        return getattr(self._attached, "_sock", self._attached)

    def _killed_for_memory(self) -> bool:
        # The engine hears of the end and of its reason on two ways; the second may be later.
        for _ in range(5):
            self._container.reload()
            if self._container.attrs["State"]["OOMKilled"]:
                return True
            time.sleep(0.1)
        return False

    def _listen(self) -> None:
        from docker.utils.socket import frames_iter

        terminal = bool(self._container.attrs["Config"]["Tty"])
        try:
            for frame in frames_iter(self._attached, terminal):
                self._frames.put(frame)
        except (OSError, ValueError):
            # The connection broke, or was closed here: `ended` finds out which.
            pass
        finally:
            self._frames.put(None)


@contextlib.contextmanager
def started(client: Any, work: Work, limits: Limits) -> Iterator[Box]:
    """A container that is stopped and removed whatever happens.

    Args:
        client: the engine's.
        work: what runs in it.
        limits: its image, and what it may take.

    Raises:
        UsageError: a folder can't be mounted.
        MachineError: no image, or the engine refuses it.
    """
    image = find_image(client, limits.image_name(work.gpu))
    with refusals.described():
        made_with = arguments(work, image, limits, client.info())
        container = client.containers.create(**made_with)
    try:
        with refusals.described():
            container.reload()
            ways = {"stdin": int(work.stdin), "stdout": 1, "stderr": 1, "stream": 1}
            # Before it starts, so that not a word of it is lost.
            attached = client.api.attach_socket(container.id, params=ways)
        with contextlib.closing(Box(container, attached, limits.timeout)) as box:
            with refusals.described():
                container.start()
            try:
                yield box
            except KeyboardInterrupt:
                with contextlib.suppress(HarnessError):
                    box.stop()
                raise
    finally:
        # An engine that is gone was told already.
        with contextlib.suppress(HarnessError), refusals.described():
            container.remove(force=True)
