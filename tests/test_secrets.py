"""Secrets of the environment are used and never shown: everything that commands wrote is searched.

Real processes against a local Hub, the failing cases included: their output, the mirror, the
store, the run folder, and every cache and log that a library keeps below the user's home.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import served
from cli_runs import FAKE, TESTS
from hub_server import Hub, serving
from test_fetch import GAIN, Place, place

from harness.containers.engine import Image
from harness.containers.limits import Limits
from harness.containers.shape import Work, arguments

TOKEN = "hf_TheTokenThatNobodySees"
PASSWORD = "ThePasswordThatNobodySees"
OF_A_FILE = "hf_TheTokenOfAFile"
SECRETS = (TOKEN, PASSWORD, OF_A_FILE)
# Real stages up to the examples, and a bug in the one that scores, where the folder says so.
DATA = (
    "from dataclasses import replace; import fake_stages; from harness.stages import contract; "
    "real = {one.name: one for one in contract.STAGES}; "
    "names = ('encoder', 'dataset', 'checks', 'examples'); "
    "from harness import cli; contract.STAGES = tuple(real[one.name] if one.name in names else one "
    "for one in fake_stages.pipeline()); cli.main()"
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Hub whose questions are for holders of the token."""
    with serving(served.publish(tmp_path_factory.mktemp("published"))) as hub:
        hub.token = TOKEN
        yield hub


@pytest.fixture
def here(hub: Hub, tmp_path: Path) -> Iterator[Place]:
    """A place to fetch into; the Hub forgets what the last test made of it."""
    hub.gated = {"owner/tydiqa"}
    hub.failing, hub.tampered = 0, set()
    yield place(hub, tmp_path)


def harness(
    here: Place, *arguments: str | Path, script: str = DATA, **more: str
) -> subprocess.CompletedProcess[str]:
    """`harness ARGUMENTS` with secrets all around it; its output is kept beside all else."""
    home = here.root / "home"
    (home / "hf").mkdir(parents=True, exist_ok=True)
    environment = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("HF", "HUGG"))
        },
        **{"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "HF_HOME": str(home / "hf")},
        "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
        "HARNESS_STORE": str(here.root / "store"),
        "HF_TOKEN": TOKEN,
        "HF_ENDPOINT": here.hub.url.replace("//", f"//me:{PASSWORD}@"),
        # As chatty as the client can be.
        **{"HF_HUB_OFFLINE": "0", "HF_HUB_VERBOSITY": "debug", "HF_DEBUG": "1"},
        **more,
    }
    result = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env=environment,
        cwd=here.root,
        capture_output=True,
        text=True,
        check=False,
    )
    with (here.root / "said").open("a", encoding="utf-8") as said:
        said.write(result.stdout + result.stderr)
    return result


def leaks(root: Path) -> list[str]:
    """Files below `root` that hold a secret, in their text or their name."""
    found = []
    for path in sorted(root.rglob("*")):
        data = str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        found += [f"{path.relative_to(root)}: {one}" for one in SECRETS if one.encode() in data]
    return found


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    """In a file, and in a name."""
    (tmp_path / "log").write_text(f"Bearer {TOKEN}")
    (tmp_path / PASSWORD).mkdir()
    assert leaks(tmp_path) == [f"{PASSWORD}: {PASSWORD}", f"log: {TOKEN}"]


def test_a_fetch_and_a_run_leave_no_secret_anywhere(here: Place) -> None:
    """The token opened the gate, so it was used; then the run, which needs none."""
    fetched = harness(here, *here.fetch, GAIN, HF_ENDPOINT=here.hub.url)
    assert fetched.returncode == 0, fetched.stderr
    # Credentials in the address take the token's place, here for all but the gated questions.
    here.hub.gated = set()
    shutil.rmtree(here.to)
    fetched = harness(here, *here.fetch, GAIN)
    assert (fetched.returncode, "http://***@127.0.0.1" in fetched.stderr) == (0, True)
    ran = harness(here, *here.reproduce, GAIN)
    assert ran.returncode in (0, 10, 11), ran.stderr
    assert (here.root / "run/provenance.json").is_file()
    assert any((here.root / "store/artifacts").iterdir())
    assert leaks(here.root) == []


def test_what_fails_tells_no_secret(here: Place) -> None:
    """A closed gate, an error of the server, other bytes, nobody there, a broken token."""
    closed = harness(here, *here.fetch, GAIN, HF_TOKEN=PASSWORD)
    assert (closed.returncode, "set HF_TOKEN" in closed.stderr) == (3, True)
    here.hub.failing = 500
    assert harness(here, *here.fetch, GAIN).returncode == 6
    here.hub.failing = 0
    here.hub.tampered = {"validation-00000-of-00001.parquet"}
    here.pins(served.hashed(served.pins(), here.hub.root))
    assert harness(here, *here.fetch, GAIN).returncode == 3
    nobody = harness(here, *here.fetch, GAIN, HF_ENDPOINT=f"http://me:{PASSWORD}@127.0.0.1:1")
    assert nobody.returncode == 6
    broken = harness(here, *here.fetch, GAIN, HF_TOKEN=f"{TOKEN}\n{PASSWORD}")
    assert broken.returncode != 0
    assert leaks(here.root) == []


def test_a_bug_tells_no_secret(here: Place, steer: Path) -> None:
    """Its traceback stays, and what it quotes of an address is hidden."""
    script = (
        "import fake_stages, os\n"
        "def finetune(context): raise RuntimeError(os.environ['HF_ENDPOINT'] + "
        "os.environ['HF_TOKEN'])\n"
        "fake_stages.finetune = finetune\n"
    )
    options = ["--device", "cpu", "--seeds", "1", "--out", "run", "--mirror", str(steer)]
    result = harness(here, "reproduce", GAIN, *options, script=script + FAKE)
    assert result.returncode == 1
    assert "RuntimeError: http://***@127.0.0.1" in result.stderr
    assert leaks(here.root) == []


def test_a_token_file_is_not_read(here: Place) -> None:
    """Somebody's log-in on this machine isn't the run's."""
    (here.root / "home/hf").mkdir(parents=True)
    (here.root / "home/hf/token").write_text(OF_A_FILE)
    here.hub.token = OF_A_FILE
    try:
        result = harness(here, *here.fetch, GAIN, HF_TOKEN="")
    finally:
        here.hub.token = TOKEN
    assert result.returncode == 3
    assert leaks(here.root) == [f"home/hf/token: {OF_A_FILE}"]


def test_a_container_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages need no network: of the environment nothing is passed on, of proxies neither."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, TOKEN)
    image = Image(id="sha256:1", name="image", digests=())
    made = arguments(Work(command=("x",), folders=()), image, Limits(), {"MemTotal": 1 << 30})
    assert set(made["environment"]) == {"HARNESS_IMAGE_IDENTITY"}
    assert made["use_config_proxy"] is False
    assert TOKEN not in str(made)
