"""Are documents and pages what their values give?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import __version__
from harness.evidence import ATTESTATION, CRATE
from harness.provenance import environment
from harness.report.render import render_provenance, render_run
from harness.run_folder import RUN, comparison_text, json_text, scores_text, stages_text
from harness.verification.again import Again
from harness.verification.results import Finding, LackingError, Outcome

_SHOWN_WHOLE = ("predictions", "gold", "material")
"""Folders of which a crate names the folders, not the files."""


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
    made, here = files.json("provenance.json")["here"]["code"], environment()["code"]
    if outcome.findings and made["commit"] != here["commit"]:
        text = (
            f"written by commit {made['commit']}; this is {here['commit']}, whose pages may differ"
        )
        outcome.notes.append(Finding("report.html", text))


def metadata(again: Again, outcome: Outcome) -> None:
    """The data sets' Croissant documents and the crate, written again."""
    # Imported here: what reads tables is slow to load, and the other checks need none of it.
    from harness.evidence import croissant

    files = again.files
    made = croissant.documents(files.stages, files.comparisons.values())
    for name, document in made.items():
        text = json_text(document, sort=False)
        _check_text(again, outcome, f"croissant/{name}.json", text, "comparison.json")
    _check_text(again, outcome, CRATE, json_text(crate_document(again), sort=False), "the folder")


def crate_document(again: Again) -> dict[str, Any]:
    """The crate that a run writes of such a folder.

    Raises:
        LackingError: another version of the harness wrote the folder's.
    """
    from harness.evidence.crate import crate

    files = again.files
    provenance = files.json("provenance.json")
    version = provenance["here"]["code"]["version"]
    if version != __version__:
        raise LackingError(
            where=CRATE,
            got=f"written by version {version} of the harness; this is version {__version__}",
            expected="the same version",
            fix="verify with the harness that made the run",
        )
    times = {
        key: provenance["stages"][name]
        for key, one in files.stages.by_key.items()
        if (name := f"{one.stage} {key[:12]}") in provenance["stages"]
    }
    return crate(_described(again), files.stages, files.comparisons, times)


def _described(again: Again) -> Path:
    """What a crate describes of the folder: it was written before the rest."""
    folder = again.scratch / "described"
    for name in sorted(again.files.names - {RUN, ATTESTATION, CRATE}):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.partition("/")[0] not in _SHOWN_WHOLE:
            target.write_bytes(again.files.whole(name))
    return folder


def _check_text(again: Again, outcome: Outcome, name: str, text: str, source: str) -> None:
    outcome.compared += 1
    stored, made = again.files.whole(name).splitlines(), text.encode().splitlines()
    if again.files.whole(name) == text.encode():
        return
    pairs = enumerate(zip(stored, made, strict=False), start=1)
    line = next((n for n, (a, b) in pairs if a != b), min(len(stored), len(made)) + 1)
    outcome.differs(name, f"isn't what {source} gives, from line {line} on")
