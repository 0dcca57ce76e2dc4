"""From a Hub to a verdict: `fetch` fills a mirror, `reproduce` reads it and asks nobody."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub.constants
import pytest
import served
from cli_runs import Cli, parted
from fake_stages import pipeline
from hub_server import REVISION, Hub, serving

from harness import session
from harness.canonical import file_sha256
from harness.models import Mirror
from harness.sources import mirror as mirrors
from harness.stages import contract
from harness.verbs.fetching import of_kind

GAIN = "phang2020/tydiqa-english-gain"
NO_BETTER = "phang2020/tydiqa-no-better-multilingual"
REAL = {one.name: one for one in contract.STAGES}
DATA = ("encoder", "dataset", "checks", "examples")
VALIDATION = "datasets/owner/tydiqa/" + served.TYDIQA["validation"]
ENGLISH = "datasets/owner/xquad/xquad.en/validation-00000-of-00001.parquet"
FILES = {
    *(f"datasets/owner/tydiqa/{name}" for name in served.TYDIQA.values()),
    *(ENGLISH.replace("xquad.en", config) for config in ("xquad.en", *served.SPREAD)),
    *(f"models/owner/encoder/{name}" for name in served.ENCODER),
    *(f"datasets/owner/wikipedia/{name}" for name in served.wikipedia().values()),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a test fetches from and into."""

    hub: Hub
    root: Path
    options: list[str]
    """The test's own manifests and pins."""
    to: Path

    def pins(self, document: dict) -> None:
        """Replace the pins."""
        served.write_pins(document, self.root / "pins.yaml")

    @property
    def fetch(self) -> list[str]:
        """The command line, claims apart."""
        return ["fetch", "--profile", "served", "--to", str(self.to), *self.options]

    @property
    def reproduce(self) -> list[str]:
        """The command line, claims apart."""
        rest = ["--profile", "served", "--mirror", str(self.to), *self.options]
        return ["reproduce", "--device", "cpu", "--out", "run", *rest]


def place(hub: Hub, root: Path) -> Place:
    """Manifests and pins in `root`, a mirror to come beside them."""
    manifests = served.write_manifests(root / "mine")
    path = served.write_pins(served.pins(), root / "pins.yaml")
    options = ["--manifests", str(manifests), "--pins", str(path)]
    return Place(hub=hub, root=root, options=options, to=root / "mirror")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories' files."""
    return served.publish(tmp_path_factory.mktemp("published"))


@pytest.fixture
def here(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A running Hub that the client finds, and a place to fetch into."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(published) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield place(hub, tmp_path)


@pytest.fixture
def cli(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`harness ARGUMENTS` with the real data stages; what trains and predicts is fake."""
    stages = [REAL[one.name] if one.name in DATA else one for one in pipeline()]
    monkeypatch.setattr(contract, "STAGES", tuple(stages))
    return cli


def command(*arguments: str | Path, under: tuple[str, ...] = ()) -> list[str]:
    """The command line in a process of its own."""
    return [*under, sys.executable, "-m", "harness.cli", *map(str, arguments)]


def network(hub: Hub) -> dict[str, str]:
    """The environment of such a process."""
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}


def held(to: Path) -> Mirror:
    """What the mirror says it holds."""
    found = mirrors.load_mirror(to)
    assert found is not None
    return found


def files(to: Path) -> set[str]:
    """Every file of the mirror, its own two apart."""
    paths = {path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()}
    return paths - {"mirror.yaml", ".lock"}


def keys(cli: Cli, here: Place, *options: str) -> dict[tuple[str, str], str]:
    """(stage, label) -> key, as `harness plan` says."""
    plan = ["plan", GAIN, "--profile", "served", "--json", *here.options, *options]
    stages = json.loads(cli(*plan).out)["stages"]
    return {(one["stage"], one["label"]): one["key"] for one in stages}


def test_from_a_hub_to_a_verdict_without_a_network(published: Path, tmp_path: Path) -> None:
    """Two commands; the second one in a namespace without interfaces, where there is one."""
    with serving(published) as hub:
        there = place(hub, tmp_path)
        fetched = subprocess.run(
            command(*there.fetch, GAIN, NO_BETTER),
            env=network(hub),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (fetched.returncode, parted(fetched.stderr)[0]) == (0, "")
    alone = ("unshare", "-n") if os.geteuid() == 0 else ("unshare", "-rn")
    can = shutil.which("unshare") and not subprocess.run([*alone, "true"], check=False).returncode
    done = subprocess.run(
        command(*there.reproduce, GAIN, NO_BETTER, "--json", under=alone if can else ()),
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HARNESS_STORE": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 10, 11), done.stderr
    comparisons = json.loads(done.stdout)["comparisons"]
    assert set(comparisons) == {GAIN, NO_BETTER}
    assert all("HASH_ON_FIRST_USE" in one["verdict"]["flags"] for one in comparisons.values())


def test_a_mirror_says_what_it_holds(cli: Cli, here: Place) -> None:
    """Every file that the claims need, with the hash and rows that it came with."""
    result = cli(*here.fetch, GAIN, NO_BETTER)
    assert (result.status, result.err) == (0, "")
    assert result.out.endswith(f"Mirror: {here.to}\n")
    assert f"served-encoder: owner/encoder at {REVISION[:12]}, 3 files" in result.out
    assert files(here.to) == FILES
    mirror = held(here.to)
    split = mirror.datasets["owner/tydiqa"].configs["secondary_task"]["validation"]
    assert split.sha256 == file_sha256(here.hub.root / VALIDATION)
    assert (split.rows, split.languages["arabic"]) == (13, 4)
    assert set(mirror.models["owner/encoder"].files) == set(served.ENCODER)


def test_a_second_fetch_asks_nothing(cli: Cli, here: Place) -> None:
    """Not a request, not a byte."""
    cli(*here.fetch, GAIN)
    here.hub.requests.clear()
    result = cli(*here.fetch, GAIN)
    assert result.out.count("already there") == 4
    assert here.hub.requests == []


def test_another_claim_brings_only_what_it_adds(cli: Cli, here: Place) -> None:
    """Encoder and target data are there; two translations and running text are new."""
    cli(*here.fetch, GAIN)
    here.hub.sent = 0
    cli(*here.fetch, NO_BETTER)
    new = [ENGLISH.replace("xquad.en", config) for config in served.SPREAD]
    new += [name for name in FILES if "wikipedia" in name]
    assert here.hub.sent == sum((here.hub.root / name).stat().st_size for name in new)
    assert files(here.to) == FILES


def test_an_interrupted_fetch_goes_on(cli: Cli, here: Place) -> None:
    """Exit 3 with the way out; finished files stay and aren't fetched again."""
    here.hub.short.add(Path(VALIDATION).name)
    result = cli(*here.fetch, GAIN)
    assert result.status == 3
    assert "a transfer that ended early" in result.err
    assert "Run the same command again" in result.err
    assert "served-encoder" in result.out
    before = files(here.to)
    assert VALIDATION not in before
    here.hub.short.clear()
    here.hub.requests.clear()
    assert cli(*here.fetch, GAIN).status == 0
    fetched = {one.split()[1] for one in here.hub.requests if one.startswith("GET")}
    assert {path.rpartition("/")[2] for path in fetched} == {Path(VALIDATION).name}
    assert files(here.to) > before


def test_a_wrong_hash_keeps_nothing(cli: Cli, here: Place) -> None:
    """Exit 3: other bytes than the pinned ones."""
    pins = served.pins()
    split = pins["datasets"]["tydiqa"]["configs"]["secondary_task"]["validation"]
    split["sha256"] = "0" * 64
    here.pins(pins)
    result = cli(*here.fetch, GAIN)
    assert result.status == 3
    assert f"expected sha256 {'0' * 64} (the pin)" in result.err
    assert VALIDATION not in files(here.to)


def test_an_unknown_repository_is_told_with_advice(cli: Cli, here: Place) -> None:
    """The Hub answers 401 for what doesn't exist; exit 3."""
    pins = served.pins()
    pins["datasets"]["tydiqa"]["repo"] = "owner/gone"
    here.pins(pins)
    result = cli(*here.fetch, GAIN)
    assert result.status == 3
    assert "got no such repository" in result.err
    assert "set HF_TOKEN" in result.err


def test_a_gated_repository_is_told_with_advice(cli: Cli, here: Place) -> None:
    """Exit 3, and how to get in."""
    here.hub.gated.add("owner/tydiqa")
    result = cli(*here.fetch, GAIN)
    assert result.status == 3
    assert "Accept its terms on its page and set HF_TOKEN" in result.err


def test_an_unreachable_hub_is_the_machines(
    cli: Cli, here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline mode is obeyed: exit 6."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    result = cli(*here.fetch, GAIN)
    assert result.status == 6
    assert "HF_HUB_OFFLINE" in result.err
    assert here.hub.requests == []


def test_what_the_hub_lacks_is_named_and_the_rest_fetched(cli: Cli, here: Place) -> None:
    """Translations that the user brings: which files, and with which option."""
    arguments = [one if one != "served" else "brought" for one in here.fetch]
    result = cli(*arguments, NO_BETTER)
    assert result.status == 0
    assert "squad-translated train: not on the Hub, bring it yourself" in result.out
    assert "squad.translate.train.en-ar.json, " in result.out
    assert "`--files squad-translated=DIR`" in result.out
    assert files(here.to) == {
        one for one in FILES if "xquad.ar" not in one and "xquad.ru" not in one
    }


def test_what_is_to_bring_is_asked_for_before_any_work(cli: Cli, here: Place) -> None:
    """Exit 3 with all the files' names; the other claim is run."""
    arguments = [one if one != "served" else "brought" for one in here.fetch]
    cli(*arguments, NO_BETTER, GAIN)
    arguments = [one if one != "served" else "brought" for one in here.reproduce]
    result = cli(*arguments, NO_BETTER)
    assert result.status == 3
    assert "squad.translate.train.en-zh.json into a folder DIR" in result.err
    assert cli("store", "list").out.startswith("0 artifacts, ")
    result = cli(*arguments, NO_BETTER, GAIN)
    assert result.status == 3
    assert f"{GAIN}: " in result.out
    assert f"{NO_BETTER}: INVALID" in result.out


def test_a_person_at_a_terminal_sees_how_far_it_is(published: Path, tmp_path: Path) -> None:
    """Bars on stderr; the lines on stdout stay plain."""
    with serving(published) as hub:
        there = place(hub, tmp_path)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command(*there.fetch, GAIN),
            env={**network(hub), "TERM": "xterm", "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)
        shown = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", "".join(_read(ours)))
        out = process.communicate()[0]
    assert process.returncode == 0
    assert "4 data sets and encoders for the mirror" in shown
    assert "dataset: tydiqa train" in shown
    assert " MB" in shown
    assert out.splitlines()[-1] == f"Mirror: {there.to}"
    assert "\x1b" not in out


def _read(terminal: int) -> Iterator[str]:
    """Until the process has closed its side, which Linux tells with an error."""
    with open(terminal, "rb", buffering=0) as stream:
        while True:
            try:
                piece = stream.read(65536)
            except OSError:
                return
            if not piece:
                return
            yield piece.decode("utf-8", "replace")


def test_two_fetches_into_one_mirror_lose_nothing(published: Path, tmp_path: Path) -> None:
    """At once, of overlapping claims: every file once, every entry there."""
    with serving(published) as hub:
        there = place(hub, tmp_path)
        both = [
            subprocess.Popen(command(*there.fetch, claim), env=network(hub), text=True, stdout=-3)
            for claim in (GAIN, NO_BETTER)
        ]
        assert [process.wait() for process in both] == [0, 0]
        got = [one for one in hub.requests if one.startswith("GET") and "/resolve/" in one]
    assert len(got) == len(set(got)) == len(FILES)
    mirror = held(there.to)
    assert set(mirror.datasets["owner/xquad"].configs) == {"xquad.en", *served.SPREAD}
    assert set(mirror.datasets["owner/tydiqa"].configs["secondary_task"]) == set(served.TYDIQA)
    assert set(mirror.models) == {"owner/encoder"}


def test_keys_depend_on_the_bytes_and_not_on_who_knew_their_hash(cli: Cli, here: Place) -> None:
    """Pins with and without sha256 share every artifact; the comparison tells them apart."""
    cli(*here.fetch, GAIN)
    first = keys(cli, here, "--mirror", str(here.to))
    here.pins(served.hashed(served.pins(), here.hub.root))
    second = keys(cli, here, "--mirror", str(here.to))
    assert {name for name in first if first[name] != second[name]} == {("compare", GAIN)}


def test_pinned_hashes_take_the_flag_away(cli: Cli, here: Place) -> None:
    """HASH_ON_FIRST_USE is about pins that lack one; nothing but the comparison is made anew."""
    cli(*here.fetch, GAIN)
    flagged = cli(*here.reproduce, GAIN)
    here.pins(served.hashed(served.pins(), here.hub.root))
    pinned = cli(*here.reproduce, GAIN)
    assert "HASH_ON_FIRST_USE" in flagged.out
    assert "HASH_ON_FIRST_USE" not in pinned.out
    assert "\n1 stage run, " in pinned.out


def test_a_run_from_a_mirror_asks_nobody(cli: Cli, here: Place) -> None:
    """Though a Hub would be there."""
    cli(*here.fetch, GAIN)
    here.hub.requests.clear()
    assert cli(*here.reproduce, GAIN).status in (0, 10, 11)
    assert here.hub.requests == []


@pytest.fixture
def partial(cli: Cli, here: Place) -> Callable[[], None]:
    """Fetches, then cuts the target's training file to its first nine rows of 18, all English."""

    def cut() -> None:
        import pyarrow.parquet as pq

        cli(*here.fetch, GAIN)
        path = here.to / "datasets/owner/tydiqa" / served.TYDIQA["train"]
        pq.write_table(pq.read_table(path).slice(0, 9), path)
        mirror = held(here.to)
        data = mirror.datasets["owner/tydiqa"]
        entry = data.configs["secondary_task"]["train"].model_copy(
            update={"sha256": file_sha256(path), "rows": 9, "languages": {"english": 9}}
        )
        splits = {**data.configs["secondary_task"], "train": entry}
        changes = {"partial": True, "configs": {"secondary_task": splits}}
        fewer = data.model_copy(update=changes)
        update = {"datasets": {**mirror.datasets, "owner/tydiqa": fewer}}
        mirrors.save_mirror(mirror.model_copy(update=update), here.to)

    return cut


def test_a_partial_mirror_is_read_as_what_it_declares(cli: Cli, here: Place, partial) -> None:
    """Fewer rows than pinned, and other bytes, are what `partial` says."""
    partial()
    here.pins(served.hashed(served.pins(), here.hub.root))
    assert cli(*here.reproduce, GAIN).status in (0, 10, 11)


def test_a_fetch_says_that_a_partial_copy_stays(cli: Cli, here: Place, partial) -> None:
    """It is not completed in silence, nor overwritten."""
    partial()
    result = cli(*here.fetch, GAIN)
    assert result.status == 0
    assert "already there; the mirror declares a partial copy, which stays" in result.out


def test_a_folder_without_mirror_yaml_must_match_the_pins(cli: Cli, here: Place) -> None:
    """A whole copy that somebody made by hand is as good."""
    cli(*here.fetch, GAIN)
    (here.to / "mirror.yaml").unlink()
    here.pins(served.hashed(served.pins(), here.hub.root))
    assert cli(*here.reproduce, GAIN).status in (0, 10, 11)


@pytest.mark.parametrize("known", [True, False])
def test_a_part_without_mirror_yaml_is_refused(cli: Cli, here: Place, partial, known: bool) -> None:
    """By its hash where the pin has one, else by its rows: exit 3."""
    partial()
    (here.to / "mirror.yaml").unlink()
    if known:
        here.pins(served.hashed(served.pins(), here.hub.root))
    result = cli(*here.reproduce, GAIN)
    assert result.status == 3
    assert "(the pin)" in result.err if known else "language_counts" in result.err


def test_the_papers_own_scale_without_a_mirror_ends_at_once(cli: Cli) -> None:
    """Exit 3, the command that makes one, and not a single stage."""
    result = cli("reproduce", GAIN, "--profile", "paper", "--device", "cpu")
    assert result.status == 3
    assert f"Run `harness fetch {GAIN} --profile paper --to DIR` once" in result.err
    assert result.out.startswith(f"{GAIN}: INVALID (no verdict: data unavailable or refused)\n")
    assert cli("store", "list").out.startswith("0 artifacts, ")


def test_the_papers_own_scale_needs_these_files() -> None:
    """The plan that `fetch` makes names every one; only the translations aren't on the Hub."""
    given = {"profile": "paper", "seeds": 1, "device": "cpu", "protocol": None, "mirror": None}
    given |= {"manifests": None, "no_mirror": True}
    manifests = session.load(given)
    plan = session.plan(manifests, ["phang2020/*"], given)
    wanted = {}
    for planned in of_kind(plan, "hub"):
        pin = planned.config["pin" if planned.stage == "encoder" else "source"]
        names = pin["files"] if planned.stage == "encoder" else _names(pin)
        wanted.setdefault(pin["repo"], set()).update(names)
    counts = {repo: len(names) for repo, names in wanted.items()}
    # XTREME's: 33 + 1 treebanks, 40 + 1 of PAN-X, 7 of MLQA, 36 of Tatoeba.
    assert counts.pop("google/xtreme") == 118
    assert counts == {
        "FacebookAI/xlm-roberta-large": 3,
        "facebook/anli": 3,
        "nyu-mll/glue": 2,
        "stanfordnlp/snli": 1,
        "rajpurkar/squad": 1,
        "rajpurkar/squad_v2": 1,
        "Rowan/hellaswag": 1,
        "allenai/cosmos_qa": 1,
        "tau/commonsense_qa": 1,
        "wikimedia/wikipedia": 9,
        "facebook/xnli": 15,
        "google-research-datasets/paws-x": 8,
        "google/xquad": 11,
        "google-research-datasets/tydiqa": 2,
        "mteb/BUCC": 4,
    }
    brought = {one.config["source"]["name"]: one.config["source"] for one in of_kind(plan, "files")}
    assert {name: len(_names(source)) for name, source in brought.items()} == {
        "squad-translated": 10,
        "ccgbank": 1,
    }


def _names(source) -> set[str]:
    return {one["file"] for one in source["files"].values()}
