"""Published schemas: current, and what a run writes is valid against them."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from harness.evidence.documents import DOCUMENTS, schema

ROOT = Path(__file__).parents[2]
WRITTEN = ("comparison", "scores", "stages", "run")


def published(name):
    """The committed schema of a document."""
    return json.loads((ROOT / f"schemas/{name}.schema.json").read_bytes())


def test_the_schemas_are_current():
    """After a change of the records: python -m harness.evidence.documents."""
    assert {path.name for path in (ROOT / "schemas").iterdir()} == {
        f"{name}.schema.json" for name in DOCUMENTS
    }
    for name in DOCUMENTS:
        assert published(name) == schema(name), "rewrite: python -m harness.evidence.documents"


def test_the_command_writes_what_is_there(tmp_path):
    """Byte for byte."""
    command = [sys.executable, "-m", "harness.evidence.documents", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (ROOT / "schemas" / path.name).read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_one(name):
    """By its own meta-schema."""
    jsonschema.Draft202012Validator.check_schema(published(name))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_run_writes_what_is_published(folder, name):
    """And another field is refused."""
    document = json.loads((folder / f"{name}.json").read_bytes())
    jsonschema.validate(document, published(name))
    with pytest.raises(jsonschema.ValidationError, match="another"):
        jsonschema.validate({**document, "another": 1}, published(name))


def test_what_reproduce_prints_is_published(cli, steer):
    """With a claim that has a verdict and one that failed."""
    gain, many = "phang2020/tydiqa-english-gain", "phang2020/tydiqa-many-gain"
    (steer / "intermediate").write_text("StageError", encoding="utf-8")
    result = cli("reproduce", gain, many, "--mirror", steer, "--json")
    document = json.loads(result.out)
    assert set(document["failed"]) == {gain, many}
    jsonschema.validate(document, published("results"))
    (steer / "intermediate").unlink()
    document = json.loads(cli("reproduce", gain, "--mirror", steer, "--json").out)
    assert set(document["comparisons"]) == {gain}
    jsonschema.validate(document, published("results"))
