"""The verbs that only read manifests start at once: they load no heavy library."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLAIM = "phang2020/tydiqa-english-gain"
HEAVY = {
    *("torch", "transformers", "tokenizers", "safetensors", "datasets", "huggingface_hub"),
    *("scipy", "pandas", "pyarrow", "matplotlib", "great_expectations", "ray", "docker"),
}
SCRIPT = """
import json, sys
from harness.cli import main
try:
    main()
finally:
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps(loaded), file=sys.stderr)
"""


def loaded(*arguments):
    """The top-level modules that the command loads."""
    # Whoever runs the tests may have a mirror; a partial one lacks what some claims need.
    variables = {name: value for name, value in os.environ.items() if name != "HARNESS_MIRROR"}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=ROOT,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["validate"],
        ["show", CLAIM],
        ["plan", CLAIM],
        ["plan", "phang2020/*", "--profile", "paper", "--json"],
    ],
    ids=" ".join,
)
def test_reading_manifests_loads_nothing_heavy(arguments):
    """None of these needs a model, a table or a chart."""
    assert loaded(*arguments) & HEAVY == set()


def test_help_loads_no_manifest_code_either():
    """Shell completion and --help are the first contact."""
    assert not loaded("--help") & {"pydantic", "yaml", "rich", "numpy"}
