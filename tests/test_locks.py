"""requirements/check.py: it passes on this project and sees each kind of disagreement."""

import importlib.util
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_SPEC = importlib.util.spec_from_file_location("lock_check", ROOT / "requirements" / "check.py")
lock_check = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(lock_check)


@pytest.fixture
def project(tmp_path):
    """A copy of pyproject.toml and requirements/, and a function that edits one of the files."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")

    def edit(name, old, new):
        path = tmp_path / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return list(lock_check.find_problems(tmp_path / "requirements"))

    return edit


def test_this_project_agrees_with_itself():
    """pyproject.toml, the .in files and the locks say the same."""
    assert list(lock_check.find_problems(ROOT / "requirements")) == []


def test_a_dependency_that_is_not_locked(project):
    """A line added to runtime.in without `make lock` is missing from every lock."""
    problems = project("requirements/runtime.in", "click>=8.2", "click>=8.2\nnewcomer>=1")
    assert problems == [
        "requirements/runtime.txt: newcomer isn't locked; run `make lock`",
        "requirements/ray.txt: newcomer isn't locked; run `make lock`",
        "requirements/dev.txt: newcomer isn't locked; run `make lock`",
    ]


def test_a_pin_outside_the_range(project):
    """A raised lower bound without `make lock` no longer admits the pin."""
    problems = project("requirements/dev.in", "pytest>=9", "pytest>=99")
    assert any("requirements/dev.txt: pytest 9" in one for one in problems)


def test_a_range_that_differs_from_pyproject(project):
    """pyproject.toml and the .in file give one range."""
    problems = project("pyproject.toml", '"click>=8.2"', '"click>=8.1"')
    assert problems == ["[project] dependencies: click>=8.1, but the .in file says click>=8.2"]


def test_a_dependency_of_pyproject_alone(project):
    """What pyproject.toml asks for stands in runtime.in too."""
    problems = project("pyproject.toml", '"click>=8.2"', '"click>=8.2", "newcomer"')
    assert problems == ["[project] dependencies: newcomer stands in no .in file"]


def test_torch_never_enters_a_lock(project):
    """A locked torch would force one build (CPU or CUDA) on everybody."""
    problems = project("requirements/runtime.txt", "tqdm==", "torch==2.13.0\ntqdm==")
    assert problems == ["requirements/runtime.txt: torch belongs to torch's own step"]


def test_a_lock_names_no_place_to_fetch_from(project):
    """Index addresses and local folders are the user's choice."""
    problems = project("requirements/dev.txt", "tqdm==", "--find-links file:///wheels\ntqdm==")
    assert problems[-1].endswith("names a place to fetch from; that is the user's choice")
