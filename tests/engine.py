"""A real Docker engine for the tests, on its own socket and data folder, and images in it.

One engine, one base image and one CPU image serve the whole session, whichever test modules ask:
they are made on first use and end with the process. Where the machine allows no engine, or lacks
the programs, the tests that need one skip, visibly; continuous integration accepts the first reason
alone (allowed_skips.txt). An image that can't be built fails them.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What the Dockerfile copies, and what `make image` needs besides.
CONTEXT = (
    *("Dockerfile", ".dockerignore", "Makefile", "LICENSE", "MANIFEST.in", "README.md"),
    *(
        "pyproject.toml",
        "setup.py",
        "checks",
        "harness",
        "manifests",
        "report_templates",
        "schemas",
    ),
    "requirements",
)
DEBIAN, PACKAGES = "bookworm", "python3,python3-venv,ca-certificates"
COMMIT = "c0ffee" * 6 + "c0de"
# Part of an index's address that the build is given and never uses.
SECRET = "hunter2"
PR_SET_PDEATHSIG, CAP_SYS_ADMIN = 1, 21
# Whoever runs containers here; the image doesn't know this user.
USER, GROUP = 12345, 54321
# The flags of docs/container.md.
HARDENED = (
    *("--rm", "--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL"),
    *("--security-opt=no-new-privileges", "--init", "--shm-size=1g", "--pids-limit=512"),
    f"--user={USER}:{GROUP}",
)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A running engine."""

    host: str
    """What $DOCKER_HOST must be, `unix://...`."""
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """A process's environment in which `docker` and the SDK find this engine."""
        # The classic builder: a package of the engine alone may bring no other.
        own = {"DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"}
        return {**os.environ, **own, "DOCKER_CONFIG": str(self.folder / "config")}

    def docker(
        self, *arguments: str | Path, check: bool = True, timeout: float = 900
    ) -> subprocess.CompletedProcess[str]:
        """`docker ARGUMENTS`; where `check` and it fails, AssertionError with what it said."""
        done = subprocess.run(
            ["docker", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not (check and done.returncode), done.stdout + done.stderr
        return done


@dataclass(frozen=True, kw_only=True)
class Image:
    """A built image."""

    name: str
    seconds: float
    """What `make image` took, its wheels already there."""
    log: str


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The session's engine; skips where this machine allows none."""
    return running_engine()


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> str:
    """The name of a small Debian image with Python 3.11, to be given as BASE."""
    return imported_base()


@pytest.fixture(scope="session")
def cpu_image(engine: Engine) -> Image:
    """The project's CPU image, built as a user builds it."""
    return built_image()


def running_engine() -> Engine:
    """Start the engine once; every later call gives the same, or skips for the same reason."""
    forbidden = _forbidden()
    if forbidden:
        pytest.skip(f"needs Docker, and this machine allows no engine: {forbidden}")
    found = _start()
    if isinstance(found, str):
        pytest.skip(f"needs Docker: {found}")
    return found


def _forbidden() -> str | None:
    """Why this machine allows no engine, whatever is installed: the only skip that CI accepts."""
    if os.geteuid() != 0:
        return "root alone can start one"
    rights = re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text("utf-8"))
    if rights and not int(rights[1], 16) >> CAP_SYS_ADMIN & 1:
        return "its root may not mount"
    # A controller's own folder in the first version of control groups, the only one in the second.
    groups = [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")]
    found = next((one for one in groups if one.is_dir()), None)
    if found is None or not os.access(found, os.W_OK):
        return "its control groups can't be written"
    return None


@functools.cache
def imported_base() -> str:
    """Make the base image once."""
    _wanted("mmdebstrap")
    engine = running_engine()
    tar = engine.folder / "base.tar"
    _bootstrap(tar)
    engine.docker("import", tar, "harness-test-base")
    tar.unlink()
    return "harness-test-base"


@functools.cache
def built_image() -> Image:
    """Build the CPU image once, from a copy of the project and without any network."""
    running_engine()
    _wanted("mmdebstrap", "make")
    context = fresh_context()
    # One waits for Debian's packages, the other for Python's.
    with ThreadPoolExecutor() as pool:
        base = pool.submit(imported_base)
        make(context, "wheels")
        name = base.result()
    started = time.monotonic()
    index = f"--build-arg PIP_INDEX_URL=https://user:{SECRET}@nowhere.invalid/"
    arguments = f"BUILD_ARGS=--network none {index}"
    log = make(context, "image", f"BASE={name}", f"COMMIT={COMMIT}", arguments)
    seconds = time.monotonic() - started
    return Image(name="reproduction-harness:cpu", seconds=seconds, log=log)


@functools.cache
def fresh_context() -> Path:
    """A copy of what the image is built from, so that a build leaves nothing in the checkout."""
    context = running_engine().folder / "context"
    context.mkdir()
    for name in CONTEXT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, context / name)
        else:
            shutil.copy(ROOT / name, context)
    return context


def make(context: Path, *arguments: str) -> str:
    """`make ARGUMENTS` in the context; what it said."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=context,
        env={
            **running_engine().environment,
            "PYTHON": sys.executable,
            "PIP_CACHE_DIR": _pip_cache(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@functools.cache
def _start() -> Engine | str:
    """The engine, or why there is none."""
    for program in ("dockerd", "docker"):
        if shutil.which(program) is None:
            return f"no {program}; on Debian: apt install docker.io"
    # Short: a socket's path ends at 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = Engine(host=f"unix://{folder}/docker.sock", folder=folder)
    # No network of its own: the tests need none, and the machine's firewall stays as it is.
    command = ["dockerd", "--iptables=false", "--bridge=none", "-H", engine.host]
    command += [f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
    # Where the machine runs an engine already, that one's containerd is shared, apart by name.
    name = f"harness-tests-{os.getpid()}"
    command += [f"--containerd-namespace={name}", f"--containerd-plugins-namespace={name}-plugins"]
    command += [f"--pidfile={folder}/pid"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=_die_with_parent)
    atexit.register(_stop, daemon, engine)
    return engine if _answers(engine, daemon) else f"dockerd doesn't come up: {_last_word(folder)}"


def _answers(engine: Engine, daemon: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while daemon.poll() is None and time.monotonic() < deadline:
        # It prints the client's half, and a status of 0, without a daemon too.
        if "Server Version" in engine.docker("info", check=False).stdout:
            return True
        time.sleep(0.2)
    return False


def _last_word(folder: Path) -> str:
    lines = (folder / "log").read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it says nothing"


def _stop(daemon: subprocess.Popen[bytes], engine: Engine) -> None:
    """End what still runs in the engine, then the engine, so that its folder can go."""
    left = engine.docker("ps", "--quiet", check=False).stdout.split()
    if left:
        engine.docker("kill", *left, check=False)
    daemon.terminate()
    daemon.wait(timeout=60)
    # It leaves a network namespace mounted, and a folder with a mount in it can't go.
    for line in reversed(Path("/proc/mounts").read_text("utf-8").splitlines()):
        place = line.split()[1]
        if place.startswith(f"{engine.folder}/"):
            subprocess.run(["umount", "--lazy", place], check=False)


def _die_with_parent() -> None:
    """A test session that is killed must not leave an engine behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _bootstrap(tar: Path) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", DEBIAN, tar]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def _wanted(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs Docker: no {program} to make its images with")


def _pip_cache() -> str:
    """The user's own cache: the tests' HOME is an empty folder."""
    return os.environ.get("PIP_CACHE_DIR") or f"{pwd.getpwuid(os.getuid()).pw_dir}/.cache/pip"
