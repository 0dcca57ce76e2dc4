"""What two runs of a claim measured: effects, levels, scores by language, predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from harness.records import Comparison, Effect, Level
from harness.run_files import RunFiles, unsound

Keys = tuple[str, str]
"""Of the two comparisons."""

# What a prediction says; its logits, score and place in the context may move without a change.
_ANSWER = ("text", "label", "tags", "mate")


def flags(left: Comparison, right: Comparison) -> dict[str, list[str]]:
    """Flags of one run alone."""
    a, b = left.verdict.flags, right.verdict.flags
    return {
        "left": [flag for flag in a if flag not in b],
        "right": [flag for flag in b if flag not in a],
    }


def effects(left: Comparison, right: Comparison) -> list[dict[str, Any]]:
    """Each compared pair with its estimate (same items); None where a run hasn't compared it."""
    a, b = ({_pair(one): one for one in run.effects} for run in (left, right))
    return [
        {
            "effect": name,
            "metric": (a.get(name) or b[name]).same_items.metric,
            "left": _estimate(a.get(name)),
            "right": _estimate(b.get(name)),
            "change": _change(_value(a.get(name)), _value(b.get(name))),
        }
        for name in _union(a, b)
    ]


def levels(left: Comparison, right: Comparison) -> list[dict[str, Any]]:
    """Each system's level in each metric, and its scores by language, means over seeds."""
    a, b = (
        {(one.system, one.metric): one for system in run.systems for one in system.levels}
        for run in (left, right)
    )
    return [
        {
            "system": system,
            "metric": metric,
            **_sides(_mean(a.get((system, metric))), _mean(b.get((system, metric)))),
            "languages": _languages(a.get((system, metric)), b.get((system, metric))),
        }
        for system, metric in _union(a, b)
    ]


def predictions(left: RunFiles, right: RunFiles, keys: Keys) -> list[dict[str, Any]]:
    """How many predictions say something else, by system, task and language, over common seeds.

    Only of items that both runs have.
    """
    a, b = (run.stages.by_key[key] for run, key in zip((left, right), keys, strict=True))
    items: Counter[tuple[str, str, str]] = Counter()
    changed: Counter[tuple[str, str, str]] = Counter()
    for role, key in a.inputs.items():
        other = b.inputs.get(role)
        if not role.startswith("predict/") or other is None:
            continue
        _, system, _, task = role.split("/", 3)
        stages = left.stages.by_key[key], right.stages.by_key[other]
        for language in _common_languages(left, right, stages[0].short, stages[1].short):
            ours = _answers(left, stages[0].short, language, stages[0].config["family"])
            theirs = _answers(right, stages[1].short, language, stages[1].config["family"])
            both = ours.keys() & theirs.keys()
            items[system, task, language] += len(both)
            changed[system, task, language] += sum(ours[one] != theirs[one] for one in both)
    return [
        {
            "system": system,
            "task": task,
            "language": language,
            "items": count,
            "changed": changed[system, task, language],
        }
        for (system, task, language), count in items.items()
    ]


def _common_languages(left: RunFiles, right: RunFiles, a: str, b: str) -> Iterator[str]:
    for name in left.below(f"predictions/{a}"):
        file = name.rpartition("/")[2]
        if f"predictions/{b}/{file}" in right.names:
            yield file.removesuffix(".jsonl")


def _answers(run: RunFiles, short: str, language: str, family: Any) -> dict[str, list[Any]]:
    """Id -> what was answered, of mined pairs several."""
    found: dict[str, list[Any]] = {}
    for _, row in run.predictions(f"predictions/{short}/{language}.jsonl", family):
        answer = next((getattr(row, name) for name in _ANSWER if hasattr(row, name)), None)
        if answer is None:
            raise unsound(f"predictions/{short}", f"rows of {family}", "predictions")
        found.setdefault(row.id, []).append(answer)
    return {name: sorted(answers) for name, answers in found.items()}


def _pair(effect: Effect) -> str:
    groups = f" ({effect.groups[0]} against {effect.groups[1]})" if effect.groups else ""
    return f"{effect.treatment} minus {effect.baseline}{groups}"


def _estimate(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    names = {"value", "lower", "upper", "level", "standard_error", "per_seed"}
    return {**effect.same_items.model_dump(mode="json", include=names), "p_value": effect.p_value}


def _value(effect: Effect | None) -> float | None:
    return None if effect is None else effect.same_items.value


def _mean(level: Level | None) -> float | None:
    return None if level is None else level.value


def _languages(left: Level | None, right: Level | None) -> dict[str, Any]:
    a, b = (one.per_language if one else {} for one in (left, right))
    return {name: _sides(a.get(name), b.get(name)) for name in _union(a, b)}


def _sides(left: float | None, right: float | None) -> dict[str, float | None]:
    return {"left": left, "right": right, "change": _change(left, right)}


def _change(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else right - left


def _union(left: Mapping[Any, Any], right: Mapping[Any, Any]) -> list[Any]:
    return [*left, *(one for one in right if one not in left)]
