"""The claims of a run as JUnit test cases, for CI services that show such files.

A claim that reached the rung that its manifest asks for passes, a contradicted one is a failure,
an inconclusive one or one below its rung is skipped; INVALID and a stage that failed are errors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite
from junitparser.junitparser import FinalResult

from harness.artifacts import describe_os_errors
from harness.errors import HarnessError
from harness.records import Comparison, Effect

# What XML 1.0 can't hold, even escaped: control characters, lone surrogates, two non-characters.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(
    path: Path,
    profile: str,
    comparisons: Mapping[str, Comparison],
    failed: Mapping[str, HarnessError],
    seconds: Mapping[str, float],
) -> None:
    """Write one suite with a case for each claim, in place of what stood there.

    Args:
        path: of the file.
        profile: whose name the suite carries.
        comparisons: claim -> what was found.
        failed: claim -> why it has no comparison.
        seconds: claim -> how long its stages took when they were made.

    Raises:
        MachineError: disk full, no permission.
    """
    suite = TestSuite(f"harness reproduce --profile {plain(profile)}")
    for claim, comparison in comparisons.items():
        suite.add_testcase(_case(claim, seconds.get(claim, 0.0), _result(comparison)))
    for claim, error in failed.items():
        result = Error(plain(str(error)), type(error).__name__)
        suite.add_testcase(_case(claim, seconds.get(claim, 0.0), result))
    document = JUnitXml()
    document.add_testsuite(suite)
    document.update_statistics()
    with describe_os_errors(path, "--junit"):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            document.write(str(fresh))
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)


def plain(text: str) -> str:
    """`text` with a replacement character for each that XML can't hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _case(claim: str, seconds: float, result: FinalResult | None) -> TestCase:
    paper, _, name = claim.partition("/")
    case = TestCase(plain(name), plain(paper), round(seconds, 3))
    if result is not None:
        case.result = [result]
    return case


def _result(comparison: Comparison) -> FinalResult | None:
    verdict = comparison.verdict
    if verdict.met:
        return None
    kind = {"INVALID": Error, "CONTRADICTED": Failure}.get(verdict.rung, Skipped)
    found = "; ".join(_numbers(effect) for effect in comparison.effects)
    message = f"{verdict.rung}, asked for: {verdict.required}. {found}"
    result = kind(plain(message), verdict.rung)
    flags = [f"flags: {', '.join(verdict.flags)}"] if verdict.flags else []
    result.text = plain("\n".join((*verdict.reasons, *flags)))
    return result


def _numbers(effect: Effect) -> str:
    seen = effect.same_items
    paper = f"; the paper's {effect.reported.value:+g}" if effect.reported else ""
    return (
        f"{effect.treatment} minus {effect.baseline} {seen.value:+.2f} {seen.metric}, one-sided"
        f" {seen.level:.1%} bounds {seen.lower:+.2f} and {seen.upper:+.2f}, {len(seen.per_seed)}"
        f" seed(s){paper}"
    )
