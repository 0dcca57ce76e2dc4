"""Stage `dataset`: from a mirror, brought files or the generator to labelled raw rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_runs import read_json, reader, run_stage

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
        "reader": reader(),
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
        "labels": [],
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


FEATURES = {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}


def pairs(folder: Path, name: str, labels: list[int], named: bool = True) -> None:
    """A Parquet file of pairs, with the names of its labels as the Hub's files carry them."""
    table = pa.table({"sentence1": ["a"] * len(labels), "sentence2": ["b"] * len(labels)})
    table = table.append_column("label", pa.array(labels, pa.int32()))
    if named:
        info = json.dumps({"info": {"features": FEATURES}})
        table = table.replace_schema_metadata({"huggingface": info})
    path = folder / f"datasets/owner/qa/{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def paired(**changes: Any) -> dict[str, Any]:
    """A configuration of a file of pairs, without ids, in English."""
    columns = {"first": "sentence1", "second": "sentence2"}
    how = reader("pair", columns=columns, labels=changes.pop("labels", []))
    rule = {"by": "fixed", "language": "en"}
    return config(**{"language": rule, "reader": how, **changes})


def test_label_names_are_the_files_or_the_pins(tmp_path: Path) -> None:
    """Raw numbers stay in the rows; dataset.json says what they are called."""
    pairs(tmp_path, "a", [0, 1, -1])
    rows = produced(tmp_path, paired(), tmp_path)
    assert [one["label"] for one in rows] == [0, 1, -1]
    assert read_json(tmp_path / "out/dataset.json")["labels"] == ["no", "yes"]


def test_label_names_that_disagree_are_an_error(tmp_path: Path) -> None:
    """The file says no, yes; the pin says yes, no."""
    pairs(tmp_path, "a", [0, 1])
    with pytest.raises(DataError, match="`label`: got labels no, yes; expected yes, no"):
        produced(tmp_path, paired(labels=["yes", "no"]), tmp_path)


def test_labels_that_nobody_names_are_an_error(tmp_path: Path) -> None:
    """Numbers without names can't be matched by name."""
    pairs(tmp_path, "a", [0, 1], named=False)
    with pytest.raises(DataError, match="neither the pin nor the file names"):
        produced(tmp_path, paired(), tmp_path)


def test_missing_column_is_an_error(tmp_path: Path, mirror: Path) -> None:
    """Another data set under the pinned name."""
    with pytest.raises(DataError, match="expected label, sentence1, sentence2 among them"):
        produced(tmp_path, paired(labels=["no", "yes"]), mirror)


def test_configs_without_ids_can_be_spread(tmp_path: Path) -> None:
    """Translations of XNLI's training pairs stand in the same order; equally many must be there."""
    for code, count in (("ar", 3), ("de", 3)):
        pairs(tmp_path, code, [0] * count)
    rule = {"by": "config", "names": dict(zip(CODES, CODES, strict=True))}
    files = {code: {"file": f"{code}.parquet", "sha256": None} for code in CODES}
    whole = paired(configs=list(CODES), combine="spread", language=rule, files=files)
    assert [one["language"] for one in produced(tmp_path, whole, tmp_path)] == ["ar", "de", "ar"]
    pairs(tmp_path, "de", [0] * 2)
    with pytest.raises(DataError, match=r"other ids from row 2 on \(3 and 2 rows\)"):
        produced(tmp_path / "again", whole, tmp_path)


def test_only_the_first_rows_of_a_large_file_are_read(tmp_path: Path) -> None:
    """What a limit lets through; the file holds four."""
    folder = tmp_path / "datasets/owner/qa"
    folder.mkdir(parents=True)
    texts = [f"Article {number}." for number in range(4)]
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet", row_group_size=1)
    rule = {"by": "fixed", "language": "en"}
    settings = config(language=rule, reader=reader("text"), limit=2)
    assert [one["text"] for one in produced(tmp_path, settings, tmp_path)] == texts[:2]


def brought() -> dict[str, Any]:
    """A configuration of CCGbank's sections."""
    return config(
        kind="files",
        name="ccgbank",
        language={"by": "fixed", "language": "en"},
        files={"a": {"file": "data/AUTO/{02..03}/*.auto", "sha256": None}},
        reader=reader("ccgbank"),
    )


def test_ccgbank_from_the_users_own_files(tmp_path: Path) -> None:
    """Two sections; one hash for each."""
    for section in ("02", "03"):
        folder = tmp_path / "data/AUTO" / section
        folder.mkdir(parents=True)
        text = f"ID=wsj_{section}01.1 PARSER=GOLD\n(<L N NN NN door N>)\n"
        (folder / f"wsj_{section}01.auto").write_text(text, encoding="utf-8")
    resources = Resources(files={"ccgbank": tmp_path})
    run_stage("dataset", tmp_path / "out", brought(), resources=resources)
    rows = pq.read_table(tmp_path / "out/rows.parquet").to_pylist()
    assert [(one["id"], one["tags"]) for one in rows] == [
        ("wsj_0201.1", ["N"]),
        ("wsj_0301.1", ["N"]),
    ]
    facts = read_json(tmp_path / "out/dataset.json")
    assert sorted(facts["files"]) == ["data/AUTO/02/*.auto", "data/AUTO/03/*.auto"]


def test_ccgbank_that_nobody_brought(tmp_path: Path) -> None:
    """The message says what to bring and where."""
    with pytest.raises(DataError, match=r"Put data/AUTO/.* a folder DIR and add `--files ccgbank="):
        run_stage("dataset", tmp_path / "out", brought(), resources=Resources())
