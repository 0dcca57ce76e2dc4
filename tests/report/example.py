"""Made-up comparisons with the shape of real ones; every number is invented."""

from __future__ import annotations

from items_example import changes

from harness.canonical import digest
from harness.models import Evidence, Kind, Reported, Rung, VerdictRule
from harness.records import (
    ArtifactRef,
    CheckOutcome,
    ClaimRef,
    Comparison,
    DataUse,
    Deviation,
    Effect,
    Estimate,
    Lengths,
    Level,
    Named,
    Overlap,
    OverlapExample,
    PredictionRun,
    Score,
    SystemResult,
    TrainingRun,
    Verdict,
)

ITEMS = {
    "ar": 921,
    "bn": 113,
    "en": 440,
    "fi": 782,
    "id": 565,
    "ko": 276,
    "ru": 812,
    "sw": 499,
    "te": 669,
}
LANGUAGES = tuple(ITEMS)
SEEDS = (0, 1)
LABELS = {
    "baseline": "no intermediate training",
    "squad_v2": "English SQuAD v2.0 first",
    "squad_v1": "English SQuAD v1.1 first",
    "translated": "machine-translated SQuAD first",
    "mlm": "English SQuAD v2.0 with multilingual masked LM",
}
# System -> mean EM; the spread over languages and seeds is the same small pattern for all.
MEANS = {"baseline": 31.0, "squad_v2": 35.2, "squad_v1": 34.1, "translated": 34.6, "mlm": 36.0}
EVIDENCE = Evidence(
    arxiv="2010.12821",
    version="v1",
    table="16",
    row="STiLTs",
    column="TyDi-GoldP EM/F1",
    quote="59.5 / 76.0",
    status="secondary",
)


def gain(
    rung: Rung = "DIRECTION",
    *,
    kind: Kind = "gain",
    scaled_down: bool = True,
    flags: tuple[str, ...] = ("PAPER_VARIANCE_UNKNOWN", "PRIOR_DRIVEN"),
    bounds: tuple[float, float] = (1.1, 7.3),
) -> Comparison:
    """A gain (or direction) of SQuAD v2.0 over nothing, with SQuAD v1.1 as a variant."""
    reported = Reported(value=14.5, evidence=EVIDENCE) if kind == "gain" else None
    effect = _effect("squad_v2", "baseline", bounds, reported)
    return _comparison(
        claim="tydiqa-english-gain",
        title="English SQuAD before TyDi QA helps every language",
        statement="Training on English questions first raises exact match on TyDi QA "
        "by 14.5 points on average over nine languages.",
        kind=kind,
        systems={"squad_v2": "treatment", "baseline": "baseline", "squad_v1": "variant"},
        effects=(effect,),
        rung=rung,
        scaled_down=scaled_down,
        flags=flags,
    )


def no_better(
    rung: Rung = "INCONCLUSIVE",
    *,
    scaled_down: bool = True,
    flags: tuple[str, ...] = ("PRIOR_DRIVEN",),
    bounds: tuple[tuple[float, float], tuple[float, float]] = ((-3.2, 2.0), (-1.7, 3.3)),
) -> Comparison:
    """English SQuAD against its translation and against added masked-LM training."""
    effects = (
        _effect("translated", "squad_v2", bounds[0], None),
        _effect("mlm", "squad_v2", bounds[1], None),
    )
    return _comparison(
        claim="tydiqa-english-no-worse",
        title="Neither translation nor masked LM beats English",
        statement="Neither machine-translated intermediate data nor continued masked-LM "
        "training consistently outperforms English intermediate training.",
        kind="no_better",
        systems={"squad_v2": "reference", "translated": "alternative", "mlm": "alternative"},
        effects=effects,
        rung=rung,
        scaled_down=scaled_down,
        flags=flags,
    )


def _effect(
    treatment: str, baseline: str, bounds: tuple[float, float], reported: Reported | None
) -> Effect:
    value = (bounds[0] + bounds[1]) / 2
    return Effect(
        treatment=treatment,
        baseline=baseline,
        reported=reported,
        same_items=_estimate(treatment, baseline, value, bounds),
        new_items=_estimate(
            treatment, baseline, value, (bounds[0] - 0.6, bounds[1] + 0.6), question="new_items"
        ),
        other_metrics=(
            _estimate(
                treatment, baseline, value - 0.5, (bounds[0] - 0.5, bounds[1] - 0.5), metric="f1"
            ),
        ),
        wins={"up": 8, "down": 1, "equal": 0},
        p_value=0.0123,
    )


def _estimate(
    treatment: str,
    baseline: str,
    value: float,
    bounds: tuple[float, float],
    *,
    metric: str = "em",
    question: str = "same_items",
) -> Estimate:
    return Estimate(
        treatment=treatment,
        baseline=baseline,
        metric=metric,
        value=value,
        per_seed=(value - 0.9, value + 0.9),
        per_language={code: value + _wobble(i) / 4 for i, code in enumerate(LANGUAGES)},
        standard_error=1.6,
        degrees_of_freedom=5.0,
        lower=bounds[0],
        upper=bounds[1],
        level=0.95,
        question=question,
        method="moderated t over seeds, paired by seed and item",
    )


def _wobble(index: int) -> float:
    return ((index * 7 + 3) % 11 - 5) * 2.0


def _key(*parts: str) -> str:
    return digest(list(parts))


def _level(system: str, metric: str, shift: float, reported: Reported | None) -> Level:
    mean = MEANS[system] + shift
    return Level(
        system=system,
        metric=metric,
        value=mean,
        per_seed=(mean - 0.7, mean + 0.7),
        per_language={
            code: mean + _wobble(i) + (i % 3) * (mean - 31) / 6 for i, code in enumerate(LANGUAGES)
        },
        reported=reported,
        compatible=None,
    )


def _system(name: str, role: str) -> SystemResult:
    printed = {"baseline": (45.0, 65.1), "squad_v2": (59.5, 76.0)}.get(name)
    numbers = [Reported(value=v, evidence=EVIDENCE) for v in printed] if printed else [None, None]
    levels = (_level(name, "em", 0.0, numbers[0]), _level(name, "f1", 14.0, numbers[1]))
    scores = tuple(
        Score(
            system=name,
            seed=seed,
            task="tydiqa",
            language=code,
            split="dev",
            metric=level.metric,
            scorer="squad_v1/1",
            value=level.per_language[code] + seed,
            items=items,
            predictions=_key("predict", name, str(seed)),
        )
        for seed in SEEDS
        for code, items in ITEMS.items()
        for level in levels
    )
    return SystemResult(
        id=name,
        label=LABELS[name],
        recipe=f"multilingual-e5-small → {LABELS[name]} → TyDi QA English",
        role=role,
        scores=scores,
        levels=levels,
    )


def _training(systems: dict[str, str]) -> tuple[TrainingRun, ...]:
    phases = [(s, p) for s in systems for p in ("intermediate", "finetune")]
    return tuple(
        TrainingRun(
            system=system,
            seed=seed,
            phase=phase,
            target="tydiqa" if phase == "finetune" else "",
            artifact=_key(phase, system, str(seed)),
            examples=1200,
            windows=1264,
            steps=158,
            tokens=183_412,
            flops=2.4e13,
            loss=tuple(
                (step, 4.6 / (1 + step / 30) + 0.05 * ((step * 7 + seed * 3) % 5))
                for step in range(4, 160, 4)
            ),
        )
        for system, phase in phases
        if (system, phase) != ("baseline", "intermediate")
        for seed in SEEDS
    )


def _predictions(systems: dict[str, str]) -> tuple[PredictionRun, ...]:
    return tuple(
        PredictionRun(
            system=system,
            seed=seed,
            target="tydiqa",
            artifact=_key("predict", system, str(seed)),
            windows=5_912,
            tokens=1_203_551,
            flops=5.6e13,
        )
        for system in systems
        for seed in SEEDS
    )


def _data() -> tuple[DataUse, ...]:
    common = {
        "repo": "generated",
        "revision": "generator 1",
        "license": "facts: CC-BY 4.0 (GeoNames), Unicode-3.0 (CLDR)",
        "repairs": {},
        "checks": {"passed": 14, "failed": 0, "warned": 1},
        "lengths": Lengths(edges=(0, 250, 500, 1000), counts=(12, 700, 480, 8)),
        "outcomes": (
            *(
                CheckOutcome(name=name, level="error", passed=True, observed="0 rows", expected="0")
                for name in ("not_empty", "columns", "not_null.id", "answers_at_offset")
            ),
            CheckOutcome(
                name="normalized.context",
                level="warning",
                passed=False,
                observed="3 of 1200 rows",
                expected="texts in Unicode form NFC",
                cause="a conversion that took letters and accents apart?",
                rows=({"id": "english-12-0", "text": "Where is the café?"},),
            ),
        ),
    }
    return (
        DataUse(
            name="mini-tydiqa",
            use="target training",
            target="tydiqa",
            title="Mini TyDi QA",
            split="train",
            files={"en/train.jsonl": _key("file", "train")},
            rows=1200,
            languages={"en": 1200},
            artifact=_key("dataset", "train"),
            **common,
        ),
        DataUse(
            name="mini-tydiqa",
            use="evaluation",
            target="tydiqa",
            title="Mini TyDi QA",
            split="dev",
            files={f"{code}/dev.jsonl": _key("file", code) for code in LANGUAGES},
            rows=sum(ITEMS.values()),
            languages=ITEMS,
            artifact=_key("dataset", "dev"),
            note="Countries of the training split appear in no question.",
            **common,
        ),
    )


def _contamination() -> tuple[Overlap, ...]:
    """Three findings and one comparison that found nothing."""
    pair = {"training": "target training", "against": "evaluation", "of": 5077}
    example = OverlapExample(
        training_id="english-12-0",
        id="finnish-7-1",
        similarity=0.874,
        training_text="What is the population of Dublin?",
        text="What is the population of Dubai?",
    )
    found = {"passed": False, "exact": 0, "near": 1, "examples": (example,) * 7}
    return (
        Overlap(by="example", level="error", passed=True, exact=0, near=0, **pair),
        Overlap(by="question", level="info", cause="questions that fit many", **pair, **found),
        Overlap(by="document", level="warning", cause="split by passage", **pair, **found),
        Overlap(by="context", level="warning", cause="split by question", **pair, **found),
    )


def _artifacts(systems: dict[str, str]) -> tuple[ArtifactRef, ...]:
    refs = [
        ArtifactRef(stage="encoder", label="e5-small", key=_key("encoder"), inputs={}),
        ArtifactRef(
            stage="dataset", label="TyDi QA train", key=_key("dataset", "train"), inputs={}
        ),
        ArtifactRef(stage="dataset", label="TyDi QA dev", key=_key("dataset", "dev"), inputs={}),
    ]
    for run in _training(systems):
        before = {"encoder": _key("encoder"), "train": _key("dataset", "train")}
        label = f"{run.system}, seed {run.seed}"
        refs.append(ArtifactRef(stage=run.phase, label=label, key=run.artifact, inputs=before))
    refs += [
        ArtifactRef(
            stage="predict",
            label=f"{system}, seed {seed}",
            key=_key("predict", system, str(seed)),
            inputs={
                "model": _key("finetune", system, str(seed)),
                "examples": _key("dataset", "dev"),
            },
        )
        for system in systems
        for seed in SEEDS
    ]
    return tuple(refs)


def _comparison(
    *,
    claim: str,
    title: str,
    statement: str,
    kind: Kind,
    systems: dict[str, str],
    effects: tuple[Effect, ...],
    rung: Rung,
    scaled_down: bool,
    flags: tuple[str, ...],
) -> Comparison:
    profile = "mini" if scaled_down else "paper"
    required: Rung = "DIRECTION" if scaled_down else "SUBSTANTIAL"
    scale = ("SCALED_DOWN", "PROTOCOL_DEVIATION") if scaled_down else ()
    return Comparison(
        paper=Named(
            id="phang2020",
            title="English Intermediate-Task Training Improves Zero-Shot Cross-Lingual "
            "Transfer Too",
            facts={"arXiv": "2005.13013v2", "venue": "AACL 2020", "authors": "Phang et al."},
        ),
        claim=ClaimRef(
            id=f"phang2020/{claim}",
            title=title,
            statement=statement,
            kind=kind,
            targets={"tydiqa": "TyDi QA GoldP"},
            metric="em",
            average="Nine languages, each weighs the same.",
            source=Evidence(arxiv="2005.13013", version="v2", page=1, status="primary"),
        ),
        profile=Named(
            id=profile, title="Minutes on a laptop", facts={"threads": "2", "seeds": "2"}
        ),
        scaled_down=scaled_down,
        protocol=Named(
            id="xtreme-2020",
            title="XTREME’s scripts of 2020",
            facts={"learning rate": "1e-4", "epochs": "2", "batch": "16", "tokens": "256"},
        ),
        encoder=Named(
            id="e5-small",
            title="multilingual-e5-small, 4-bit",
            facts={"layers": "12", "hidden size": "384", "license": "MIT", "version": "0.1.0"},
        ),
        command=f"harness reproduce phang2020/{claim} --profile {profile} --seeds 2",
        languages={"tydiqa": LANGUAGES},
        missing_languages={},
        seeds=SEEDS,
        precision="fp32",
        systems=tuple(_system(name, role) for name, role in systems.items()),
        effects=effects,
        verdict=Verdict(
            rung=rung,
            required=required,
            met=rung in (required, "SUBSTANTIAL", "QUANTITATIVE"),
            flags=(*scale, *flags),
            rule=VerdictRule(version=1, required_rung={profile: required}),
            reasons=(
                f"lower bound {effects[0].same_items.lower} against 0",
                "the run is scaled down: only the sign is judged",
            ),
        ),
        training=_training(systems),
        predictions=_predictions(systems),
        items=changes([(one.treatment, one.baseline) for one in effects], ITEMS, len(SEEDS)),
        data=_data(),
        contamination=_contamination(),
        deviations=(
            Deviation(
                what="encoder",
                paper="xlm-roberta-large",
                here="multilingual-e5-small",
                why="profile mini",
            ),
            Deviation(what="learning rate", paper="1e-5", here="1e-4", why="profile mini"),
            Deviation(
                what="intermediate task",
                paper="the best of nine; which one isn't printed",
                here="SQuAD v2.0",
                why="claim",
            ),
        ),
        artifacts=_artifacts(systems),
    )
