"""What can go wrong with a container engine, each in one paragraph that says the way out."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

from harness.errors import HarnessError, MachineError, StageError, StoppedError

DEFAULT_HOST = "unix:///var/run/docker.sock"
_GOES_ON = "The same command goes on from the store."
# What an engine says -> got, expected, way out; \1 is the pattern's group. The first that fits.
_REFUSED = (
    (
        r"could not select device driver|unresolvable CDI device|unknown or invalid runtime",
        "an engine without a GPU runtime",
        "one that gives GPUs to containers",
        "Install NVIDIA's container toolkit and restart the engine, or use --device cpu.",
    ),
    (
        r"bind source path does not exist: (\S+)",
        r"no folder \1 on the engine's machine",
        "folders that the engine can mount",
        "An engine elsewhere can't mount this machine's folders: set $DOCKER_HOST to one here, "
        "or share the folder in Docker Desktop's settings.",
    ),
    (
        r"client version .* too (?:old|new)",
        "an engine that doesn't speak the SDK's version of the API",
        "API 1.40 or newer (Docker 19.03)",
        "Update the engine, or Python's package `docker`.",
    ),
    (
        r"exec: .*: (?:executable file not found|stat .*no such file)",
        "an image that has no `harness`",
        "one that `harness container build` made",
        "Build it, or name another with --image.",
    ),
    (
        r"[Rr]ange of CPUs is from ([\d.]+ to [\d.]+)",
        "more CPUs than there are",
        r"\1",
        "Give --cpus in that range, or none.",
    ),
    (
        r"[Mm]inimum memory limit(?: allowed)? is (\w+)",
        "a memory limit below the engine's least",
        r"\1 or more",
        "Raise --memory.",
    ),
    (
        r"no space left on device",
        "disk full",
        "free space",
        "Free some space where the engine keeps its data; `docker system df` shows what is there.",
    ),
    (
        r"permission denied",
        "permission denied",
        "folders that the engine may mount",
        "Name folders that the engine's user may read.",
    ),
)


def place() -> str:
    """Which engine is meant, for messages."""
    return f"container engine {os.environ.get('DOCKER_HOST') or DEFAULT_HOST}"


@contextlib.contextmanager
def described(*, running: bool = False) -> Iterator[None]:
    """Turn what the SDK raises into a MachineError; `running`: the engine did answer before."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        told = _told(error, running)
        if told is None:
            raise
        raise told from error


def no_sdk() -> MachineError:
    """The SDK isn't installed."""
    return MachineError(
        where="Python's package `docker`",
        got="not installed",
        expected="version 7.1 or newer",
        fix="Install it (`pip install docker`), or run without a container (`harness reproduce`).",
    )


def too_old(got: str) -> MachineError:
    """The engine's API lacks what a locked-down container needs."""
    return MachineError(
        where=place(),
        got=got,
        expected="API 1.40 or newer (Docker 19.03)",
        fix="Update the engine, or run without a container (`harness reproduce`).",
    )


def no_image(name: str) -> MachineError:
    """The engine doesn't have the image."""
    flavour = " --flavour gpu" if name.endswith(":gpu") else ""
    return MachineError(
        where=f"image {name}",
        got="no such image",
        expected="one that the engine already has: nothing is downloaded here",
        fix=f"In a checkout of the project `harness container build{flavour}` makes it; "
        "`docker load` reads a saved one; --image names another.",
    )


def stopped(status: int) -> StoppedError:
    """Somebody ended the container."""
    return StoppedError(
        where="the container",
        got=f"stopped from outside (status {status})",
        expected="a run to its end",
        fix="`docker stop`, `docker kill`, or a machine without memory does that. " + _GOES_ON,
    )


def timed_out(seconds: float) -> StoppedError:
    """The container ran longer than it may."""
    return StoppedError(
        where=f"--timeout {seconds:g}",
        got="a container that still ran then",
        expected="an end within that time",
        fix=f"It was stopped. {_GOES_ON}",
    )


def out_of_memory(limit: int) -> MachineError:
    """The container was killed at its own limit."""
    return MachineError(
        where="the container",
        got=f"killed for memory at its limit of {limit / 1e9:.1f} GB",
        expected="a run that fits",
        fix=f"Raise --memory, as far as the machine has more. {_GOES_ON}",
    )


def broken(status: int) -> StageError:
    """The process in the container ended as it shouldn't."""
    return StageError(
        where="the container",
        got=f"an end with status {status}",
        expected="an answer",
        fix="What it said is above; it may be a bug of the harness. " + _GOES_ON,
    )


def _told(error: Exception, running: bool) -> MachineError | None:
    # Imported here: the SDK is loaded on use, and it was, or there were no such error.
    from docker.errors import APIError, DockerException, InvalidVersion
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    if isinstance(error, InvalidVersion):
        return too_old(str(error))
    if isinstance(error, APIError):
        return _refused(str(error.explanation or error))
    if isinstance(error, DockerException | RequestException | HTTPError | OSError):
        return _lost() if running else _unreachable(error)
    return None


def _refused(said: str) -> MachineError:
    for pattern, got, expected, fix in _REFUSED:
        found = re.search(pattern, said)
        if found:
            return MachineError(
                where=place(), got=found.expand(got), expected=found.expand(expected), fix=fix
            )
    return MachineError(
        where=place(),
        got=f"a refusal: {said.strip()}",
        expected="a container",
        fix="Its log may say more; `docker info` shows what it can do.",
    )


def _lost() -> MachineError:
    return MachineError(
        where=place(),
        got="a connection that broke in the middle",
        expected="an engine that stays",
        fix=f"Start it again. {_GOES_ON}",
    )


def _unreachable(error: Exception) -> MachineError:
    cause = _cause(error)
    if isinstance(cause, PermissionError):
        return MachineError(
            where=place(),
            got="no permission on its socket",
            expected="a user who may use the engine",
            fix="Join the socket's group (often `sudo usermod -aG docker $USER`, then log in "
            "again), or run a rootless engine and set $DOCKER_HOST.",
        )
    if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
        return MachineError(
            where=place(),
            got="no engine that answers",
            expected="a running one",
            fix="Start Docker, or set $DOCKER_HOST to where it listens; "
            "`harness reproduce` needs none.",
        )
    return MachineError(
        where=place(),
        got=str(error),
        expected="an engine that answers",
        fix="Check $DOCKER_HOST; `docker version` should show a server.",
    )


def _cause(error: BaseException | None) -> OSError | None:
    """The operating system's error below what two libraries made of it."""
    seen: list[BaseException] = [error] if error else []
    for one in seen:
        # requests' own errors are OSErrors too, without a number.
        if isinstance(one, OSError) and isinstance(one.errno, int):
            return one
        parts = (*one.args, one.__cause__, one.__context__)
        seen += [part for part in parts if isinstance(part, BaseException) and part not in seen]
    return None
