"""The allow-list of skips: what it lets through, and that a strict session fails on the rest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from skip_rules import SkipRule, read_rules

HERE = Path(__file__).parent


@pytest.fixture
def suite(tmp_path):
    """A suite of one file, under this project's conftest and a rule of its own."""
    for name in ("conftest.py", "skip_rules.py"):
        shutil.copy(HERE / name, tmp_path)
    # The conftest asks for its fixtures, which no test here uses.
    for name in ("cli_runs.py", "run_folders.py", "tiny_runs.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "allowed_skips.txt").write_text("* => needs DATA unless DATA\n")

    def run(body, **environment):
        (tmp_path / "test_it.py").write_text(f"import pytest\n{body}\n")
        kept = {k: v for k, v in os.environ.items() if k != "HARNESS_STRICT_SKIPS"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path],
            cwd=tmp_path,
            env=kept | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


SKIPS_FOR_DATA = "def test_a(): pytest.skip('needs DATA')"
SKIPS_AT_WILL = "def test_a(): pytest.skip('too lazy')"


def test_an_allowed_skip_passes(suite):
    """A skip with a listed reason leaves a strict session green."""
    assert suite(SKIPS_FOR_DATA, HARNESS_STRICT_SKIPS="1").returncode == 0


def test_a_skip_without_a_rule_fails_a_strict_session(suite):
    """A skip for an unlisted reason makes pytest exit with 1 and name the test."""
    done = suite(SKIPS_AT_WILL, HARNESS_STRICT_SKIPS="1")
    assert done.returncode == 1
    assert "test_it.py::test_a: Skipped: too lazy" in done.stdout


def test_a_rule_ends_when_what_it_waits_for_is_there(suite):
    """`unless DATA`: with DATA set the same skip is refused."""
    assert suite(SKIPS_FOR_DATA, HARNESS_STRICT_SKIPS="1", DATA="/data").returncode == 1


def test_a_module_that_skips_whole_is_seen(suite):
    """A skip during collection counts as well."""
    body = "pytest.skip('too lazy', allow_module_level=True)"
    assert suite(body, HARNESS_STRICT_SKIPS="1").returncode == 1


def test_without_strictness_any_skip_passes(suite):
    """Who runs pytest by hand isn't held up."""
    assert suite(SKIPS_AT_WILL).returncode == 0


def test_an_expected_failure_is_no_skip(suite):
    """Pytest reports an xfail as skipped; no rule has to allow it."""
    body = "@pytest.mark.xfail(reason='known')\ndef test_a(): assert False"
    assert suite(body, HARNESS_STRICT_SKIPS="1").returncode == 0


def test_a_failure_keeps_its_own_status(suite):
    """An interrupted or failed session isn't relabelled."""
    assert suite("def test_a(): assert 0", HARNESS_STRICT_SKIPS="1").returncode == 1


def test_a_rule_looks_at_test_and_reason():
    """Both the glob and the regular expression have to match."""
    rule = SkipRule(glob="tests/report/*", reason="needs .*browser", unless=None)
    assert rule.allows("tests/report/test_page.py::test_a[x]", "Skipped: needs a browser", {})
    assert not rule.allows("tests/test_run.py::test_a", "Skipped: needs a browser", {})
    assert not rule.allows("tests/report/test_page.py::test_a", "Skipped: slow", {})


def test_a_line_that_is_no_rule_is_refused(tmp_path):
    """A typing error in the list can't silently allow or forbid."""
    path = tmp_path / "allowed_skips.txt"
    path.write_text("# fine\n* needs DATA\n")
    with pytest.raises(ValueError, match=r"allowed_skips.txt:2: got '\* needs DATA'"):
        read_rules(path)


def test_the_committed_list_reads():
    """Every line of the real list is a rule or a comment."""
    assert read_rules(HERE / "allowed_skips.txt")


@pytest.mark.parametrize(
    ("reason", "allowed"),
    [
        ("needs Docker, and this machine allows no engine: root alone can start one", True),
        ("needs Docker: no dockerd; on Debian: apt install docker.io", False),
        ("needs Docker: dockerd doesn't come up: failed to start daemon", False),
    ],
)
def test_an_engine_may_be_missing_only_where_none_is_possible(reason, allowed):
    """What can be installed, or has to be mended, isn't a reason to skip."""
    rules = read_rules(HERE / "allowed_skips.txt")
    name = "tests/test_image.py::test_its_size"
    assert any(rule.allows(name, f"Skipped: {reason}", {}) for rule in rules) is allowed


def test_tests_run_away_from_the_users_folders():
    """Home, caches and the store are scratch folders, and the Hub is out of reach."""
    home = Path.home()
    assert home.parent.name.startswith("harness-tests-")
    assert os.environ["HARNESS_STORE"] == str(home.parent / "store")
    assert os.environ["HF_HUB_OFFLINE"] == "1"
