"""The profile `tiny` as a user runs it: real encoder, real training, a few of mini's questions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

TINY = Path(__file__).parent / "tiny"
GAIN = "phang2020/tydiqa-english-gain"
BEST = "phang2020/xnli-gain"
RUNS = (0, 10, 11)


def harness(folder: Path, *arguments: str | Path, under: Sequence[str] = ()) -> list[str]:
    """The command line of a tiny run whose store and run folder are in `folder`."""
    places = ["--store", folder / "store", "--out", folder / "run", "--device", "cpu"]
    tiny = ["--manifests", TINY, "--profile", "tiny"]
    command = [*under, sys.executable, "-m", "harness.cli", "reproduce", *arguments]
    return [str(part) for part in (*command, *tiny, *places)]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run to the end, without a mirror."""
    environment = {name: value for name, value in os.environ.items() if name != "HARNESS_MIRROR"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def offline() -> list[str]:
    """A network namespace without interfaces, where this machine allows one."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs a network namespace")
    prefix = [unshare, "-n"] if os.geteuid() == 0 else [unshare, "-rn"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a network namespace")
    return prefix


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store and run folder of both claims, made without any network."""
    folder = tmp_path_factory.mktemp("first")
    done = run(harness(folder, GAIN, BEST, under=offline()))
    assert done.returncode in RUNS, done.stderr
    return folder
