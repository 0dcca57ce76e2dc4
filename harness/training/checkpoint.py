"""What survives a crash in the middle of a stage: sealed folders of tensors and plain facts.

A checkpoint is written aside, flushed and renamed, and every byte is compared with its sha256
before it is used. What it holds depends on how far the work is and on nothing else, so that when
checkpoints are written changes no result.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.artifacts import machine_error
from harness.errors import VerificationError
from harness.provenance import cpu_model, environment
from harness.sealed import problems, read_meta, seal

_FORMAT = 2  # raise it when what training or inference put into a checkpoint changes
_TENSORS = "state.safetensors"
_ASIDE = "writing"
_SHARE = 0.02  # of the time that writing may take, where time decides when


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A sound checkpoint."""

    number: int
    """How much was done: steps, or batches."""
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def made_by(device: torch.device, devices: int = 1) -> dict[str, Any]:
    """What else decides bits: code, libraries, processor, threads, devices.

    A checkpoint that was made by anything else isn't used.
    """
    known = environment()
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "format": _FORMAT,
        **{name: known[name] for name in ("code", "python", "libraries", "locks")},
        "cpu": cpu_model(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "devices": devices,
        "gpu": gpu,
    }


@dataclass(kw_only=True)
class Checkpoints:
    """The checkpoints of one stage, in a folder that nobody else writes to."""

    folder: Path
    maker: Mapping[str, Any]
    """`made_by` of this process."""
    seconds: float | None
    """Between two of them. They get rarer where writing would take more than 2 % of the time;
    0: no wait."""
    steps: int | None = None
    """Between two of them; the sooner of the two counts. None and None: there are none."""
    keep: int | None = 2
    """The newest so many; None: all."""
    _last: int = 0
    _since: float = field(default_factory=time.monotonic)
    _cost: float = 0.0
    _told: bool = False

    def newest(self) -> Saved | None:
        """The newest that is sound and was made by the same; newer ones are removed."""
        for path in reversed(self._paths()):
            found = self._read(path)
            if found:
                self._last = found.number
                return found
        return None

    def in_order(self) -> Iterator[Saved]:
        """All that are sound and were made by the same, the oldest first."""
        for path in self._paths():
            found = self._read(path)
            if found:
                self._last = found.number
                yield found

    def due(self, number: int) -> bool:
        """Whether one should be written now that `number` steps are done."""
        if self.steps is not None and number - self._last >= self.steps:
            return True
        if self.seconds is None:
            return False
        wait = max(self.seconds, self._cost / _SHARE) if self.seconds else 0.0
        return time.monotonic() - self._since >= wait

    def write(self, number: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> bool:
        """Write one; False where the disk doesn't take it: the work itself goes on.

        Args:
            number: steps done.
            tensors: on any device.
            facts: plain JSON values.
        """
        started = time.monotonic()
        aside = self.folder / _ASIDE
        try:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
            save_file(held, aside / _TENSORS)
            seal(aside, self.folder / _name(number), {"maker": self.maker, "facts": facts})
        except Exception as error:
            shutil.rmtree(aside, ignore_errors=True)
            told = machine_error(error, self.folder, "--store")
            if told is None:
                raise
            self._tell(told.got)
            return False
        finally:
            # Also after a failure: a full disk isn't asked again at every step.
            self._last, self._since = number, time.monotonic()
            self._cost = self._since - started
        if self.keep is not None:
            for old in self._paths()[: -self.keep]:
                shutil.rmtree(old, ignore_errors=True)
        return True

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*"))

    def _read(self, path: Path) -> Saved | None:
        """None where it isn't sound or was made otherwise; it is removed then."""
        try:
            meta = read_meta(path)
            sound = meta["maker"] == dict(self.maker) and not problems(path, meta)
        except VerificationError:
            sound = False
        if not sound:
            shutil.rmtree(path, ignore_errors=True)
            return None
        # Cloned: a file that is mapped into memory has other alignments than what torch allocates.
        tensors = {name: one.clone() for name, one in load_file(path / _TENSORS).items()}
        return Saved(number=int(path.name), tensors=tensors, facts=meta["facts"])

    def _tell(self, why: str) -> None:
        if not self._told:
            sys.stderr.write(
                f"harness: no checkpoint in {self.folder}: {why}. The stage goes on.\n"
            )
            self._told = True


def _name(number: int) -> str:
    return f"{number:012d}"
