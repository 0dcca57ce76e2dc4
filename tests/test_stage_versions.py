"""Changed stage code must be noticed: its version is all that keeps old artifacts from new results.

`stage_digests.json` holds, for every stage, its version and a digest of its source. After a change
that can alter results, raise the version in harness/stages/contract.py; after any change, run
`python tests/test_stage_versions.py --update`.
"""

import ast
import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from harness.stages.contract import STAGES  # noqa: E402

DIGESTS = Path(__file__).with_name("stage_digests.json")
COMMAND = "python tests/test_stage_versions.py --update"
# Where results are computed. What lies below (records, models, the store) only carries them.
FOLLOWED = re.compile(
    r"harness\.(comparing|tasks|training|metrics|sources|data_checks|statistics)(\.|$)"
)
# What it checks stands in checks/*.yaml.
CHECKS = "harness.stages.checks"
# Scorers are named so, and imported on use.
NAMED = re.compile(r"(harness(?:\.\w+)+)(?::\w+)?")


def source_files(module, root=ROOT):
    """The module's file and, transitively, those of the modules and data that it uses."""
    found, queue = set(), [module]
    while queue:
        path = module_file(queue.pop(), root)
        if path is None or path in found:
            continue
        found.add(path)
        if path.name == "__init__.py":
            found.update(path.parent.rglob("*.yaml"))
        if module_file(CHECKS, root) == path:
            found.update((root / "checks").glob("*.yaml"))
        queue += [name for name in names_in(parse(path)) if FOLLOWED.match(name)]
    return sorted(found)


def module_file(name, root):
    """The file of a module; None where the name is no module."""
    base = root.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def names_in(tree):
    """Every dotted name of the project that a module imports, or names in a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = NAMED.fullmatch(node.value)
            if named:
                yield named[1]


def parse(path):
    """The file's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def plain(node):
    """A syntax tree as lists, the same in every version of Python.

    No positions, no empty fields, no strings that are statements (docstrings).
    """
    if isinstance(node, ast.AST):
        fields = [[name, plain(value)] for name, value in ast.iter_fields(node)]
        return [type(node).__name__, *(one for one in fields if one[1] not in (None, []))]
    if isinstance(node, list):
        return [plain(one) for one in node if not is_prose(one)]
    return None if node is None else repr(node)


def is_prose(node):
    """A string that stands alone."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def digest(module, root=ROOT):
    """sha256 of all source of a module, comments, docstrings and layout apart."""
    hasher = hashlib.sha256()
    for path in source_files(module, root):
        hasher.update(path.relative_to(root).as_posix().encode() + b"\0")
        text = json.dumps(plain(parse(path))) if path.suffix == ".py" else path.read_text("utf-8")
        hasher.update(text.encode() + b"\0")
    return hasher.hexdigest()


def current():
    """What stage_digests.json should hold."""
    return {
        one.name: {"version": one.version, "sha256": digest(one.run.partition(":")[0])}
        for one in STAGES
    }


@pytest.mark.parametrize("stage", STAGES, ids=lambda one: one.name)
def test_a_stages_code_is_the_recorded_one(stage):
    """Changed code with an unchanged version would hand out old artifacts as new results."""
    recorded = json.loads(DIGESTS.read_text("utf-8"))[stage.name]
    found = {"version": stage.version, "sha256": digest(stage.run.partition(":")[0])}
    assert found == recorded, (
        f"The source of stage `{stage.name}` changed. If its results can differ, raise its version "
        f"in harness/stages/contract.py. Then: {COMMAND}"
    )


def test_every_recorded_stage_exists():
    """Nothing stale."""
    assert list(json.loads(DIGESTS.read_text("utf-8"))) == [one.name for one in STAGES]


@pytest.fixture
def project(tmp_path):
    """A stage that uses a task, which uses a metric by its name, and a record."""
    files = {
        "stages/one.py": "from harness.tasks import qa\nfrom harness.records import X\n",
        "tasks/__init__.py": "",
        "tasks/qa.py": "SCORER = 'harness.metrics.f1:score'\n",
        "metrics/f1.py": "def score(x):\n    return x\n",
        "metrics/other.py": "",
        "records.py": "X = 1\n",
        "sources/mini/__init__.py": "",
        "sources/mini/words.yaml": "a: 1\n",
    }
    for name, text in files.items():
        path = tmp_path / "harness" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def changed(project, name, text):
    """Whether the digest of the stage differs when the file has this text."""
    before = digest("harness.stages.one", project)
    (project / "harness" / name).write_text(text, encoding="utf-8")
    return digest("harness.stages.one", project) != before


def test_what_a_stage_uses_is_followed(project):
    """Imports, and names in strings; not what only carries values."""
    found = source_files("harness.stages.one", project)
    assert [path.relative_to(project / "harness").as_posix() for path in found] == [
        "metrics/f1.py",
        "stages/one.py",
        "tasks/__init__.py",
        "tasks/qa.py",
    ]


def test_comments_docstrings_and_layout_do_not_count(project):
    """Better words are no new results."""
    text = '"""Says."""\n\n\ndef score(  x ):\n    """Says."""\n    # Why.\n    return (x)\n'
    assert not changed(project, "metrics/f1.py", text)


@pytest.mark.parametrize(
    "text", ["def score(x):\n    return x + 1\n", "def score(x, y=1):\n    return x\n", ""]
)
def test_code_counts(project, text):
    """However far below the stage."""
    assert changed(project, "metrics/f1.py", text)


def test_data_of_a_package_counts(project):
    """The phrasings that generated questions are made of."""
    stage = "from harness.sources import mini\n"
    (project / "harness/stages/one.py").write_text(stage, encoding="utf-8")
    assert changed(project, "sources/mini/words.yaml", "a: 2\n")


def test_what_a_stage_does_not_use_does_not_count(project):
    """Another metric may change freely."""
    assert not changed(project, "metrics/other.py", "x = 1\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(f"usage: {COMMAND}")
    DIGESTS.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8")
