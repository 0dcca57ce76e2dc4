"""Options and environment variables, and what they come to on this machine."""

from pathlib import Path

import pytest

from harness import options
from harness.errors import DataError, MachineError, ManifestError, UsageError


@pytest.fixture
def machine(monkeypatch):
    """A machine with these GPUs, whatever this one has."""

    def _machine(*gpus, bf16=False):
        monkeypatch.setattr(options, "gpus", lambda: list(gpus))
        monkeypatch.setattr(options, "gpu_has_bf16", lambda: bf16)
        monkeypatch.setattr(options, "cpu_has_bf16", lambda: bf16)

    return _machine


def test_auto_is_the_first_gpu_or_the_cpu(machine):
    """What most people want."""
    machine()
    assert options.resolve_device("auto") == "cpu"
    machine("one GPU")
    assert options.resolve_device("auto") == "cuda"


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_a_device_that_is_there_is_taken(machine, device):
    """Two GPUs, counted from 0."""
    machine("first", "second")
    assert options.resolve_device(device) == device


def test_a_gpu_beyond_the_last_is_refused(machine):
    """With one GPU there is no cuda:1; torch would say so in the middle of the run."""
    machine("first")
    with pytest.raises(MachineError, match="--device cuda:1: got 1 NVIDIA GPU"):
        options.resolve_device("cuda:1")


@pytest.mark.parametrize("device", ["tpu", "cuda:", "cuda:x", "CPU", ""])
def test_an_unknown_device_is_refused(machine, device):
    """Spelt otherwise."""
    machine("first")
    with pytest.raises(UsageError, match="an unknown device"):
        options.resolve_device(device)


@pytest.mark.parametrize(
    ("wanted", "native", "expected"),
    [
        ("native", True, "bf16"),
        ("native", False, "fp32"),
        ("bf16", False, "bf16"),
        ("fp32", True, "fp32"),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_native_precision_is_resolved(machine, wanted, native, expected, device):
    """A key never holds "native"."""
    machine("first", bf16=native)
    assert options.resolve_precision(wanted, device) == expected


def test_the_store_is_the_options_the_environments_or_the_caches(monkeypatch, tmp_path):
    """In this order."""
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path / "environment"))
    assert options.open_store(tmp_path / "option").root == tmp_path / "option"
    assert options.open_store(None).root == tmp_path / "environment"
    monkeypatch.delenv("HARNESS_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert options.open_store(None).root == tmp_path / "harness" / "store"


def test_the_mirror_is_the_options_the_environments_or_the_caches(monkeypatch, tmp_path):
    """The cache's only where there is one; without any, profiles of generated data work."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_MIRROR", raising=False)
    assert options.mirror_dir(None) is None
    usual = tmp_path / "harness" / "mirror"
    usual.mkdir(parents=True)
    assert options.mirror_dir(None) == usual
    monkeypatch.setenv("HARNESS_MIRROR", str(tmp_path))
    assert options.mirror_dir(None) == tmp_path
    assert options.mirror_dir(usual) == usual


def test_a_mirror_that_is_not_there_is_refused(tmp_path):
    """A named folder must exist."""
    with pytest.raises(DataError, match=r"no such folder.*harness fetch"):
        options.mirror_dir(tmp_path / "none")


def test_what_a_mirror_says_of_itself_is_read(tmp_path):
    """mirror.yaml, where it has one."""
    assert options.read_mirror(None) is None
    assert options.read_mirror(tmp_path) is None
    (tmp_path / "mirror.yaml").write_text("format: 1\n", encoding="utf-8")
    assert options.read_mirror(tmp_path).datasets == {}
    (tmp_path / "mirror.yaml").write_text("format: 2\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"mirror\.yaml, line 1: format: got 2"):
        options.read_mirror(tmp_path)


def test_folders_of_the_users_data_are_absolute(tmp_path, monkeypatch):
    """A later change of folder doesn't matter."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    assert options.file_folders(["squad=data"]) == {"squad": tmp_path / "data"}
    assert options.resources(None, ["squad=data"], "cpu").files["squad"] == Path(tmp_path / "data")


@pytest.mark.parametrize("pair", ["squad", "=data", "squad=", "squad=none"])
def test_what_is_not_name_and_folder_is_refused(tmp_path, monkeypatch, pair):
    """NAME=DIR, with a folder that is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(UsageError, match="expected NAME=DIR"):
        options.file_folders([pair])


@pytest.mark.parametrize(
    ("words", "interval"),
    [
        (None, (60.0, None)),
        ("5s", (5.0, None)),
        ("0s", (0.0, None)),
        ("500steps", (None, 500)),
        ("never", (None, None)),
    ],
)
def test_checkpoints_come_by_time_or_by_steps(words, interval, monkeypatch):
    """Every minute where nothing is said; the environment says it too."""
    monkeypatch.delenv("HARNESS_CHECKPOINTS", raising=False)
    found = options.resources(None, [], "cpu", words)
    assert (found.checkpoint_seconds, found.checkpoint_steps) == interval
    if words:
        monkeypatch.setenv("HARNESS_CHECKPOINTS", words)
        assert options.resources(None, [], "cpu") == found


@pytest.mark.parametrize("words", ["often", "60", "0steps", "1.5s", "-1s"])
def test_other_intervals_are_refused(words):
    """With what is understood."""
    with pytest.raises(UsageError, match=f"--checkpoints {words}.*500steps"):
        options.resources(None, [], "cpu", words)


def test_a_training_is_spread_over_devices_that_are_there(machine):
    """One unless more are asked for; any number of processes on a CPU."""
    machine("one GPU", "another")
    assert options.devices(None, "cuda:1") == 1
    assert options.devices(2, "cuda") == 2
    assert options.devices(3, "cpu") == 3


@pytest.mark.parametrize(("count", "device"), [(0, "cpu"), (-1, "cuda"), (2, "cuda:0")])
def test_no_number_of_devices_is_refused(machine, count, device):
    """Less than one, and several of a single GPU."""
    machine("one GPU", "another")
    with pytest.raises(UsageError, match=f"--devices {count}"):
        options.devices(count, device)


def test_more_gpus_than_there_are_are_refused(machine):
    """The message says how many there are."""
    machine("one GPU")
    with pytest.raises(MachineError, match="--devices 2: got 1 NVIDIA GPU"):
        options.devices(2, "cuda")
