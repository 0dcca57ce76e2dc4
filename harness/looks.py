"""Which results were looked at before: seeds that are added after a look cost confidence.

A sample is a claim with the very scores of its first seed; whoever runs it with more seeds adds
them to what was seen. The store remembers the numbers of seeds at which a result was shown, in
looks/<sample>.json, beside the artifacts and outside their keys. Another store knows nothing of
it: docs/verdict.md says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from harness.artifacts import Store, describe_os_errors
from harness.canonical import digest
from harness.errors import UsageError, VerificationError
from harness.models import MAX_LOOKS

Looks = Mapping[str, Mapping[int, int]]
"""Sample -> number of seeds -> which look at it that was, from 1."""


def sample(claim: str, inputs: Mapping[str, str]) -> str:
    """What seeds are added to: a digest of the claim and of its first seed's scores.

    Args:
        claim: paper/claim.
        inputs: of its comparison: role -> key; scores are `score/<system>/<seed>/<target>`.
    """
    first = {role: key for role, key in inputs.items() if role.split("/")[::2] == ["score", "0"]}
    return digest({"claim": claim, "scores": first})


def look_number(seen: Mapping[int, int], seeds: int) -> int:
    """Which look at a sample this is; the same number of seeds again is the same look."""
    if seeds in seen:
        return seen[seeds]
    return 1 + max((look for earlier, look in seen.items() if earlier < seeds), default=0)


def allowed(claim: str, look: int, seeds: int, seen: Mapping[int, int]) -> None:
    """Refuse a look too many.

    Raises:
        UsageError: seeds were added twice already.
    """
    if look > MAX_LOOKS:
        counts = [str(count) for count in sorted(seen) if count < seeds]
        raise UsageError(
            where=f"--seeds {seeds} of {claim}",
            got=f"a result that was looked at with {', '.join(counts)} seeds",
            expected=f"seeds that are added {MAX_LOOKS - 1} times at most",
            fix="Adding until it fits would make any verdict come true: ask for one of these "
            "numbers again; it is cached.",
        )


def read(store: Store) -> Looks:
    """Every look that the store remembers.

    Raises:
        VerificationError: a record isn't as it was written.
    """
    return {path.stem: _read(path) for path in sorted((store.root / "looks").glob("*.json"))}


def remember(store: Store, name: str, seeds: int, look: int) -> None:
    """Note that the result of sample `name` with so many seeds is about to be shown.

    Raises:
        MachineError: disk full, no permission.
    """
    path = store.root / "looks" / f"{name}.json"
    with store.locked(f"looks-{name}"), describe_os_errors(store.root):
        seen = dict(_read(path)) if path.is_file() else {}
        if seeds in seen:
            return
        seen[seeds] = look
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        looks = {str(count): seen[count] for count in sorted(seen)}
        fresh.write_text(json.dumps({"format": 1, "looks": looks}) + "\n", encoding="utf-8")
        fresh.replace(path)


def _read(path: Path) -> dict[int, int]:
    try:
        looks = json.loads(path.read_bytes())["looks"]
        return {int(count): int(look) for count, look in looks.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(
            where=str(path),
            got=f"unreadable: {error}",
            expected="the looks at a result, by number of seeds",
            fix="Remove the file; the looks that it held are forgotten.",
        ) from error
