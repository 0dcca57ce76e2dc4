"""A comparison as the template prints it: strings, tables and drawn charts, nothing to compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.records import Comparison, Named
from harness.report import charts, data_section, material, panels, results
from harness.report.browser import Browser, browsers
from harness.report.evidence import evidence_table
from harness.report.language_table import (
    candidates_table,
    languages_tables,
    languages_title,
    tasks_table,
)
from harness.report.nearness import nearness
from harness.report.results import Link
from harness.report.sentences import scale_line, verdict_sentence
from harness.report.shape import PAIRS, candidates, level_of, metrics_of, several, short_title
from harness.report.spending import cost_table, cost_words
from harness.report.tables import Table
from harness.report.terms import FLAGS, UNKNOWN_FLAG, RungWords, reachable, rung_words
from harness.report.words import (
    METRICS,
    count,
    language,
    listing,
    signed,
    two_sided,
    unit,
    where,
)

# Trainings that stand in an open table.
_MOST_ROWS = 40
# Differences from the paper that stand beside the verdict.
_FIRST_FEW = 5


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a claim's section stands."""

    ident: str
    """Prefix of every id in it."""
    shared: frozenset[material.Difference] = frozenset()
    """Differences from the paper that stand on top of the page, for all claims."""
    items: int
    """Items that it may show."""


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
    different: tuple[tuple[str, str, str], ...]
    """(what, in the paper, here) of the first differences."""
    differences: int
    """How many there are."""
    missing: str
    signature: str
    effects: Table
    effects_chart: Chart | None
    methods: tuple[str, ...]
    tasks: Table | None
    """Task by task, where the claim has several targets."""
    tasks_chart: Chart | None
    candidates: Table | None
    """What a best-of was chosen from."""
    languages: tuple[Table, ...]
    """Of one target: shown in full; the first one at least."""
    language_folds: tuple[tuple[str, tuple[Table, ...]], ...]
    """(line to unfold, tables) for each of several targets."""
    language_charts: tuple[Chart, ...]
    browsers: tuple[Browser, ...]
    filters: int
    """Languages of the browser with the most of them."""
    levels: Table
    evidence: Table
    cost: Table | None
    seeds: Table
    seeds_chart: Chart | None
    training: Table
    long: bool
    """The tables of trainings are long: they are folded."""
    curves: Chart | None
    deviations: Table
    shared_deviations: int
    """How many more stand on top of the page, for all claims."""
    data: Table
    findings: tuple[str, ...]
    checks: Table
    passed: tuple[tuple[str, str], ...]
    splits: Table | None
    rows_by_language: tuple[tuple[str, str], ...]
    lengths: Chart | None
    lengths_facts: tuple[tuple[str, str], ...]
    overlaps: Table
    overlap_examples: Table
    files: Table
    setup: tuple[Facts, ...]
    command: str
    reasons: tuple[str, ...]
    rule: tuple[tuple[str, str], ...]
    artifacts: Table


def claim_view(comparison: Comparison, place: Place) -> ClaimView:
    """Everything that the page shows of one claim."""
    ident, shared = place.ident, place.shared
    link = material.artifact_link(comparison, ident)
    different = material.merged_deviations(comparison.deviations)
    items = browsers(comparison, ident, place.items)
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
        different=tuple(map(material.difference, different[:_FIRST_FEW])),
        differences=len(different),
        missing=_missing(comparison),
        signature=results.signature(comparison),
        effects=results.effects_table(comparison),
        effects_chart=_effects_chart(comparison, ident),
        methods=(*results.methods(comparison), *nearness(comparison)),
        tasks=tasks_table(comparison) if several(comparison) else None,
        tasks_chart=_tasks_chart(comparison, ident),
        candidates=candidates_table(comparison) if candidates(comparison) else None,
        languages=() if several(comparison) else _languages(comparison),
        language_folds=_language_folds(comparison),
        language_charts=_language_charts(comparison, ident),
        levels=results.levels_table(comparison),
        evidence=evidence_table(comparison),
        browsers=items,
        filters=max((one.choices[-1].place for one in items if one.choices), default=0),
        cost=cost_table(comparison),
        seeds=results.seeds_table(comparison, link),
        seeds_chart=_seeds_chart(comparison, ident),
        training=material.training_table(comparison, link),
        long=len(comparison.training) > _MOST_ROWS,
        curves=_curves_chart(comparison, ident),
        deviations=material.deviations_table(comparison, shared),
        shared_deviations=len(shared),
        **_data_part(comparison, ident, link),
        files=material.files_table(comparison),
        setup=_setup(comparison),
        command=comparison.command,
        reasons=verdict.reasons,
        rule=material.rule_facts(verdict.rule),
        artifacts=material.artifacts_table(comparison, ident, link),
    )


def _data_part(comparison: Comparison, ident: str, link: Link) -> dict[str, Any]:
    """What is shown of the data; in short form where there are many sets."""
    crowded = data_section.crowded(comparison)
    return {
        "data": material.data_table(comparison, link),
        "findings": tuple(data_section.findings(comparison)),
        "checks": data_section.checks_table(comparison),
        "passed": data_section.passed_checks(comparison),
        "splits": None if crowded else data_section.splits_table(comparison),
        "rows_by_language": data_section.rows_by_language(comparison) if crowded else (),
        "lengths": None if crowded else _lengths_chart(comparison, ident),
        "lengths_facts": data_section.lengths_facts(comparison) if crowded else (),
        "overlaps": data_section.overlaps_table(comparison),
        "overlap_examples": data_section.overlap_examples(comparison),
    }


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
    titles = list(comparison.claim.targets.values())
    many = f"{count(len(titles), 'task')}: " if several(comparison) else ""
    return (
        ("The paper reports", "; ".join(paper) or "no size"),
        ("The re-run finds", _finds(comparison)),
        ("Targets" if many else "Target", many + listing(titles)),
        ("Seeds", count(len(comparison.seeds), "seed")),
        ("Profile", comparison.profile.id),
        ("Protocol", comparison.protocol.id),
        ("Encoder", comparison.encoder.title),
        ("Averaged over", f"{_scope(comparison)}. {comparison.claim.average}"),
        *((("Took", cost_words(comparison)),) if cost_words(comparison) else ()),
    )


def _finds(comparison: Comparison) -> str:
    effects = comparison.effects
    if len(effects) > PAIRS:
        found = sorted(effect.same_items.value for effect in effects)
        ends = f"{signed(found[0])} to {signed(found[-1])} {unit(comparison.claim.metric)}"
        return f"{count(len(effects), 'difference')}, {ends}"
    return "; ".join(results.reproduced(comparison, one) for one in effects) or "nothing"


def _scope(comparison: Comparison) -> str:
    cells = [code for codes in comparison.languages.values() for code in codes]
    different = list(dict.fromkeys(cells))
    if several(comparison):
        return f"{len(cells):,} pairs of task and language, {count(len(different), 'language')}"
    names = listing([language(code) for code in different] or ["none"])
    return f"{count(len(different), 'language')}: {names}"


def _missing(comparison: Comparison) -> str:
    """Languages without data, with their target where there are several."""
    parts = []
    for target, codes in comparison.missing_languages.items():
        names = listing([language(code) for code in codes] or [""])
        of = f" ({short_title(comparison, target)})" if several(comparison) else ""
        parts += [f"{names}{of}"] if names else []
    return listing(parts or [""])


def _languages(comparison: Comparison) -> tuple[Table, ...]:
    (target,) = comparison.claim.targets
    return languages_tables(comparison, target)


def _language_folds(comparison: Comparison) -> tuple[tuple[str, tuple[Table, ...]], ...]:
    if not several(comparison):
        return ()
    return tuple(
        (languages_title(comparison, target), languages_tables(comparison, target))
        for target in comparison.claim.targets
    )


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
    if charts.compact(comparison):
        caption = f"{level} intervals on the paper’s test items."
    elif any(effect.reported for effect in comparison.effects):
        caption += " Diamond: the number that the paper prints."
    return Chart(svg=charts.effects_chart(comparison, f"{ident}-effects"), caption=caption)


def _seeds_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not comparison.effects:
        return None
    svg = charts.seeds_chart(comparison, f"{ident}-seeds")
    return Chart(svg=svg, caption="The difference in each seed’s training runs, and their mean.")


def _tasks_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not several(comparison) or not comparison.systems:
        return None
    seeds = count(len(comparison.seeds), "seed")
    svg = panels.tasks_chart(comparison, f"{ident}-tasks")
    return Chart(svg=svg, caption=f"Each task’s figure, mean over its languages and {seeds}.")


def _language_charts(comparison: Comparison, ident: str) -> tuple[Chart, ...]:
    if several(comparison):
        return ()
    seeds = count(len(comparison.seeds), "seed")
    return tuple(
        Chart(
            svg=panels.languages_chart(comparison, metric, f"{ident}-{metric}"),
            caption=f"{METRICS[metric]} per language, mean over {seeds}.",
        )
        for metric in metrics_of(comparison)
        if any(level_of(one, metric) for one in comparison.systems)
    )


def _curves_chart(comparison: Comparison, ident: str) -> Chart | None:
    drawn = panels.curve_panels(comparison)
    if not drawn:
        return None
    svg = panels.curves_chart(comparison, f"{ident}-curves")
    caption = "Training loss; a line for each seed."
    if several(comparison):
        caption = "Training loss of the intermediate trainings; a line for each seed."
    if len(drawn) > panels.MOST_PANELS:
        caption += f" The first {panels.MOST_PANELS} of {len(drawn)}."
    return Chart(svg=svg, caption=caption)


def _lengths_chart(comparison: Comparison, ident: str) -> Chart | None:
    if not data_section.has_lengths(comparison):
        return None
    svg = data_section.lengths_chart(comparison, f"{ident}-lengths")
    return Chart(svg=svg, caption="How many contexts are how long; the bins are not equally wide.")
