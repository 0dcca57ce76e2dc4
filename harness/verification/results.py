"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.errors import DataError


class LackingError(DataError):
    """Something that verification needs isn't in the folder and can't be: it wasn't checked."""


@dataclass(frozen=True)
class Finding:
    """One thing that doesn't agree."""

    subject: str
    """The file, score or claim."""
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"


@dataclass
class Outcome:
    """What one check found."""

    compared: int = 0
    """How many things were looked at."""
    findings: list[Finding] = field(default_factory=list)
    lacking: list[Finding] = field(default_factory=list)
    """What couldn't be looked at, and why."""
    notes: list[Finding] = field(default_factory=list)
    """What a reader should know; no fault of the folder."""

    def differs(self, subject: str, text: str) -> None:
        """Add a finding, once."""
        finding = Finding(subject, text)
        if finding not in self.findings:
            self.findings.append(finding)

    def lacks(self, error: LackingError) -> None:
        """Add what couldn't be looked at, once."""
        finding = Finding(error.where, f"{error.got}; {error.fix}")
        if finding not in self.lacking:
            self.lacking.append(finding)
