"""Micro-averaged F1 of chunks: the metric of UDPOS and PAN-X.

XTREME (Hu et al. 2020, arXiv 2003.11080); reference implementation: `f1` of its `evaluate.py`
@838c13b, which calls seqeval's `f1_score` in its default mode; as seqeval 1.2.2 has it. A tag is
read as one character of B I E S O followed by a type. Part-of-speech tags have no such prefix, and
what follows from that is kept:

- a run of equal tags is one chunk, right only as a whole;
- SCONJ and SYM begin with "S", a chunk of one token, so runs of them never merge;
- SCONJ and CCONJ have one type ("CONJ"): one in place of the other is right; CCONJ before SCONJ
  is no chunk, after it one that begins with it;
- X has an empty type, as O has: at the end of a sentence it is no chunk, and at the head (but of
  the file) one that began where the last chunk before it did.

seqeval 0.0.12, of the time of the paper, takes the whole tag as type where there is no prefix and
has neither of the last two. Departure: a file without gold chunks is an error, there it scores 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate

from harness.metrics.linear import linearised
from harness.metrics.overlap import check_sentences, check_some, set_f1

Chunk = tuple[str, int, int]
"""Type, first and last position in the file, where each sentence is followed by an O."""


def score(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> dict[str, float]:
    """`precision`, `recall` and `f1` of the chunks of all sentences, in points (0-100).

    Args:
        gold: the tags of each sentence, none of them empty.
        predictions: a tag for each of them.
        where: names the set in errors.

    Raises:
        DataError: no sentences, no gold chunks, or not one tag for each gold tag.
    """
    return set_f1(*_chunks(gold, predictions, where))


def items(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> tuple[float, ...]:
    """Each sentence's linearised F1 (`linear`), in points; arguments and errors as `score`.

    A chunk belongs to the sentence in which it begins: state runs on, so one may end in a later
    one, and whether a sentence's chunks are found can depend on the sentence before it.
    """
    expected, found = _chunks(gold, predictions, where)
    # Sentence i begins at firsts[i]: an O stands behind each.
    firsts = list(accumulate((len(tags) + 1 for tags in gold[:-1]), initial=0))

    def counts(chunks: Iterable[Chunk]) -> list[int]:
        places = Counter(bisect_right(firsts, begin) - 1 for _, begin, _ in chunks)
        return [places[i] for i in range(len(gold))]

    right, all_of = counts(expected & found), zip(counts(expected), counts(found), strict=True)
    return linearised([2 * count for count in right], [sum(both) for both in all_of])


def _chunks(
    gold: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]], where: str
) -> tuple[set[Chunk], set[Chunk]]:
    check_sentences(gold, predictions, where)
    expected = chunks(gold)
    check_some(expected, "gold chunks", where)
    return expected, chunks(predictions)


def chunks(sentences: Iterable[Sequence[str]]) -> set[Chunk]:
    """The chunks of a file, as seqeval finds them: state runs on from sentence to sentence."""
    found = set()
    begin, prefix, kind = 0, "O", ""
    for i, tag in enumerate(tag for tags in sentences for tag in (*tags, "O")):
        before, kind_before = prefix, kind
        prefix, kind = tag[0], tag[1:].split("-", maxsplit=1)[-1] or "_"
        other = kind != kind_before
        if _ends(before, prefix) or (other and before not in "O."):
            found.add((kind_before, begin, i - 1))
        if _starts(before, prefix) or (other and prefix not in "O."):
            begin = i
    return found


def _ends(before: str, prefix: str) -> bool:
    return before in "ES" or (before in "BI" and prefix in "BSO")


def _starts(before: str, prefix: str) -> bool:
    return prefix in "BS" or (before in "ESO" and prefix in "EI")
