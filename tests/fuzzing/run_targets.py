"""Targets that read run folders as anybody may have left them: `verify` and `report`."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from run_folders import file_names, make_run, rehash

from fuzzing.mutations import LEAVES, TOKENS, as_json
from harness import strict_json
from harness.verbs import verifying

_ODD = ("link", "loop", "pipe", "folder", "gone", "up")
_STATUS = {0, 3, 5}


@functools.cache
def sound_run() -> Path:
    """A run folder, made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-run-"))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return make_run(folder)


def forged() -> st.SearchStrategy[Any]:
    """What happens to a file of the run (by its number), and whether every hash is redone."""
    bits = st.tuples(st.just("bytes"), st.integers(0, 10**6), st.sampled_from(TOKENS))
    trees = st.tuples(
        st.just("tree"), st.lists(st.integers(0, 10**4), max_size=8), st.sampled_from(LEAVES)
    )
    odd = st.tuples(st.just("odd"), st.sampled_from(_ODD), st.just(None))
    change = st.tuples(st.integers(0, 10**4), st.one_of(bits, trees, odd))
    return st.tuples(st.lists(change, min_size=1, max_size=3), st.booleans())


def verify(value: Any, folder: Path) -> None:
    """Every answer is a status; nothing outside the folder is read or written."""
    changes, redone = value
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(sound_run(), run)
    secret = folder / "secret"
    secret.write_text("secret")
    names = [*sorted(file_names(run)), "run.json"]
    for number, change in changes:
        _change(run / names[number % len(names)], change, secret)
    if redone and (run / "run.json").is_file():
        # Whoever forges can redo hashes; of what is no run any more there is nothing to redo.
        with contextlib.suppress(Exception):
            rehash(run)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = verifying.run(run, [], as_json=False)
    assert status in _STATUS, status
    assert secret.read_text() == "secret"
    assert "secret" not in said.getvalue().replace(str(secret), "")


def _change(path: Path, change: Any, secret: Path) -> None:
    what, where, value = change
    if not path.is_file() or path.is_symlink():
        return
    if what == "odd":
        path.unlink()
        _odd(path, where, secret)
        return
    data = path.read_bytes()
    if what == "tree":
        with contextlib.suppress(ValueError):
            document = strict_json.loads(data)
            path.write_bytes(as_json(_put(document, where, value)))
            return
        where = sum(where)
    at = where % (len(data) + 1)
    path.write_bytes(data[:at] + value_bytes(value) + data[at + 1 :])


def value_bytes(value: Any) -> bytes:
    """A token as it is, a leaf as JSON."""
    return value if isinstance(value, bytes) else as_json(value)


def _put(document: Any, numbers: list[int], value: Any) -> Any:
    """The document with `value` in the place that the numbers lead to."""
    if not numbers or not isinstance(document, dict | list) or not document:
        return value
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = keys[numbers[0] % len(keys)]
    document[key] = _put(document[key], numbers[1:], value)
    return document


def _odd(path: Path, kind: str, secret: Path) -> None:
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "up":
        path.symlink_to("../" * 20 + "etc/passwd")


TARGETS: dict[str, tuple[Callable[[], st.SearchStrategy[Any]], Callable[[Any, Path], None]]] = {
    "verify": (forged, verify),
}
