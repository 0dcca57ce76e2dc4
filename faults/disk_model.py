"""Which states a disk may be in after the power went, given what was written and flushed.

The model, stricter than the file systems in use:

- A file's bytes are safe once the file was flushed (fsync). Bytes written since may all be there,
  or half of them, or zeros, or what was there before.
- A name made, removed or changed in a folder is safe once that folder was flushed. Until then each
  of these changes may or may not have reached the disk, whatever happened to those before it.
- A rename is one change: the file is under its old name or its new one.

Not modelled: a disk that says it flushed and didn't, and damage to what was already safe.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(eq=False)
class File:
    """Its bytes now, and those that are safe."""

    now: bytes = b""
    safe: bytes = b""


@dataclass(eq=False)
class Folder:
    """Its names now."""

    now: dict[str, File | Folder] = field(default_factory=dict)


Node = File | Folder


@dataclass
class Change:
    """A name in a folder that was made or removed; a rename is both at once."""

    made: tuple[Folder, str, Node] | None = None
    removed: tuple[Folder, str, Node] | None = None
    safe: bool = False

    def touches(self, folder: Folder) -> bool:
        """Whether flushing `folder` makes it safe."""
        return any(part is not None and part[0] is folder for part in (self.made, self.removed))


@dataclass
class Disk:
    """What happened below `root` so far, as far as a crash could tell."""

    root: Path
    top: Folder = field(default_factory=Folder)
    changes: list[Change] = field(default_factory=list)

    def look(self) -> None:
        """Take over what was written, made and removed since the last look."""
        self._look(self.top, self.root)

    def _look(self, folder: Folder, path: Path) -> None:
        there = {one.name: one for one in os.scandir(path)} if path.is_dir() else {}
        for name in [name for name in folder.now if name not in there]:
            self.changes.append(Change(removed=(folder, name, folder.now.pop(name))))
        for name, entry in sorted(there.items()):
            if name not in folder.now:
                node: Node = Folder() if entry.is_dir() else File()
                folder.now[name] = node
                self.changes.append(Change(made=(folder, name, node)))
            known = folder.now[name]
            if isinstance(known, Folder):
                self._look(known, path / name)
            else:
                known.now = (path / name).read_bytes()

    def renamed(self, old: Path, new: Path) -> None:
        """`old` became `new`, which may have been there."""
        source, target = self._node(old.parent), self._node(new.parent)
        if not (isinstance(source, Folder) and isinstance(target, Folder)):
            return
        node = source.now.pop(old.name)
        target.now[new.name] = node
        change = Change(made=(target, new.name, node), removed=(source, old.name, node))
        self.changes.append(change)

    def flushed(self, path: Path) -> None:
        """`path` was flushed."""
        node = self._node(path)
        if isinstance(node, File):
            node.safe = node.now
        elif isinstance(node, Folder):
            for change in self.changes:
                change.safe = change.safe or change.touches(node)

    def _node(self, path: Path) -> Node | None:
        if path != self.root and self.root not in path.parents:
            return None
        node: Node | None = self.top
        for name in path.relative_to(self.root).parts:
            node = node.now.get(name) if isinstance(node, Folder) else None
        return node

    def write_crashed(self, target: Path, choose: Choice) -> None:
        """Write one of the states that the disk may be in after a crash now."""
        names: dict[int, dict[str, Node]] = {}
        for change in self.changes:
            if not (change.safe or choose.happened()):
                continue
            if change.removed:
                folder, name, node = change.removed
                held = names.setdefault(id(folder), {})
                if held.get(name) is node:
                    del held[name]
            if change.made:
                folder, name, node = change.made
                names.setdefault(id(folder), {})[name] = node
        _write(self.top, target, names, choose)


def _write(folder: Folder, path: Path, names: dict[int, dict[str, Node]], choose: Choice) -> None:
    path.mkdir()
    for name, node in names.get(id(folder), {}).items():
        if isinstance(node, Folder):
            _write(node, path / name, names, choose)
        else:
            (path / name).write_bytes(choose.content(node))


@dataclass
class Choice:
    """Which of the legal states: the four extremes by name, or a random one."""

    kind: str
    rng: np.random.Generator

    def happened(self) -> bool:
        """Whether a change that isn't safe reached the disk."""
        if self.kind == "random":
            return bool(self.rng.integers(2))
        return self.kind != "nothing"

    def content(self, file: File) -> bytes:
        """What a file holds."""
        if file.safe == file.now:
            return file.now
        half, zeros = file.now[: len(file.now) // 2], bytes(len(file.now))
        forms = {"nothing": file.safe, "torn": half, "zeros": zeros, "all": file.now}
        kind = self.kind
        if kind == "random":
            kind = ("nothing", "torn", "zeros", "all")[int(self.rng.integers(4))]
        return forms[kind]


EXTREMES = ("nothing", "torn", "zeros", "all")


@contextlib.contextmanager
def watched(disk: Disk, before: Callable[[str], None]) -> Iterator[None]:
    """Follow every change below the disk's root; `before` is called ahead of each: a crash there.

    Through the functions of `os`, which Python's own file modules use too. What a library writes
    by itself is seen at the next of these calls.
    """
    kept = {name: getattr(os, name) for name in _FOLLOWED}
    looking = False

    def wrap(name: str) -> Callable[..., Any]:
        # What is safe is the model's to say: nothing has to wait for the real disk.
        act = kept[name] if name not in _FLUSHES else lambda _: None

        def follow(*arguments: Any, **named: Any) -> Any:
            nonlocal looking
            if looking:
                return act(*arguments, **named)
            disk.look()
            looking = True
            before(name)
            looking = False
            result = act(*arguments, **named)
            if name in ("rename", "replace"):
                disk.renamed(Path(arguments[0]), Path(arguments[1]))
            elif name in _FLUSHES:
                disk.flushed(Path(os.readlink(f"/proc/self/fd/{arguments[0]}")))
            disk.look()
            return result

        return follow

    for name in _FOLLOWED:
        setattr(os, name, wrap(name))
    # It would delete through descriptors, whose names can't be told.
    by_descriptor = shutil._use_fd_functions  # type: ignore[attr-defined]
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(os, name, function)
        shutil._use_fd_functions = by_descriptor  # type: ignore[attr-defined]


_FLUSHES = ("fsync", "fdatasync")
_FOLLOWED = ("mkdir", "rename", "replace", "unlink", "remove", "rmdir", *_FLUSHES)
