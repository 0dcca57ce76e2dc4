"""Names of labels and tags as places in the head's output."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import DataError

_SHOWN = 20  # labels in a message: a supertagger has more than a thousand


def label_places(names: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """Place of each name in `labels`, (names,) int64; -1 where it isn't one of them."""
    places = {label: place for place, label in enumerate(labels)}
    return np.fromiter((places.get(name, -1) for name in names), np.int64, len(names))


def unknown_label(identifier: str, got: str, labels: Sequence[str]) -> DataError:
    """The error of an example whose label is none of the task's."""
    shown = ", ".join(repr(label) for label in labels[:_SHOWN])
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return DataError(
        where=f"example {identifier}",
        got=f"the label {got!r}",
        expected=f"one of {shown}{more}" if labels else "a task with labels",
        fix="Correct the task's `labels`, or leave the example out of the data set.",
    )
