"""The tables of what the numbers rest on: differences from the paper, data, training, artifacts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import VerdictRule
from harness.records import ArtifactRef, Comparison, DataUse, Deviation, TrainingRun
from harness.report.data_section import by_target
from harness.report.provenance_view import PROVENANCE_PAGE, made_anchor
from harness.report.results import Link
from harness.report.sentences import label
from harness.report.shape import several, short_title
from harness.report.tables import (
    Cell,
    Column,
    Row,
    Table,
    code,
    figure,
    heading,
    short,
    table,
    text,
)
from harness.report.words import count, counts, language, number, percent

_SHORT = 12
# Digits of a key in an anchor: unique in a page, and a page has thousands.
_ANCHOR = 16
# More languages than this are counted; their rows stand in a table of their own.
_MANY_LANGUAGES = 12

Difference = tuple[str, str, str]
"""What, in the paper, here."""


def artifact_link(comparison: Comparison, ident: str) -> Link:
    """Key -> a link to its row in the chain of artifacts, or its words alone if it has none."""
    known = {ref.key for ref in comparison.artifacts}

    def link(key: str) -> tuple[tuple[str, str], ...]:
        return ((key[:_SHORT], f"#{artifact_anchor(ident, key)}" if key in known else ""),)

    return link


def artifact_anchor(ident: str, key: str) -> str:
    """The id of an artifact's row in the page."""
    return f"{ident}-artifact-{key[:_ANCHOR]}"


def made_address(key: str) -> str:
    """Where a stage's row stands on the provenance page."""
    return f"{PROVENANCE_PAGE}#{made_anchor(key)}"


def deviations_table(comparison: Comparison, shared: frozenset[Difference] = frozenset()) -> Table:
    """What was done differently from the paper, without what all claims of the page share."""
    own = [one for one in merged_deviations(comparison.deviations) if difference(one) not in shared]
    return _deviations("Every known difference between this run and the paper.", own)


def shared_deviations(comparisons: Sequence[Comparison]) -> tuple[Deviation, ...]:
    """The differences that every claim of a page with several has, as the first one tells them."""
    if len(comparisons) < 2:
        return ()
    each = [{difference(found) for found in one.deviations} for one in comparisons]
    common = set.intersection(*each)
    first = merged_deviations(comparisons[0].deviations)
    return tuple(one for one in first if difference(one) in common)


def shared_table(deviations: Sequence[Deviation]) -> Table:
    """The differences that all claims of the page share."""
    return _deviations("What every claim of this page does differently from the paper.", deviations)


def difference(one: Deviation) -> Difference:
    """What a deviation says, whoever asks for it."""
    return (one.what, one.paper, one.here)


def merged_deviations(deviations: Sequence[Deviation]) -> list[Deviation]:
    """Each difference once, with everyone who asks for it."""
    found: dict[Difference, list[str]] = {}
    for one in deviations:
        found.setdefault(difference(one), []).append(one.why)
    return [
        Deviation(what=what, paper=paper, here=here, why=", ".join(dict.fromkeys(whys)))
        for (what, paper, here), whys in found.items()
    ]


def _deviations(caption: str, deviations: Sequence[Deviation]) -> Table:
    rows = [
        Row(cells=(text(one.what), text(one.paper), text(one.here), text(one.why)))
        for one in deviations
    ]
    return table(caption, ("What", "In the paper", "Here", "Asked for by"), rows)


def data_table(comparison: Comparison, link: Link) -> Table:
    """Data sets with revision, license, rows, repairs, checks; by target where it has several."""
    columns = (
        Column(label="Data set"),
        Column(label="Revision"),
        Column(label="License"),
        Column(label="Rows", numeric=True),
        Column(label="Rows per language"),
        Column(label="Repairs"),
        Column(label="Checks"),
    )
    rows: list[Row] = []
    for title, uses in by_target(comparison):
        rows += [heading(title)] if several(comparison) else []
        rows += [_data_row(one, one.use.removesuffix(f": {title}"), link) for one in uses]
    return table("The data that the run read.", columns, rows)


def files_table(comparison: Comparison) -> Table:
    """Every file that was read, with its digest."""
    uses: dict[tuple[str, str], list[str]] = {}
    for one in comparison.data:
        for name, digest in one.files.items():
            uses.setdefault((name, digest), []).append(f"{one.title}, {one.use}")
    rows = [
        Row(cells=(text(name), text(*used), code(digest))) for (name, digest), used in uses.items()
    ]
    return table("The files behind the data sets.", ("File", "Data set", "sha256"), rows)


def training_table(comparison: Comparison, link: Link) -> Table:
    """What each fine-tuning did."""
    columns = (
        Column(label="System"),
        Column(label="Phase"),
        *(
            Column(label=name, numeric=True)
            for name in ("Seed", "Examples", "Windows", "Steps", "Tokens", "Loss")
        ),
        Column(label="Artifact"),
    )
    rows: list[Row] = []
    seen: set[str] = set()
    for run in comparison.training:
        # Targets with the same training data share a fine-tuning, systems an intermediate one.
        if not several(comparison) or run.artifact not in seen:
            seen.add(run.artifact)
            rows.append(_training_row(comparison, run, link))
    caption = (
        "Every training of the run. Tokens: real ones, padding not counted. Loss: the first and "
        "the last mean that was recorded."
    )
    return table(caption, columns, rows)


def artifacts_table(comparison: Comparison, ident: str, link: Link) -> Table:
    """The chain of artifacts from which every number above follows."""
    columns = ("Stage", "Key", "Made from")
    rows = [_artifact_row(ref, ident, link) for ref in comparison.artifacts]
    return table(
        "Each stage’s result, its key, and the keys of what it was made from.", columns, rows
    )


def rule_facts(rule: VerdictRule) -> tuple[tuple[str, str], ...]:
    """The verdict's rule, frozen in the manifest before the run."""
    margin = "the larger of 1.0 and 25 % of the paper’s gain"
    if rule.margin is not None:
        margin = f"{number(rule.margin)} points"
    return (
        ("Version", str(rule.version)),
        ("Assumed spread between runs, τ₀", f"{number(rule.tau0, 2)} points"),
        ("Weight of that assumption, ν₀", f"{number(rule.nu0)} degrees of freedom"),
        ("Retention, ρ", percent(rule.retention)),
        ("Margin of size, m", margin),
        ("Margin of “no better”, δ", f"{number(rule.delta)} points"),
        ("Least number of seeds", str(rule.min_seeds)),
        *((("Alternatives that have to be better", str(rule.at_least)),) if rule.at_least else ()),
    )


def _data_row(one: DataUse, use: str, link: Link) -> Row:
    if len(one.languages) > _MANY_LANGUAGES:
        languages = count(len(one.languages), "language")
    else:
        languages = ", ".join(f"{language(key)} {n:,}" for key, n in one.languages.items())
    identity = text(one.title, use, f"{one.name}, split {one.split}", one.note or "")
    return Row(
        cells=(
            Cell(lines=identity.lines, links=link(one.artifact)),
            text(one.repo, one.revision),
            text(one.license),
            figure(f"{one.rows:,}"),
            text(languages),
            short(counts(one.repairs)),
            short(counts(one.checks)),
        )
    )


def _training_row(comparison: Comparison, run: TrainingRun, link: Link) -> Row:
    loss = f"{number(run.loss[0][1], 2)} → {number(run.loss[-1][1], 2)}" if run.loss else ""
    amounts = (run.examples, run.windows, run.steps, run.tokens)
    return Row(
        cells=(
            text(label(comparison, run.system), _tasks(run)),
            short(run.phase, short_title(comparison, run.target) if run.target else ""),
            figure(str(run.seed)),
            *(figure(f"{amount:,}") for amount in amounts),
            figure(loss),
            Cell(lines=(), style="hash", links=link(run.artifact)),
        )
    )


def _tasks(run: TrainingRun) -> str:
    """How many steps each task had, where there are several."""
    return ", ".join(f"{task} {steps:,}" for task, steps in run.tasks.items())


def _artifact_row(ref: ArtifactRef, ident: str, link: Link) -> Row:
    inputs = tuple(
        (f"{role} {words}", anchor)
        for role, key in ref.inputs.items()
        for words, anchor in link(key)
    )
    # When and where it was made stands beside the page.
    made = Cell(lines=(), style="hash", links=((ref.key, made_address(ref.key)),))
    made_from = Cell(lines=() if inputs else ("nothing",), style="hash", links=inputs)
    return Row(
        cells=(text(ref.stage, ref.label), made, made_from),
        anchor=artifact_anchor(ident, ref.key),
    )
