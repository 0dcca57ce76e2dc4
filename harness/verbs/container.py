"""`harness container build|run`: the image, and a whole `reproduce` in it, locked down.

`run` differs from `reproduce --backend container` in where the plan is made and the report
written: here everything runs inside, so that outside nothing but the SDK is needed, and the
status is that of the command in the container.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from harness import options, session
from harness.artifacts import describe_os_errors
from harness.containers import shape
from harness.containers.box import STDOUT, Box, started
from harness.containers.building import Recipe
from harness.containers.building import build as build_image
from harness.containers.engine import connect
from harness.containers.limits import read_limits
from harness.manifest import choose, select_claims
from harness.provenance import gpus
from harness.run_folder import RUN, check_replaceable, default_out

Given = Mapping[str, Any]
_PASSED_ON = ("profile", "seeds", "protocol", "device", "manifests", "pins", "checkpoints", "jobs")


def build(given: Given) -> None:
    """Build the image; its log goes to stderr, its name, ID and size to stdout."""
    image, size = build_image(Recipe(**given), lambda text: click.echo(text, err=True, nl=False))
    click.echo(f"{image.name} {image.id} {size / 1e6:,.0f} MB")


def run(claims: Sequence[str], out: Path | None, given: Given, *, as_json: bool) -> int:
    """Run `harness reproduce` in a container; its exit status.

    Raises:
        UsageError: a wrong option, claim or folder; told before anything starts.
        MachineError: no engine, no image, no GPU runtime, no memory.
        StoppedError: somebody or the time limit stopped it.
    """
    limits = read_limits(given)
    folder = _run_folder(claims, out, given)
    # The key stays outside: what is signed is what came out.
    session.signing_key(given)
    terminal = not as_json and sys.stdout.isatty() and sys.stderr.isatty()
    before = _written(folder)
    with contextlib.ExitStack() as stack:
        junit = stack.enter_context(_junit(given["junit"]))
        inside = {**given, "junit": junit}
        work = shape.Work(
            command=_command(claims, out, inside, as_json=as_json),
            folders=_folders(folder, inside),
            gpu=_wants_gpu(given["device"]),
            terminal=terminal,
            environment=_terminal() if terminal else {},
        )
        client = stack.enter_context(contextlib.closing(connect()))
        stack.enter_context(_made(options.open_store(given["store"]).root, folder))
        box = stack.enter_context(started(client, work, limits))
        if terminal:
            box.resize(*shutil.get_terminal_size())
        said = _pass_on(box, keep=as_json)
        ended = box.ended()
    session.finish(folder, given, written=_written(folder) != before)
    failure = ended.failure()
    # A run that was told to stop has said so itself.
    if failure and ended.status != failure.exit_code:
        raise failure
    # One document, whole or not at all.
    sys.stdout.write(said)
    return ended.status


def _run_folder(claims: Sequence[str], out: Path | None, given: Given) -> Path:
    manifests = session.load(given)
    profile = choose("profile", given["profile"], manifests.profiles)
    options.check_brought(given["files"], manifests.pins)
    folder = out or default_out(select_claims(manifests, claims), profile.id)
    check_replaceable(folder)
    return folder


def _command(
    claims: Sequence[str], out: Path | None, given: Given, *, as_json: bool
) -> tuple[str, ...]:
    """The same command for inside; folders keep their paths."""
    words: list[str] = ["reproduce", *claims]
    for name in _PASSED_ON:
        if given[name] is not None:
            words += [f"--{name}", str(given[name])]
    mirror = options.mirror_dir(given["mirror"])
    words += ["--store", str(options.open_store(given["store"]).root)]
    words += ["--mirror", str(mirror)] if mirror else []
    words += [word for pair in given["files"] for word in ("--files", pair)]
    words += ["--out", str(out)] if out else []
    words += ["--junit", str(given["junit"])] if given["junit"] else []
    return (*words, "--json") if as_json else tuple(words)


def _folders(run_folder: Path, given: Given) -> tuple[shape.Folder, ...]:
    store = options.open_store(given["store"]).root
    read = [options.mirror_dir(given["mirror"]), given["manifests"], given["pins"]]
    read += options.file_folders(given["files"]).values()
    written = [store, run_folder, *([given["junit"].parent] if given["junit"] else [])]
    return (
        *(shape.Folder(path=path) for path in read if path is not None),
        *(shape.Folder(path=path, writable=True) for path in written),
    )


@contextlib.contextmanager
def _made(store: Path, run_folder: Path) -> Iterator[None]:
    """Make what is mounted to be written, as its owner; leave no empty run folder behind."""
    with describe_os_errors(store):
        store.mkdir(parents=True, exist_ok=True)
    with describe_os_errors(run_folder, "--out"):
        run_folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            run_folder.rmdir()


@contextlib.contextmanager
def _junit(path: Path | None) -> Iterator[Path | None]:
    """A file in a folder of its own beside `path`, which alone is mounted; moved there at the end.

    Raises:
        MachineError: nothing can be written there.
    """
    if path is None:
        yield None
        return
    with describe_os_errors(path, "--junit"):
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".harness-junit-", dir=path.absolute().parent))
    try:
        yield folder / "junit.xml"
        if (folder / "junit.xml").is_file():
            os.replace(folder / "junit.xml", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _written(folder: Path) -> int | None:
    """Tells one run in `folder` from the next."""
    run = folder / RUN
    return run.stat().st_mtime_ns if run.is_file() else None


def _wants_gpu(device: str) -> bool:
    return device.startswith("cuda") or (device == "auto" and bool(gpus()))


def _terminal() -> dict[str, str]:
    return {name: os.environ[name] for name in ("TERM", "NO_COLOR") if name in os.environ}


def _pass_on(box: Box, *, keep: bool) -> str:
    """Stdout and stderr as they come; stdout at the end where it is to be kept whole."""
    kept = b""
    for stream, data in box.frames():
        if stream == STDOUT and keep:
            kept += data
            continue
        target = sys.stdout if stream == STDOUT else sys.stderr
        target.buffer.write(data)
        target.flush()
    return kept.decode("utf-8", "replace")
