"""Artifacts on an object store: copied when finished, taken before they are made, never believed.

The object stores are fsspec's own: a folder, memory, and memory whose connection breaks.
"""

from __future__ import annotations

import errno
import sys

import fake_stages
import fsspec
import pytest
from fake_stages import MAKE_STAGES, planned
from fsspec.implementations.memory import MemoryFileSystem
from test_cli import GAIN, paragraph, ran

from harness.archive import open_archive
from harness.artifacts import Store
from harness.canonical import canonical_json, digest
from harness.errors import MachineError, UsageError
from harness.stages import contract
from harness.stages.contract import Resources
from harness.worker import run_stage


class Frail(MemoryFileSystem):
    """Memory behind a connection that breaks after some writes, or is down."""

    protocol = "frail"
    store, pseudo_dirs = {}, [""]
    writes, down = None, False

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("frail://"))

    def info(self, path, **options):
        """Ask; every asking counts."""
        Frail.asked += 1
        if Frail.down:
            raise ConnectionError("no answer from https://me:ThePassword@store.test")
        return super().info(path, **options)

    def put_file(self, lpath, rpath, **options):
        """Write, while the connection lasts."""
        if Frail.writes == 0:
            raise ConnectionError("no answer from https://me:ThePassword@store.test")
        if Frail.writes is not None:
            Frail.writes -= 1
        super().put_file(lpath, rpath, **options)


fsspec.register_implementation("frail", Frail)
STAGE = planned("one")


@pytest.fixture(autouse=True)
def fresh():
    """Object stores that are empty and well."""
    for kind in (MemoryFileSystem, Frail):
        kind.store.clear()
        kind.pseudo_dirs[:] = [""]
    Frail.writes, Frail.down, Frail.asked = None, False, 0


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path):
    """An address in a folder, and in an object store."""
    return f"file://{tmp_path}/archive" if request.param == "file" else "memory://bucket/archive"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """With one artifact, of a stage that writes its value."""
    monkeypatch.setattr(contract, "STAGES", MAKE_STAGES)
    return made(Store(tmp_path / "store"))


def made(store, stage=STAGE):
    """`store` with the stage's artifact."""
    run_stage(stage, store, Resources(), fake_stages.Silent())
    return store


def take(url, store, stage=STAGE):
    """Whether a newly opened archive gives the stage's artifact."""
    return open_archive(url).take(store, stage.key, stage.description())


def objects(url):
    """Every object of an archive, as fsspec names it."""
    files, root = fsspec.url_to_fs(url)
    return sorted(files.find(root))


def change(url, place, data):
    """Overwrite one object."""
    fsspec.url_to_fs(url)[0].pipe_file(place, data)


def contents(folder):
    """Every file's bytes."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_artifact_comes_back_as_it_was(url, store, tmp_path):
    """In another store, byte for byte, meta.json and provenance included."""
    open_archive(url).put(store, STAGE.key)
    other = Store(tmp_path / "other")
    assert take(url, other)
    assert contents(other.get(STAGE.key)) == contents(store.get(STAGE.key))
    assert other.verify(STAGE.key) == []


def test_the_layout_is_what_the_module_says(url, store):
    """Objects by digest, descriptions by key; nothing else is left."""
    open_archive(url).put(store, STAGE.key)
    meta = store.meta(STAGE.key)
    expected = [f"objects/{one['sha256'][:2]}/{one['sha256']}" for one in meta["files"].values()]
    expected.append(f"artifacts/{STAGE.key[:2]}/{STAGE.key}.json")
    root = fsspec.url_to_fs(url)[1]
    assert objects(url) == sorted(f"{root}/{one}" for one in expected)


def test_what_the_archive_lacks_is_not_taken(url, tmp_path, capsys):
    """And that is nothing to talk about; nothing unfinished is left."""
    other = Store(tmp_path / "other")
    assert not take(url, other)
    assert not other.has(STAGE.key)
    assert list(other.root.glob("work/*")) == []
    assert capsys.readouterr().err == ""


def test_an_interrupted_copy_does_not_count_and_is_finished_later(store, tmp_path, capsys):
    """The description comes last; the second copy writes only what is missing."""
    Frail.writes = 2
    open_archive("frail://bucket").put(store, STAGE.key)
    assert len(objects("frail://bucket")) == 2
    assert not take("frail://bucket", Store(tmp_path / "other"))
    Frail.writes = 1
    open_archive("frail://bucket").put(store, STAGE.key)
    assert Frail.writes == 0
    assert take("frail://bucket", Store(tmp_path / "other"))
    assert "ConnectionError" not in capsys.readouterr().err


def test_a_torn_object_is_copied_again(url, store, tmp_path):
    """A folder's copy that a kill ended in the middle has another size."""
    open_archive(url).put(store, STAGE.key)
    *parts, entry = sorted(objects(url), key=lambda place: "/artifacts/" in place)
    fsspec.url_to_fs(url)[0].rm(entry)
    change(url, parts[0], b"")
    open_archive(url).put(store, STAGE.key)
    assert take(url, Store(tmp_path / "other"))


@pytest.mark.parametrize("number", range(3))
def test_a_damaged_object_is_told_never_used_and_replaced(number, url, store, tmp_path, capsys):
    """Be it one of the two files or the description: one line, and the next copy mends it."""
    open_archive(url).put(store, STAGE.key)
    place = objects(url)[number]
    good = fsspec.url_to_fs(url)[0].cat_file(place)
    change(url, place, bytes([good[0] ^ 1]) + good[1:])
    other = Store(tmp_path / "other")
    archive = open_archive(url)
    assert not archive.take(other, STAGE.key, STAGE.description())
    assert not other.has(STAGE.key)
    assert "isn't used" in one_line(capsys)
    archive.put(made(other), STAGE.key)
    assert take(url, Store(tmp_path / "mended"))
    assert capsys.readouterr().err == ""


def test_a_missing_object_is_told(url, store, tmp_path, capsys):
    """As an expiry rule of a bucket may leave it."""
    open_archive(url).put(store, STAGE.key)
    files, _ = fsspec.url_to_fs(url)
    files.rm(next(place for place in objects(url) if "/objects/" in place))
    assert not take(url, Store(tmp_path / "other"))
    assert "missing" in one_line(capsys)


@pytest.mark.parametrize(
    "forge",
    [
        lambda meta: meta.update(key="0" * 64),
        lambda meta: meta.update(config={"value": "another"}),
        lambda meta: meta.update(version=2),
        lambda meta: meta["files"].pop("provenance.json"),
        lambda meta: meta["files"].update({"../out": meta["files"]["value"]}),
        lambda meta: meta["files"].update({"value/below": meta["files"]["value"]}),
        lambda meta: meta["files"].update({"x" * 300: meta["files"]["value"]}),
        lambda meta: meta["files"].update({"meta.json": meta["files"]["value"]}),
        lambda meta: meta["files"]["value"].update(bytes=10**13),
        lambda meta: meta["files"]["value"].update(sha256="../../../etc/passwd"),
        lambda meta: meta["files"].clear(),
    ],
)
def test_a_forged_description_with_a_digest_of_its_own_is_not_used(forge, store, tmp_path, capsys):
    """Of another stage, of files outside the artifact, or that can't be: told, nothing taken."""
    url = "memory://bucket"
    open_archive(url).put(store, STAGE.key)
    meta = store.meta(STAGE.key)
    forge(meta)
    entry = next(place for place in objects(url) if "/artifacts/" in place)
    change(url, entry, canonical_json({**meta, "meta_sha256": digest(meta)}))
    other = Store(tmp_path / "other")
    assert not take(url, other)
    assert "isn't used" in one_line(capsys)
    assert not other.has(STAGE.key)
    assert not (tmp_path / "other" / "work" / "out").exists()


def test_a_damaged_artifact_is_not_copied(store, capsys):
    """It would be handed on."""
    (store.get(STAGE.key) / "value").write_text("another", encoding="utf-8")
    open_archive("memory://bucket").put(store, STAGE.key)
    assert "isn't copied" in one_line(capsys)
    assert objects("memory://bucket") == []


def test_what_another_run_is_making_is_left_to_it(store, tmp_path):
    """Taking it would wait for as long as that takes."""
    open_archive("memory://bucket").put(store, STAGE.key)
    other = Store(tmp_path / "other")
    with other.locked(STAGE.key):
        assert not take("memory://bucket", other)
    assert take("memory://bucket", other)


def test_a_full_disk_of_the_store_ends_the_run(store, tmp_path, monkeypatch):
    """It is not the archive that fails."""
    open_archive("memory://bucket").put(store, STAGE.key)

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(MemoryFileSystem, "get_file", full)
    with pytest.raises(MachineError, match="disk full"):
        take("memory://bucket", Store(tmp_path / "other"))


def test_a_broken_connection_is_told_once_and_not_asked_again(store, capsys):
    """Drivers try for minutes; a run of a thousand stages must not wait for each."""
    archive = open_archive("frail://bucket")
    Frail.writes = 0
    archive.put(store, STAGE.key)
    said = one_line(capsys)
    assert "no answer" in said and "goes on" in said
    assert "ThePassword" not in said
    before = Frail.asked
    archive.put(store, STAGE.key)
    assert not archive.take(store, "1" * 64, {})
    assert Frail.asked == before


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("nowhere://bucket", UsageError, "Protocol not known"),
        ("memory://", UsageError, "without a folder"),
        ("frail://down", MachineError, "an object store that answers"),
        ("s3://me:ThePassword@bucket/x", MachineError, "s3fs"),
    ],
)
def test_an_address_that_is_no_archive_is_told(address, error, message, monkeypatch):
    """In the paragraph of every expected error, without credentials."""
    # The driver of s3:// isn't among the project's own packages; whoever has it mustn't matter.
    monkeypatch.setitem(sys.modules, "s3fs", None)
    Frail.down = True
    with pytest.raises(error, match=message) as told:
        open_archive(address)
    assert "ThePassword" not in str(told.value)


def one_line(capsys):
    """What was said, which is one line."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


def reproduce(cli, steer, url, name):
    """Run the claim with a store and a run folder of that name, and the archive."""
    store, out = (f"{name}-store", f"{name}-run")
    arguments = ("--mirror", steer, "--store", store, "--out", out, "--archive", url)
    return cli("reproduce", GAIN, *arguments)


def test_a_second_machine_computes_nothing(cli, steer, tmp_path, url):
    """Separate stores, one archive: no stage runs, and only what the report needs is taken."""
    first = reproduce(cli, steer, url, "first")
    made_first = list(Store(tmp_path / "first-store").keys())
    assert f": 0 artifacts taken, {len(made_first)} copied" in first.err
    count = len(ran(steer))
    second = reproduce(cli, steer, url, "second")
    taken = list(Store(tmp_path / "second-store").keys())
    assert len(taken) < len(made_first)
    assert f": {len(taken)} artifacts taken, 0 copied" in second.err
    assert (second.status, len(ran(steer))) == (first.status, count)
    assert second.out.splitlines()[-2].startswith("0 stages run")
    for name in ("scores.json", "comparison.json", "report.html"):
        one, other = (tmp_path / f"{run}-run" / name for run in ("first", "second"))
        assert one.read_bytes() == other.read_bytes()
    assert cli("verify", "second-run").status == 0


def test_a_damaged_archive_costs_only_the_damaged_stage(cli, steer, tmp_path, url):
    """It is run again, from inputs that are taken; the verdict is the same."""
    first = reproduce(cli, steer, url, "first")
    store = Store(tmp_path / "first-store")
    damaged = next(key for key in list(store.keys()) if store.meta(key)["stage"] == "score")
    root = fsspec.url_to_fs(url)[1]
    change(url, f"{root}/artifacts/{damaged[:2]}/{damaged}.json", b"{}")
    before = ran(steer)
    second = reproduce(cli, steer, url, "second")
    assert (second.status, ran(steer)) == (first.status, before)
    assert f"artifact {damaged[:12]} isn't used" in second.err
    assert "1 stage run" in second.out


def test_an_archive_that_breaks_loses_nothing(cli, steer, tmp_path):
    """The run goes on to its verdict; the same command copies what is missing."""
    Frail.writes = 5
    first = reproduce(cli, steer, "frail://bucket", "first")
    assert first.status in (0, 10, 11)
    assert first.err.count("no answer") == 1
    Frail.writes = None
    again = reproduce(cli, steer, "frail://bucket", "first")
    assert "0 stages run" in again.out
    assert "0 artifacts taken" in again.err
    count = len(ran(steer))
    assert "0 stages run" in reproduce(cli, steer, "frail://bucket", "second").out
    assert len(ran(steer)) == count


def test_an_archive_that_does_not_answer_ends_before_any_work(cli, steer):
    """Status 6; a wrong address is seen at once and not after hours."""
    Frail.down = True
    result = reproduce(cli, steer, "frail://bucket", "first")
    assert result.status == 6
    assert paragraph(result).startswith("harness: --archive frail://bucket: got no answer")
    assert ran(steer) == []


def test_the_environment_names_an_archive_too(cli, steer, monkeypatch):
    """For `check` as for `reproduce`: the data stages are the same."""
    monkeypatch.setenv("HARNESS_ARCHIVE", "memory://bucket")
    assert "copied" in cli("check", GAIN, "--mirror", steer).err
    result = cli("check", GAIN, "--mirror", steer, "--store", "another")
    assert "0 copied" in result.err
