"""Building the project's image through the SDK, from a checkout, as `make image` does."""

from __future__ import annotations

import contextlib
import hashlib
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.containers import refusals
from harness.containers.engine import Image, connect, find_image
from harness.containers.limits import REPOSITORY
from harness.errors import MachineError

_CHECKOUT = Path(__file__).resolve().parents[2]
_LOCKS = ("runtime.txt", "torch.txt")
_STDERR = 2


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What to build."""

    flavour: str
    """cpu or gpu."""
    name: str | None = None
    """Tag of the image; None: the project's own."""
    base: str | None = None
    """Another base image than the Dockerfile's."""
    network: str | None = None
    """Of the build's own steps; "none" where `wheels/` has everything."""

    @property
    def tag(self) -> str:
        """Name and tag."""
        return self.name or f"{REPOSITORY}:{self.flavour}"


def build(recipe: Recipe, say: Callable[[str], None]) -> tuple[Image, int]:
    """Build the image; its identity and its size in bytes.

    Args:
        recipe: what to build.
        say: gets the build's log as it comes.

    Raises:
        MachineError: no checkout, no engine, or a step failed.
    """
    if not (_CHECKOUT / "Dockerfile").is_file():
        raise MachineError(
            where="harness container build",
            got="an installed package",
            expected="a checkout of the project, which has the Dockerfile",
            fix="Run it there, or read a saved image with `docker load`.",
        )
    with contextlib.closing(connect()) as client:
        if recipe.flavour == "cpu":
            _download_wheels()
        _read(_start(client, recipe), recipe, say)
        image = find_image(client, recipe.tag)
        with refusals.described(running=True):
            size = int(client.images.get(image.id).attrs["Size"])
    return image, size


def build_arguments(recipe: Recipe) -> dict[str, str]:
    """What the Dockerfile is told, as the Makefile does."""
    from harness import __version__
    from harness.provenance import environment

    code = environment()["code"]
    commit = code["commit"] or "unknown"
    locks = b"".join((_CHECKOUT / "requirements" / name).read_bytes() for name in _LOCKS)
    told = {
        "FLAVOUR": recipe.flavour,
        "COMMIT": f"{commit}-dirty" if code["dirty"] else commit,
        "VERSION": __version__,
        "LOCKS": f"sha256:{hashlib.sha256(locks).hexdigest()}",
    }
    return {**told, "BASE": recipe.base} if recipe.base else told


def _download_wheels() -> None:
    """With the pip of this machine, which knows its proxies and indexes; does nothing twice."""
    command = [str(_CHECKOUT / "requirements" / "wheels.sh"), "cpu"]
    done = subprocess.run(command, stdout=_STDERR, check=False)
    if done.returncode:
        raise MachineError(
            where="requirements/wheels.sh cpu",
            got=f"status {done.returncode}",
            expected="the locked packages in wheels/cpu",
            fix="What it said is above; docs/container.md shows how to name another index.",
        )


def _start(client: Any, recipe: Recipe) -> Any:
    with refusals.described():
        return client.api.build(
            path=str(_CHECKOUT),
            tag=recipe.tag,
            buildargs=build_arguments(recipe),
            network_mode=recipe.network,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=None,
        )


def _read(log: Any, recipe: Recipe, say: Callable[[str], None]) -> None:
    wrong = None
    with refusals.described(running=True):
        # To its end also after an error, the last thing said: the connection is free then.
        for line in log:
            wrong = line if "error" in line else wrong
            say(str(line.get("stream", "")))
    if wrong is not None:
        raise _failed(recipe, wrong)


def _failed(recipe: Recipe, line: Mapping[str, Any]) -> MachineError:
    said = str(line["error"]).strip()
    missing = re.search(r"pull access denied|not found|no such host|dial tcp", said)
    fix = "The build's own words are above."
    if missing:
        fix = "Name a base image that the engine has or can get with --base."
    return MachineError(
        where=f"image {recipe.tag}", got=said, expected="a build to its end", fix=fix
    )
