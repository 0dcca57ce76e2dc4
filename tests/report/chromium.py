"""A headless Chromium over its DevTools pipe: JSON messages that end with a zero byte.

https://chromedevtools.github.io/devtools-protocol/ lists the methods and events.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-extensions", "--hide-scrollbars", "--force-device-scale-factor=1"),
    "--remote-debugging-pipe",
)
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")


class Chromium:
    """One browser; `open` gives it a page."""

    def __init__(self) -> None:
        """Start it with a profile of its own."""
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        # Where the browser looks for them: 3 to read, 4 to write.
        high = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (to_read, to_write)]

        def place() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [str(PROGRAM), *_FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            preexec_fn=place,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for one in (to_read, to_write, *high):
            os.close(one)
        self._numbers = itertools.count(1)
        self._rest = b""

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        os.close(self._out)
        os.close(self._in)
        self._folder.cleanup()

    def open(self, path: Path, **settings: Any) -> Page:
        """A file in a page of its own; settings as of `Page`."""
        found = self.send("Target.createTarget", {"url": "about:blank"})
        options = {"targetId": found["targetId"], "flatten": True}
        session = self.send("Target.attachToTarget", options)["sessionId"]
        return Page(self, session, path, **settings)

    def send(
        self, method: str, values: dict[str, Any], session: str = "", page: Page | None = None
    ) -> dict[str, Any]:
        """Call a method; events that come before its answer go to `page`."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": values}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            got = self.receive()
            if got.get("id") == number:
                assert "error" not in got, got["error"]
                return dict(got["result"])
            if page is not None and "method" in got:
                page.note(got["method"], got["params"])

    def receive(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self._rest:
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser is gone"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


class Page:
    """A loaded page, and everything that it did on the way."""

    def __init__(
        self,
        browser: Chromium,
        session: str,
        path: Path,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        scripts: bool = True,
    ) -> None:
        """Load `path` and wait for its load event."""
        self._browser, self._session = browser, session
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.colours(dark=dark)
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Page.navigate", url=path.absolute().as_uri())
        while not self._loaded:
            got = browser.receive()
            self.note(got["method"], got["params"])

    def send(self, method: str, **values: Any) -> dict[str, Any]:
        """Call a method on this page."""
        return self._browser.send(method, values, self._session, self)

    def note(self, method: str, values: dict[str, Any]) -> None:
        """Remember an event."""
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(values["message"])
        elif method == "Log.entryAdded":
            self.complaints.append(values["entry"]["text"])

    def colours(self, *, dark: bool) -> None:
        """Which colours the reader prefers."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, a promise's once it is there."""
        options = {"returnByValue": True, "awaitPromise": True}
        found = self.send("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def click(self, x: float, y: float) -> None:
        """Press and release the left button."""
        for kind in ("mousePressed", "mouseReleased"):
            options = {"x": x, "y": y, "button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, **options)

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            options = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            self.send("Input.dispatchKeyEvent", type=kind, **options)

    def picture(self, path: Path, **options: Any) -> None:
        """Save what is seen as PNG."""
        found = self.send("Page.captureScreenshot", **options)
        path.write_bytes(base64.b64decode(found["data"]))

    def printed(self, path: Path) -> None:
        """Save the page as PDF, as it prints."""
        found = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(found["data"]))
