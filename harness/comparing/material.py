"""What a comparison rests on: trainings, data sets, and where those overlap."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.comparing.source import Source
from harness.records import (
    CheckOutcome,
    DataUse,
    Lengths,
    Overlap,
    PredictionRun,
    TrainingRun,
)


def trainings(source: Source) -> Iterator[TrainingRun]:
    """Every training of every system, in manifest order."""
    for system in source.trained:
        for seed in source.facts["seeds"]:
            first = f"intermediate/{system}/{seed}"
            if first in source.inputs:
                yield _training(source, system, seed, first, "")
            for target in source.claim.targets:
                role = f"finetune/{system}/{seed}/{target}"
                if role in source.inputs:
                    yield _training(source, system, seed, role, target)


def predictions(source: Source) -> Iterator[PredictionRun]:
    """Every pass over a target's evaluation data."""
    for system in source.trained:
        for seed in source.facts["seeds"]:
            for target in source.claim.targets:
                role = f"predict/{system}/{seed}/{target}"
                done = source.json(role, "predict.json")
                length = done["tokens"] / max(1, done["windows"])
                yield PredictionRun(
                    system=system,
                    seed=seed,
                    target=target,
                    artifact=source.keys[role],
                    windows=done["windows"],
                    tokens=done["tokens"],
                    flops=source.encoder.forward_flops(done["tokens"], length),
                )


def data_uses(source: Source) -> Iterator[DataUse]:
    """Every data set, with what its checks and repairs found."""
    for use, facts in source.facts["data"].items():
        rows = source.json(f"dataset/{use}", "dataset.json")
        outcomes = tuple(map(_outcome, source.json(f"checks/{use}", "checks.json")))
        repairs = source.json(f"examples/{use}", "repairs.json")
        dropped = {f"dropped: {why}": count for why, count in repairs["dropped"].items()}
        yield DataUse(
            **facts,
            use=use,
            files=rows["files"],
            rows=rows["rows"],
            languages=rows["languages"],
            repairs={"realigned": repairs["realigned"], **dropped},
            checks=_counts(outcomes),
            outcomes=outcomes,
            lengths=_lengths(source, use),
            artifact=source.keys[f"dataset/{use}"],
        )


def overlaps(source: Source) -> Iterator[Overlap]:
    """What was found, in the words of the report: uses in place of roles; each once."""
    seen: list[Overlap] = []
    for target, roles in source.facts["roles"].items():
        uses: dict[str, str] = {}
        for use, role in roles.items():
            uses[role] = f"{uses[role]}; {use}" if role in uses else use
        for one in source.json(f"contamination/{target}", "contamination.json"):
            names = {"training": uses[one["training"]], "against": uses[one["against"]]}
            found = Overlap.model_validate({**one, **names})
            # Two intermediate sets meet again beside every target.
            if found not in seen:
                seen.append(found)
                yield found


def _training(source: Source, system: str, seed: int, role: str, target: str) -> TrainingRun:
    done = source.json(role, "training.json")
    return TrainingRun(
        system=system,
        seed=seed,
        phase="finetune" if target else "intermediate",
        target=target,
        tasks=_steps(source, system, done.get("tasks", ())),
        artifact=source.keys[role],
        examples=done["examples"],
        windows=done["windows"],
        steps=done["steps"],
        tokens=done["tokens"],
        loss=tuple((step, loss) for step, loss in done["loss"]),
        flops=_training_flops(source, system, target, done),
    )


def _training_flops(source: Source, system: str, target: str, done: Mapping[str, Any]) -> float:
    """Three forward passes; the mean length is that of the first task's epochs."""
    first = source.claim.systems[system].intermediate
    task = target or (first.tasks[0] if first else "")
    seen = done["windows"] * source.facts["epochs"].get(task, 1)
    flops = source.encoder.forward_flops(done["tokens"], done["tokens"] / max(1, seen))
    steps = _steps(source, system, done.get("tasks", ()))
    text = first.masked_lm if first and not target else None
    if text and text.task in steps:
        rule = source.facts["protocol"]["settings"]["masked_lm"]
        masked = steps[text.task] * rule["batch_size"] * rule["max_length"] * rule["mask_share"]
        flops += source.encoder.vocabulary_flops(masked)
    return 3 * flops


def _steps(source: Source, system: str, steps: Sequence[int]) -> dict[str, int]:
    """Task -> optimiser steps, of a training on several."""
    first = source.claim.systems[system].intermediate
    if not steps or first is None:
        return {}
    text = (first.masked_lm.task,) if first.masked_lm else ()
    return dict(zip((*first.tasks, *text), steps, strict=True))


def _lengths(source: Source, use: str) -> Lengths | None:
    """None where the set stands beside no other: a target without training data."""
    for target, roles in source.facts["roles"].items():
        if use in roles:
            lengths = source.json(f"contamination/{target}", "lengths.json")
            return Lengths.model_validate(lengths[roles[use]])
    return None


def _outcome(check: Mapping[str, Any]) -> CheckOutcome:
    words = {name: _words(check.get(name, "")) for name in ("observed", "expected")}
    return CheckOutcome(
        name=check["name"],
        level=check["level"],
        passed=bool(check["passed"]),
        cause=check.get("cause", ""),
        rows=check.get("rows", ()),
        **words,
    )


def _counts(outcomes: Sequence[CheckOutcome]) -> dict[str, int]:
    """A failed check of level "error" ends the run before this stage."""
    wrong = Counter(one.level for one in outcomes if not one.passed)
    passed = len(outcomes) - wrong.total()
    noted = {"noted": wrong["info"]} if wrong["info"] else {}
    return {"passed": passed, "failed": wrong["error"], "warned": wrong["warning"], **noted}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
