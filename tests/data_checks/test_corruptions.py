"""Each seeded corruption of real data is caught, by the expectation that should; sound data pass.

`HARNESS_MIRROR=DIR python tests/data_checks/test_corruptions.py` writes docs/checks.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from corruptions import BASES, CORRUPTIONS, Corruption, failed, outcomes  # noqa: E402

TABLE = ROOT / "docs/checks.md"
HEAD = """# What the data checks catch

Each row is a corruption that was made on purpose in the first rows of real data. The corrupted file
was pinned again, so that its hash doesn't give it away. The tests assert every row;
`HARNESS_MIRROR=DIR python tests/data_checks/test_corruptions.py` writes this page.

| corruption | data | caught by | level | rows | likely cause, as the message says |
|---|---|---|---|---|---|
"""


@pytest.fixture(scope="module")
def mirror() -> Path:
    """The mirror that the environment names."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    return Path(os.environ["HARNESS_MIRROR"])


def test_there_are_at_least_thirty() -> None:
    """Each with a name of its own."""
    assert len({one.name for one in CORRUPTIONS}) == len(CORRUPTIONS) >= 30


@pytest.mark.parametrize("name", BASES)
def test_sound_data_pass(mirror: Path, tmp_path: Path, name: str) -> None:
    """No expectation of level error fails on what is then corrupted."""
    assert failed(outcomes(mirror, tmp_path, BASES[name], None), "error") == {}


@pytest.mark.parametrize("one", CORRUPTIONS, ids=lambda one: one.name)
def test_corruption_is_caught(mirror: Path, tmp_path: Path, one: Corruption) -> None:
    """By the expectation named, with the likely cause."""
    found = failed(outcomes(mirror, tmp_path, BASES[one.base], one), one.level)
    assert one.caught_by in found
    outcome = found[one.caught_by]
    assert one.says in f"{outcome['cause']} {outcome.get('observed')}"
    assert len(outcome["rows"]) <= 10


def lines(mirror: Path) -> Iterator[str]:
    """The table's rows."""
    for one in CORRUPTIONS:
        with tempfile.TemporaryDirectory() as folder:
            found = failed(outcomes(mirror, Path(folder), BASES[one.base], one), one.level)
        outcome = found[one.caught_by]
        named = ", ".join(row["id"] for row in outcome["rows"][:2])
        cause = outcome["cause"].replace(folder + "/", "").replace("|", "\\|")
        yield f"| {one.name} | {one.base} | `{one.caught_by}` | {one.level} | {named} | {cause} |\n"


if __name__ == "__main__":
    TABLE.write_text(HEAD + "".join(lines(Path(os.environ["HARNESS_MIRROR"]))), encoding="utf-8")
