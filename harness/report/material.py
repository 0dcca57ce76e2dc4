"""The tables of what the numbers rest on: differences from the paper, data, training, artifacts."""

from __future__ import annotations

from harness.models import VerdictRule
from harness.records import ArtifactRef, Comparison, DataUse, TrainingRun
from harness.report.results import Link
from harness.report.sentences import label
from harness.report.tables import Cell, Column, Row, Table, code, figure, short, table, text
from harness.report.words import counts, language, number, percent

_SHORT = 12


def artifact_link(comparison: Comparison, ident: str) -> Link:
    """Key -> a link to its row in the chain of artifacts, or its words alone if it has none."""
    known = {ref.key for ref in comparison.artifacts}

    def link(key: str) -> tuple[tuple[str, str], ...]:
        return ((key[:_SHORT], artifact_anchor(ident, key) if key in known else ""),)

    return link


def artifact_anchor(ident: str, key: str) -> str:
    """The id of an artifact's row in the page."""
    return f"{ident}-artifact-{key}"


def deviations_table(comparison: Comparison) -> Table:
    """What was done differently from the paper."""
    rows = [
        Row(cells=(text(one.what), text(one.paper), text(one.here), text(one.why)))
        for one in comparison.deviations
    ]
    columns = ("What", "In the paper", "Here", "Asked for by")
    return table("Every known difference between this run and the paper.", columns, rows)


def data_table(comparison: Comparison, link: Link) -> Table:
    """Data sets with revision, license, rows, repairs, checks and digests."""
    columns = (
        Column(label="Data set"),
        Column(label="Revision"),
        Column(label="License"),
        Column(label="Rows", numeric=True),
        Column(label="Rows per language"),
        Column(label="Repairs"),
        Column(label="Checks"),
    )
    rows = [_data_row(one, link) for one in comparison.data]
    return table("The data that the run read.", columns, rows)


def files_table(comparison: Comparison) -> Table:
    """Every file that was read, with its digest."""
    rows = [
        Row(cells=(text(name), text(f"{one.title}, {one.use}"), code(digest)))
        for one in comparison.data
        for name, digest in one.files.items()
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
    rows = [_training_row(comparison, run, link) for run in comparison.training]
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
    )


def _data_row(one: DataUse, link: Link) -> Row:
    languages = ", ".join(f"{language(key)} {n:,}" for key, n in one.languages.items())
    identity = text(one.title, one.use, f"{one.name}, split {one.split}", one.note or "")
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
            text(label(comparison, run.system)),
            short(run.phase),
            figure(str(run.seed)),
            *(figure(f"{amount:,}") for amount in amounts),
            figure(loss),
            Cell(lines=(), style="hash", links=link(run.artifact)),
        )
    )


def _artifact_row(ref: ArtifactRef, ident: str, link: Link) -> Row:
    inputs = tuple(
        (f"{role} {words}", anchor)
        for role, key in ref.inputs.items()
        for words, anchor in link(key)
    )
    made_from = Cell(lines=() if inputs else ("nothing",), style="hash", links=inputs)
    return Row(
        cells=(text(ref.stage, ref.label), code(ref.key), made_from),
        anchor=artifact_anchor(ident, ref.key),
    )
