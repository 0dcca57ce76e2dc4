"""Are documents and pages what their values give?"""

from __future__ import annotations

from harness.report.render import render_provenance, render_run
from harness.run_folder import comparison_text, scores_text, stages_text
from harness.verification.again import Again
from harness.verification.results import Outcome


def documents(again: Again, outcome: Outcome) -> None:
    """scores.json, comparison.json and stages.json, written again from what was read of them."""
    files = again.files
    comparisons = list(files.comparisons.values())
    _check_text(again, outcome, "scores.json", scores_text(comparisons), "comparison.json")
    _check_text(again, outcome, "comparison.json", comparison_text(comparisons), "its own values")
    _check_text(again, outcome, "stages.json", stages_text(files.stages), "its own values")


def pages(again: Again, outcome: Outcome) -> None:
    """The two HTML pages, rendered again."""
    files = again.files
    provenance = render_provenance(files.json("provenance.json"))
    _check_text(again, outcome, "provenance.html", provenance, "provenance.json")
    report = render_run(list(files.comparisons.values()))
    _check_text(again, outcome, "report.html", report, "comparison.json")


def _check_text(again: Again, outcome: Outcome, name: str, text: str, source: str) -> None:
    outcome.compared += 1
    stored, made = again.files.whole(name).splitlines(), text.encode().splitlines()
    if again.files.whole(name) == text.encode():
        return
    pairs = enumerate(zip(stored, made, strict=False), start=1)
    line = next((n for n, (a, b) in pairs if a != b), min(len(stored), len(made)) + 1)
    outcome.differs(name, f"isn't what {source} gives, from line {line} on")
