"""Items that one system of a pair gets and the other misses, as a report shows them."""

from __future__ import annotations

from harness.models import Model


class Answer(Model):
    """What one training run of a system says to an item."""

    text: str
    """Cut where it is long; empty: that the item has no answer, or text that may not be shown."""
    right: bool


class ShownItem(Model):
    """An item with the answers of both systems of a pair."""

    id: str
    gained: bool
    """The treatment gets it and the baseline doesn't; False: the other way round."""
    texts: dict[str, str]
    """What it is called -> the text, cut where it is long: {"Question": ..., "Context": ...};
    empty where a licence forbids copies."""
    mark: tuple[int, int] | None = None
    """Place of the reference in the last of `texts`, in code points."""
    gold: tuple[str, ...]
    """What counts as right."""
    treatment: tuple[Answer, ...]
    """One for each seed."""
    baseline: tuple[Answer, ...]


class ItemChanges(Model):
    """What a pair of systems makes of the items of one target in one language.

    A system gets an item where more than half of its runs are exactly right.
    """

    treatment: str
    baseline: str
    target: str
    language: str
    both: int
    gained: int
    """Items that only the treatment gets."""
    lost: int
    """Items that only the baseline gets."""
    neither: int
    shown: tuple[ShownItem, ...]
    """A few of the gained, then of the lost, drawn by the sha256 of their ids."""
    withheld: bool = False
    """The data's licence forbids copies: texts are left out."""
