"""Command-line options and environment variables -> values that plan and run take."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from harness.artifacts import Store
from harness.errors import DataError, MachineError, UsageError
from harness.manifest import choose, parse_model
from harness.models import Mirror, Pins, Precision
from harness.provenance import cpu_has_bf16, gpu_has_bf16, gpus
from harness.stages.contract import Resources

_DEVICE = re.compile(r"cpu|cuda(:\d+)?")
_EVERY = re.compile(r"(?P<seconds>\d+)s|(?P<steps>[1-9]\d*)steps|never")


def cache_dir() -> Path:
    """The user's cache folder of the harness; MachineError where the user has no home."""
    named = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(named) if named else Path.home() / ".cache") / "harness"
    except RuntimeError as error:
        raise MachineError(
            where="the cache folder",
            got="a user without a home folder",
            expected="$HOME or $XDG_CACHE_HOME",
            fix="Set one of them, or give --store (or $HARNESS_STORE) and --mirror.",
        ) from error


def open_store(option: Path | None) -> Store:
    """`--store`, else $HARNESS_STORE, else the user's cache folder."""
    chosen = option or os.environ.get("HARNESS_STORE")
    return Store(Path(chosen).absolute() if chosen else cache_dir() / "store")


def mirror_dir(option: Path | None) -> Path | None:
    """`--mirror`, else $HARNESS_MIRROR, else the cache's mirror where there is one.

    Raises:
        DataError: the folder that was named isn't there.
    """
    named = option or os.environ.get("HARNESS_MIRROR")
    if not named:
        usual = cache_dir() / "mirror"
        return usual if usual.is_dir() else None
    folder = Path(named).absolute()
    if not folder.is_dir():
        raise DataError(
            where=f"mirror {named}",
            got="no such folder",
            expected="a folder in the Hub's layout",
            fix="Make one with `harness fetch CLAIM --profile P --to DIR`, or name another.",
        )
    return folder


def read_mirror(folder: Path | None) -> Mirror | None:
    """What the mirror says it holds; None without a mirror or without a mirror.yaml."""
    if folder is None or not (folder / "mirror.yaml").is_file():
        return None
    return parse_model(Mirror, folder / "mirror.yaml")


def file_folders(pairs: Sequence[str]) -> dict[str, Path]:
    """`--files NAME=DIR` options as NAME -> folder.

    Raises:
        UsageError: not of that form, or no such folder.
    """
    found = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and folder and Path(folder).is_dir()):
            raise UsageError(
                where=f"--files {pair}",
                got="no such folder" if equals else "no `=`",
                expected="NAME=DIR with a folder that is there",
                fix="NAME is the data set's name in pins.yaml.",
            )
        found[name] = Path(folder).absolute()
    return found


def check_brought(pairs: Sequence[str], pins: Pins) -> None:
    """Refuse a `--files` folder that nothing would read.

    Raises:
        UsageError: a name that no pin has, or whose data aren't brought but fetched or generated.
    """
    brought = {name: pin for name, pin in pins.datasets.items() if pin.kind == "files"}
    for name in file_folders(pairs):
        choose("data set to bring", name, brought)


def resolve_device(option: str, *, elsewhere: bool = False) -> str:
    """`--device`: "auto" is the first GPU where there is one, else the CPU.

    Stages that run `elsewhere` may have GPUs that this machine lacks.

    Raises:
        UsageError: not a device.
        MachineError: a GPU was asked for and there is none.
    """
    if option == "auto":
        return "cuda" if gpus() else "cpu"
    if not _DEVICE.fullmatch(option):
        raise UsageError(
            where=f"--device {option}",
            got="an unknown device",
            expected="auto, cpu, cuda or cuda:N",
            fix="Leave it out to use the GPU where there is one.",
        )
    index = int(option.partition(":")[2] or 0)
    if option != "cpu" and not elsewhere and index >= len(gpus()):
        raise MachineError(
            where=f"--device {option}",
            got=f"{len(gpus()) or 'no'} NVIDIA GPU on this machine",
            expected="a GPU that nvidia-smi shows",
            fix="Use --device cpu, or run where there is a GPU.",
        )
    return option


def devices(count: int | None, device: str) -> int:
    """`--devices`: how many a training is spread over; 1 where nothing is said.

    Args:
        count: as given.
        device: what `resolve_device` gave.

    Raises:
        UsageError: not a number of devices, or a device that is one.
        MachineError: more GPUs than there are.
    """
    if count is None or count == 1:
        return 1
    where = f"--devices {count}"
    if count < 1 or ":" in device:
        raise UsageError(
            where=where,
            got=f"one device, {device}" if count > 1 else "no number of devices",
            expected="1 or more, and for more than one --device cuda or cpu",
            fix="Leave it out for one device.",
        )
    if device == "cuda" and count > len(gpus()):
        raise MachineError(
            where=where,
            got=f"{len(gpus()) or 'no'} NVIDIA GPU on this machine",
            expected="as many GPUs that nvidia-smi shows",
            fix=f"Use --devices {len(gpus()) or 1}, or run where there are more.",
        )
    return count


def resolve_precision(wanted: str, device: str) -> Precision:
    """bf16 for "native" where the device multiplies it itself, else fp32."""
    if wanted == "native":
        # GPUs of other machines, where this one has none: all that Ray is used with have it.
        native = cpu_has_bf16() if device == "cpu" else gpu_has_bf16() or not gpus()
        return "bf16" if native else "fp32"
    return "bf16" if wanted == "bf16" else "fp32"


def resources(
    mirror: Path | None,
    files: Sequence[str],
    device: str,
    checkpoints: str | None = None,
    count: int | None = None,
) -> Resources:
    """What the machine gives the stages.

    Raises:
        UsageError: a folder of `files`, the words of `checkpoints` or `count` are wrong.
        MachineError: fewer GPUs than `count`.
    """
    seconds, steps = _interval(checkpoints or os.environ.get("HARNESS_CHECKPOINTS") or "60s")
    return Resources(
        mirror=mirror,
        files=file_folders(files),
        device=device,
        checkpoint_seconds=seconds,
        checkpoint_steps=steps,
        devices=devices(count, device),
    )


def _interval(words: str) -> tuple[float | None, int | None]:
    """Seconds and steps between two checkpoints, one of which is None; both for "never"."""
    found = _EVERY.fullmatch(words)
    if not found:
        raise UsageError(
            where=f"--checkpoints {words}",
            got="no interval",
            expected="e.g. 60s, 500steps, or never; 0s is after every step",
            fix="Leave it out for every 60 s.",
        )
    seconds, steps = found["seconds"], found["steps"]
    return float(seconds) if seconds else None, int(steps) if steps else None
