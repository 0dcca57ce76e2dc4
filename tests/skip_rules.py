"""Which tests may skip, and a plugin that fails a strict session on any other skip."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

_RULE = re.compile(r"(?P<glob>\S+) => (?P<reason>.+?)(?: unless (?P<unless>[A-Z_]+))?$")


@dataclass(frozen=True, kw_only=True)
class SkipRule:
    """One line of allowed_skips.txt: tests that may skip, for what reason, and until when."""

    glob: str
    reason: str
    """A regular expression, searched for in the reason that the test gives."""
    unless: str | None
    """An environment variable; the rule holds only while it is unset."""

    def allows(self, test_id: str, reason: str, environment: Mapping[str, str]) -> bool:
        """Whether the test may skip for this reason, here and now."""
        return (
            fnmatch.fnmatchcase(test_id, self.glob)
            and re.search(self.reason, reason) is not None
            and not (self.unless and environment.get(self.unless))
        )


def read_rules(path: Path) -> list[SkipRule]:
    """The rules of an allow-list; ValueError names a line that is none."""
    rules = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _RULE.match(line)
        if found is None:
            raise ValueError(f"{path.name}:{number}: got {line!r}; expected GLOB => REGEX")
        rules.append(SkipRule(**found.groupdict()))
    return rules


class SkipWatch:
    """Collects the session's skips that no rule allows; where strict, they fail it."""

    def __init__(self, rules: list[SkipRule], *, strict: bool) -> None:
        self.rules, self.strict = rules, strict
        self.refused: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that skipped, in set-up or within."""
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that skipped whole."""
        self._look(report)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # An expected failure reports itself as skipped, with this mark.
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(rule.allows(report.nodeid, reason, os.environ) for rule in self.rules):
            self.refused.append(f"{report.nodeid}: {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """A refused skip turns a green session red."""
        if self.strict and self.refused and exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the refused skips, above pytest's closing line."""
        if self.strict and self.refused:
            terminalreporter.section("skips that allowed_skips.txt doesn't allow", red=True)
            for one in self.refused:
                terminalreporter.line(one)
