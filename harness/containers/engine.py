"""The container engine: reached through the docker SDK, which is imported on use."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from dataclasses import dataclass
from typing import Any

from harness.containers import refusals

# Since then a container can ask for GPUs.
OLDEST_API = (1, 40)
# Seconds for one answer; waiting for a container's end has no such limit.
_ANSWER = 120


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image that the engine has."""

    id: str
    """sha256 of its configuration: the same bytes everywhere."""
    name: str
    digests: tuple[str, ...]
    """What registries call it, where it came from one."""


def connect() -> Any:
    """A client of the engine that $DOCKER_HOST names, else of this machine's.

    Raises:
        MachineError: no SDK, no engine, no permission, an engine that is too old.
    """
    try:
        import docker
    except ImportError as error:
        raise refusals.no_sdk() from error
    with refusals.described():
        _knock()
        oldest = ".".join(map(str, OLDEST_API))
        with contextlib.closing(docker.from_env(version=oldest, timeout=_ANSWER)) as asking:
            version = str(asking.version(api_version=False)["ApiVersion"])
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_API:
        raise refusals.too_old(f"API {version}")
    return docker.from_env(version=version, timeout=_ANSWER)


def _knock() -> None:
    """OSError where a socket of this machine doesn't answer; the SDK would wrap it twice."""
    host = os.environ.get("DOCKER_HOST") or refusals.DEFAULT_HOST
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(host.removeprefix("unix://"))


def find_image(client: Any, name: str) -> Image:
    """The image called `name`; MachineError where the engine hasn't got it."""
    from docker.errors import ImageNotFound

    with refusals.described():
        try:
            found = client.images.get(name)
        except ImageNotFound as error:
            raise refusals.no_image(name) from error
    digests = tuple(found.attrs.get("RepoDigests") or ())
    return Image(id=found.id, name=name, digests=digests)
