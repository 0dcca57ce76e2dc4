"""Croissant metadata of the data that a run read, checked by Croissant's own library."""

import json

import mlcroissant
import pytest

from harness.evidence.croissant import documents

# Of the library's own parser.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")

READERS = ("squad", "commonsenseqa", "bucc", "tags")
FILES = {"all/dev.parquet": "c" * 64}


@pytest.fixture
def document(made):
    """The document of the questions, whose one file of the evaluation split was read."""

    def make(reader="squad", **changes):
        (comparison,) = made.comparisons.values()
        (use,) = [one for one in comparison.data if one.use == "evaluation"]
        use = use.model_copy(update={"files": FILES, **changes})
        stage = made.stages.by_key[use.artifact]
        read = {**stage.config, "reader": {**stage.config["reader"], "name": reader}}
        stages = {use.artifact: stage.model_copy(update={"config": read})}
        found = comparison.model_copy(update={"data": (use,)})
        (only,) = documents(type(made.stages)(stages), [found]).values()
        return only

    return make


def test_a_document_says_which_bytes_were_read(document):
    """The revision, the licence, and of each file where it is and its sha256."""
    found = document()
    assert (found["name"], found["version"], found["license"]) == ("questions", "1" * 40, "MIT")
    assert found["url"] == "https://huggingface.co/datasets/someone/questions"
    (file,) = found["distribution"]
    assert file["sha256"] == "c" * 64
    assert file["contentUrl"] == f"{found['url']}/resolve/{'1' * 40}/all/dev.parquet"
    assert file["encodingFormat"] == "application/x-parquet"


def test_columns_have_their_types(document):
    """Of questions: texts, and answers as lists of texts and of whole numbers."""
    (rows,) = document()["recordSet"]
    fields = {one["name"]: one for one in rows["field"]}
    assert set(fields) == {"id", "context", "question", "answers", "title"}
    assert fields["context"]["dataType"] == "sc:Text"
    assert fields["context"]["source"]["extract"] == {"column": "context"}
    parts = {one["name"]: one for one in fields["answers"]["subField"]}
    assert (parts["answer_start"]["dataType"], parts["answer_start"]["repeated"]) == (
        "sc:Integer",
        True,
    )


@pytest.mark.parametrize("reader", READERS)
def test_croissants_own_library_takes_it(document, tmp_path, reader):
    """For every form of rows; it raises on what breaks the format."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document(reader)), encoding="utf-8")
    found = mlcroissant.Dataset(jsonld=path)
    assert found.metadata.name == "questions"
    assert len(found.metadata.record_sets) == 1


def test_croissants_own_library_refuses_a_broken_one(document, tmp_path):
    """So the test above can fail."""
    broken = document()
    del broken["distribution"][0]["sha256"]
    broken["recordSet"][0]["field"][0]["source"]["fileObject"] = {"@id": "elsewhere"}
    path = tmp_path / "one.json"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=path)


def test_brought_files_are_named_without_an_address(document):
    """No repository: the file's name and its hash."""
    found = document(repo="", files={"AUTO/00.auto": "d" * 64})
    assert found["distribution"][0]["contentUrl"] == "AUTO/00.auto"
    assert found["url"] == "#questions"


def test_generated_data_have_no_files(document, tmp_path):
    """Nothing was read but the generator's version says what they are."""
    path = tmp_path / "one.json"
    path.write_text(json.dumps(document(repo="", files={}, revision="generator 2")), "utf-8")
    assert mlcroissant.Dataset(jsonld=path).metadata.version == "generator 2"


def test_a_run_folder_holds_one_for_each_data_set(folder):
    """By its name in pins.yaml."""
    found = {path.name for path in (folder / "croissant").iterdir()}
    assert found == {"parallel.json", "questions.json"}
