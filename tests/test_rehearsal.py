"""The paper profile, rehearsed: every repository that it pins, in small, from a Hub to verdicts.

`fetch` and `reproduce 'phang2020/*' --profile paper` run as a user runs them, `--pins` apart: the
repositories of tests/rehearsal have the real ones' names, configs, files and column types.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_runs import parted
from hub_server import Hub, serving
from rehearsal.rows import table
from rehearsal.world import World, build, parts_of

from harness import yaml12
from harness.manifest import load_manifests
from harness.models import DatasetPin, Mirror
from harness.resources import resource_dir
from harness.sources.mirror import load_mirror
from harness.sources.schemas import class_labels

CLAIMS = "phang2020/*"
PROFILE = ["--profile", "paper"]
RUNS = (0, 10, 11)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A mirror that `fetch` filled, and what it took."""

    world: World
    mirror: Path
    out: str
    requests: Sequence[str]


@contextmanager
def published(world: World) -> Iterator[Hub]:
    """The world on a Hub of its own, every repository at its pinned revision."""
    with serving(world.root) as hub:
        hub.revisions |= world.revisions
        yield hub


def harness(*arguments: str | Path, under: Sequence[str] = ()) -> list[str]:
    """A command line."""
    return [*under, sys.executable, "-m", "harness.cli", *map(str, arguments)]


def fetch(world: World, to: Path) -> list[str]:
    """`harness fetch` of the whole paper."""
    return harness("fetch", CLAIMS, *PROFILE, "--pins", world.pins, "--to", to)


def online(hub: Hub) -> dict[str, str]:
    """The environment of a process that may ask the Hub."""
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}


def offline() -> list[str]:
    """A network namespace without interfaces, where this machine allows one."""
    unshare = shutil.which("unshare")
    prefix = [str(unshare), "-n"] if os.geteuid() == 0 else [str(unshare), "-rn"]
    if unshare is None or subprocess.run([*prefix, "true"], check=False).returncode:
        return []
    return prefix


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The repositories' files and their pins."""
    return build(tmp_path_factory.mktemp("world"), load_manifests().profiles["paper"].encoder)


@pytest.fixture(scope="module")
def fetched(world: World, tmp_path_factory: pytest.TempPathFactory) -> Fetched:
    """The whole paper's mirror."""
    mirror = tmp_path_factory.mktemp("fetched") / "mirror"
    with published(world) as hub:
        done = subprocess.run(
            fetch(world, mirror), env=online(hub), capture_output=True, text=True, check=False
        )
    assert (done.returncode, parted(done.stderr)[0]) == (0, "")
    return Fetched(world=world, mirror=mirror, out=done.stdout, requests=hub.requests)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run of all claims."""

    folder: Path
    command: list[str]
    out: str
    status: int


@pytest.fixture(scope="module")
def ran(fetched: Fetched, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The paper, reproduced at one seed, without a network."""
    folder = tmp_path_factory.mktemp("ran")
    places = ["--store", folder / "store", "--out", folder / "run", "--mirror", fetched.mirror]
    asked = ["--pins", fetched.world.pins, *fetched.world.options, "--seeds", "1"]
    command = harness("reproduce", CLAIMS, *PROFILE, *asked, "--device", "cpu", *places)
    environment = {name: value for name, value in os.environ.items() if name != "HARNESS_MIRROR"}
    done = subprocess.run(
        [*offline(), *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in RUNS, done.stdout + done.stderr
    return Ran(folder=folder, command=command, out=done.stdout, status=done.returncode)


def held(folder: Path) -> Mirror:
    """What a mirror says it holds."""
    found = load_mirror(folder)
    assert found is not None
    return found


def test_the_pins_differ_in_rows_hashes_and_the_encoders_size(world: World) -> None:
    """Repositories, revisions, files, readers, labels and all else are the project's."""
    ours = yaml12.load(resource_dir("manifests") / "pins.yaml")[0]
    theirs = json.loads(world.pins.read_bytes())
    assert _stripped(theirs) == _stripped(ours)


SIZES = ("parameters", "layers", "hidden_size", "vocabulary", "files")


def _stripped(pins):
    for data in pins["datasets"].values():
        for splits in data["configs"].values():
            for split in splits.values():
                for name in ("rows", "sha256"):
                    split.pop(name, None)
                split["languages"] = sorted(split.get("languages", ()))
    encoder = pins["encoders"][load_manifests().profiles["paper"].encoder]
    assert set(encoder) >= set(SIZES)
    for name in SIZES:
        encoder.pop(name)
    return pins


MADE_UP = {
    "kind": "hub",
    "title": "Paraphrases that nobody has published",
    "license": "none",
    "repo": "owner/paraphrases",
    "revision": "0" * 40,
    "reader": "pair",
    "columns": {"first": "satz", "second": "anderer"},
    "labels": ["different", "same"],
    "language": {"by": "fixed", "language": "de"},
    "configs": {"all": {"train": {"file": "all/train.parquet"}}},
}


def test_a_new_pin_needs_no_new_code() -> None:
    """Its reader, columns, labels and language are enough to write a file in its form."""
    pin = DatasetPin.model_validate(MADE_UP)
    (part,) = parts_of("paraphrases", pin, "all", "train")
    made = table([part])
    assert made.column_names == ["satz", "anderer", "label"]
    assert class_labels(made.schema) == {"label": ("different", "same")}
    assert " und " in made.column("satz")[0].as_py()


def test_fetch_brings_every_file_that_is_read(fetched: Fetched) -> None:
    """Each once, and nothing else: one download a file."""
    downloads = _downloads(fetched.requests)
    files = [path for path in fetched.mirror.rglob("*") if path.is_file()]
    data = [path for path in files if path.name not in ("mirror.yaml", ".lock")]
    assert len(downloads) == len(set(downloads)) == len(data)
    others = [one for one in fetched.requests if "/resolve/" not in one]
    assert all("/paths-info/" in one for one in others)  # sizes; no telemetry
    assert fetched.out.endswith(f"Mirror: {fetched.mirror}\n")


def test_fetch_names_what_the_user_has_to_bring(fetched: Fetched) -> None:
    """Licensed and machine-translated data, with the option to bring them by."""
    pins = load_manifests().pins.datasets
    brought = {name for name, pin in pins.items() if pin.kind == "files"}
    assert brought == set(fetched.world.files)
    assert all(f"`--files {name}=DIR`" in fetched.out for name in brought)


def test_a_second_fetch_asks_nothing(fetched: Fetched) -> None:
    """Every hash is there already."""
    with published(fetched.world) as hub:
        command = fetch(fetched.world, fetched.mirror)
        subprocess.run(command, env=online(hub), capture_output=True, check=True)
    assert hub.requests == []


def test_a_killed_fetch_goes_on_where_it_was(fetched: Fetched, tmp_path: Path) -> None:
    """What had its place stays; in the end the mirror is the same."""
    to = tmp_path / "mirror"
    with published(fetched.world) as hub:
        command = fetch(fetched.world, to)
        victim = subprocess.Popen(command, env=online(hub), stdout=subprocess.DEVNULL)
        while victim.poll() is None and len(_downloads(hub.requests)) < 20:
            time.sleep(0.01)
        victim.send_signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
        before = len(_downloads(hub.requests))
        subprocess.run(command, env=online(hub), capture_output=True, check=True)
        again = len(_downloads(hub.requests)) - len(set(_downloads(hub.requests)))
    assert before >= 20
    # Only the file that was under way, or had its place and no entry yet.
    assert again <= 1
    assert held(to) == held(fetched.mirror)


def _downloads(requests: Sequence[str]) -> list[str]:
    return [one for one in requests if one.startswith("GET") and "/resolve/" in one]


def test_every_claim_gets_a_verdict(ran: Ran) -> None:
    """Each of the paper's claims is judged on data and training of its own, none is INVALID."""
    claims = set(load_manifests().claims)
    comparisons = json.loads((ran.folder / "run/comparison.json").read_bytes())["comparisons"]
    rungs = {one["claim"]["id"]: one["verdict"]["rung"] for one in comparisons}
    assert set(rungs) == {name for name in claims if name.startswith("phang2020/")}
    assert "INVALID" not in rungs.values()
    shown = html.unescape((ran.folder / "run/report.html").read_text(encoding="utf-8"))
    assert all(one["claim"]["title"] in shown for one in comparisons)


def test_a_second_run_makes_nothing(ran: Ran) -> None:
    """In seconds, with the same status."""
    begun = time.monotonic()
    done = subprocess.run(ran.command, capture_output=True, text=True, check=False)
    assert done.returncode == ran.status
    assert "\n0 stages run, " in done.stdout
    assert time.monotonic() - begun < 60
