"""Garbage collection: by age, size and reach, with a dry run, and never under a run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_runs import FAKE, TESTS

from harness.artifacts import Store
from harness.collecting import (
    Rule,
    candidates,
    collect,
    entries,
    reached_by_runs,
    remember_run,
)
from harness.errors import VerificationError
from harness.leases import gate, in_use, leased

DAY = 86_400.0
GAIN = "phang2020/tydiqa-english-gain"


def key(number):
    """A key."""
    return f"{number:064x}"


@pytest.fixture
def store(tmp_path):
    """Four artifacts: number n has a payload of n kB and wasn't used for n days."""
    made = Store(tmp_path / "store")
    for number in range(1, 5):
        put(made, number, bytes(1000 * number), days=number)
    return made


def put(store, number, payload, days=0.0):
    """An artifact that was last used some days ago."""
    with store.writing(key(number)) as folder:
        (folder / "payload").write_bytes(payload)
        store.commit(key(number), folder, {"stage": "make"}, {"seconds": 1.0})
    used = time.time() - days * DAY
    os.utime(store.path(key(number)) / "meta.json", (used, used))


def numbers(found):
    """Which artifacts these are."""
    return [int(getattr(one, "key", one), 16) for one in found]


def gone(store, rule, *, dry_run=False):
    """What goes by a rule."""
    return numbers(collect(store, candidates(entries(store), rule), dry_run=dry_run))


def test_by_age(store):
    """The longest unused first."""
    assert gone(store, Rule(older_than=2.5 * DAY)) == [4, 3]
    assert numbers(store.keys()) == [1, 2]
    assert list((store.root / "work").iterdir()) == []


def test_by_size(store):
    """10 kB of payload; of it 4 kB and 3 kB go, so that it is less than 5 kB."""
    assert gone(store, Rule(keep_bytes=5000)) == [4, 3]
    assert sum(one.size for one in entries(store)) <= 5000


def test_a_store_below_the_size_keeps_all(store):
    """Nothing has to go."""
    assert gone(store, Rule(keep_bytes=50_000)) == []


def test_by_reach(store):
    """What nobody refers to goes."""
    assert gone(store, Rule(reachable={key(2), key(9)})) == [4, 3, 1]


def test_all_that_is_given_must_agree(store):
    """Old and out of reach, and of that as much as the size asks for."""
    rule = Rule(older_than=1.5 * DAY, reachable={key(4)}, keep_bytes=9000)
    assert gone(store, rule) == [3]


def test_a_dry_run_says_the_same_and_takes_nothing(store):
    """Everything stays where it is."""
    before = sorted((store.root / "artifacts").rglob("*"))
    assert gone(store, Rule(older_than=2.5 * DAY), dry_run=True) == [4, 3]
    assert sorted((store.root / "artifacts").rglob("*")) == before
    assert list((store.root / "work").iterdir()) == []
    assert store.verify(key(4)) == []


def test_what_a_run_uses_stays(store):
    """A lease holds artifacts that are there and those that will be."""
    with leased(store, [key(4), key(7)]):
        put(store, 7, b"", days=9)
        assert gone(store, Rule(older_than=0.5 * DAY)) == [3, 2, 1]
    assert gone(store, Rule(older_than=0.5 * DAY)) == [7]


def test_a_lease_is_a_use(store):
    """Number 4 counts as used just now."""
    with leased(store, [key(4)]):
        pass
    assert list((store.root / "leases").iterdir()) == []
    assert gone(store, Rule(older_than=0.5 * DAY)) == [3, 2, 1]


def test_what_was_used_since_it_was_chosen_stays(store):
    """Between the choice and its going a run may have come and ended."""
    chosen = candidates(entries(store), Rule(older_than=2.5 * DAY))
    with leased(store, [key(4)]):
        pass
    assert numbers(collect(store, chosen, dry_run=False)) == [3]


def test_the_lease_of_a_killed_run_counts_no_more(store, tmp_path):
    """Its lock went with it."""
    script = (
        "import sys, time; from pathlib import Path; from harness.artifacts import Store; "
        "from harness.leases import leased\n"
        f"with leased(Store(Path(sys.argv[1])), ['{key(4)}']): print('held', flush=True); "
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent) as run:
        assert run.stdout.readline() == "held\n"
        with gate(store):
            assert numbers(in_use(store)) == [4]
        run.send_signal(signal.SIGKILL)
    with gate(store):
        assert in_use(store) == set()
    assert list((store.root / "leases").iterdir()) == []


def test_a_read_only_store_gives_no_lease_and_the_run_goes_on(tmp_path):
    """Here: a file where the store's folder would be."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with leased(Store(tmp_path / "file"), [key(1)]):
        pass


def test_locks_of_what_went_go_too(store):
    """A store doesn't fill up with them."""
    with store.locked(key(4)), store.locked(key(1)):
        pass
    gone(store, Rule(older_than=2.5 * DAY))
    assert {one.name for one in (store.root / "locks").iterdir()} == {
        "gate.lock",
        f"{key(1)}.lock",
    }


def test_a_run_folder_holds_what_it_refers_to_while_it_is_there(store, tmp_path):
    """It is remembered by its place."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"artifacts": [key(3)]}), encoding="utf-8")
    remember_run(store, run)
    assert numbers(reached_by_runs(store)) == [3]
    (run / "run.json").unlink()
    assert reached_by_runs(store) == set()
    assert list((store.root / "roots").iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", '{"artifacts": 1}', '{"artifacts": NaN}'])
def test_a_run_folder_that_cannot_be_read_stops_the_collection(text, store, tmp_path):
    """What it refers to isn't known."""
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(VerificationError, match="nothing was removed"):
        reached_by_runs(store, [tmp_path])


def test_checkpoints_go_when_their_artifact_is_there_or_they_are_old(store):
    """Those that a run could go on from stay, and those that a worker holds."""
    for number in (1, 8, 9):
        (store.scratch(key(number)) / "step-10").mkdir(parents=True)
    os.utime(store.scratch(key(9)), (0, 0))
    with store.locked(key(9)):
        assert numbers(store.sweep(dry_run=True)) == [1]
    assert numbers(store.sweep()) == [1, 9]
    assert numbers(store.sweep(scratch_age=3600)) == []
    assert [path.name for path in (store.root / "scratch").iterdir()] == [key(8)]


def test_gc_at_the_command_line(cli, tmp_path):
    """What a run made is in reach; what its claims no longer need isn't."""
    assert cli("reproduce", GAIN, "--device", "cpu", "--out", "run", "--seeds", "1").status == 0
    store = Store(tmp_path / "store")
    count = len(list(store.keys()))
    put(store, 1, bytes(2000))
    dry = cli("store", "gc", "--unreachable", "--dry-run")
    assert dry.out.startswith(f"would remove artifact {key(1)[:16]}")
    assert len(list(store.keys())) == count + 1
    result = cli("store", "gc", "--unreachable")
    assert "removed 1 finished artifact, 2." in result.out
    assert len(list(store.keys())) == count
    assert cli("store", "gc", "--older-than", "1d").out == "nothing to remove\n"
    assert f"removed {count} finished artifacts" in cli("store", "gc", "--keep-size", "0B").out
    assert list(store.keys()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["gc", "--older-than", "30"], "--older-than: got `30`; expected a number with a unit"),
        (["gc", "--keep-size", "50 parsecs"], "--keep-size: got `50 parsecs`"),
        (["list", "--older-than", "30d"], "store list: got --older-than; expected no such option"),
    ],
)
def test_wrong_options(options, message, cli, store):
    """One paragraph, status 2."""
    result = cli("store", *options, "--store", store.root)
    assert result.status == 2
    assert message in result.err


def test_a_run_is_never_collected_under(tmp_path, steer):
    """Everything is old enough at once, all the time; the run ends as if nobody had collected."""
    for stage in ("finetune", "predict"):
        (steer / stage).write_text("nap", encoding="utf-8")
    store = Store(tmp_path / "store")
    options = ["--device", "cpu", "--seeds", "1", "--mirror", str(steer)]
    command = [sys.executable, "-c", FAKE, "reproduce", GAIN, *options, "--out", "run"]
    paths = f"{TESTS}{os.pathsep}{Path(TESTS).parent}"
    environment = {**os.environ, "PYTHONPATH": paths, "HARNESS_STORE": str(store.root)}
    went = 0
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        while run.poll() is None:
            if store.root.is_dir():
                went += len(gone(store, Rule(older_than=-DAY)))
            time.sleep(0.02)
        assert run.returncode == 0, run.stderr.read()
    listed = json.loads((tmp_path / "run/run.json").read_text("utf-8"))["artifacts"]
    # Once it was over, its artifacts could go; perhaps already at the last look.
    assert went + len(gone(store, Rule(older_than=-DAY))) >= len(listed) > 5
