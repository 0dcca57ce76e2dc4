"""How commands end: interrupts, closed pipes, full disks, odd encodings, and JSON of a failure."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_runs import FAKE, TESTS, parted, start

from harness import ending

GAIN = "phang2020/tydiqa-english-gain"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["show", "nothing"], 2),
        (["plan", GAIN, "--nonsense"], 2),
        (["plan", GAIN, "--device", "cuda"], 6),
        (["reproduce", GAIN, "--mirror", "nonexistent"], 3),
    ],
)
def test_a_failure_is_a_json_document_too(cli, arguments, status):
    """Status and message; stderr says it as ever."""
    result = cli(*arguments, "--json")
    error = json.loads(result.out)["error"]
    assert (result.status, error["exit"]) == (status, status)
    assert error["message"] in result.err


def test_an_interrupt_is_a_json_document_too(cli, steer):
    """A job that was cancelled still leaves something to parse."""
    (steer / "finetune").write_text("KeyboardInterrupt", encoding="utf-8")
    result = cli("reproduce", GAIN, "--mirror", steer, "--json")
    assert result.status == 130
    assert json.loads(result.out)["error"] == {"exit": 130, "message": ending.INTERRUPTED}


def test_impatience_makes_no_traceback(steer, tmp_path):
    """Ctrl-C three times: one line, status 130."""
    (steer / "finetune").write_text("sleep", encoding="utf-8")
    process = start("reproduce", GAIN, "--mirror", steer, store=tmp_path / "store")
    while not (steer / "log").exists() or "finetune" not in (steer / "log").read_text("utf-8"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert parted(err)[0].strip() == f"harness: {ending.INTERRUPTED}"


def closed_pipe():
    """The writing end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def ended(*arguments, stdout, tmp_path, **environment):
    """(status, stderr but for progress) of a process whose stdout is the file descriptor."""
    process = start(*arguments, store=tmp_path / "store", stdout=stdout, **environment)
    os.close(stdout)
    _, err = process.communicate(timeout=60)
    return process.returncode, parted(err)[0]


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["show", GAIN, "--json"]])
def test_a_closed_pipe_is_no_failure(arguments, tmp_path):
    """`harness list | head`: the reader had enough."""
    assert ended(*arguments, stdout=closed_pipe(), tmp_path=tmp_path) == (0, "")


def test_a_closed_pipe_changes_no_verdict(steer, tmp_path):
    """The claim is contradicted, whoever listens, and its report is written."""
    (steer / "gain").write_text("-3", encoding="utf-8")
    arguments = ["reproduce", GAIN, "--mirror", steer, "--out", tmp_path / "run"]
    assert ended(*arguments, stdout=closed_pipe(), tmp_path=tmp_path) == (10, "")
    assert (tmp_path / "run/report.html").is_file()


def test_nobody_at_the_log_changes_no_verdict(steer, tmp_path):
    """`harness reproduce ... 2>&1 | head`: lines about stages have nowhere to go."""
    (steer / "gain").write_text("-3", encoding="utf-8")
    out = tmp_path / "run"
    process = start("reproduce", GAIN, "--mirror", steer, "--out", out, store=tmp_path / "store")
    process.stderr.close()
    process.stdout.read()
    assert process.wait(timeout=60) == 10
    process.stdout.close()
    assert (out / "report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"]])
def test_output_to_a_full_disk_ends_with_6(arguments, tmp_path):
    """One line, no traceback, nothing that Python adds on its way out."""
    status, err = ended(*arguments, stdout=os.open("/dev/full", os.O_WRONLY), tmp_path=tmp_path)
    assert status == 6
    assert err.startswith("harness: standard output: got disk full; expected free space.")
    assert err.count("\n") == 1


def test_another_encoding_keeps_the_signs_of_numbers(steer, tmp_path):
    """Latin-1 has no minus sign but a hyphen, and no typographic apostrophe."""
    (steer / "gain").write_text("-3", encoding="utf-8")
    arguments = ["reproduce", GAIN, "--mirror", steer, "--out", tmp_path / "run"]
    with (tmp_path / "printed").open("wb") as printed:
        status, err = ended(
            *arguments,
            stdout=os.dup(printed.fileno()),
            tmp_path=tmp_path,
            PYTHONIOENCODING="latin-1",
        )
    assert (status, err) == (10, "")
    text = (tmp_path / "printed").read_text("latin-1")
    assert "contradicts the paper's direction" in text
    assert "interval of the difference -33.2 to -26.8" in text


def test_a_user_without_a_home_is_told_what_to_set(cli, monkeypatch):
    """A container's user, say, that /etc/passwd doesn't know."""

    def unknown(user):
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "HARNESS_STORE"):
        monkeypatch.delenv(name)
    result = cli("store", "list")
    assert result.status == 6
    assert "expected $HOME or $XDG_CACHE_HOME" in result.err


def test_a_run_folder_on_a_full_disk_leaves_the_earlier_one(steer, tmp_path):
    """Status 6, and the old report's bytes; with space the same command writes the new one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    arguments = ["reproduce", GAIN, "--mirror", str(steer), "--out", str(disk / "run")]
    script = tmp_path / "script.sh"
    script.write_text(
        f"mount -t tmpfs -o size=2m none {disk} || exit 77\n"
        'first=$("$@") && cp -r {disk}/run {kept} && head -c 9m /dev/zero > {disk}/ballast\n'
        'second=$("$@"); echo "status $?"\n'
        "diff -r {disk}/run {kept} && ls -A {disk}\n"
        'rm {disk}/ballast; third=$("$@"); echo "status $?"\n'.format(
            disk=disk, kept=tmp_path / "kept"
        ),
        encoding="utf-8",
    )
    result = subprocess.run(
        ["unshare", "-m", "-r", "sh", str(script), sys.executable, "-c", FAKE, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}",
            "HARNESS_STORE": str(tmp_path / "store"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip("needs a mount namespace")
    assert result.stdout.splitlines() == ["status 6", "ballast", "run", "status 0"], result.stderr
    assert "got disk full; expected free space. Free some space" in result.stderr
    assert "Traceback" not in result.stderr
