"""The scores of one system, item by item, and how much each test set weighs in a mean.

A *cell* is a language of a claim with one target, and "task/language" of one with several. Each
task weighs the same, and in it each language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import DataError
from harness.statistics.rungs import FloatArray

Group = tuple[str, ...]
"""Tasks."""

# What rounding may add to a mean of points that are all 0 or all 100.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class ItemScores:
    """The scores of one system in one metric, item by item.

    Raises:
        DataError: on construction, where a cell has no items, scores are missing (NaN), its mean
            is outside 0-100 in some seed, the cells differ in their seeds, an item has no
            document, or the groups don't hold each task once.
    """

    values: Mapping[str, FloatArray]
    """Cell -> (num_seeds, num_items), in points. Single linearised values (F1 over a corpus) may
    lie outside 0-100; their mean may not."""
    documents: Mapping[str, Sequence[str]]
    """Cell -> document of each item; items of one document are not independent."""
    groups: tuple[Group, Group] | None = None
    """Of tasks: what is estimated is then the gain in the first less the gain in the second."""

    def __post_init__(self) -> None:
        if not self.values:
            raise refused("scores", "no language", "at least one language")
        for cell, values in self.values.items():
            _check_cell(cell, values, self.documents.get(cell, ()))
        seeds = {len(values) for values in self.values.values()}
        if len(seeds) > 1:
            raise refused("scores", f"{sorted(seeds)} seeds", "as many in every language")
        tasks = sorted({task_of(cell) for cell in self.values})
        if self.groups is not None and sorted(sum(self.groups, ())) != tasks:
            got = f"groups of {', '.join(sum(self.groups, ()))}"
            raise refused("tasks", got, f"each of {', '.join(tasks)} once")

    @property
    def cells(self) -> tuple[str, ...]:
        """Sorted, so that sums run in the same order whoever calls."""
        return tuple(sorted(self.values))

    @property
    def weights(self) -> FloatArray:
        """Of each cell in the mean, (num_cells,): 1 / (tasks * languages of its task).

        With groups a task weighs 1 / tasks of its group, in the second with a minus.
        """
        tasks = [task_of(cell) for cell in self.cells]
        signed = [(1.0, tuple(set(tasks)))]
        if self.groups is not None:
            signed = [(1.0, self.groups[0]), (-1.0, self.groups[1])]
        weight = {task: sign / len(group) for sign, group in signed for task in group}
        return np.array([weight[task] / tasks.count(task) for task in tasks])


def averaged(
    values: Mapping[str, FloatArray], weights: FloatArray
) -> tuple[dict[str, float], FloatArray]:
    """Means of scores, or of differences, over their items.

    Args:
        values: cell -> (num_seeds, num_items).
        weights: of each cell, (num_cells,).

    Returns:
        Cell -> mean over seeds and items; the weighted sum over cells of each seed, (num_seeds,).
    """
    table = np.stack([scores.mean(axis=1) for scores in values.values()], axis=1)
    per_cell = dict(zip(values, table.mean(axis=0).tolist(), strict=True))
    return per_cell, np.asarray((table * weights).sum(axis=1))


def combined(
    tasks: Mapping[str, ItemScores], groups: tuple[Group, Group] | None = None
) -> ItemScores:
    """The scores in several tasks, whose cells are languages, as one."""
    pairs = [(f"{task}/{cell}", task, cell) for task in tasks for cell in tasks[task].cells]
    return ItemScores(
        values={name: tasks[task].values[cell] for name, task, cell in pairs},
        documents={name: tasks[task].documents[cell] for name, task, cell in pairs},
        groups=groups,
    )


def task_of(cell: str) -> str:
    """The task of a cell; empty where the claim has one target."""
    return cell.rpartition("/")[0]


def task_means(per_cell: Mapping[str, float]) -> dict[str, float]:
    """Task -> mean over its languages; empty where there is one target."""
    tasks = sorted({task_of(cell) for cell in per_cell} - {""})
    return {
        task: float(np.mean([value for cell, value in per_cell.items() if task_of(cell) == task]))
        for task in tasks
    }


def check_pair(treatment: ItemScores, baseline: ItemScores, names: tuple[str, str]) -> None:
    """Refuse two systems that weren't scored on the same items; raises DataError."""
    where = f"{names[0]} against {names[1]}"
    if treatment.groups != baseline.groups:
        raise refused(where, "different groups of tasks", "the same groups")
    if treatment.cells != baseline.cells:
        got = f"languages {treatment.cells} and {baseline.cells}"
        raise refused(where, got, "the same languages")
    for cell in treatment.cells:
        shapes = treatment.values[cell].shape, baseline.values[cell].shape
        if shapes[0] != shapes[1]:
            raise refused(where, f"{cell}: {shapes[0]} and {shapes[1]}", "same seeds and items")
        if list(treatment.documents[cell]) != list(baseline.documents[cell]):
            raise refused(where, f"{cell}: different documents", "the same items in one order")


def refused(where: str, got: str, expected: str) -> DataError:
    """The error of scores that make no number."""
    fix = "Look at the score stage's output: no number is made from incomplete scores."
    return DataError(where=where, got=got, expected=expected, fix=fix)


def _check_cell(cell: str, values: FloatArray, documents: Sequence[str]) -> None:
    where = f"scores of {cell}"
    if values.ndim != 2 or 0 in values.shape:
        raise refused(where, f"an array of shape {values.shape}", "(seeds, items), none empty")
    if not np.all(np.isfinite(values)):
        raise refused(where, "a missing score", "a number for every item")
    means = values.mean(axis=1)
    outside = means[(means < -_ROUNDING) | (means > 100 + _ROUNDING)]
    if outside.size:
        raise refused(where, f"a mean of {outside[0]:g}, outside 0-100", "points from 0 to 100")
    if len(documents) != values.shape[1]:
        got = f"{len(documents)} documents for {values.shape[1]} items"
        raise refused(where, got, "the document of every item")
