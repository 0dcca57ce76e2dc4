"""A mirror holds what its mirror.yaml, or without one the pin, says."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from hub_server import REVISION
from sources_data import QA, parquet, qa_pin

from harness.errors import DataError, ManifestError
from harness.models import Mirror, MirrorDataset, MirrorSplit
from harness.sources.mirror import load_mirror, locate, save_mirror, wanted

DATA = parquet("english-1-0", "english-2-0")
SHA256 = hashlib.sha256(DATA).hexdigest()
OTHER = "0" * 64


def held(*, partial: bool = False, revision: str = REVISION, **changes) -> Mirror:
    """A mirror.yaml of the one file; `changes` go into its entry."""
    entry = MirrorSplit(**{"file": QA, "sha256": SHA256, "rows": 2, **changes})
    configs = {"secondary_task": {"train": entry}}
    dataset = MirrorDataset(revision=revision, partial=partial, configs=configs)
    return Mirror(format=1, datasets={"owner/qa": dataset})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in the Hub's layout, without mirror.yaml."""
    (tmp_path / QA).parent.mkdir(parents=True)
    (tmp_path / QA).write_bytes(DATA)
    return tmp_path


def found(folder: Path, **pinned) -> Path:
    """The located file of the one split."""
    return locate(folder, qa_pin(**pinned), "secondary_task", "train")


def test_saved_mirror_is_loaded_again(tmp_path: Path) -> None:
    """Also where a hash looks like a number (1e5..., all digits) and a name like a constant."""
    revision = "1e" + "5" * 38
    mirror = held(revision=revision, sha256="1" * 64, languages={"no": 1, "1e5": 1})
    save_mirror(mirror, tmp_path)
    assert load_mirror(tmp_path) == mirror


def test_saving_leaves_one_file(tmp_path: Path) -> None:
    """The file written aside took the other's name."""
    save_mirror(held(), tmp_path)
    save_mirror(held(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mirror.yaml"]


def test_folder_without_mirror_yaml(tmp_path: Path) -> None:
    """It may still be a mirror of full data sets."""
    assert load_mirror(tmp_path) is None


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    """A mistyped --mirror isn't an empty mirror."""
    with pytest.raises(DataError, match="got no such folder"):
        load_mirror(tmp_path / "none")


def test_broken_mirror_yaml_names_the_line(tmp_path: Path) -> None:
    """Format errors are manifest errors."""
    text = "format: 1\ndatasets:\n  owner/qa:\n    revision: main\n    configs: {}\n"
    (tmp_path / "mirror.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=r"mirror\.yaml, line 4.*revision"):
        load_mirror(tmp_path)


def test_mirror_file_cannot_leave_the_folder(tmp_path: Path) -> None:
    """A path upwards is refused before anything is opened."""
    save_mirror(held(), tmp_path)
    path = tmp_path / "mirror.yaml"
    path.write_text(path.read_text("utf-8").replace("datasets/owner", "../owner"), encoding="utf-8")
    with pytest.raises(ManifestError, match="a path that stays inside its folder"):
        load_mirror(tmp_path)


def test_file_is_located(folder: Path) -> None:
    """Hash and rows are as mirror.yaml says."""
    save_mirror(held(), folder)
    assert found(folder) == folder / QA


def test_partial_copy_replaces_the_pins_hash(folder: Path) -> None:
    """Fewer rows than pinned are what `partial` declares."""
    save_mirror(held(partial=True), folder)
    assert found(folder, sha256=OTHER, rows=9) == folder / QA


def test_full_copy_must_have_the_pins_hash(folder: Path) -> None:
    """mirror.yaml can't overrule a pin unless it declares itself partial."""
    save_mirror(held(), folder)
    with pytest.raises(DataError, match=rf"got sha256 {SHA256}; expected sha256 {OTHER} \(the pin"):
        found(folder, sha256=OTHER)


@pytest.mark.parametrize(
    ("mirror", "message"),
    [
        (held(file=QA.replace("train-", "gone-")), r"got no such file; .* mirror\.yaml names"),
        (held(sha256=OTHER), rf"got sha256 {SHA256}; expected sha256 {OTHER} \(mirror\.yaml\)"),
        (held(rows=3), r"got 2 rows; expected 3 rows \(mirror\.yaml\)"),
        (held(revision="f" * 40), f"got it at {'f' * 40}; expected owner/qa .* at {REVISION}"),
        (Mirror(format=1), "got only nothing; expected owner/qa secondary_task/train"),
    ],
)
def test_mirror_that_holds_less_than_it_says(folder: Path, mirror: Mirror, message: str) -> None:
    """Each promise of mirror.yaml is checked."""
    save_mirror(mirror, folder)
    with pytest.raises(DataError, match=message):
        found(folder)


def test_split_that_the_mirror_lacks(folder: Path) -> None:
    """The message says what it has."""
    dataset = held().datasets["owner/qa"]
    splits = {"secondary_task": {"validation": dataset.configs["secondary_task"]["train"]}}
    other = dataset.model_copy(update={"configs": splits})
    save_mirror(Mirror(format=1, datasets={"owner/qa": other}), folder)
    with pytest.raises(DataError, match="got of it only secondary_task/validation"):
        found(folder)


def test_without_mirror_yaml_the_pin_decides(folder: Path) -> None:
    """Hash and rows of the pin are met."""
    assert found(folder, sha256=SHA256, rows=2) == folder / QA


@pytest.mark.parametrize(
    ("pinned", "message"),
    [
        ({"sha256": OTHER}, rf"got sha256 {SHA256}; expected sha256 {OTHER} \(the pin\)"),
        ({"rows": 3}, r"got 2 rows; expected 3 rows \(the pin\)"),
    ],
)
def test_without_mirror_yaml_the_pin_holds_in_full(folder: Path, pinned, message: str) -> None:
    """A partial copy must declare itself in a mirror.yaml."""
    with pytest.raises(DataError, match=message):
        found(folder, **pinned)


def test_without_mirror_yaml_a_missing_file_is_an_error(folder: Path) -> None:
    """The layout is the Hub's: datasets/<owner>/<name>/<file>."""
    shutil.rmtree(folder / "datasets")
    with pytest.raises(DataError, match="got no such file; expected the file that the pin names"):
        found(folder)


def test_wanted_takes_the_mirrors_hash_on_first_use() -> None:
    """A pin without a hash is met by what the first fetch recorded."""
    assert wanted(qa_pin(), "secondary_task", "train", held()).sha256 == SHA256


def test_unknown_split_of_a_pin() -> None:
    """The message lists the pin's splits."""
    with pytest.raises(DataError, match="a request for secondary_task/test; expected one of"):
        wanted(qa_pin(), "secondary_task", "test")
