"""Runs the real command line in this process, and in one of its own, with fake training."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fake_stages
import pytest

from harness import cli, provenance
from harness.stages import contract

TESTS = Path(__file__).parent
# $PYTHONPATH under which workers in other processes have the fake stages.
FAKED = os.pathsep.join(map(str, (TESTS / "backends" / "elsewhere", TESTS, TESTS.parent)))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FAKE = (
    "import fake_stages; from harness.stages import contract; from harness import cli; "
    "contract.STAGES = fake_stages.pipeline(); cli.main()"
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str
    """Without the lines about stages that have ended, which are in `progress`."""
    progress: tuple[str, ...] = ()


def parted(stderr: str) -> tuple[str, tuple[str, ...]]:
    """What a command wrote on stderr beside its progress, and its progress."""
    lines = stderr.splitlines(keepends=True)
    ended = [bool(re.fullmatch(r"\d+/\d+ .+: [\d,]+ s\n", line)) for line in lines]
    rest = "".join(line for line, is_one in zip(lines, ended, strict=True) if not is_one)
    return rest, tuple(line for line, is_one in zip(lines, ended, strict=True) if is_one)


def until(seen: Callable[[], object], seconds: float = 60) -> None:
    """Wait for `seen()`; fail where it takes longer."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(steer: Path, *names: str) -> bool:
    """Whether these fake stages have started."""
    log = steer / "log"
    return log.exists() and set(names) <= set(log.read_text("utf-8").split())


Cli = Callable[..., Result]


@pytest.fixture
def steer(tmp_path: Path) -> Path:
    """The folder whose files say what a fake stage does; given as --mirror."""
    folder = tmp_path / "steer"
    folder.mkdir()
    return folder


@pytest.fixture(name="cli")
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Cli]:
    """`harness ARGUMENTS` in a folder of its own, on a machine without a GPU."""
    monkeypatch.setattr(contract, "STAGES", fake_stages.pipeline())
    monkeypatch.setattr(provenance, "_smi", lambda field: [])
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("HARNESS_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)
    for cached in (provenance.gpus, provenance.gpu_has_bf16, provenance.environment):
        cached.cache_clear()
    before = {one: signal.getsignal(one) for one in SIGNALS}

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        err, progress = parted(said.err)
        status = int(ended.value.code or 0)
        return Result(status=status, out=said.out, err=err, progress=progress)

    yield run
    for one, handler in before.items():
        signal.signal(one, handler)
    for cached in (provenance.gpus, provenance.gpu_has_bf16, provenance.environment):
        cached.cache_clear()


def start(
    *arguments: str | Path, store: Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """`harness ARGUMENTS` with fake training in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", FAKE, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": FAKED, "HARNESS_STORE": str(store), **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_listening,
    )


def _listening() -> None:
    """A job that a script started in the background would ignore Ctrl-C, and its children too."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
