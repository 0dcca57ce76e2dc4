"""What a run leaves for machines (docs/evidence.md): nothing here computes a result."""
