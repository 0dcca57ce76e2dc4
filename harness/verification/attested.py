"""Does the attestation say what the folder says, and who signed it?"""

from __future__ import annotations

import json

from harness.evidence import ATTESTATION
from harness.verification.again import Again
from harness.verification.results import Finding, Outcome


def attestation(again: Again, outcome: Outcome) -> None:
    """Its digests and verdicts, its form, and its signature where a public key was given."""
    from securesystemslib.dsse import Envelope

    from harness.evidence.attestation import (
        CONFIGURATION,
        SUBJECTS,
        check,
        public_key,
        statement,
    )

    files = again.files
    for name in (*SUBJECTS, CONFIGURATION):
        # Only ordinary files of the folder: the attestation's own reader follows links.
        files.open(name).close()
    data = files.whole(ATTESTATION)
    document = files.json(ATTESTATION)
    outcome.compared += 1
    key = public_key(again.key) if again.key else None
    for problem in check(files.folder, key):
        subject, _, text = problem.partition(": ")
        outcome.differs(subject, text)
    said = json.dumps(statement(files.folder), indent=1, ensure_ascii=False)
    signed = "payload" in document
    if signed:
        envelope = Envelope.from_dict(document)
        form = json.dumps(envelope.to_dict(), indent=1)
        if envelope.payload != said.encode():
            outcome.differs(ATTESTATION, "attests other bytes than the folder's")
    else:
        form = said
    if data != f"{form}\n".encode():
        outcome.differs(ATTESTATION, "other bytes than a run writes")
    if signed and key is None:
        text = "signed; by whom is only checked with --key FILE, the signer's public key"
        outcome.notes.append(Finding(ATTESTATION, text))
