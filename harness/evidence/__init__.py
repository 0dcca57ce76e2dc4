"""What a run leaves for machines (docs/evidence.md): nothing here computes a result."""

ATTESTATION = "attestation.intoto.json"
CRATE = "ro-crate-metadata.json"
