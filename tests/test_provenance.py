"""What an artifact says of where it was made, in a checkout and in an image."""

import json

import pytest

from harness import provenance
from harness.errors import UsageError


@pytest.fixture(autouse=True)
def fresh():
    """Read anew, not from the process's cache."""
    provenance.environment.cache_clear()
    yield
    provenance.environment.cache_clear()


def test_an_image_names_the_commit_that_it_was_built_from(monkeypatch, tmp_path):
    """It has no history to ask."""
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    for told, commit, dirty in (("c0ffee", "c0ffee", False), ("c0ffee-dirty", "c0ffee", True)):
        monkeypatch.setenv("HARNESS_COMMIT", told)
        provenance.environment.cache_clear()
        code = provenance.environment()["code"]
        assert (code["commit"], code["dirty"]) == (commit, dirty)


def test_an_installed_package_knows_no_commit(monkeypatch, tmp_path):
    """Nor does an image that nobody told."""
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    monkeypatch.setenv("HARNESS_COMMIT", "unknown")
    code = provenance.environment()["code"]
    assert (code["commit"], code["dirty"]) == (None, None)


def test_a_container_names_its_image_and_no_other_run_does(monkeypatch):
    """As whoever started it was told by the engine."""
    assert "image" not in provenance.environment()
    image = {"id": "sha256:00", "name": "reproduction-harness:cpu", "digests": []}
    monkeypatch.setenv("HARNESS_IMAGE_IDENTITY", json.dumps(image))
    provenance.environment.cache_clear()
    assert provenance.environment()["image"] == image


@pytest.mark.parametrize("told", ["sha256:00", "[1]", '"a"'])
def test_an_identity_that_is_none_is_refused(monkeypatch, told):
    """Whoever types `docker run` gives it by hand."""
    monkeypatch.setenv("HARNESS_IMAGE_IDENTITY", told)
    with pytest.raises(UsageError, match=r"HARNESS_IMAGE_IDENTITY: got .*expected the image"):
        provenance.environment()


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (None, ["A", "B", "C"]),
        ("", []),
        ("-1", []),
        ("2", ["C"]),
        ("1, 0", ["B", "A"]),
        ("0,7,1", ["A"]),
        ("GPU-8932f937,MIG-1", ["A", "A"]),
    ],
)
def test_gpus_are_those_that_cuda_may_see(said, seen, monkeypatch):
    """CUDA numbers what $CUDA_VISIBLE_DEVICES leaves; an entry that is none ends the list."""
    if said is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    monkeypatch.setattr(provenance, "_smi", lambda _: ["A, x", "B", "C"])
    provenance.gpus.cache_clear()
    assert provenance.gpus() == seen
    provenance.gpus.cache_clear()
