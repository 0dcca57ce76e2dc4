"""What a comparison is about: its targets, the cells of each, the systems and pairs shown first."""

from __future__ import annotations

from collections.abc import Sequence

from harness.models import Metric
from harness.records import Comparison, Effect, Level, SystemResult

FEW = 4
"""More systems than this get narrower tables and plainer charts."""
PAIRS = 3
"""More differences than this are listed, not set beside one another."""


def several(comparison: Comparison) -> bool:
    """The claim is about more than one target."""
    return len(comparison.claim.targets) > 1


def cell(comparison: Comparison, target: str, code: str) -> str:
    """The key of a target's language in `per_language`."""
    return f"{target}/{code}" if several(comparison) else code


def short_title(comparison: Comparison, target: str) -> str:
    """A target's title up to its first comma: "BUCC 2018, mined pairs" -> "BUCC 2018"."""
    return comparison.claim.targets.get(target, target).partition(",")[0]


def judged(comparison: Comparison) -> tuple[Effect, ...]:
    """The pairs that the verdict reads: none with a variant."""
    variants = {one.id for one in comparison.systems if one.role == "variant"}
    return tuple(one for one in comparison.effects if not {one.treatment, one.baseline} & variants)


def compared(comparison: Comparison) -> tuple[SystemResult, ...]:
    """The systems without the components of a best-of."""
    return tuple(one for one in comparison.systems if one.role != "candidate")


def candidates(comparison: Comparison) -> tuple[SystemResult, ...]:
    """The components of a best-of."""
    parts = {name for one in comparison.systems for name in one.chosen.values()}
    return tuple(one for one in comparison.systems if one.role == "candidate" or one.id in parts)


def metrics_of(comparison: Comparison) -> list[Metric]:
    """The claim's metric, then the others; `score` only where the claim is about it."""
    own = comparison.claim.metric
    found = [level.metric for one in comparison.systems for level in one.levels]
    return [one for one in dict.fromkeys([own, *found]) if one == own or one != "score"]


def level_of(one: SystemResult, metric: Metric) -> Level | None:
    """A system's level in `metric`; None where it has none."""
    return next((level for level in one.levels if level.metric == metric), None)


def task_level(comparison: Comparison, level: Level, target: str) -> float | None:
    """A system's mean over the languages of one target."""
    return level.per_task.get(target) if several(comparison) else level.value


def items_of(comparison: Comparison, target: str) -> dict[str, list[int]]:
    """Language -> numbers of items; more than one number where systems differ."""
    items: dict[str, set[int]] = {}
    for one in comparison.systems:
        for score in one.scores:
            if score.task == target:
                items.setdefault(score.language, set()).add(score.items)
    return {key: sorted(amounts) for key, amounts in items.items()}


def total_items(comparison: Comparison, targets: Sequence[str]) -> int:
    """Items of all languages of the targets."""
    return sum(
        max(amounts, default=0)
        for target in targets
        for amounts in items_of(comparison, target).values()
    )
