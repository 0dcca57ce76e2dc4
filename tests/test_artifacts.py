"""The store: complete or absent, every bit accounted for, whatever happens to the machine."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import until
from fake_stages import key_of

from harness.artifacts import Store, describe_os_errors
from harness.canonical import canonical_json, digest
from harness.errors import MachineError, StageError, VerificationError

TESTS = Path(__file__).parent
KEY = key_of("one")
# Every script starts so: a store in argv[1], a folder of steering files in argv[2].
PREAMBLE = """
import json, sys
from pathlib import Path
import fake_stages
from fake_stages import MAKE_STAGES, planned
from harness.artifacts import Store
from harness.errors import HarnessError
from harness.stages import contract
from harness.stages.contract import Resources
from harness.worker import run_stage
contract.STAGES = MAKE_STAGES
store = Store(Path(sys.argv[1]))
def make(value):
    resources = Resources(mirror=Path(sys.argv[2]))
    return run_stage(planned(value), store, resources, fake_stages.Silent())
"""


def put(store, key=KEY, **files):
    """An artifact with these files."""
    with store.writing(key) as folder:
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return store.commit(key, folder, {"stage": "make"}, {"seconds": 1.5})


def start(script, store, steer):
    """A process that runs `script` after the preamble."""
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
    command = [sys.executable, "-c", PREAMBLE + script, str(store), str(steer)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def store(tmp_path):
    """An empty store, not made yet."""
    return Store(tmp_path / "store")


def test_an_artifact_is_its_files_with_meta_and_provenance(store):
    """meta.json names every other file with sha256 and size."""
    folder = put(store, payload="hello", sub__deep="x")
    meta = store.meta(KEY)
    assert store.get(KEY) == folder == store.root / "artifacts" / KEY[:2] / KEY
    assert sorted(meta["files"]) == ["payload", "provenance.json", "sub/deep"]
    # printf hello | sha256sum
    expected = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert meta["files"]["payload"] == {"sha256": expected, "bytes": 5}
    assert (meta["key"], meta["stage"]) == (KEY, "make")


def test_nothing_is_left_in_progress(store):
    """The work folder became the artifact."""
    put(store, payload="hello")
    assert list((store.root / "work").iterdir()) == []
    assert list(store.keys()) == [KEY]


def test_an_unknown_key_is_a_stage_error(store):
    """The same command would make it."""
    with pytest.raises(StageError, match=f"no artifact {KEY[:12]}"):
        store.get(KEY)


def test_a_stage_that_fails_leaves_nothing(store):
    """Its half-written folder goes."""
    with pytest.raises(RuntimeError, match="half-way"), store.writing(KEY) as folder:
        (folder / "payload").write_text("half", encoding="utf-8")
        raise RuntimeError("half-way")
    assert not store.has(KEY)
    assert list((store.root / "work").iterdir()) == []


def test_an_incomplete_folder_in_the_way_is_replaced(store):
    """Copied or deleted by hand, without meta.json: not an artifact."""
    store.path(KEY).mkdir(parents=True)
    (store.path(KEY) / "payload").write_text("old", encoding="utf-8")
    assert not store.has(KEY)
    put(store, payload="new")
    assert (store.get(KEY) / "payload").read_text("utf-8") == "new"
    assert store.verify(KEY) == []


def test_a_finished_artifact_is_never_changed(store):
    """Immutable: the first one stands."""
    put(store, payload="first")
    put(store, payload="second")
    assert (store.get(KEY) / "payload").read_text("utf-8") == "first"


def test_verify_finds_a_flipped_bit_in_any_byte_of_any_file(store):
    """Payload, provenance and meta.json: each byte in turn, lowest and highest bit."""
    folder = put(store, payload="hello", sub__deep="x")
    assert store.verify(KEY) == []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        before = path.read_bytes()
        for at in range(len(before)):
            for bit in (0x01, 0x80):
                flipped = bytearray(before)
                flipped[at] ^= bit
                path.write_bytes(flipped)
                assert store.verify(KEY), f"{path.name}, byte {at}, bit {bit}"
        path.write_bytes(before)
    assert store.verify(KEY) == []


def test_verify_finds_missing_and_extra_files(store):
    """Both are named."""
    folder = put(store, payload="hello")
    (folder / "payload").unlink()
    (folder / "extra").write_text("", encoding="utf-8")
    short = KEY[:12]
    assert store.verify(KEY) == [f"{short}/extra: not in meta.json", f"{short}/payload: missing"]


def test_verify_finds_an_artifact_under_another_key(store):
    """A folder that was renamed isn't what its name says."""
    put(store, payload="hello")
    other = key_of("two")
    store.path(other).parent.mkdir(exist_ok=True)
    shutil.copytree(store.path(KEY), store.path(other))
    assert store.verify(other) == [f"{other[:12]}: meta.json is of {KEY[:12]}"]


def test_a_damaged_meta_is_refused_when_it_is_read(store):
    """Nothing is computed from it."""
    path = put(store, payload="hello") / "meta.json"
    path.write_bytes(path.read_bytes().replace(b'"make"', b'"mkae"'))
    with pytest.raises(VerificationError, match="differs from its own digest"):
        store.meta(KEY)


@pytest.mark.parametrize("size", [10**400, -1, True, 5.0])
def test_a_size_that_no_file_has_is_refused(store, size):
    """Whoever forges it can redo the digest: `store list` adds the sizes up."""
    path = put(store, payload="hello") / "meta.json"
    meta = json.loads(path.read_bytes())
    del meta["meta_sha256"]
    meta["files"]["payload"]["bytes"] = size
    path.write_bytes(canonical_json({**meta, "meta_sha256": digest(meta)}))
    with pytest.raises(VerificationError, match="without sha256 and bytes"):
        store.meta(KEY)


def test_a_store_can_be_moved(store, tmp_path):
    """No absolute path is kept."""
    put(store, payload="hello")
    shutil.copytree(store.root, tmp_path / "elsewhere")
    shutil.rmtree(store.root)
    moved = Store(tmp_path / "elsewhere")
    assert list(moved.keys()) == [KEY]
    assert moved.verify(KEY) == []


def test_remove_drops_an_artifact(store):
    """It can be made again."""
    put(store, payload="hello")
    store.remove(KEY)
    assert list(store.keys()) == []
    put(store, payload="again")
    assert store.verify(KEY) == []


def test_a_file_in_the_way_is_a_machine_error(tmp_path):
    """Root may write anywhere, but not below a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    store = Store(tmp_path / "file" / "store")
    message = r"a file in the way.*Name another --store"
    with pytest.raises(MachineError, match=message), store.locked(KEY):
        pass
    with pytest.raises(MachineError, match="a file in the way"), store.writing(KEY):
        pass


@pytest.mark.parametrize(
    ("number", "message"),
    [(28, "disk full"), (13, "permission denied"), (30, "read-only file system"), (122, "quota")],
)
def test_system_errors_become_advice(number, message, tmp_path):
    """The numbers of Linux; `filename` says where."""
    with pytest.raises(MachineError, match=message), describe_os_errors(tmp_path):
        raise OSError(number, "as the system says it", str(tmp_path / "x"))


def test_errors_of_rust_libraries_are_understood(tmp_path):
    """As safetensors says it; its exception is no OSError."""
    with pytest.raises(MachineError, match="disk full"), describe_os_errors(tmp_path):
        raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    "error", [OSError(2, "No such file"), ValueError("a bug"), RuntimeError("x (os error 2)")]
)
def test_other_errors_stay_what_they_are(error, tmp_path):
    """A bug keeps its traceback."""
    with pytest.raises(type(error)) as caught, describe_os_errors(tmp_path):
        raise error
    assert caught.value is error


def test_what_a_killed_worker_left_is_in_no_ones_way(store, monkeypatch):
    """In a container the next worker has the same process number."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    for _ in range(2):
        with contextlib.suppress(SystemExit), store.writing(KEY) as folder:
            monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
            (folder / "half").write_text("written")
            raise SystemExit
    assert len(list((store.root / "work").iterdir())) == 2


def test_a_killed_worker_leaves_no_artifact_and_no_lock(store, steer):
    """SIGKILL between writing and commit; sweep clears up, and the next run makes it."""
    (steer / "one").write_text("sleep", encoding="utf-8")
    process = start("make('one')", store.root, steer)
    until((steer / "log").is_file)
    assert store.sweep() == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (left,) = (store.root / "work").iterdir()
    assert (left / "value").is_file()
    assert list(store.keys()) == []
    assert store.sweep(dry_run=True) == store.sweep() == [left.name]
    assert list((store.root / "work").iterdir()) == []
    (steer / "one").unlink()
    again = start("print(make('one'))", store.root, steer)
    assert again.communicate()[0] == "True\n"
    assert store.verify(KEY) == []


def test_of_two_workers_one_makes_and_the_other_waits(store, steer):
    """The stage runs once; the second finds the first one's artifact."""
    (steer / "one").write_text("nap", encoding="utf-8")
    both = [start("print(make('one'))", store.root, steer) for _ in range(2)]
    said = sorted(process.communicate()[0] for process in both)
    assert said == ["False\n", "True\n"]
    assert (steer / "log").read_text("utf-8") == "one\n"


CHECKPOINT = """
def stage(context):
    context.scratch.mkdir(parents=True, exist_ok=True)
    mark = context.scratch / "mark"
    found = mark.exists()
    mark.write_text("so far")
    if not found:
        raise RuntimeError("a crash")
    (context.out / "payload").write_text("went on")
fake_stages.make = stage
try:
    print(make("one"))
except RuntimeError:
    print(sorted(path.name for path in store.scratch(planned("one").key).iterdir()))
"""


def test_what_a_stage_put_aside_is_there_when_it_runs_again(store, steer):
    """And gone with the artifact; sweep leaves it alone until then."""
    first = start(CHECKPOINT, store.root, steer)
    assert first.communicate()[0] == "['mark']\n"
    assert store.sweep() == []
    second = start(CHECKPOINT, store.root, steer)
    assert second.communicate()[0] == "True\n"
    assert (store.get(KEY) / "payload").read_text("utf-8") == "went on"
    assert list((store.root / "scratch").iterdir()) == []


def test_sweep_removes_checkpoints_that_nobody_will_read(store):
    """A crash between the commit and their removal left them."""
    put(store, payload="hello")
    (store.root / "locks").mkdir()
    store.scratch(KEY).mkdir(parents=True)
    assert store.sweep() == [KEY]
    assert not store.scratch(KEY).exists()


FULL = """
import numpy
from safetensors.numpy import save_file
ballast = store.root / "ballast"
store.root.mkdir(exist_ok=True)
ballast.write_bytes(bytes(700_000))
def with_payload(write):
    def stage(context):
        write(context.out)
    fake_stages.make = stage
    try:
        return make("one")
    except HarnessError as error:
        return [type(error).__name__, error.exit_code, error.got]
plain = lambda out: (out / "payload").write_bytes(bytes(500_000))
tensors = lambda out: save_file({"a": numpy.zeros(125_000, "f4")}, out / "payload")
found = {"plain": with_payload(plain), "tensors": with_payload(tensors)}
found["complete"] = list(store.keys())
found["in work"] = [path.name for path in (store.root / "work").iterdir()]
ballast.unlink()
found["afterwards"] = with_payload(plain)
found["problems"] = store.verify(planned("one").key)
print(json.dumps(found))
"""


def test_a_full_disk_ends_the_stage_and_space_lets_it_go_on(tmp_path, steer):
    """On a disk of 1 MB with 700 kB of ballast, 500 kB don't fit; without it they do."""
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "script.py").write_text(PREAMBLE + FULL, encoding="utf-8")
    mount = f"mount -t tmpfs -o size=1m none {disk} || exit 77; exec {sys.executable} "
    command = mount + f"{tmp_path / 'script.py'} {disk} {steer}"
    result = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", command],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip("needs a mount namespace")
    assert result.returncode == 0, result.stderr
    full = ["MachineError", 6, "disk full"]
    assert json.loads(result.stdout) == {
        "plain": full,
        "tensors": full,
        "complete": [],
        "in work": [],
        "afterwards": True,
        "problems": [],
    }
