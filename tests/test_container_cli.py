"""`reproduce --backend container` and `harness container`: as a user types them."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import Cli, begun, start, until
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from engine import Engine, Image, base_image, cpu_image, engine  # noqa: F401  (fixtures)
from engine_fake import FakeEngine, faking

from harness import __version__, provenance
from harness.evidence.attestation import check, public_key

GAIN = "phang2020/tydiqa-english-gain"
TINY = Path(__file__).parent / "tiny"
SAME = ("scores.json", "comparison.json", "report.html")
RUNS = (0, 10, 11)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine whose containers are plain processes with fake training."""
    with faking(tmp_path) as found:
        monkeypatch.setenv("DOCKER_HOST", found.host)
        yield found


# With fake training, whose containers are processes


def test_a_claim_whose_stages_run_in_a_container(cli: Cli, fake, steer) -> None:
    """The same words and status as from the local backend; everything in one container."""
    local = cli("reproduce", GAIN, "--mirror", steer, "--out", "local", "--store", "one")
    inside = cli("reproduce", GAIN, "--mirror", steer, "--out", "inside", "--backend", "container")
    assert (inside.status, inside.err) == (0, "")
    assert inside.out.replace("inside/", "local/") == local.out
    assert (len(fake.made), fake.removed) == (1, 1)
    for name in SAME:
        assert Path("inside", name).read_bytes() == Path("local", name).read_bytes()


def test_a_failure_inside_fails_its_claim_alone(cli: Cli, fake, steer) -> None:
    """As it does outside."""
    (steer / "intermediate").write_text("StageError")
    result = cli("reproduce", GAIN, "--mirror", steer, "--backend", "container")
    assert result.status == 4
    assert "got a fault" in result.err
    assert len(fake.made) == 1


def test_the_local_backend_refuses_a_containers_options(cli: Cli) -> None:
    """Silently ignored they would promise a limit that isn't there."""
    result = cli("reproduce", GAIN, "--cpus", "2")
    assert result.status == 2
    assert "--cpus: got an option of --backend container" in result.err


@pytest.mark.parametrize("verb", [("reproduce", "--backend=container"), ("container", "run")])
def test_without_an_engine_one_paragraph_says_so(cli: Cli, steer, verb, monkeypatch) -> None:
    """Status 6, in JSON too."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/sock")
    result = cli(*verb, GAIN, "--mirror", steer, "--json")
    assert result.status == 6
    assert json.loads(result.out)["error"]["where"] == "container engine unix:///nowhere/sock"
    assert len(result.err.splitlines()) == 1


def test_a_whole_run_in_a_container(cli: Cli, fake, steer) -> None:
    """Its words, its status, its files; and the image in what the run says of its machine."""
    result = cli("container", "run", GAIN, "--mirror", steer, "--out", "run")
    assert result.status == 0, result.err
    assert f"{GAIN}: DIRECTION" in result.out
    assert result.out.endswith("Report: run/report.html\n")
    here = json.loads(Path("run/provenance.json").read_bytes())["here"]
    assert here["image"]["name"] == "reproduction-harness:cpu"
    again = cli("container", "run", GAIN, "--mirror", steer, "--out", "run")
    assert "0 stages run" in again.out


def test_its_command_and_folders(cli: Cli, fake, steer, tmp_path) -> None:
    """Every option reaches it; only the store and the run folder can be written."""
    given = ("--seeds", "2", "--device", "cpu", "--manifests", "mine", "--jobs", "1")
    given += ("--timeout", "600")
    Path("mine").mkdir()
    cli("container", "run", GAIN, "--mirror", steer, *given)
    made = fake.made[0]
    said = ("--profile", "mini", *given[:8])
    places = ("--store", str(tmp_path / "store"), "--mirror", str(steer))
    assert made["Cmd"] == ["reproduce", GAIN, *said, *places]
    assert made["WorkingDir"] == str(tmp_path)
    mounts = {one["Target"]: one["ReadOnly"] for one in made["HostConfig"]["Mounts"]}
    run_folder = str(tmp_path / "runs/tydiqa-english-gain-mini")
    read = {str(steer): True, str(tmp_path / "mine"): True}
    assert mounts == {**read, str(tmp_path / "store"): False, run_folder: False}
    assert (made["OpenStdin"], made["HostConfig"]["NetworkMode"]) == (False, "none")


def test_evidence_leaves_it_and_the_key_stays_outside(cli: Cli, fake, steer, tmp_path) -> None:
    """JUnit through a folder of its own; what came out is signed by whoever started it."""
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    Path("secret").mkdir()
    Path("secret/key.pem").write_bytes(pem)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("key.pub").write_bytes(public)
    options = ("--out", "run", "--junit", "ci/junit.xml", "--sign-key", "secret/key.pem")
    result = cli("container", "run", GAIN, "--mirror", steer, *options)
    assert result.status == 0, result.err
    assert [path.name for path in Path("ci").iterdir()] == ["junit.xml"]
    assert b'classname="phang2020"' in Path("ci/junit.xml").read_bytes()
    assert check(tmp_path / "run", public_key(tmp_path / "key.pub")) == []
    made = fake.made[0]
    mounts = {one["Target"] for one in made["HostConfig"]["Mounts"]}
    assert not any("secret" in one for one in (*mounts, *made["Cmd"]))
    assert str(tmp_path / "ci") not in mounts


def test_an_earlier_run_is_not_signed_for_one_that_failed(cli: Cli, fake, steer) -> None:
    """Nothing new came out, so there is nothing to sign."""
    cli("container", "run", GAIN, "--mirror", steer, "--out", "run")
    before = Path("run/attestation.intoto.json").read_bytes()
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    Path("key.pem").write_bytes(pem)
    (steer / "predict").write_text("MachineError")
    given = ("--out", "run", "--seeds", "3", "--sign-key", "key.pem")
    assert cli("container", "run", GAIN, "--mirror", steer, *given).status == 6
    assert Path("run/attestation.intoto.json").read_bytes() == before


@pytest.mark.parametrize(
    ("gpus", "device", "asked"),
    [
        ([], "auto", False),
        (["one"], "auto", True),
        (["one"], "cpu", False),
        ([], "cuda", True),
    ],
)
def test_gpus_are_asked_for_where_there_are_any(
    cli: Cli, fake, steer, monkeypatch, gpus, device, asked
) -> None:
    """`cuda` asks whatever is there: the engine says whether it can."""
    monkeypatch.setattr(provenance, "_smi", lambda field: gpus)
    provenance.gpus.cache_clear()
    fake.images = {"reproduction-harness:gpu", "reproduction-harness:cpu"}
    fake.refuse["start"] = "no GPU"
    result = cli("container", "run", GAIN, "--mirror", steer, "--device", device)
    assert result.status == 6
    assert bool(fake.made[0]["HostConfig"].get("DeviceRequests")) is asked


def test_a_run_that_fails_keeps_its_status_and_its_one_document(cli: Cli, fake, steer) -> None:
    """What the command inside said of it is passed on, once."""
    (steer / "predict").write_text("MachineError")
    result = cli("container", "run", GAIN, "--mirror", steer, "--json")
    assert result.status == 6
    assert json.loads(result.out)["error"]["got"] == "a fault"
    assert len(result.err.splitlines()) == 1
    assert not Path("runs/tydiqa-english-gain-mini").exists()


def test_a_run_that_is_killed_is_told(cli: Cli, fake, steer) -> None:
    """What it had written of its document isn't passed on."""
    fake.program = "import os; print('{', flush=True); os.kill(os.getpid(), 9)"
    result = cli("container", "run", GAIN, "--mirror", steer, "--json")
    assert result.status == 130
    assert "status 137" in json.loads(result.out)["error"]["got"]


def test_a_run_that_takes_too_much_memory_is_told(cli: Cli, fake, steer) -> None:
    """Status 6: this machine, or its limit, can't do it."""
    fake.program, fake.ends_as = "import os; os._exit(137)", "killed for memory"
    result = cli("container", "run", GAIN, "--mirror", steer, "--memory", "1g")
    assert result.status == 6
    assert "killed for memory at its limit of 1.1 GB" in result.err


def test_a_run_that_takes_too_long_is_told(cli: Cli, fake, steer) -> None:
    """It is stopped as by Ctrl-C; the same command goes on."""
    (steer / "predict").write_text("sleep")
    result = cli("container", "run", GAIN, "--mirror", steer, "--timeout", "4")
    assert result.status == 130
    assert "--timeout 4: got a container that still ran then" in result.err
    (steer / "predict").unlink()
    again = cli("container", "run", GAIN, "--mirror", steer)
    assert again.status == 0
    assert "from the store" in again.out


def test_mistakes_are_told_before_anything_starts(cli: Cli, fake, tmp_path) -> None:
    """Status 2, as from `reproduce`."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/one").touch()
    for wrong in (["nothing"], [GAIN, "--out", "photos"], [GAIN, "--memory", "much"]):
        assert cli("container", "run", *wrong).status == 2
    assert fake.made == []


def test_a_build_needs_a_checkout(cli: Cli, monkeypatch, tmp_path) -> None:
    """An installed package has no Dockerfile."""
    monkeypatch.setattr("harness.containers.building._CHECKOUT", tmp_path)
    result = cli("container", "build")
    assert result.status == 6
    assert "expected a checkout of the project" in result.err


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_signal_ends_container_and_command(fake, steer, tmp_path, way) -> None:
    """Ctrl-C, or a job that is cancelled: one line, nothing left, the same command goes on."""
    (steer / "predict").write_text("sleep")
    command = ("container", "run", GAIN, "--mirror", steer, "--out", tmp_path / "run")
    running = start(*command, store=tmp_path / "store")
    until(lambda: begun(steer, "predict"))
    running.send_signal(way)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.count("harness: interrupted.") >= 1
    assert "Traceback" not in said
    assert (fake.stopped, fake.removed) == (1, 1)


# With a real engine


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Path:  # noqa: F811
    """A checkout whose image says what its build was told, and nothing else."""
    folder = tmp_path / "project"
    (folder / "requirements").mkdir(parents=True)
    for name in ("runtime.txt", "torch.txt"):
        (folder / "requirements" / name).write_text(name)
    wheels = folder / "requirements" / "wheels.sh"
    wheels.write_text("#!/bin/sh\necho wheels of $1\n")
    wheels.chmod(0o755)
    lines = ("ARG BASE", "FROM ${BASE}", "ARG FLAVOUR", "ARG VERSION", "ARG LOCKS", "ARG COMMIT")
    told = 'RUN echo "told $FLAVOUR $VERSION $LOCKS" && [ -n "$COMMIT" ]'
    (folder / "Dockerfile").write_text("\n".join((*lines, told, "")))
    monkeypatch.setattr("harness.containers.building._CHECKOUT", folder)
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    return folder


def test_a_build_is_told_what_the_makefile_tells_it(
    cli: Cli,
    project: Path,
    base_image: str,  # noqa: F811
) -> None:
    """Wheels first, the log on stderr; name, ID and size at the end."""
    options = ("--tag", "harness-test-told:1", "--base", base_image, "--network", "none")
    result = cli("container", "build", *options)
    assert result.status == 0, result.err
    locks = hashlib.sha256(b"runtime.txttorch.txt").hexdigest()
    assert f"told cpu {__version__} sha256:{locks}" in result.err
    assert re.fullmatch(r"harness-test-told:1 sha256:[0-9a-f]{64} \d+ MB\n", result.out)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("RUN exit 3", "returned a non-zero code: 3"), ("COPY missing /", "missing")],
    ids=["a step that fails", "a file that isn't there"],
)
def test_a_build_that_fails_says_why(
    cli: Cli,
    project: Path,
    base_image: str,  # noqa: F811
    wrong: str,
    told: str,
) -> None:
    """In the builder's words, above which is its log."""
    (project / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\n{wrong}\n")
    result = cli("container", "build", "--base", base_image, "--network", "none")
    assert result.status == 6
    assert told in result.err.splitlines()[-1]
