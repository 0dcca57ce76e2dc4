"""A tiny engine on a socket, for what no real one can be asked for: refusals, losses, GPUs.

Its answers are a real engine's (`engine_answers.json`, by `record_engine_answers.py`); its
containers are processes of this machine, with fake training, in no container at all.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

ANSWERS = json.loads(Path(__file__).with_name("engine_answers.json").read_text("utf-8"))
TESTS = Path(__file__).parent
STAGES = "import fake_stages; from harness.stages import contract\n"
STAGES += "contract.STAGES = fake_stages.pipeline()\n"
# What is started in place of an entrypoint.
PROGRAMS = {
    "harness": STAGES + "from harness import cli; cli.main()",
    "python": STAGES + "from harness.backends import inside; inside.main()",
}
Process = subprocess.Popen[bytes]


@dataclass
class FakeEngine:
    """What it answers, and what it was asked; a test changes it while it runs."""

    host: str
    answers: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(ANSWERS))
    images: set[str] = field(default_factory=lambda: {"reproduction-harness:cpu", "named"})
    refuse: dict[str, str] = field(default_factory=dict)
    """"create" or "start" -> the recorded answer that is given instead."""
    ends_as: str = "ended"
    """The recorded end whose state an ended container has."""
    program: str | None = None
    """Python that runs in place of the entrypoint's."""
    made: list[dict[str, Any]] = field(default_factory=list)
    """The body of every request for a container, in order."""
    stopped: int = 0
    removed: int = 0
    processes: list[Process] = field(default_factory=list)
    lost: bool = False
    """Every answer from now on is a closed connection."""

    def lose(self) -> None:
        """The engine is gone, and with it the containers."""
        self.lost = True
        for one in self.processes:
            one.kill()


@contextmanager
def faking(folder: Path) -> Iterator[FakeEngine]:
    """The engine, at a socket in `folder`."""
    engine = FakeEngine(host=f"unix://{folder}/sock")
    with _Server(f"{folder}/sock", engine) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield engine
        finally:
            server.shutdown()
            for one in engine.processes:
                one.kill()
                one.wait()
            for one in server.served:
                one.join()
            for one in engine.processes:
                for pipe in (one.stdin, one.stdout, one.stderr):
                    pipe.close()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: str, engine: FakeEngine) -> None:
        super().__init__(path, _Handler)
        self.engine = engine
        self.attached: socket.socket | None = None
        self.finished = threading.Event()
        self.served: list[threading.Thread] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Facts."""
        engine = self.server.engine
        kind = self.path.split("?")[0].split("/")
        if kind[-1] == "version":
            self._answer("version")
        elif kind[-1] == "info":
            self._answer("info")
        elif "images" in kind:
            name = "/".join(kind[kind.index("images") + 1 : -1])
            known = engine.images | {ANSWERS["image"]["body"]["Id"]}
            self._answer("image" if name in known else "no image")
        else:
            self._send(200, self._inspected())

    def do_POST(self) -> None:
        """Containers."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.engine = self.server.engine
        {
            "create": lambda: self._create(json.loads(body)),
            "attach": self._attach,
            "start": self._start,
            "wait": self._wait,
            "stop": self._stop,
        }[self.path.split("?")[0].rpartition("/")[2]]()

    def do_DELETE(self) -> None:
        """A container is removed, killed where it still runs."""
        self.server.engine.removed += 1
        for one in self.server.engine.processes:
            one.kill()
        self._send(204, None)

    def _create(self, body: dict[str, Any]) -> None:
        self.engine.made.append(body)
        self._answer(self.engine.refuse.get("create", "create"))

    def _attach(self) -> None:
        self._send(101, None)
        self.server.attached = self.connection
        self.close_connection = True
        # The connection is the container's now: `_start` serves it and says when it ends.
        self.server.finished = threading.Event()
        self.server.finished.wait()

    def _start(self) -> None:
        refused = self.engine.refuse.get("start")
        if refused is None:
            process = _process(self.engine, self.engine.made[-1])
            self.engine.processes.append(process)
            given = (process, self.server.attached, self.server.finished)
            self.server.served.append(threading.Thread(target=_serve, args=given, daemon=True))
            self.server.served[-1].start()
        self._answer(refused or "start")

    def _wait(self) -> None:
        status = self.engine.processes[-1].wait()
        # A signal's number is negative here and 128 more than itself there.
        self._send(200, {"Error": None, "StatusCode": status if status >= 0 else 128 - status})

    def _stop(self) -> None:
        self.engine.stopped += 1
        process = self.engine.processes[-1]
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        self._send(204, None)

    def _inspected(self) -> dict[str, Any]:
        """A recorded end; what was asked for stays as it was asked for."""
        body = copy.deepcopy(self.server.engine.answers[self.server.engine.ends_as]["inspect"])
        made = self.server.engine.made[-1]
        return {**body["body"], "Config": made, "HostConfig": made["HostConfig"]}

    def _answer(self, name: str) -> None:
        answer = self.server.engine.answers[name]
        self._send(answer["status"], answer["body"])

    def _send(self, status: int, body: Any) -> None:
        if self.server.engine.lost:
            self.close_connection = True
            return
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status == 101:
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "tcp")
        elif status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


def _process(engine: FakeEngine, made: dict[str, Any]) -> Process:
    """What would run in the container, in its working folder and with its variables."""
    code = engine.program or PROGRAMS[made["Entrypoint"][0]]
    own = dict(one.split("=", 1) for one in made["Env"])
    return subprocess.Popen(
        [sys.executable, "-c", code, *(made["Cmd"] or ())],
        cwd=made["WorkingDir"],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", **own},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_listening,
    )


def _listening() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _serve(process: Process, connection: socket.socket, finished: threading.Event) -> None:
    """The process's streams over the connection, framed; its end is the connection's."""
    lock = threading.Lock()

    def pass_on(stream: int, source: Any) -> None:
        while data := os.read(source.fileno(), 65536):
            with lock, suppress(OSError):
                connection.sendall(struct.pack(">BxxxL", stream, len(data)) + data)

    def listen() -> None:
        with suppress(OSError, ValueError):
            while data := connection.recv(65536):
                os.write(process.stdin.fileno(), data)
        with suppress(OSError):
            process.stdin.close()

    readers = [
        threading.Thread(target=pass_on, args=one, daemon=True)
        for one in ((1, process.stdout), (2, process.stderr))
    ]
    listener = threading.Thread(target=listen, daemon=True)
    for one in (*readers, listener):
        one.start()
    for one in readers:
        one.join()
    process.wait()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    listener.join()
    finished.set()
