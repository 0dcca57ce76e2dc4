"""Made-up comparisons over nine targets, and with many systems; every number is invented.

The spread over tasks, languages, seeds and systems is a fixed pattern, so that pages are equal.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from example import EVIDENCE, SEEDS, gain
from items_example import changes

from harness.canonical import digest
from harness.models import Evidence, Kind, Reported, Rung, VerdictRule
from harness.records import (
    ArtifactRef,
    ClaimRef,
    Comparison,
    DataUse,
    Deviation,
    Effect,
    Estimate,
    ItemChanges,
    Lengths,
    Level,
    Score,
    SystemResult,
    TrainingRun,
    Verdict,
)

_UD = "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi"
TARGETS: dict[str, tuple[str, str, float, str]] = {
    # task: title, scorer, baseline, languages
    "xnli": ("XNLI", "accuracy/1", 79.2, "ar bg de el en es fr hi ru sw th tr ur vi zh"),
    "pawsx": ("PAWS-X", "accuracy/1", 86.4, "de en es fr ja ko zh"),
    "udpos": ("Universal Dependencies, parts of speech", "seqeval/1", 73.8, f"{_UD} yo zh"),
    "panx": ("PAN-X, named entities", "seqeval/1", 65.4, f"{_UD} bn jv ka ml ms my sw yo zh"),
    "xquad": ("XQuAD", "squad_v1/1", 68.7, "ar de el en es hi ru th tr vi zh"),
    "mlqa": ("MLQA", "mlqa/1", 62.4, "ar de en es hi vi zh"),
    "tydiqa": ("TyDi QA GoldP", "squad_v1/1", 55.0, "en ar bn fi id ko ru sw te"),
    "bucc": ("BUCC 2018, mined sentence pairs", "bucc_f1/1", 66.0, "de fr ru zh"),
    "tatoeba": ("Tatoeba, sentence retrieval", "accuracy/1", 57.3, f"{_UD} bn jv ka ml sw zh"),
}
RETRIEVAL = ("bucc", "tatoeba")
INTERMEDIATE = {
    "squad-v2": "SQuAD 2.0 first",
    "mnli": "MNLI first",
    "multi-task": "All nine intermediate tasks at once",
    "anli-plus": "ANLI+ first",
    "qqp": "QQP first",
    "squad": "SQuAD 1.1 first",
    "hellaswag": "HellaSwag first",
    "ccg": "CCG supertagging first",
    "cosmosqa": "CosmosQA first",
    "commonsenseqa": "CommonsenseQA first",
}
LABELS = {"none": "No intermediate training", "best": "Best intermediate training for each task"}
LABELS |= INTERMEDIATE
BEST = {"bucc": "mnli", "tatoeba": "mnli", "udpos": "multi-task", "panx": "hellaswag"}


def aggregate(rung: Rung = "DIRECTION", *, scaled_down: bool = True) -> Comparison:
    """SQuAD against nothing over nine tasks: the mean of nine."""
    return _comparison(
        "squad-average-gain",
        "aggregate",
        "SQuAD as the intermediate task raises the average of nine tasks by 8.2",
        {"squad": "treatment", "none": "baseline"},
        (_effect("squad", "none", TARGETS, Reported(value=8.2, evidence=EVIDENCE)),),
        rung,
        scaled_down=scaled_down,
    )


def best_of(rung: Rung = "SUBSTANTIAL", targets: Sequence[str] = tuple(TARGETS)) -> Comparison:
    """For each target the best of ten systems, over some targets or all."""
    roles = {"none": "baseline", "best": "treatment", **dict.fromkeys(INTERMEDIATE, "candidate")}
    several = len(targets) > 1
    return _comparison(
        "best-average-gain" if several else f"{targets[0]}-gain",
        "aggregate" if several else "gain",
        "The best English intermediate model for each task raises the XTREME average by 5.4",
        roles,
        (_effect("best", "none", targets, Reported(value=5.4, evidence=EVIDENCE)),),
        rung,
        targets=targets,
        scaled_down=False,
    )


def many(rung: Rung = "DIRECTION", kind: Kind = "direction") -> Comparison:
    """Ten alternatives against none on TyDi QA: so many of them have to be better."""
    roles = {"none": "reference", **dict.fromkeys(INTERMEDIATE, "alternative")}
    return _comparison(
        "tydiqa-many-gain",
        kind,
        "Many English intermediate tasks help TyDi QA",
        roles,
        tuple(_effect(name, "none", ("tydiqa",)) for name in INTERMEDIATE),
        rung,
        targets=("tydiqa",),
        at_least=5 if kind == "direction" else None,
    )


def ordering(rung: Rung = "INCONCLUSIVE") -> Comparison:
    """Four systems in the order of their averages."""
    order = ("squad", "mnli", "hellaswag", "none")
    pairs = itertools.pairwise(order)
    return _comparison(
        "intermediate-task-order",
        "ordering",
        "SQuAD is a better intermediate task than MNLI, MNLI than HellaSwag, HellaSwag than none",
        dict.fromkeys(order, "ordered"),
        tuple(_effect(*pair, TARGETS) for pair in pairs),
        rung,
    )


def groups(rung: Rung = "DIRECTION") -> Comparison:
    """Retrieval gains more than the seven other tasks."""
    others = ", ".join(one for one in TARGETS if one not in RETRIEVAL)
    effect = _effect("squad", "none", TARGETS)
    return _comparison(
        "retrieval-gains-most",
        "ordering",
        "Sentence retrieval gains most from intermediate training",
        {"squad": "treatment", "none": "baseline"},
        (effect.model_copy(update={"groups": (", ".join(RETRIEVAL), others)}),),
        rung,
    )


def _score(system: str, target: str, code: str, seed: int = 0) -> float:
    """Invented: a gain for each system and target, a pattern over languages and seeds."""
    if system == "best":
        system = BEST.get(target, "squad-v2")
    base = TARGETS[target][2]
    first = list(LABELS).index(system)
    gain = 0.0 if system == "none" else 1.5 + (first * 5 + len(target) * 3) % 7
    gain += 9.0 if target in RETRIEVAL and system != "none" else 0.0
    gain -= 4.0 if target == "panx" else 0.0
    wobble = (int(digest([target, code])[:4], 16) % 17 - 8) * 1.1
    return base + gain + wobble + seed * 0.8


def _codes(target: str) -> tuple[str, ...]:
    return tuple(TARGETS[target][3].split())


def _cells(targets: Sequence[str]) -> dict[str, tuple[str, str]]:
    several = len(targets) > 1
    return {
        f"{target}/{code}" if several else code: (target, code)
        for target in targets
        for code in _codes(target)
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _task_means(system: str, targets: Sequence[str], seed: int) -> dict[str, float]:
    return {
        target: _mean([_score(system, target, code, seed) for code in _codes(target)])
        for target in targets
    }


def _level(system: str, targets: Sequence[str]) -> Level:
    seeds = [_task_means(system, targets, seed) for seed in SEEDS]
    per_seed = tuple(_mean(list(one.values())) for one in seeds)
    means = {target: _mean([one[target] for one in seeds]) for target in targets}
    return Level(
        system=system,
        metric="score",
        value=_mean(per_seed),
        per_seed=per_seed,
        per_language={
            key: _mean([_score(system, *at, seed) for seed in SEEDS])
            for key, at in _cells(targets).items()
        },
        per_task=means if len(targets) > 1 else {},
    )


def _effect(
    treatment: str, baseline: str, targets: Sequence[str], reported: Reported | None = None
) -> Effect:
    first, second = _level(treatment, tuple(targets)), _level(baseline, tuple(targets))
    value = first.value - second.value

    def estimate(question: str, reach: float) -> Estimate:
        return Estimate(
            treatment=treatment,
            baseline=baseline,
            metric="score",
            value=value,
            per_seed=tuple(
                one - other + (0.6, -0.6)[seed]
                for seed, (one, other) in enumerate(
                    zip(first.per_seed, second.per_seed, strict=True)
                )
            ),
            per_language={
                key: score - second.per_language[key] for key, score in first.per_language.items()
            },
            per_task={task: mean - second.per_task[task] for task, mean in first.per_task.items()},
            standard_error=reach / 2,
            degrees_of_freedom=5.0,
            lower=value - reach,
            upper=value + reach,
            level=0.95,
            question=question,
            method="moderated t over seeds, paired by seed and item",
        )

    differences = [score - second.per_language[key] for key, score in first.per_language.items()]
    return Effect(
        treatment=treatment,
        baseline=baseline,
        reported=reported,
        same_items=estimate("same_items", 2.9),
        new_items=estimate("new_items", 3.2),
        wins={
            "up": sum(one > 0 for one in differences),
            "down": sum(one < 0 for one in differences),
            "equal": sum(one == 0 for one in differences),
        },
        p_value=0.021,
    )


def _system(name: str, role: str, targets: Sequence[str]) -> SystemResult:
    scores = tuple(
        Score(
            system=name,
            seed=seed,
            task=target,
            language=code,
            split="test",
            metric="score",
            scorer=TARGETS[target][1],
            value=_score(name, target, code, seed),
            items=500 + 37 * len(code) + 11 * len(target),
            predictions=digest(["predict", _trained(name, target), target, str(seed)]),
        )
        for seed in SEEDS
        for target, code in _cells(targets).values()
    )
    chosen = {target: _trained("best", target) for target in targets} if name == "best" else {}
    recipe = f"XLM-R Large → {LABELS[name]} → each task, English training rows"
    return SystemResult(
        id=name,
        label=LABELS[name],
        recipe="for each target the best of ten" if chosen else recipe,
        role=role,
        scores=scores,
        levels=(_level(name, targets),),
        chosen=chosen,
    )


def _trained(name: str, target: str) -> str:
    return BEST.get(target, "squad-v2") if name == "best" else name


def _training(systems: Mapping[str, str], targets: Sequence[str]) -> tuple[TrainingRun, ...]:
    def run(system: str, seed: int, phase: str, target: str) -> TrainingRun:
        several = system == "multi-task" and phase == "intermediate"
        return TrainingRun(
            system=system,
            seed=seed,
            phase=phase,
            target=target,
            tasks={"mnli": 24_544, "squad_v2": 16_290, "qqp": 22_740} if several else {},
            artifact=digest([phase, system, target, str(seed)]),
            examples=130_319,
            windows=131_944,
            steps=16_494,
            tokens=23_412_887,
            loss=tuple((step, 3.1 / (1 + step / 900) + 0.2) for step in range(300, 16_000, 300)),
        )

    trained = [name for name in systems if name != "best"]
    first = [
        run(name, seed, "intermediate", "") for name in trained if name != "none" for seed in SEEDS
    ]
    last = [
        run(name, seed, "finetune", target)
        for name in trained
        for target in targets
        if target not in RETRIEVAL
        for seed in SEEDS
    ]
    return (*first, *last)


def _data(systems: Mapping[str, str], targets: Sequence[str]) -> tuple[DataUse, ...]:
    several = len(targets) > 1

    def use(words: str, target: str, title: str, languages: Mapping[str, int]) -> DataUse:
        return DataUse(
            name=title.lower().replace(" ", "-"),
            use=words,
            target=target,
            title=title,
            repo="somebody/something",
            revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
            license="CC-BY-SA-4.0",
            split="train",
            files={f"{title}.parquet": digest([title])},
            rows=sum(languages.values()),
            languages=dict(languages),
            repairs={},
            checks={"passed": 14, "failed": 0, "warned": 0},
            lengths=Lengths(edges=(0, 250, 500, 1000), counts=(12, 700, 480, 8)),
            artifact=digest(["dataset", title]),
        )

    found = [
        use(f"intermediate training of “{LABELS[name]}”", "", LABELS[name], {"en": 130_319})
        for name in systems
        if name not in ("none", "best")
    ]
    for target in targets:
        title = TARGETS[target][0]
        of = f": {title}" if several else ""
        if target not in RETRIEVAL:
            found.append(use(f"target training{of}", target, f"{title}, English", {"en": 21_253}))
        languages = dict.fromkeys(_codes(target), 1000)
        found.append(use(f"evaluation{of}", target, title, languages))
    return tuple(found)


def _items(effects: Sequence[Effect], targets: Sequence[str]) -> tuple[ItemChanges, ...]:
    """An item gained and one lost of each task and language, of the first pair."""
    pairs = [(one.treatment, one.baseline) for one in effects[:1]]
    return tuple(
        one.model_copy(update={"target": target})
        for target in targets
        for one in changes(pairs, dict.fromkeys(_codes(target), 1000), len(SEEDS), shown=1)
    )


def _artifacts(training: Sequence[TrainingRun], systems: Sequence[SystemResult]) -> tuple:
    refs = [ArtifactRef(stage="encoder", label="XLM-R", key=digest(["encoder"]), inputs={})]
    for run in training:
        inputs = {"encoder": digest(["encoder"])}
        label = f"{run.system}, seed {run.seed}"
        refs.append(ArtifactRef(stage=run.phase, label=label, key=run.artifact, inputs=inputs))
    keys = {score.predictions: score for one in systems for score in one.scores}
    for key, score in keys.items():
        label = f"{score.task}: {score.system}, seed {score.seed}"
        inputs = {"encoder": digest(["encoder"])}
        refs.append(ArtifactRef(stage="predict", label=label, key=key, inputs=inputs))
    return tuple(refs)


def _comparison(
    claim: str,
    kind: Kind,
    title: str,
    systems: Mapping[str, str],
    effects: tuple[Effect, ...],
    rung: Rung,
    *,
    targets: Sequence[str] = tuple(TARGETS),
    scaled_down: bool = True,
    at_least: int | None = None,
) -> Comparison:
    """The single-target example with everything that several targets change."""
    required: Rung = "DIRECTION" if scaled_down else "SUBSTANTIAL"
    results = tuple(_system(name, role, targets) for name, role in systems.items())
    training = _training(systems, targets)
    basis = gain(rung, scaled_down=scaled_down)
    repeated = Deviation(what="learning rate", paper="1e-5", here="1e-4", why="user")
    return basis.model_copy(
        update={
            "claim": ClaimRef(
                id=f"phang2020/{claim}",
                title=title,
                statement="First trained on an English task, a multilingual encoder does better "
                "on average over XTREME’s nine tasks.",
                kind=kind,
                targets={name: TARGETS[name][0] for name in targets},
                metric="score",
                average="Each task weighs the same, and in a task each of its languages.",
                source=Evidence(arxiv="2005.13013", version="v2", page=1, status="primary"),
            ),
            "languages": {name: _codes(name) for name in targets},
            "missing_languages": {"bucc": ("de",)} if len(targets) > 1 else {},
            "systems": results,
            "effects": effects,
            "verdict": Verdict(
                rung=rung,
                required=required,
                met=rung == required,
                flags=(*(("SCALED_DOWN",) if scaled_down else ()), "PRIOR_DRIVEN"),
                rule=VerdictRule(
                    version=1, required_rung={basis.profile.id: required}, at_least=at_least
                ),
                reasons=("lower bound of the gain 4.10 is above 0.00",),
            ),
            "training": training,
            "predictions": (),
            "items": _items(effects, targets),
            "data": _data(systems, targets),
            "contamination": (),
            "deviations": (*basis.deviations, repeated),
            "artifacts": _artifacts(training, results),
        }
    )
