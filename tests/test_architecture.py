"""House rules that no linter knows: sizes, and no path of a developer's machine in the project."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "harness").rglob("*.py"))
MAX_MODULE, MAX_FUNCTION = 400, 60
# Home folders, and folders that a build machine mounts; assembled so as not to match themselves.
MACHINE_PATH = re.compile(
    "|".join(("/" + "root/", "/" + "work/", "/home/" + r"\w+/", "/" + "opt/wh"))
)


def module_id(path):
    """The module's path in the project."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_module_and_functions_stay_short(path):
    """A module has at most 400 lines, a function at most 60, docstring included."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION, node.name


def test_no_file_names_a_machine():
    """Nothing in the project depends on where somebody's machine keeps its files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
        found += [f"{name}:{i}" for i, one in enumerate(lines, 1) if MACHINE_PATH.search(one)]
    assert found == []
