"""Every number that says how much is generated and how hard it is, in one place.

Tuned so that an encoder that saw the target's training questions alone lands between 15 and
75 exact match: a saturated or a hopeless set shows no effect of anything. Changing any value
here changes the data, so `GENERATOR_VERSION` must change with it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the passages of one set of questions are drawn."""

    group: str
    """Key of `GROUPS`: the only countries that the set names."""
    passages: int
    """Passages; for the evaluation set, in each language."""
    questions: int
    """Questions a passage, 1 or 2; the second asks the same of the passage's other country."""
    phrasings: tuple[int, ...]
    """Indices of the question phrasings in use, so that some can be kept for evaluation."""


# The shares of the countries, in tenths; no country is in two groups.
GROUPS = {"target": 3, "evaluation": 4, "intermediate": 3}

TARGET = Recipe(group="target", passages=320, questions=1, phrasings=(0, 1))
EVALUATION = Recipe(group="evaluation", passages=50, questions=1, phrasings=(0, 1, 2, 3))
INTERMEDIATE = Recipe(group="intermediate", passages=240, questions=2, phrasings=(0, 1, 2, 3))

# Sentences in a passage, first and last included.
SENTENCES = (4, 7)
# Of the questions for a number, so many in ten have a passage about one country alone, whose
# other numbers are the decoys; every other passage is about two countries.
ALONE_TENTHS = 3
