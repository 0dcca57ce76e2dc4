"""A local server that speaks as much of the Hub's protocol as its client needs.

It serves a folder in a mirror's layout (`datasets/<owner>/<name>/...`, `models/...`). Used by
every test that fetches; through the real client, over a real socket.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the server serves and how it misbehaves; a test changes it while the server runs."""

    root: Path
    url: str = ""
    revision: str = REVISION
    """The only commit of every repository that `revisions` doesn't name; `main` points at it."""
    revisions: dict[str, str] = field(default_factory=dict)
    """Repository -> its only commit."""
    gated: set[str] = field(default_factory=set)
    """Repositories whose files need `token`."""
    token: str = "let-me-in"
    short: set[str] = field(default_factory=set)
    """File names that GET serves whole but half as long as HEAD said."""
    cut: set[str] = field(default_factory=set)
    """File names whose connection ends after 60 % of the body."""
    cut_once: set[str] = field(default_factory=set)
    """File names whose connection ends after 60 % of the body, the first time only."""
    ranges: bool = False
    """A range that is asked for is answered with the rest of the file alone."""
    tampered: set[str] = field(default_factory=set)
    """File names served with other bytes of the same length."""
    on_cdn: bool = False
    """Large files are redirected to another path, as the Hub does with LFS."""
    failing: int = 0
    """An HTTP status with which every request is answered."""
    requests: list[str] = field(default_factory=list)
    """"METHOD path" of every request, in order."""
    sent: int = 0
    """Bytes of files that went out."""

    def commit(self, repo: str) -> str:
        """The only commit of a repository."""
        return self.revisions.get(repo, self.revision)

    def add(self, place: str, data: bytes) -> str:
        """Serve `data` at `place` of the root; its sha256."""
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return hashlib.sha256(data).hexdigest()


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """Serve `root` on a free port of 127.0.0.1 until the block ends."""
    hub = Hub(root=root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        served = hub

    return Handler


class _Handler(BaseHTTPRequestHandler):
    served: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *args: object) -> None:
        """Silent: tests read `requests`."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.served.requests.append(f"{self.command} /{path}")
        if self.served.failing:
            self._error(self.served.failing, "")
        elif path.startswith("cdn/"):
            self._send_file(self.served.root / path[4:])
        elif path.startswith("api/"):
            self._api(path[4:].split("/"))
        else:
            self._resolve(path)

    def _api(self, parts: list[str]) -> None:
        kind, repo, rest = parts[0], "/".join(parts[1:3]), parts[3:]
        folder = self.served.root / kind / repo
        verb, revision = (rest[0], rest[1]) if len(rest) > 1 else ("revision", "main")
        if self._refused(repo, folder, revision, files=False):
            return
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        entries = [self._entry(p, folder) for p in files]
        if verb == "revision":
            siblings = [{"rfilename": one["path"], "size": one["size"]} for one in entries]
            info = {"id": repo, "sha": self.served.commit(repo), "siblings": siblings}
            self._json(info | {"private": False, "tags": [], "downloads": 0, "likes": 0})
        elif verb == "tree":
            under = "/".join(rest[2:])
            self._json([one for one in entries if str(one["path"]).startswith(under)])
        else:
            asked = set(parse_qs(self.body.decode()).get("paths", []))
            self._json([one for one in entries if one["path"] in asked])

    def _entry(self, path: Path, folder: Path) -> dict[str, object]:
        oid = hashlib.sha256(path.read_bytes()).hexdigest()
        name = path.relative_to(folder).as_posix()
        return {"type": "file", "path": name, "size": path.stat().st_size, "oid": oid[:40]}

    def _resolve(self, path: str) -> None:
        kind = "datasets" if path.startswith("datasets/") else "models"
        repo, _, rest = path.removeprefix("datasets/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        folder = self.served.root / kind / repo
        if self._refused(repo, folder, revision, files=True):
            return
        file = folder / name
        if not file.is_file():
            self._error(404, "EntryNotFound")
        elif self.served.on_cdn:
            self._redirect(file)
        else:
            self._send_file(file)

    def _refused(self, repo: str, folder: Path, revision: str, *, files: bool) -> bool:
        if not folder.is_dir():
            # The Hub answers 401, not 404, to the anonymous: a private name must not leak.
            self._error(401, "RepoNotFound")
        elif revision not in ("main", self.served.commit(repo)):
            self._error(404, "RevisionNotFound")
        elif files and repo in self.served.gated and not self._authorised():
            self._error(401, "GatedRepo")
        else:
            return False
        return True

    def _authorised(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.served.token}"

    def _redirect(self, file: Path) -> None:
        data = file.read_bytes()
        self.send_response(302)
        self.send_header("X-Repo-Commit", self._commit_of(file))
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header(
            "Location", f"{self.served.url}/cdn/{file.relative_to(self.served.root).as_posix()}"
        )
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _commit_of(self, file: Path) -> str:
        return self.served.commit("/".join(file.relative_to(self.served.root).parts[1:3]))

    def _send_file(self, file: Path) -> None:
        data = file.read_bytes()
        etag = hashlib.sha256(data).hexdigest()
        if file.name in self.served.tampered:
            data = bytes(byte ^ 1 for byte in data)
        if file.name in self.served.short and self.command == "GET":
            data = data[: len(data) // 2]
        asked = self.headers.get("Range", "")
        skipped = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and self.served.ranges:
            data, whole = data[skipped:], len(data)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {skipped}-{whole - 1}/{whole}")
        else:
            self.send_response(200)
        self.send_header("X-Repo-Commit", self._commit_of(file))
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            cut = file.name in self.served.cut | self.served.cut_once
            self.served.cut_once.discard(file.name)
            end = len(data) * 6 // 10 if cut else len(data)
            self.wfile.write(data[:end])
            self.served.sent += end
            self.close_connection = True

    def _json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
