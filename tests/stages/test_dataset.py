"""Stage `dataset`: from a mirror, brought files or the generator to labelled raw rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_runs import read_json, run_stage

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.sources import mini
from harness.stages.contract import Resources

REVISION = "0123456789abcdef0123456789abcdef01234567"
LANGUAGES = {"by": "id_prefix", "names": {"english": "en", "korean": "ko"}}
CODES = ("ar", "de")


def question(one: str, context: str = " An answer.") -> dict[str, Any]:
    """A row; its offset is wrong, which this stage doesn't mend."""
    answers = {"text": ["answer"], "answer_start": [0]}
    return {"id": one, "context": context, "question": "Which?", "answers": answers}


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror without mirror.yaml: one mixed file, and two parallel ones."""
    folder = tmp_path / "mirror"
    write(folder / "datasets/owner/qa/a.parquet", ["english-1-0", "korean-2-0", "english-3-0"])
    for code in CODES:
        write(folder / f"datasets/owner/qa/{code}.parquet", ["p", "q", "r"])
    return folder


def write(path: Path, ids: list[str]) -> None:
    """A Parquet file of one question for each id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([question(one) for one in ids]), path)


def config(**changes: Any) -> dict[str, Any]:
    """A configuration of the mixed file; `changes` go into it, or into its source."""
    source = {
        "kind": "hub",
        "name": "qa",
        "repo": "owner/qa",
        "revision": REVISION,
        "language": LANGUAGES,
        "files": {"a": {"file": "a.parquet", "sha256": None}},
    }
    whole = {
        "source": source,
        "configs": ["a"],
        "split": "train",
        "languages": None,
        "combine": "concat",
        "limit": None,
    }
    for key, value in changes.items():
        (whole if key in whole else source)[key] = value
    return whole


def parallel(combine: str) -> dict[str, Any]:
    """A configuration of the two parallel files."""
    return config(
        configs=list(CODES),
        combine=combine,
        language={"by": "config", "names": dict(zip(CODES, CODES, strict=True))},
        files={code: {"file": f"{code}.parquet", "sha256": None} for code in CODES},
    )


def produced(tmp_path: Path, settings: dict[str, Any], mirror: Path | None = None) -> list[Any]:
    """The rows that the stage writes."""
    run_stage("dataset", tmp_path / "out", settings, resources=Resources(mirror=mirror))
    return pq.read_table(tmp_path / "out/rows.parquet").to_pylist()


def test_rows_are_raw_and_labelled(tmp_path: Path, mirror: Path) -> None:
    """Nothing is stripped or realigned; language and config are added."""
    first = produced(tmp_path, config(), mirror)[0]
    assert first == {**question("english-1-0"), "language": "en", "config": "a"}


def test_facts_name_files_and_counts(tmp_path: Path, mirror: Path) -> None:
    """dataset.json is what a report says about the data."""
    produced(tmp_path, config(), mirror)
    assert read_json(tmp_path / "out/dataset.json") == {
        "name": "qa",
        "split": "train",
        "rows": 3,
        "languages": {"en": 2, "ko": 1},
        "files": {"a.parquet": file_sha256(mirror / "datasets/owner/qa/a.parquet")},
    }


def test_same_configuration_gives_the_same_bytes(tmp_path: Path, mirror: Path) -> None:
    """Artifacts are compared by their hash."""
    for name in ("one", "two"):
        run_stage("dataset", tmp_path / name, config(), resources=Resources(mirror=mirror))
    hashes = {file_sha256(tmp_path / name / "rows.parquet") for name in ("one", "two")}
    assert len(hashes) == 1


def test_language_and_limit(tmp_path: Path, mirror: Path) -> None:
    """The first English row."""
    rows = produced(tmp_path, config(languages=["en"], limit=1), mirror)
    assert [one["id"] for one in rows] == ["english-1-0"]


def test_spread_takes_each_question_once(tmp_path: Path, mirror: Path) -> None:
    """Arabic, German, Arabic."""
    rows = produced(tmp_path, parallel("spread"), mirror)
    assert [(one["id"], one["language"]) for one in rows] == [("p", "ar"), ("q", "de"), ("r", "ar")]


def test_concat_takes_each_question_in_each_language(tmp_path: Path, mirror: Path) -> None:
    """Three questions, two languages."""
    rows = produced(tmp_path, parallel("concat"), mirror)
    assert [one["config"] for one in rows] == ["ar"] * 3 + ["de"] * 3


def test_absent_language_is_an_error(tmp_path: Path, mirror: Path) -> None:
    """An empty data set never reaches training."""
    with pytest.raises(DataError, match=r"got no row in fi; .*languages that it holds: en, ko"):
        produced(tmp_path, config(languages=["fi"]), mirror)


def test_empty_split_is_an_error(tmp_path: Path, mirror: Path) -> None:
    """A file with columns and no rows."""
    path = mirror / "datasets/owner/qa/a.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(DataError, match="got no row in any language"):
        produced(tmp_path, config(), mirror)


def test_other_bytes_than_the_plan_says(tmp_path: Path, mirror: Path) -> None:
    """The file's hash is part of the artifact's key."""
    files = {"a": {"file": "a.parquet", "sha256": "0" * 64}}
    with pytest.raises(DataError, match=f"expected sha256 {'0' * 64}"):
        produced(tmp_path, config(files=files), mirror)


def test_no_mirror_is_an_error(tmp_path: Path) -> None:
    """The way out is `fetch`."""
    with pytest.raises(DataError, match="Run `harness fetch` once"):
        produced(tmp_path, config())


def test_brought_files(tmp_path: Path) -> None:
    """SQuAD's JSON from the user's own folder."""
    paragraph = {
        "context": "An answer.",
        "qas": [
            {"id": "1", "question": "Which?", "answers": [{"text": "An", "answer_start": 0}]},
        ],
    }
    document = {"data": [{"title": "T", "paragraphs": [paragraph]}]}
    (tmp_path / "own").mkdir()
    (tmp_path / "own/a.json").write_text(json.dumps(document), encoding="utf-8")
    settings = config(
        kind="files",
        language={"by": "fixed", "language": "en"},
        files={"a": {"file": "a.json", "sha256": None}},
    )
    resources = Resources(files={"qa": tmp_path / "own"})
    run_stage("dataset", tmp_path / "out", settings, resources=resources)
    (only,) = pq.read_table(tmp_path / "out/rows.parquet").to_pylist()
    assert (only["title"], only["language"]) == ("T", "en")


def generated(version: int) -> dict[str, Any]:
    """A configuration of the generated SQuAD."""
    return config(
        kind="mini",
        name="mini-squad",
        generator="squad",
        generator_version=version,
        configs=["plain_text"],
        limit=3,
        language={"by": "fixed", "language": "en"},
        files={},
    )


def test_generated_rows(tmp_path: Path) -> None:
    """No file is read, none is named."""
    rows = produced(tmp_path, generated(mini.GENERATOR_VERSION))
    assert [one["language"] for one in rows] == ["en"] * 3
    assert read_json(tmp_path / "out/dataset.json")["files"] == {}


def test_other_version_of_the_generator_is_an_error(tmp_path: Path) -> None:
    """Its rows would be others under the same key."""
    with pytest.raises(DataError, match=r"expected version 0 \(the pin\)"):
        produced(tmp_path, generated(0))
