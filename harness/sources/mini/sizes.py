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


@dataclass(frozen=True, kw_only=True)
class Rows:
    """How many rows are drawn, and about which countries."""

    group: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Inferences(Rows):
    """How the premises of one inference set are drawn."""

    sentences: int
    """In a premise."""


@dataclass(frozen=True, kw_only=True)
class Sentences(Rows):
    """How the tagged sentences of one set are drawn."""

    phrasings: tuple[int, ...]
    """Indices of the sentence phrasings in use."""


# The shares of the countries, in tenths; no country is in two groups.
GROUPS = {"target": 3, "evaluation": 4, "intermediate": 3}

TARGET = Recipe(group="target", passages=120, questions=1, phrasings=(0, 1))
EVALUATION = Recipe(group="evaluation", passages=50, questions=1, phrasings=(0, 1, 2, 3))
INTERMEDIATE = Recipe(group="intermediate", passages=50, questions=2, phrasings=(0, 1, 2, 3))
# SQuAD 2.0: the passages of these have a question more each, which they don't answer.
UNANSWERABLE = Recipe(group="intermediate", passages=128, questions=2, phrasings=(0, 1, 2, 3))
CHECK_UNANSWERABLE = Recipe(group="evaluation", passages=20, questions=2, phrasings=(0, 1, 2, 3))
CHECK_INTERMEDIATE = Recipe(group="evaluation", passages=24, questions=2, phrasings=(0, 1, 2, 3))
# XQuAD and MLQA, the same in each language.
PARALLEL = Recipe(group="evaluation", passages=20, questions=2, phrasings=(0, 1, 2, 3))
# Of the translated questions for a number, one in so many has an answer in other digits than its
# context, as a machine may translate the two differently: it can't be found again.
LOST_TRANSLATION = 6

# Sentences in a passage, first and last included.
SENTENCES = (4, 7)
# Of the questions for a number, so many in ten have a passage about one country alone, whose
# other numbers are the decoys; every other passage is about two countries.
ALONE_TENTHS = 3

MNLI = Inferences(group="intermediate", rows=280, sentences=2)
CHECK_MNLI = Inferences(group="evaluation", rows=60, sentences=2)
XNLI = Inferences(group="evaluation", rows=60, sentences=2)
SNLI = Inferences(group="intermediate", rows=200, sentences=1)
CHECK_SNLI = Inferences(group="evaluation", rows=60, sentences=1)
# Round -> ANLI's premises, the longest.
ANLI = {
    "r1": Inferences(group="intermediate", rows=48, sentences=3),
    "r2": Inferences(group="intermediate", rows=48, sentences=4),
    "r3": Inferences(group="intermediate", rows=60, sentences=4),
}
CHECK_ANLI = {
    "r1": Inferences(group="evaluation", rows=30, sentences=3),
    "r2": Inferences(group="evaluation", rows=30, sentences=4),
    "r3": Inferences(group="evaluation", rows=30, sentences=4),
}
QQP = Rows(group="intermediate", rows=320)
CHECK_QQP = Rows(group="evaluation", rows=60)
PAWSX = Rows(group="target", rows=176)
TEST_PAWSX = Rows(group="evaluation", rows=60)

HELLASWAG = Rows(group="intermediate", rows=80)
CHECK_HELLASWAG = Rows(group="evaluation", rows=60)
COSMOSQA = Rows(group="intermediate", rows=80)
CHECK_COSMOSQA = Rows(group="evaluation", rows=60)
COMMONSENSEQA = Rows(group="intermediate", rows=160)
CHECK_COMMONSENSEQA = Rows(group="evaluation", rows=60)

# Some words of the evaluation stand in no training sentence: those of the third phrasing.
UDPOS = Sentences(group="target", rows=144, phrasings=(0, 1))
TEST_UDPOS = Sentences(group="evaluation", rows=60, phrasings=(0, 1, 2))
CCG = Sentences(group="intermediate", rows=200, phrasings=(0, 1))
CHECK_CCG = Sentences(group="evaluation", rows=60, phrasings=(0, 1, 2))
PANX = Sentences(group="target", rows=144, phrasings=(0, 1))
TEST_PANX = Sentences(group="evaluation", rows=60, phrasings=(0, 1, 2))

TATOEBA = Rows(group="evaluation", rows=200)


@dataclass(frozen=True, kw_only=True)
class Mining:
    """How the two sides of a mining set are drawn."""

    groups: tuple[str, ...]
    foreign: int
    english: int
    pairs: int
    """Sentences of each side that have a translation on the other."""


# Two groups, because every sentence without a translation takes a fact of its own; no training
# set of BUCC's exists, and the intermediate tasks use the third.
BUCC = Mining(groups=("evaluation", "target"), foreign=300, english=400, pairs=100)

WIKIPEDIA = Rows(group="intermediate", rows=32)
