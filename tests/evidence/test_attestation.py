"""The in-toto attestation of a run folder: what it says, and what its check finds."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from harness.canonical import file_sha256
from harness.errors import UsageError
from harness.evidence import ATTESTATION
from harness.evidence.attestation import attest, check, private_key, public_key, statement

KINDS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


@pytest.fixture
def pair(tmp_path):
    """A fresh pair of keys as PEM files: (private, public)."""

    def make(kind="ed25519", name="key", password=None):
        key = KINDS[kind]()
        secret, known = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        locked = BestAvailableEncryption(password) if password else NoEncryption()
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
        public = key.public_key()
        known.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return secret, known

    return make


def test_a_run_folder_says_what_was_tested(folder):
    """A Statement v1 with the test-result predicate over run.json and what people read."""
    found = json.loads((folder / ATTESTATION).read_bytes())
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert {one["name"]: one["digest"]["sha256"] for one in found["subject"]} == {
        name: file_sha256(folder / name)
        for name in ("run.json", "report.html", "scores.json", "comparison.json")
    }
    assert found["predicate"]["result"] == "PASSED"
    assert found["predicate"]["passedTests"] == ["paper1/claim1"]
    assert [one["name"] for one in found["predicate"]["configuration"]] == ["stages.json"]
    assert check(folder) == []


@pytest.mark.parametrize(
    ("rung", "met", "result", "listed"),
    [
        ("CONTRADICTED", False, "FAILED", "failedTests"),
        ("INVALID", False, "FAILED", "failedTests"),
        ("INCONCLUSIVE", False, "WARNED", "warnedTests"),
        ("CONTRADICTED", True, "PASSED", "passedTests"),
    ],
)
def test_the_result_is_the_verdicts(folder, rung, met, result, listed):
    """Failed where contradicted or invalid, warned below the rung."""
    path = folder / "comparison.json"
    document = json.loads(path.read_bytes())
    document["comparisons"][0]["verdict"] |= {"rung": rung, "met": met}
    path.write_text(json.dumps(document), encoding="utf-8")
    predicate = statement(folder)["predicate"]
    assert predicate["result"] == result
    assert predicate[listed] == ["paper1/claim1"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_attestation_checks_with_its_key(folder, pair, kind):
    """A DSSE envelope around the same statement."""
    before = json.loads((folder / ATTESTATION).read_bytes())
    secret, known = pair(kind)
    attest(folder, private_key(secret))
    envelope = json.loads((folder / ATTESTATION).read_bytes())
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert json.loads(base64.b64decode(envelope["payload"])) == before
    assert check(folder, public_key(known)) == []


def test_without_a_key_who_signed_is_not_looked_at(folder, pair):
    """Digests are; so is what it says."""
    attest(folder, private_key(pair()[0]))
    assert check(folder) == []


def test_another_key_is_found(folder, pair):
    """Whoever redid every hash has not the key."""
    attest(folder, private_key(pair(name="other")[0]))
    (finding,) = check(folder, public_key(pair()[1]))
    assert finding == f"{ATTESTATION}: not signed by this key, or changed since"


def test_an_unsigned_one_is_found_where_a_key_is_given(folder, pair):
    """A signature that was taken away."""
    assert check(folder, public_key(pair()[1])) == [f"{ATTESTATION}: not signed"]


@pytest.mark.parametrize("name", ["run.json", "report.html", "scores.json", "stages.json"])
def test_a_changed_file_is_named(folder, pair, name):
    """One byte more."""
    secret, known = pair()
    attest(folder, private_key(secret))
    with (folder / name).open("ab") as stream:
        stream.write(b" ")
    assert check(folder, public_key(known)) == [f"{name}: sha256 differs from the attested one"]


def test_a_changed_statement_is_found(folder, pair):
    """Every digest right, another result; the signature tells it, and so does the comparison."""
    secret, known = pair()
    attest(folder, private_key(secret))
    path = folder / ATTESTATION
    envelope = json.loads(path.read_bytes())
    said = json.loads(base64.b64decode(envelope["payload"]))
    said["predicate"]["result"] = "FAILED"
    envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()
    path.write_text(json.dumps(envelope), encoding="utf-8")
    assert check(folder, public_key(known)) == [
        f"{ATTESTATION}: not signed by this key, or changed since",
        f"{ATTESTATION}: doesn't say what the folder's comparison.json says",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '"payload"',
        "[" * 100_000,
        '{"payload": 1, "payloadType": "x", "signatures": []}',
        '{"payload": "!", "payloadType": "x", "signatures": [{"keyid": "a", "sig": "%"}]}',
        '{"payload": "e30=", "payloadType": "x"}',
        '{"subject": [1], "predicate": {"configuration": 2}}',
        '{"subject": null}',
    ],
)
def test_nonsense_is_a_finding(folder, pair, text):
    """Never an exception."""
    (folder / ATTESTATION).write_text(text, encoding="utf-8")
    assert check(folder, public_key(pair()[1]))


def test_a_missing_attestation_or_file_is_a_finding(folder):
    """Named."""
    (folder / "report.html").unlink()
    assert "report.html" in " ".join(check(folder))
    (folder / ATTESTATION).unlink()
    assert check(folder) == [f"{ATTESTATION}: missing"]


def test_a_key_that_is_none_is_refused(tmp_path, pair):
    """Missing, no PEM, with a password, of another kind, public: each says how to make one."""
    rsa_key = rsa.generate_private_key(65537, 2048)
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "rsa.pem").write_bytes(pem)
    (tmp_path / "text").write_text("x", encoding="utf-8")
    locked, _ = pair(name="locked", password=b"secret")
    _, public = pair()
    for path in (tmp_path / "none", tmp_path / "text", tmp_path / "rsa.pem", locked, public):
        with pytest.raises(UsageError, match=r"openssl genpkey"):
            private_key(path)
    with pytest.raises(UsageError, match=r"a public key"):
        public_key(tmp_path / "text")


def test_reproduce_signs_what_it_wrote(cli, steer, tmp_path, pair):
    """With --sign-key; a wrong key is told before anything runs."""
    secret, known = pair()
    claim = ("reproduce", "phang2020/tydiqa-english-gain", "--mirror", steer, "--out", "run")
    wrong = cli(*claim, "--sign-key", tmp_path / "none")
    assert wrong.status == 2
    assert "openssl genpkey" in wrong.err
    assert not (steer / "log").exists()
    assert cli(*claim, "--sign-key", secret).status == 0
    assert check(tmp_path / "run", public_key(known)) == []
