"""A comparison as the template prints it: strings, tables and drawn charts, nothing to compute."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from harness.records import Comparison, Named
from harness.report import charts, data_section, material, panels, results
from harness.report.evidence import evidence_table
from harness.report.language_table import languages_table
from harness.report.sentences import scale_line, verdict_sentence
from harness.report.tables import Table
from harness.report.terms import FLAGS, UNKNOWN_FLAG, RungWords, reachable, rung_words
from harness.report.words import (
    METRICS,
    count,
    language,
    listing,
    two_sided,
    where,
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rung of the ladder in the banner."""

    name: str
    reached: bool
    required: bool
    possible: bool


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawn chart and its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A titled list of (name, value)."""

    title: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ClaimView:
    """One claim of the report."""

    ident: str
    """Prefix of every id of this claim's section; unique in the page."""
    id: str
    title: str
    statement: str
    source: str
    paper: str
    scale: str
    """The sentence that a scaled-down run's report begins with, or nothing."""
    rung: str
    words: RungWords
    required: str
    met: bool
    sentence: str
    ladder: tuple[Step, ...]
    glance: tuple[tuple[str, str], ...]
    flags: tuple[tuple[str, str], ...]
    missing: str
    signature: str
    effects: Table
    effects_chart: Chart | None
    methods: tuple[str, ...]
    languages: Table
    language_charts: tuple[Chart, ...]
    levels: Table
    evidence: Table
    seeds: Table
    seeds_chart: Chart | None
    training: Table
    curves: Chart | None
    deviations: Table
    data: Table
    findings: tuple[str, ...]
    checks: Table
    passed: tuple[tuple[str, str], ...]
    splits: Table
    lengths: Chart | None
    overlaps: Table
    overlap_examples: Table
    files: Table
    setup: tuple[Facts, ...]
    command: str
    reasons: tuple[str, ...]
    rule: tuple[tuple[str, str], ...]
    artifacts: Table


def claim_view(comparison: Comparison, ident: str) -> ClaimView:
    """Everything that the page shows of one claim."""
    link = material.artifact_link(comparison, ident)
    claim, verdict, paper = comparison.claim, comparison.verdict, comparison.paper
    return ClaimView(
        ident=ident,
        id=claim.id,
        title=claim.title,
        statement=claim.statement,
        source=where(claim.source),
        paper=paper.title,
        scale=scale_line(comparison),
        rung=verdict.rung,
        words=rung_words(comparison),
        required=verdict.required,
        met=verdict.met,
        sentence=verdict_sentence(comparison),
        ladder=_ladder(comparison),
        glance=_glance(comparison),
        flags=tuple((flag, FLAGS.get(flag, UNKNOWN_FLAG)) for flag in verdict.flags),
        missing=listing([language(code) for code in comparison.missing_languages] or [""]),
        signature=results.signature(comparison),
        effects=results.effects_table(comparison),
        effects_chart=_effects_chart(comparison, ident),
        methods=results.methods(comparison),
        languages=languages_table(comparison),
        language_charts=_language_charts(comparison, ident),
        levels=results.levels_table(comparison),
        evidence=evidence_table(comparison),
        seeds=results.seeds_table(comparison, link),
        seeds_chart=_seeds_chart(comparison, ident),
        training=material.training_table(comparison, link),
        curves=_curves_chart(comparison, ident),
        deviations=material.deviations_table(comparison),
        data=material.data_table(comparison, link),
        findings=tuple(data_section.findings(comparison)),
        checks=data_section.checks_table(comparison),
        passed=data_section.passed_checks(comparison),
        splits=data_section.splits_table(comparison),
        lengths=_lengths_chart(comparison, ident),
        overlaps=data_section.overlaps_table(comparison),
        overlap_examples=data_section.overlap_examples(comparison),
        files=material.files_table(comparison),
        setup=_setup(comparison),
        command=comparison.command,
        reasons=verdict.reasons,
        rule=material.rule_facts(verdict.rule),
        artifacts=material.artifacts_table(comparison, ident, link),
    )


def _ladder(comparison: Comparison) -> tuple[Step, ...]:
    verdict = comparison.verdict
    steps = reachable(comparison)
    order = [rung for rung, _ in steps]
    height = order.index(verdict.rung) if verdict.rung in order else -1
    return tuple(
        Step(
            name=rung,
            reached=place <= height,
            required=rung == verdict.required,
            possible=possible,
        )
        for place, (rung, possible) in enumerate(steps)
    )


def _glance(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    effects = comparison.effects
    paper = [results.reported(comparison, effect) for effect in effects if effect.reported]
    return (
        ("The paper reports", "; ".join(paper) or "no size"),
        (
            "The re-run finds",
            "; ".join(results.reproduced(comparison, e) for e in effects) or "nothing",
        ),
        ("Target", comparison.claim.target_title),
        ("Seeds", count(len(comparison.seeds), "seed")),
        ("Profile", comparison.profile.id),
        ("Protocol", comparison.protocol.id),
        ("Encoder", comparison.encoder.title),
        ("Averaged over", f"{_languages(comparison)}. {comparison.claim.average}"),
    )


def _languages(comparison: Comparison) -> str:
    names = listing([language(code) for code in comparison.languages])
    return f"{count(len(comparison.languages), 'language')}: {names}"


def _setup(comparison: Comparison) -> tuple[Facts, ...]:
    named: tuple[tuple[str, Named], ...] = (
        ("Paper", comparison.paper),
        ("Encoder", comparison.encoder),
        ("Protocol", comparison.protocol),
        ("Profile", comparison.profile),
    )
    return tuple(
        Facts(title=f"{what}: {one.title}", items=(("id", one.id), *one.facts.items()))
        for what, one in named
    )


def _effects_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not comparison.effects:
        return None
    level = two_sided(comparison.effects[0].same_items)
    caption = f"Thick line: {level} interval on the paper’s test items; thin line: for new items."
    if any(effect.reported for effect in comparison.effects):
        caption += " Diamond: the number that the paper prints."
    return Chart(svg=charts.effects_chart(comparison, f"{ident}-effects"), caption=caption)


def _seeds_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not comparison.effects:
        return None
    svg = charts.seeds_chart(comparison, f"{ident}-seeds")
    return Chart(svg=svg, caption="The difference in each seed’s training runs, and their mean.")


def _language_charts(comparison: Comparison, ident: str) -> tuple[Chart, ...]:
    seeds = count(len(comparison.seeds), "seed")
    metrics = dict.fromkeys(level.metric for one in comparison.systems for level in one.levels)
    return tuple(
        Chart(
            svg=panels.languages_chart(comparison, metric, f"{ident}-{metric}"),
            caption=f"{METRICS[metric]} per language, mean over {seeds}.",
        )
        for metric in metrics
    )


def _curves_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not any(run.loss for run in comparison.training):
        return None
    svg = panels.curves_chart(comparison, f"{ident}-curves")
    return Chart(svg=svg, caption="Training loss; a line for each seed.")


def _lengths_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not data_section.has_lengths(comparison):
        return None
    svg = data_section.lengths_chart(comparison, f"{ident}-lengths")
    return Chart(svg=svg, caption="How many contexts are how long; the bins are not equally wide.")
