"""What a container is made with: locked down by default, whatever runs in it. Pure."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.containers.engine import Image
from harness.containers.limits import Limits
from harness.errors import UsageError

# Shared memory for torch's workers; the engine's default of 64 MB is too little.
_SHARED_MEMORY = "1g"
_PROCESSES = 4096
# Of the engine's memory; the rest keeps its machine alive when a run asks for too much.
_SHARE_OF_MEMORY = 0.9
# A folder mounted over one of these, or over one above, would hide what a run needs there.
_NEEDED = (
    *("/bin", "/dev", "/etc", "/lib", "/opt/harness", "/proc", "/sys", "/tmp"),  # noqa: S108
    *("/usr/bin", "/usr/lib", "/usr/local"),
)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder, or file, that lies at the same path in the container as here.

    So messages, `run.json` and relative paths mean the same inside and outside.
    """

    path: Path
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Work:
    """What runs in a container, and what it gets of this machine."""

    command: Sequence[str]
    folders: Sequence[Folder]
    entrypoint: Sequence[str] = ("harness",)
    gpu: bool = False
    stdin: bool = False
    terminal: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def arguments(
    work: Work, image: Image, limits: Limits, engine: Mapping[str, Any]
) -> dict[str, Any]:
    """What the SDK's `containers.create` takes.

    Args:
        work: what runs.
        image: by its ID, so that a tag which moves meanwhile doesn't matter.
        limits: what it may take.
        engine: what the engine says of itself (`docker info`).

    Raises:
        UsageError: a folder whose mount would hide the image's own files.
    """
    memory = limits.memory or int(engine["MemTotal"] * _SHARE_OF_MEMORY)
    return {
        "image": image.id,
        "command": list(work.command),
        "entrypoint": list(work.entrypoint),
        "working_dir": os.getcwd(),
        "environment": {"HARNESS_IMAGE_IDENTITY": _identity(image), **work.environment},
        # The caller's proxies, which may hold a password, are of no use without a network.
        "use_config_proxy": False,
        "labels": {"harness.role": "worker" if work.stdin else "run"},
        "stdin_open": work.stdin,
        "tty": work.terminal,
        "mounts": _mounts(work.folders),
        "user": _user(engine),
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": ""},  # noqa: S108 (in the container)
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "init": True,
        "pids_limit": _PROCESSES,
        "mem_limit": memory,
        # Memory and swap together: no swap.
        "memswap_limit": memory,
        "nano_cpus": int(limits.cpus * 1e9) if limits.cpus else None,
        "shm_size": _SHARED_MEMORY,
        "device_requests": [{"Count": -1, "Capabilities": [["gpu"]]}] if work.gpu else None,
    }


def _mounts(folders: Sequence[Folder]) -> list[dict[str, Any]]:
    """Each path once; writable where one use of it writes."""
    by_path: dict[str, dict[str, Any]] = {}
    for folder in sorted(folders, key=lambda one: one.writable):
        mount = _mount(folder)
        by_path[mount["Target"]] = mount
    return list(by_path.values())


def _mount(folder: Folder) -> dict[str, Any]:
    inside = os.path.abspath(folder.path)
    if any(Path(one).is_relative_to(inside) for one in _NEEDED):
        raise UsageError(
            where=str(folder.path),
            got="a folder that the image has too",
            expected="one of your own",
            fix="Mounted, it would hide what the image needs: name another folder.",
        )
    return {
        "Type": "bind",
        "Source": os.path.realpath(folder.path),
        "Target": inside,
        "ReadOnly": not folder.writable,
    }


def _user(engine: Mapping[str, Any]) -> str:
    """The caller, so that what is written is theirs; a rootless engine's root is the caller."""
    if "name=rootless" in (engine.get("SecurityOptions") or ()):
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}"


def _identity(image: Image) -> str:
    """Read by `harness.provenance` inside: the image doesn't know its own digest."""
    return json.dumps({"id": image.id, "name": image.name, "digests": list(image.digests)})
