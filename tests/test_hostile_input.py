"""What damaged and forged files once did, each in its smallest form: now one paragraph.

`make fuzz` found them, or a look for what it can't: reads and writes outside a folder, and files
that grow when they are unpacked.
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from harness.artifacts import Store
from harness.canonical import canonical_json, digest
from harness.errors import DataError, ManifestError, VerificationError
from harness.line_files import read_labels
from harness.models import DatasetPin, EncoderPin
from harness.records import read_predictions
from harness.run import calibration
from harness.sources import files, mirror, readers, rows
from harness.verbs import rendering
from harness.yaml12 import load

KEY = "ab" * 32


def test_a_parquet_file_that_grows_beyond_measure_is_not_unpacked(tmp_path):
    """2 MB of one letter, said a thousand times by its number: 2 GB out of a file of kilobytes."""
    path = tmp_path / "bomb.parquet"
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), ["x" * (2 << 20)])
    pq.write_table(pa.table({"text": values}), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 100_000
    with pytest.raises(DataError, match="more than 268435456 bytes out of"):
        rows.read_rows(path)


def test_parquet_text_is_utf8(tmp_path):
    """The format doesn't check it, and Python falls over it much later."""
    path = tmp_path / "text.parquet"
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    pq.write_table(pa.table({"text": text}), path)
    with pytest.raises(DataError, match="UTF8"):
        rows.read_rows(path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("pair", {"first": "a", "second": "b", "label": None}),
        ("pair", {"first": None, "second": "b", "label": 0}),
        ("tags", {"tokens": ["a", None], "tags": [0, 0]}),
        ("bucc", {"sentence1": ["a"], "sentence2": ["b"], "gold": [[1, None]]}),
        ("squad", {"id": "1", "context": "c", "question": "q", "answers": None}),
    ],
)
def test_a_row_with_nothing_where_a_value_belongs_is_refused(name, values):
    """Columns of Parquet may hold nothing anywhere."""
    row = readers.Row(id="r", language="en", values=values, labels=("no", "yes"))
    with pytest.raises(DataError, match=r"row .*: got nothing in column"):
        list(readers.read(name, row))


LONG = "a" * 280
# Python's glob took its whole stack, int() refused the digits, a regular expression took 11 s.
ENDLESS = ("a" + "/*" * 2000, "{" + "0" * 5000 + "1..2}/*", "{02..21}" + "[" * 9000 + "/*")


@pytest.mark.parametrize(
    "file", ["{1..999999999}/*.auto", "a**/b", "/etc/*", LONG, f"{LONG}/*", *ENDLESS]
)
def test_names_of_brought_files_are_names(file, tmp_path):
    """A range without an end, a pattern that is none, an absolute path, longer than names can be.

    A pin may have 300 characters, of which a folder's name may be 255.
    """
    with pytest.raises(DataError, match="Mend the pin's `file`"):
        files.locate({"x": tmp_path}, "x", file)


def test_a_pinned_repository_stays_in_the_mirror():
    """Its name becomes a path."""
    pin = {"kind": "hub", "title": "t", "license": "l", "revision": "0" * 40}
    sizes = dict.fromkeys(("parameters", "layers", "hidden_size", "vocabulary"), 1)
    with pytest.raises(ValidationError, match="stays inside its folder"):
        EncoderPin.model_validate({**pin, **sizes, "repo": "../../etc"})


def test_every_config_of_a_pin_has_a_language_where_configs_say_it():
    """The plan looks it up."""
    pin = {"kind": "files", "title": "t", "license": "l", "configs": {"de": {}, "fr": {}}}
    with pytest.raises(ValidationError, match=r"`language\.names` says no language of config fr"):
        DatasetPin.model_validate({**pin, "language": {"by": "config", "names": {"de": "de"}}})


def test_a_name_that_no_file_can_have_is_no_file_of_a_mirror(tmp_path):
    """One paragraph, not the system's error."""
    (tmp_path / "datasets/owner/qa").mkdir(parents=True)
    asked = mirror.HubFile(
        repo="owner/qa", revision="0" * 40, config="c", split="train", file=f"{LONG}.json"
    )
    with pytest.raises(DataError, match="got File name too long; expected a readable file"):
        mirror.locate_file(tmp_path, asked, None)


def test_a_link_out_of_a_mirror_is_not_followed(tmp_path):
    """Whatever lies there isn't the mirror's."""
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    folder = tmp_path / "mirror/datasets/owner/qa"
    folder.mkdir(parents=True)
    (folder / "a.json").symlink_to(tmp_path / "secret.json")
    asked = mirror.HubFile(
        repo="owner/qa", revision="0" * 40, config="c", split="train", file="a.json"
    )
    with pytest.raises(DataError, match="a link that leads out of the mirror"):
        mirror.locate_file(tmp_path / "mirror", asked, None)


def forged(store, files_):
    """An artifact whose meta.json names `files_`, with its digest redone."""
    folder = store.path(KEY)
    folder.mkdir(parents=True)
    meta = {"key": KEY, "stage": "make", "files": files_}
    (folder / "meta.json").write_bytes(canonical_json({**meta, "meta_sha256": digest(meta)}))
    return folder


@pytest.mark.parametrize("name", ["../../../secret", "/etc/passwd", "a//b", "a\0b"])
def test_a_forged_artifact_reads_nothing_outside_its_folder(name, tmp_path):
    """Its digest was redone, so only the name tells."""
    store = Store(tmp_path / "store")
    forged(store, {name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(VerificationError, match="outside its folder"):
        store.meta(KEY)
    assert len(store.verify(KEY)) == 1


def test_a_link_in_an_artifact_is_a_finding(tmp_path):
    """Also where it leads to the very bytes."""
    store, data = Store(tmp_path / "store"), b"secret"
    (tmp_path / "secret").write_bytes(data)
    sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    folder = forged(store, {"payload": {"sha256": sha256, "bytes": len(data)}})
    (folder / "payload").symlink_to(tmp_path / "secret")
    assert store.verify(KEY) == [f"{KEY[:12]}/payload: a link, where only files are written"]


@pytest.mark.parametrize("text", ["[]", '{"cpu": 1}', '{"cpu": {"training": "x"}}', "NaN", "\xff"])
def test_speeds_that_cannot_be_read_only_cost_an_estimate(text, tmp_path):
    """They are no part of any result."""
    (tmp_path / "calibration.json").write_text(text, encoding="latin-1")
    assert calibration(Store(tmp_path), "cpu") is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"null", "line 1: got a line that is no Prediction"),
        (b"[" * 100_000, "line 1: got a line that is no Prediction"),
        (b'{"id": "1", "text": "\\ud800", "score": 0.0, "start": 0, "end": 1}', "line 1"),
        (b'{"id": "1", "text": "a", "score": NaN, "start": 0, "end": 1}', "score: got"),
        (b'{"id": 1, "text": "a", "score": 0.0, "start": 0, "end": 1}', "id: got"),
        (b'{"id": "1", "text": "a", "score": 0.0, "start": 0, "end": 1, "x": 1}', "x: got"),
    ],
)
def test_predictions_are_predictions(line, message, tmp_path):
    """A number is never taken for a text, and nothing unknown is passed over."""
    (tmp_path / "en.jsonl").write_bytes(line + b"\n")
    with pytest.raises(DataError, match=message):
        read_predictions(tmp_path / "en.jsonl")


def test_a_report_is_written_through_no_link(tmp_path):
    """A folder from elsewhere may hold links under any name that a writer could choose."""
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    run = tmp_path / "run"
    run.mkdir()
    for name in ("report.tmp", "report.html"):
        (run / name).symlink_to(tmp_path / "mine")
    rendering._write(run / "report.html", "page")
    assert (tmp_path / "mine").read_text("utf-8") == "mine"
    assert (run / "report.html").read_text("utf-8") == "page"
    assert not (run / "report.html").is_symlink()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"comparisons": []}', '{"comparisons": [NaN]}'])
def test_a_comparison_that_is_none(text, tmp_path):
    """`harness report` says so."""
    (tmp_path / "comparison.json").write_text(text, encoding="utf-8")
    with pytest.raises(VerificationError, match="expected the comparison that the run wrote"):
        rendering.run(tmp_path, None)


def test_what_never_ends_is_read_to_a_bound(monkeypatch):
    """A device in place of a file; a real bound is a gigabyte."""
    monkeypatch.setattr("harness.line_files._MOST", 1 << 20)
    with pytest.raises(DataError, match="more than 1048576 bytes"):
        read_labels(Path("/dev/zero"), "index")
    with pytest.raises(ManifestError, match="more than 4194304 bytes"):
        load(Path("/dev/zero"))


def test_json_of_a_squad_file_has_whole_characters(tmp_path):
    """Half a character can be written to no file again."""
    question = {"id": "\ud800", "question": "q", "answers": []}
    document = {"data": [{"paragraphs": [{"context": "c", "qas": [question]}]}]}
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError, match="half a character"):
        rows.read_rows(tmp_path / "a.json")
