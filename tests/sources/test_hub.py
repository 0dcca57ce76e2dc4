"""Fetching, through the real client, from a local server that speaks the Hub's protocol."""

from __future__ import annotations

import errno
import logging
import socket
from pathlib import Path

import huggingface_hub.constants
import pytest
from hub_server import REVISION, Hub
from sources_data import QA, Counter, parquet, qa_pin

from harness.canonical import file_sha256
from harness.errors import DataError, MachineError
from harness.models import EncoderPin
from harness.sources.hub import fetch_dataset, fetch_encoder, repository_revision
from harness.sources.hub_errors import disk_error
from harness.sources.mirror import load_mirror, locate, locate_encoder

TRAIN = [("secondary_task", "train")]


def fetch(pin, to):
    """Fetch the one split of `pin`."""
    return fetch_dataset(pin, TRAIN, to, Counter())


def leftovers(to: Path) -> list[str]:
    """Every file under `to`, mirror.yaml and the lock apart."""
    own = ("mirror.yaml", ".lock")
    files = (path for path in to.rglob("*") if path.is_file() and path.name not in own)
    return sorted(path.relative_to(to).as_posix() for path in files)


def test_fetched_split_is_in_the_mirror(hub: Hub, tmp_path: Path) -> None:
    """mirror.yaml has revision, hash, rows and rows per id prefix; nothing else is left."""
    sha256 = hub.add(QA, parquet("english-1-0", "english-2-0", "korean-3-0"))
    fetch(qa_pin(), tmp_path / "mirror")
    mirror = load_mirror(tmp_path / "mirror")
    assert mirror is not None
    dataset = mirror.datasets["owner/qa"]
    entry = dataset.configs["secondary_task"]["train"]
    assert (dataset.revision, dataset.partial) == (REVISION, False)
    assert (entry.file, entry.sha256, entry.rows) == (QA, sha256, 3)
    assert entry.languages == {"english": 2, "korean": 1}
    assert leftovers(tmp_path / "mirror") == [QA]


def test_fetched_split_can_be_located(hub: Hub, tmp_path: Path) -> None:
    """What fetch writes, locate accepts."""
    sha256 = hub.add(QA, parquet("english-1-0"))
    pin = qa_pin(sha256=sha256, rows=1, languages={"en": 1})
    fetch(pin, tmp_path)
    assert locate(tmp_path, pin, "secondary_task", "train") == tmp_path / QA


def test_progress_counts_bytes(hub: Hub, tmp_path: Path) -> None:
    """The total is what the Hub announces and all of it arrives."""
    data = parquet("english-1-0")
    hub.add(QA, data)
    progress = Counter()
    fetch_dataset(qa_pin(), TRAIN, tmp_path, progress)
    assert (progress.total, progress.unit, progress.done) == (len(data), "bytes", len(data))


def test_second_fetch_asks_the_hub_nothing(hub: Hub, tmp_path: Path) -> None:
    """A file that the mirror holds whole is not fetched again."""
    hub.add(QA, parquet("english-1-0"))
    fetch(qa_pin(), tmp_path)
    hub.requests.clear()
    fetch(qa_pin(), tmp_path)
    assert hub.requests == []


def test_fetch_goes_on_without_mirror_yaml(hub: Hub, tmp_path: Path) -> None:
    """Cut off between the file and mirror.yaml, the same command completes the mirror."""
    hub.add(QA, parquet("english-1-0"))
    fetch(qa_pin(), tmp_path)
    (tmp_path / "mirror.yaml").unlink()
    fetch(qa_pin(), tmp_path)
    assert load_mirror(tmp_path) is not None


def test_redirected_file_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """Large files lie behind a redirect to another address."""
    hub.add(QA, parquet("english-1-0"))
    hub.on_cdn = True
    fetch(qa_pin(), tmp_path)
    assert f"GET /cdn/{QA}" in hub.requests


def test_encoder_is_added_beside_a_data_set(hub: Hub, tmp_path: Path) -> None:
    """A second fetch keeps the entries that mirror.yaml has."""
    hub.add(QA, parquet("english-1-0"))
    weights = hub.add("models/owner/encoder/model.safetensors", b"weights")
    hub.add("models/owner/encoder/config.json", b"{}")
    pin = encoder_pin({"model.safetensors": weights, "config.json": None})
    fetch(qa_pin(), tmp_path)
    fetch_encoder(pin, tmp_path, Counter())
    mirror = load_mirror(tmp_path)
    assert mirror is not None
    assert list(mirror.datasets) == ["owner/qa"]
    assert mirror.models["owner/encoder"].files["model.safetensors"] == weights
    assert locate_encoder(tmp_path, pin)["config.json"].read_bytes() == b"{}"


def test_changed_encoder_file_in_the_mirror_is_refused(hub: Hub, tmp_path: Path) -> None:
    """An encoder's bytes are verified each time."""
    hub.add("models/owner/encoder/config.json", b"{}")
    pin = encoder_pin({"config.json": None})
    fetch_encoder(pin, tmp_path, Counter())
    (tmp_path / "models/owner/encoder/config.json").write_bytes(b"[]")
    with pytest.raises(DataError, match=r"got sha256 .* \(mirror.yaml\)"):
        locate_encoder(tmp_path, pin)


def test_revision_of_the_main_branch(hub: Hub) -> None:
    """`pins check` compares it with the pin."""
    hub.add(QA, parquet("english-1-0"))
    assert repository_revision("owner/qa", "dataset") == REVISION


def test_wrong_hash_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    """Other bytes than the pinned ones leave no file behind."""
    sha256 = hub.add(QA, parquet("english-1-0"))
    hub.tampered.add(Path(QA).name)
    with pytest.raises(DataError, match=rf"expected sha256 {sha256} \(the pin\)"):
        fetch(qa_pin(sha256=sha256), tmp_path)
    assert leftovers(tmp_path) == []


def test_unreadable_parquet_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    """A file without a pinned hash still has to open."""
    hub.add(QA, b"no Parquet")
    with pytest.raises(DataError, match="expected a whole Parquet file"):
        fetch(qa_pin(), tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("pinned", "message"),
    [
        ({"rows": 7}, r"got 1 rows; expected 7 rows \(the pin\)"),
        ({"languages": {"ko": 1}}, r"got languages \{'ko': 0\}; expected \{'ko': 1\}"),
    ],
)
def test_other_rows_than_pinned_are_refused(hub: Hub, tmp_path: Path, pinned, message) -> None:
    """Rows and languages are compared with the pin as soon as the file is here."""
    hub.add(QA, parquet("english-1-0"))
    with pytest.raises(DataError, match=message):
        fetch(qa_pin(**pinned), tmp_path)
    assert leftovers(tmp_path) == []


def test_pin_may_count_one_language_of_many(hub: Hub, tmp_path: Path) -> None:
    """TyDi QA's training file has nine languages, and the pin counts English."""
    hub.add(QA, parquet("english-1-0", "korean-2-0"))
    held = fetch(qa_pin(rows=2, languages={"en": 1}), tmp_path)
    assert held.configs["secondary_task"]["train"].languages == {"english": 1, "korean": 1}


def test_killed_fetch_leaves_nothing_behind(hub: Hub, tmp_path: Path) -> None:
    """The next one clears away what the killed one was writing."""
    hub.add(QA, parquet("english-1-0"))
    (tmp_path / ".incoming-killed").mkdir()
    (tmp_path / ".incoming-killed/part").write_bytes(b"half")
    fetch(qa_pin(), tmp_path)
    assert leftovers(tmp_path) == [QA]


def test_cut_connection_goes_on_where_it_stopped(
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only the rest is asked for, from the last whole piece on; nothing is said about it."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 256)
    data = parquet("english-1-0")
    hub.add(QA, data)
    hub.cut_once.add(Path(QA).name)
    hub.ranges = True
    fetch(qa_pin(), tmp_path)
    cut = len(data) * 6 // 10
    assert hub.sent == cut + len(data) - cut // 256 * 256
    assert capsys.readouterr().err == ""


def test_users_file_in_the_way_stays(hub: Hub, tmp_path: Path) -> None:
    """A file that fetch doesn't know is neither overwritten nor deleted."""
    hub.add(QA, parquet("english-1-0"))
    (tmp_path / QA).parent.mkdir(parents=True)
    (tmp_path / QA).write_bytes(b"the user's own")
    with pytest.raises(DataError, match="nothing was changed"):
        fetch(qa_pin(), tmp_path)
    assert (tmp_path / QA).read_bytes() == b"the user's own"
    assert leftovers(tmp_path) == [QA]


def test_mirror_of_another_revision_is_refused(hub: Hub, tmp_path: Path) -> None:
    """Two revisions of a repository would share file names."""
    hub.add(QA, parquet("english-1-0"))
    fetch(qa_pin(), tmp_path)
    newer = qa_pin().model_copy(update={"revision": "f" * 40})
    with pytest.raises(DataError, match="A mirror holds one revision of a repository"):
        fetch(newer, tmp_path)


def test_unknown_repository(hub: Hub, tmp_path: Path) -> None:
    """The Hub hides a private name behind the same answer."""
    with pytest.raises(DataError, match="got no such repository"):
        fetch(qa_pin(), tmp_path)


def test_unknown_revision(hub: Hub, tmp_path: Path) -> None:
    """The commit doesn't exist."""
    hub.add(QA, parquet("english-1-0"))
    hub.revision = "f" * 40
    with pytest.raises(DataError, match="got no such revision"):
        fetch(qa_pin(), tmp_path)


def test_unknown_file(hub: Hub, tmp_path: Path) -> None:
    """The repository has the commit, the commit has no such file."""
    hub.add("datasets/owner/qa/README.md", b"# Questions")
    with pytest.raises(DataError, match=r"got no file secondary_task/train-00000.*parquet"):
        fetch(qa_pin(), tmp_path)


def test_gated_repository_asks_for_a_token(hub: Hub, tmp_path: Path) -> None:
    """Without a token, the way out is named."""
    hub.add(QA, parquet("english-1-0"))
    hub.gated.add("owner/qa")
    with pytest.raises(DataError, match="set HF_TOKEN"):
        fetch(qa_pin(), tmp_path)


def test_forbidden_asks_for_a_token(hub: Hub, tmp_path: Path) -> None:
    """403 without the Hub's own code means the same."""
    hub.failing = 403
    with pytest.raises(DataError, match="set HF_TOKEN"):
        fetch(qa_pin(), tmp_path)


def test_token_of_the_environment_opens_a_gated_repository(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """HF_TOKEN is sent, and appears in no log and in no file."""
    hub.add(QA, parquet("english-1-0"))
    hub.gated.add("owner/qa")
    monkeypatch.setenv("HF_TOKEN", hub.token)
    with caplog.at_level(logging.DEBUG):
        fetch(qa_pin(), tmp_path / "mirror")
    assert leftovers(tmp_path / "mirror") == [QA]
    assert hub.token not in caplog.text
    assert hub.token not in (tmp_path / "mirror/mirror.yaml").read_text("utf-8")


def test_short_body_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    """Fewer bytes than announced are no file."""
    hub.add(QA, parquet("english-1-0"))
    hub.short.add(Path(QA).name)
    with pytest.raises(DataError, match="got a transfer that ended early"):
        fetch(qa_pin(), tmp_path)
    assert leftovers(tmp_path) == []


def test_connection_that_is_always_cut_ends(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client would resume for ever: every attempt brings some bytes."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 256)
    hub.add(QA, parquet("english-1-0"))
    hub.cut.add(Path(QA).name)
    with pytest.raises(DataError, match="cut again and again"):
        fetch(qa_pin(), tmp_path)
    assert leftovers(tmp_path) == []


def test_server_error_is_the_machines(hub: Hub, tmp_path: Path) -> None:
    """The Hub is down: not the data's fault."""
    hub.failing = 502
    with pytest.raises(MachineError, match="HTTP status 502"):
        fetch(qa_pin(), tmp_path)


def test_connection_refused(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(MachineError, match="got no connection to the Hub"):
        fetch(qa_pin(), tmp_path)


def test_offline_mode(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE is obeyed and named."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MachineError, match="HF_HUB_OFFLINE"):
        fetch(qa_pin(), tmp_path)


def test_server_that_is_no_hub(hub: Hub, tmp_path: Path) -> None:
    """A proxy's page is answered with status 200 and isn't the Hub's JSON."""
    hub.failing = 200
    with pytest.raises(DataError, match="an answer that isn't the Hub's"):
        fetch(qa_pin(), tmp_path)


def test_impossible_repository_name(hub: Hub, tmp_path: Path) -> None:
    """A name that no Hub would accept."""
    pin = qa_pin().model_copy(update={"repo": "../escape"})
    with pytest.raises(DataError, match="got no such repository"):
        fetch(pin, tmp_path)


@pytest.mark.parametrize("name", ["data.py", "weights.bin", "weights.pt", "DATA.PKL"])
def test_code_is_refused_unasked(hub: Hub, tmp_path: Path, name: str) -> None:
    """Loading scripts and pickles never get here; the Hub isn't even asked."""
    with pytest.raises(DataError, match="a file that is or may hold code"):
        fetch(qa_pin(file=name), tmp_path)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "a full disk"), (errno.EDQUOT, "a full disk"), (errno.EROFS, "no permission")],
)
def test_disk_errors_are_the_machines(tmp_path: Path, number: int, message: str) -> None:
    """A full disk and a read-only one are told apart."""
    with pytest.raises(MachineError, match=message), disk_error(tmp_path):
        raise OSError(number, "from the system")


def test_target_that_cannot_be_a_folder(hub: Hub, tmp_path: Path) -> None:
    """`--to` names a file."""
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(MachineError, match="expected a folder that can be written"):
        fetch(qa_pin(), tmp_path / "file")


def test_file_larger_than_the_disk(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    """Room is looked for before the first byte is fetched."""
    data = parquet("english-1-0")
    hub.add(QA, data)
    monkeypatch.setattr("harness.sources.transfer.shutil.disk_usage", lambda path: Nearly())
    with pytest.raises(MachineError, match=rf"got 10 bytes free; expected {len(data)} bytes"):
        fetch(qa_pin(), tmp_path)


class Nearly:
    """A disk with ten bytes left."""

    free = 10


def encoder_pin(files: dict[str, str | None]) -> EncoderPin:
    """An encoder with these files."""
    return EncoderPin.model_validate(
        {
            "kind": "hub",
            "title": "Encoder",
            "license": "MIT",
            "parameters": 1,
            "layers": 1,
            "hidden_size": 1,
            "vocabulary": 1,
            "repo": "owner/encoder",
            "revision": REVISION,
            "files": files,
        }
    )


def test_fetched_bytes_are_the_served_ones(hub: Hub, tmp_path: Path) -> None:
    """No conversion on the way."""
    sha256 = hub.add(QA, parquet("english-1-0"))
    fetch(qa_pin(), tmp_path)
    assert file_sha256(tmp_path / QA) == sha256
