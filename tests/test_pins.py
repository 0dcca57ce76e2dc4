"""`harness pins`: what moved on the Hub, and pinning it, on a copy of the project's own pins."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from cli_runs import Cli
from hub_server import REVISION, Hub, serving

from harness import yaml12
from harness.manifest import parse_model
from harness.models import Mirror, MirrorDataset, MirrorModel, MirrorSplit, Pins
from harness.resources import resource_dir
from harness.sources.mirror import save_mirror

XQUAD = "google/xquad"
LARGE = "FacebookAI/xlm-roberta-large"
HASH = "ab" * 32


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    """A copy of the project's pins.yaml."""
    return Path(shutil.copy(resource_dir("manifests") / "pins.yaml", tmp_path / "mine.yaml"))


@pytest.fixture
def hub(pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub that has every pinned repository, at a revision that nobody pinned."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    document = yaml12.load(pins)[0]
    with serving(tmp_path / "hub") as running:
        for kind, section in (("datasets", "datasets"), ("models", "encoders")):
            for pin in document[section].values():
                if pin["kind"] == "hub":
                    running.add(f"{kind}/{pin['repo']}/README.md", b"")
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def unmoved(hub: Hub, pins: Path) -> Path:
    """The pins, all at the Hub's revision."""
    text = pins.read_text("utf-8")
    for pin in [*_hub_pins(pins).values()]:
        text = text.replace(pin["revision"], REVISION)
    pins.write_text(text, encoding="utf-8")
    return pins


def _hub_pins(path: Path) -> dict:
    document = yaml12.load(path)[0]
    both = {**document["datasets"], **document["encoders"]}
    return {name: pin for name, pin in both.items() if pin["kind"] == "hub"}


def mirrored(folder: Path, *, revision: str = REVISION, partial: bool = False) -> Path:
    """A mirror.yaml with one file of a data set and one of an encoder."""
    entry = MirrorSplit(file="datasets/google/xquad/x.parquet", sha256=HASH, rows=1190)
    data = MirrorDataset(
        revision=revision, partial=partial, configs={"xquad.de": {"validation": entry}}
    )
    model = MirrorModel(revision=revision, files={"config.json": HASH})
    folder.mkdir(exist_ok=True)
    mirror = Mirror(format=1, datasets={XQUAD: data}, models={LARGE: model})
    save_mirror(mirror, folder)
    return folder


def changed(before: bytes, after: bytes) -> list[tuple[str, str]]:
    """Lines that differ, of texts with as many lines."""
    old, new = before.decode().split("\n"), after.decode().split("\n")
    return [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]


def test_nothing_moved(cli: Cli, unmoved: Path) -> None:
    """Exit 0; generated, packaged and user-brought data have nothing to compare."""
    result = cli("pins", "check", "--pins", unmoved)
    assert (result.status, result.out) == (0, f"{len(_hub_pins(unmoved))} pins, none moved\n")


def test_what_moved_is_told_a_line_each(cli: Cli, hub: Hub, pins: Path) -> None:
    """Name, pinned and newest revision; exit 3."""
    old = _hub_pins(pins)["squad"]["revision"]
    result = cli("pins", "check", "--pins", pins)
    assert result.status == 3
    line = f"squad: pinned {old[:12]}, newest {REVISION[:12]} (rajpurkar/squad)"
    assert line in result.out.splitlines()
    assert len(result.out.splitlines()) == len(_hub_pins(pins)) + 1


def test_one_pin_can_be_checked(cli: Cli, hub: Hub, pins: Path) -> None:
    """And only its repository is asked for."""
    assert cli("pins", "check", "squad", "--pins", pins).status == 3
    assert hub.requests == ["GET /api/datasets/rajpurkar/squad"]


def test_check_in_json(cli: Cli, hub: Hub, pins: Path) -> None:
    """One document with the revisions in full."""
    result = cli("pins", "check", "xlm-roberta-large", "--pins", pins, "--json")
    assert result.status == 3
    assert json.loads(result.out)["pins"] == [
        {
            "name": "xlm-roberta-large",
            "repo": LARGE,
            "pinned": _hub_pins(pins)["xlm-roberta-large"]["revision"],
            "newest": REVISION,
            "moved": True,
            "problems": [],
        }
    ]


def test_a_repository_that_is_gone_is_told_beside_the_others(cli: Cli, unmoved: Path, hub) -> None:
    """Exit 3; the rest is checked all the same."""
    shutil.rmtree(hub.root / "datasets" / XQUAD)
    result = cli("pins", "check", "--pins", unmoved)
    assert result.status == 3
    assert result.out.startswith("xquad: no such repository on the Hub (pinned ")
    assert "1 moved or in doubt" in result.out


def test_an_unreachable_hub_is_an_error(
    cli: Cli, pins: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 6: nobody knows whether something moved."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    result = cli("pins", "check", "--pins", pins)
    assert (result.status, result.out) == (6, "")
    assert "no connection to the Hub" in result.err


def test_a_mirror_of_another_revision_is_told(cli: Cli, unmoved: Path, tmp_path: Path) -> None:
    """Of the two repositories that the mirror holds."""
    mirror = mirrored(tmp_path / "mirror", revision="f" * 40)
    result = cli("pins", "check", "--pins", unmoved, "--mirror", mirror)
    assert result.status == 3
    assert f"xquad: the mirror holds {'f' * 12}, pinned is {REVISION[:12]}" in result.out
    assert "2 moved or in doubt" in result.out


def test_a_mirror_with_other_bytes_is_told(cli: Cli, unmoved: Path, tmp_path: Path) -> None:
    """Where the pin has a hash."""
    raw = unmoved.read_bytes().replace(b"config.json: null", b"config.json: " + b"cd" * 32)
    unmoved.write_bytes(raw)
    result = cli("pins", "check", "--pins", unmoved, "--mirror", mirrored(tmp_path / "mirror"))
    assert result.status == 3
    assert f"config.json has sha256 {HASH} in the mirror, pinned is {'cd' * 32}" in result.out


def test_a_mirror_that_agrees_moves_nothing(cli: Cli, unmoved: Path, tmp_path: Path) -> None:
    """Holding less than is pinned is no difference."""
    mirror = mirrored(tmp_path / "mirror")
    assert cli("pins", "check", "--pins", unmoved, "--mirror", mirror).status == 0


def test_update_changes_one_line(cli: Cli, hub: Hub, pins: Path) -> None:
    """The pin's revision; every other byte of the file stays."""
    before, old = pins.read_bytes(), _hub_pins(pins)["squad"]["revision"]
    result = cli("pins", "update", "squad", "--pins", pins)
    assert result.status == 0
    line = f"    revision: {old}"
    assert changed(before, pins.read_bytes()) == [(line, line.replace(old, REVISION))]
    assert f"squad: {old[:12]} -> {REVISION[:12]} in {pins}" in result.out
    assert "fetch them into a new mirror" in result.out


def test_update_forgets_the_hashes_of_the_old_bytes(cli: Cli, hub: Hub, pins: Path) -> None:
    """Of this pin alone."""
    raw = pins.read_bytes().replace(b"rows: 1190}", f"sha256: {HASH}, rows: 1190}}".encode())
    pins.write_bytes(raw.replace(b"config.json: null", b"config.json: " + HASH.encode()))
    cli("pins", "update", "xquad", "--pins", pins)
    after = parse_model(Pins, pins)
    splits = [one["validation"] for one in after.datasets["xquad"].configs.values()]
    assert {one.sha256 for one in splits} == {None}
    assert after.encoders["xlm-roberta-large"].files["config.json"] == HASH


def test_update_takes_hashes_from_a_mirror_of_that_revision(
    cli: Cli, hub: Hub, pins: Path, tmp_path: Path
) -> None:
    """Added where the pin had none."""
    before = pins.read_bytes()
    mirror = mirrored(tmp_path / "mirror")
    cli("pins", "update", "xquad", "--pins", pins, "--mirror", mirror)
    cli("pins", "update", "xlm-roberta-large", "--pins", pins, "--mirror", mirror)
    lines = [new for _, new in changed(before, pins.read_bytes())]
    assert len(lines) == 4
    assert lines[1].endswith(
        "{validation: {file: xquad.de/validation-00000-of-00001.parquet, "
        f"sha256: {HASH}, rows: 1190}}}}"
    )
    assert lines[3] == (
        f"    files: {{config.json: {HASH}, model.safetensors: null, tokenizer.json: null}}"
    )


@pytest.mark.parametrize("changes", [{"revision": "f" * 40}, {"partial": True}])
def test_update_takes_no_hash_of_other_bytes(
    cli: Cli, hub: Hub, pins: Path, tmp_path: Path, changes: dict
) -> None:
    """A mirror of another revision or a partial copy says nothing of these files."""
    mirror = mirrored(tmp_path / "mirror", **changes)
    cli("pins", "update", "xquad", "--pins", pins, "--mirror", mirror)
    assert HASH not in pins.read_text("utf-8")


def test_update_of_what_is_newest_adds_missing_hashes_only(
    cli: Cli, unmoved: Path, tmp_path: Path
) -> None:
    """After the first fetch: what it recorded goes into the pins."""
    other = "cd" * 32
    raw = unmoved.read_bytes().replace(
        b"xquad.el/validation-00000-of-00001.parquet,",
        f"xquad.el/validation-00000-of-00001.parquet, sha256: {other},".encode(),
    )
    unmoved.write_bytes(raw)
    mirror = mirrored(tmp_path / "mirror")
    cli("pins", "update", "xquad", "--pins", unmoved, "--mirror", mirror)
    configs = parse_model(Pins, unmoved).datasets["xquad"].configs
    assert configs["xquad.de"]["validation"].sha256 == HASH
    assert configs["xquad.el"]["validation"].sha256 == other


def test_update_of_what_is_newest_changes_nothing(cli: Cli, unmoved: Path) -> None:
    """Not even the file's date."""
    before = unmoved.stat().st_mtime_ns
    result = cli("pins", "update", "squad", "--pins", unmoved)
    assert result.out == f"squad: {REVISION[:12]} is the newest; {unmoved} stays as it was\n"
    assert unmoved.stat().st_mtime_ns == before


def test_update_in_json(cli: Cli, hub: Hub, pins: Path) -> None:
    """What was written where."""
    (one,) = json.loads(cli("pins", "update", "squad_v2", "--pins", pins, "--json").out)["updated"]
    assert (one["newest"], one["changed"], one["file"]) == (REVISION, True, str(pins))
    assert set(one["sha256"].values()) == {None}


def test_update_goes_into_the_users_own_manifests(cli: Cli, hub: Hub, tmp_path: Path) -> None:
    """Where the entry comes from there; the project's file is not touched."""
    project = resource_dir("manifests") / "pins.yaml"
    before = project.read_bytes()
    squad = {"squad": yaml12.load(project)[0]["datasets"]["squad"]}
    own = tmp_path / "manifests/pins.yaml"
    own.parent.mkdir()
    own.write_text(json.dumps({"format": 1, "datasets": squad, "encoders": {}}), encoding="utf-8")
    assert cli("pins", "update", "squad", "--manifests", own.parent).status == 0
    assert parse_model(Pins, own).datasets["squad"].revision == REVISION
    assert project.read_bytes() == before


def test_update_keeps_the_files_mode_and_leaves_nothing_aside(
    cli: Cli, hub: Hub, pins: Path
) -> None:
    """Written aside and renamed."""
    pins.chmod(0o640)
    names = {path.name for path in pins.parent.iterdir()}
    cli("pins", "update", "squad", "--pins", pins)
    assert pins.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in pins.parent.iterdir()} == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["update"], "expected the one pin to update"),
        (["update", "xquat"], "`xquad`, perhaps"),
        (["check", "xquat"], "`xquad`, perhaps"),
        (["update", "mini-squad"], "nothing that comes from the Hub"),
        (["check", "squad-translated"], "nothing that comes from the Hub"),
    ],
)
def test_a_name_that_nothing_can_move(cli: Cli, hub: Hub, arguments, message) -> None:
    """Exit 2, before the Hub is asked."""
    result = cli("pins", *arguments)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
    assert hub.requests == []
