"""Expected failures: each says where, what it got, what it expected and the way out.

The class decides the exit status (the table in README.md). Anything that isn't a
`HarnessError` is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from harness.redaction import printable, redacted

# Where several claims of one run end differently, the first of these is the exit status.
EXIT_PRECEDENCE = (130, 2, 6, 4, 3, 5, 10, 11, 0)
_LONGEST = 2000


class HarnessError(Exception):
    """A failure that the user can act on; printed as one short paragraph, never a traceback."""

    exit_code = 4

    def __init__(self, *, where: str, got: str, expected: str, fix: str) -> None:
        """Keep the four parts; `str()` joins them into the paragraph that the user reads."""
        self.where, self.got = _shown(where), _shown(got)
        self.expected, self.fix = _shown(expected), _shown(fix)
        super().__init__(f"{self.where}: got {self.got}; expected {self.expected}. {self.fix}")


def _shown(part: str) -> str:
    """Parts quote files, which may hold anything: no secret, no escape, no page of text."""
    text = printable(redacted(part))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


class UsageError(HarnessError):
    """The command line or a manifest is wrong."""

    exit_code = 2


class ManifestError(UsageError):
    """A manifest breaks a rule; `where` names file, line and key."""


class DataError(HarnessError):
    """Data missing, not the pinned bytes, or refused by a check: INVALID, never a low score."""

    exit_code = 3


class StageError(HarnessError):
    """A stage failed; what was finished stays and the same command resumes."""

    exit_code = 4


class VerificationError(HarnessError):
    """Stored bytes or recomputed numbers disagree with what was recorded."""

    exit_code = 5


class MachineError(HarnessError):
    """The machine can't do it: no GPU where one was asked for, disk full, no permission."""

    exit_code = 6


class StoppedError(MachineError):
    """Somebody, or a time limit, ended it from outside; the same command goes on."""

    exit_code = 130
