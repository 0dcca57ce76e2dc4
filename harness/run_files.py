"""Reads a run folder that anybody may have written: nothing outside it, nothing without a bound."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from harness import strict_json
from harness.canonical import stream_sha256
from harness.errors import UsageError, VerificationError
from harness.evidence.documents import ComparisonDocument, RunDocument, StagesDocument
from harness.models import Family
from harness.records import PREDICTIONS, Comparison, parse_row, row_text
from harness.run_folder import RUN
from harness.run_stages import Stages

MOST_FILES = 100_000
LARGEST_DOCUMENT = 1 << 28
"""Bytes of a JSON document or page; rows are read one at a time."""
LONGEST_LINE = 1 << 24
M = TypeVar("M", bound=BaseModel)


@dataclass
class RunFiles:
    """A run folder. Only names that were found in it are opened, and no link is followed."""

    folder: Path
    odd: dict[str, str] = field(default_factory=dict)
    """Name -> why what lies there is no part of a run folder; filled by `names`."""

    @cached_property
    def names(self) -> frozenset[str]:
        """Every ordinary file, relative to the folder, with forward slashes.

        Raises:
            UsageError: there is no such folder.
            VerificationError: it holds more files than any run does.
        """
        if not self.folder.is_dir():
            raise UsageError(
                where=str(self.folder),
                got="no such folder",
                expected="a folder that `harness reproduce` wrote",
                fix="Name the folder that --out named.",
            )
        found: list[str] = []
        queue = [""]
        while queue:
            before = queue.pop()
            for name, mode in self._entries(before):
                if stat.S_ISDIR(mode):
                    queue.append(f"{name}/")
                elif stat.S_ISREG(mode):
                    found.append(name)
                else:
                    kind = "a symbolic link" if stat.S_ISLNK(mode) else "no ordinary file"
                    self.odd[name] = f"{kind}: it is not followed"
                if len(found) + len(queue) + len(self.odd) > MOST_FILES:
                    raise unsound(str(self.folder), f"more than {MOST_FILES:,} files", "a run's")
        return frozenset(found)

    def below(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        return sorted(name for name in self.names if name.startswith(f"{folder}/"))

    def sha256(self, name: str) -> str:
        """Of the file's bytes."""
        with self.open(name) as stream:
            return stream_sha256(stream)

    def whole(self, name: str) -> bytes:
        """A whole document.

        Raises:
            VerificationError: missing, unreadable, or too large to be one.
        """
        with self.open(name) as stream:
            data = stream.read(LARGEST_DOCUMENT + 1)
        if len(data) > LARGEST_DOCUMENT:
            raise unsound(name, f"more than {LARGEST_DOCUMENT >> 20} MiB", "a document of a run")
        return data

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file of rows, without their ends.

        Raises:
            VerificationError: missing or unreadable, a line that is too long or has no end.
        """
        with self.open(name) as stream:
            while line := stream.readline(LONGEST_LINE):
                if not line.endswith(b"\n"):
                    raise unsound(name, "a line that is too long or has no end", "rows")
                yield line[:-1]

    def open(self, name: str) -> BinaryIO:
        """A file for reading."""
        if name not in self.names:
            raise unsound(name, "no such file", "a part of every run folder")
        try:
            descriptor = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise unsound(name, error.strerror or str(error), "a file that can be read") from error
        return os.fdopen(descriptor, "rb")

    def predictions(self, name: str, family: Family) -> Iterator[tuple[bytes, Any]]:
        """The lines of a file of predictions, and what they are as the family's record.

        Raises:
            VerificationError: a line isn't one, or not in the form that a run writes.
        """
        for number, line in enumerate(self.lines(name), start=1):
            where = f"{name}, line {number}"
            try:
                row = parse_row(line, PREDICTIONS[family])
            except ValidationError as error:
                raise unsound(where, first_mistake(error), "a prediction") from error
            if row_text(row).encode() != line:
                raise unsound(where, "another form of the same values", "rows as a run writes them")
            yield line, row

    def json(self, name: str) -> Any:
        """A JSON document.

        Raises:
            VerificationError: it isn't one.
        """
        return parsed(self.whole(name), name)

    @cached_property
    def run(self) -> RunDocument:
        """run.json."""
        return self._model(RunDocument, RUN)

    @cached_property
    def comparisons(self) -> dict[str, Comparison]:
        """Claim -> its comparison, in the order of comparison.json."""
        found = self._model(ComparisonDocument, "comparison.json").comparisons
        return {one.claim.id: one for one in found}

    @cached_property
    def stages(self) -> Stages:
        """stages.json."""
        return Stages({one.key: one for one in self._model(StagesDocument, "stages.json").stages})

    def _model(self, model: type[M], name: str) -> M:
        try:
            return model.model_validate(self.json(name))
        except ValidationError as error:
            raise unsound(name, first_mistake(error), "what a run writes") from error

    def _entries(self, before: str) -> Iterator[tuple[str, int]]:
        """(name, mode) of everything in a folder of the run; what can't be read is odd."""
        try:
            with os.scandir(self.folder / before) as entries:
                for one in entries:
                    yield f"{before}{one.name}", one.stat(follow_symlinks=False).st_mode
        except OSError as error:
            self.odd[before or "."] = error.strerror or str(error)


def parsed(data: bytes, name: str) -> Any:
    """JSON that is plain data (strict_json); VerificationError where `data` isn't that."""
    try:
        return strict_json.loads(data)
    except ValueError as error:
        raise unsound(name, f"no JSON: {error}", "what a run writes") from error


def first_mistake(error: ValidationError) -> str:
    """Where a document isn't of its model, and why."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def unsound(name: str, got: str, expected: str) -> VerificationError:
    """The error of a file that isn't as a run leaves it."""
    return VerificationError(
        where=name,
        got=got,
        expected=expected,
        fix="Copy the run folder again, or reproduce the claim: finished stages are kept.",
    )
