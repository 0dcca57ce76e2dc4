"""An in-toto attestation of a run folder: what was tested, with which result, over which bytes.

A Statement v1 with the test-result predicate 0.1. Unsigned it is plain JSON; signed it is a DSSE
envelope around the same bytes. Its subjects are `run.json`, which names the sha256 of every other
file, and the files that people read; itself it can't name, so it stands outside `run.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from harness.artifacts import describe_os_errors
from harness.canonical import file_sha256
from harness.errors import UsageError
from harness.evidence import ATTESTATION

SUBJECTS = ("run.json", "report.html", "scores.json", "comparison.json")
CONFIGURATION = "stages.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
# Of bytes that anybody may have written, in the libraries' hands.
_UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    FormatError,
)


def statement(folder: Path) -> dict[str, Any]:
    """What a run folder attests, from the files that are in it.

    PASSED: every claim reached the rung that its manifest asks for; FAILED: one is contradicted or
    INVALID; else WARNED.

    Raises:
        OSError: a file isn't there.
        ValueError, KeyError, TypeError: comparison.json isn't one.
    """
    verdicts = {
        one["claim"]["id"]: one["verdict"]
        for one in json.loads((folder / "comparison.json").read_bytes())["comparisons"]
    }
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for claim, verdict in verdicts.items():
        wrong = "failed" if verdict["rung"] in ("CONTRADICTED", "INVALID") else "warned"
        tests[f"{'passed' if verdict['met'] else wrong}Tests"].append(claim)
    result = "FAILED" if tests["failedTests"] else "WARNED" if tests["warnedTests"] else "PASSED"
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_descriptor(folder, name) for name in SUBJECTS],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": result,
            "configuration": [_descriptor(folder, CONFIGURATION)],
            **tests,
        },
    }


def attest(folder: Path, key: CryptoSigner | None = None) -> None:
    """Write the folder's attestation, signed where there is a key, in place of an older one.

    Raises:
        MachineError: disk full, no permission.
    """
    text = json.dumps(statement(folder), indent=1, ensure_ascii=False)
    if key:
        envelope = Envelope(text.encode(), PAYLOAD_TYPE, {})
        envelope.sign(key)
        text = json.dumps(envelope.to_dict(), indent=1)
    with describe_os_errors(folder, "--out"):
        fresh = folder / f".{ATTESTATION}.{os.getpid()}"
        fresh.write_text(text + "\n", encoding="utf-8")
        os.replace(fresh, folder / ATTESTATION)


def check(folder: Path, key: SSlibKey | None = None) -> list[str]:
    """What is wrong with the folder's attestation, a line each; empty when nothing is.

    Args:
        folder: of a run.
        key: the public key that has to have signed it; None: who signed isn't looked at, and
            whoever changes the folder can write another attestation.
    """
    try:
        document = json.loads((folder / ATTESTATION).read_bytes())
        signed = "payload" in document
        if signed:
            envelope = Envelope.from_dict(document)
            found = json.loads(envelope.payload)
        else:
            found = document
    except FileNotFoundError:
        return [f"{ATTESTATION}: missing"]
    except _UNREADABLE as error:
        return [f"{ATTESTATION}: unreadable: {error}"]
    problems = list(_signature(envelope if signed else None, key))
    try:
        expected = statement(folder)
    except _UNREADABLE as error:
        return [*problems, f"{ATTESTATION}: can't be compared: {error}"]
    return [*problems, *_differences(found, expected)]


def private_key(path: Path) -> CryptoSigner:
    """The key in a PEM file: Ed25519 or ECDSA, without a password.

    Raises:
        UsageError: not such a file.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "private", _why(error)) from error
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise _not_a_key(path, "private", "a key of another kind")
    try:
        return CryptoSigner(key)
    except ValueError as error:
        raise _not_a_key(path, "private", _why(error)) from error


def public_key(path: Path) -> SSlibKey:
    """The public key in a PEM file.

    Raises:
        UsageError: not such a file.
    """
    try:
        return SSlibKey.from_crypto(load_pem_public_key(path.read_bytes()))
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _not_a_key(path, "public", _why(error)) from error


def _descriptor(folder: Path, name: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": file_sha256(folder / name)}}


def _signature(envelope: Envelope | None, key: SSlibKey | None) -> Iterator[str]:
    if envelope is None:
        if key is not None:
            yield f"{ATTESTATION}: not signed"
        return
    if envelope.payload_type != PAYLOAD_TYPE:
        yield f"{ATTESTATION}: payload type {envelope.payload_type}, expected {PAYLOAD_TYPE}"
    if key is None:
        return
    try:
        envelope.verify([key], 1)
    except (VerificationError, ValueError):
        yield f"{ATTESTATION}: not signed by this key, or changed since"


def _differences(found: Any, expected: dict[str, Any]) -> Iterator[str]:
    if found == expected:
        return
    attested = _digests(found)
    named = [*expected["subject"], *expected["predicate"]["configuration"]]
    changed = [one["name"] for one in named if attested.get(one["name"]) != one["digest"]["sha256"]]
    for name in changed:
        yield f"{name}: sha256 differs from the attested one"
    if not changed:
        yield f"{ATTESTATION}: doesn't say what the folder's comparison.json says"


def _digests(found: Any) -> dict[str, Any]:
    """Name -> sha256, as a statement of any shape has them."""
    try:
        named = [*found["subject"], *found["predicate"]["configuration"]]
        return {one["name"]: one["digest"]["sha256"] for one in named}
    except (KeyError, TypeError):
        return {}


def _why(error: Exception) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else f"unreadable: {error}"


def _not_a_key(path: Path, kind: str, got: str) -> UsageError:
    made = "openssl genpkey -algorithm ed25519 -out key.pem"
    shown = "openssl pkey -in key.pem -pubout -out key.pub"
    return UsageError(
        where=f"key {path}",
        got=got,
        expected=f"a {kind} key, Ed25519 or ECDSA, as PEM without a password",
        fix=f"`{made}` makes a private one, `{shown}` writes its public one.",
    )
