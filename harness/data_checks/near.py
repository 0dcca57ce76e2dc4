"""Pairs of texts that are nearly the same: MinHash over normalised character n-grams.

Broder 1997, "On the resemblance and containment of documents"; banded look-up as in Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, 3.4; both as the library datasketch has them.
A pair that look-up proposes counts only if its true Jaccard similarity reaches the threshold.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]
# Multiplier of the rolling hash and its finaliser (Steele and Vigna 2021, table 5).
_BASE, _MIX = np.uint64(0xD1342543DE82EF95), np.uint64(0xAF251AF3B0F025B5)
_HALF = np.uint64(32)
_SEED = 20201005
# Texts hashed at once: about 25 MiB of hashes where a text has 750 characters.
_BATCH = 4096
# A gram that a text repeats counts every time in the filter and once in the similarity.
_SLACK = 0.9
_FEWEST_BITS, _MOST_BITS = 16, 27


@dataclass(frozen=True, kw_only=True)
class Grain:
    """What counts as nearly the same."""

    size: int
    """Characters of an n-gram."""
    threshold: float
    """Jaccard similarity of the sets of n-grams."""
    bands: int
    rows: int
    """A pair of similarity s is found with probability 1 - (1 - s^rows)^bands."""


# One sentence of five rewritten leaves a similarity of about 4/6: found with 0.9999995.
CONTEXT = Grain(size=10, threshold=0.5, bands=42, rows=3)
QUESTION = Grain(size=5, threshold=0.8, bands=25, rows=5)


def normalise(text: str) -> str:
    """NFKC, case folded, without punctuation, white space and control characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_DROPPED)


def near(texts: Sequence[str], known: Sequence[str], grain: Grain) -> list[tuple[int, int, float]]:
    """(index in `texts`, index in `known`, similarity) of nearly equal pairs, in that order.

    Args:
        texts: normalised, any number.
        known: normalised; all of their n-grams are held in memory.
        grain: n-grams and threshold.

    Returns:
        Pairs that reach the threshold. Equal texts are left out: a hash set finds them.
    """
    index = [hashes for _, hashes in _hashed(known, grain.size)]
    found = [] if not index else list(_alike_enough(texts, index, grain))
    if not found:
        return []
    return sorted(_verified(texts, known, index, found, grain))


def _verified(
    texts: Sequence[str],
    known: Sequence[str],
    index: Sequence[Hashes],
    found: Sequence[tuple[int, Hashes]],
    grain: Grain,
) -> Iterator[tuple[int, int, float]]:
    # Imported here: they bring scipy.
    from datasketch import MinHash, MinHashLSH

    width = grain.bands * grain.rows
    settings = {"num_perm": width, "seed": _SEED, "hashfunc": int}
    table = MinHashLSH(num_perm=width, params=(grain.bands, grain.rows))
    sketches = MinHash.generator((hashes.tolist() for hashes in index), **settings)
    for place, sketch in enumerate(sketches):
        table.insert(place, sketch)
    asked = MinHash.generator((hashes.tolist() for _, hashes in found), **settings)
    for (place, hashes), sketch in zip(found, asked, strict=True):
        for other in table.query(sketch):
            shared = len(np.intersect1d(hashes, index[other], assume_unique=True))
            similarity = shared / (len(hashes) + len(index[other]) - shared)
            if similarity >= grain.threshold and texts[place] != known[other]:
                yield place, other, similarity


def _alike_enough(
    texts: Sequence[str], index: Sequence[Hashes], grain: Grain
) -> Iterator[tuple[int, Hashes]]:
    """Texts of whose n-grams enough occur anywhere in the index: no other can be near a text of it.

    Similarity t of A and B means that at least t of A's n-grams are B's. The look-up is in a table
    of bits by hash, which may say "known" wrongly and never "unknown".
    """
    total = sum(len(hashes) for hashes in index)
    bits = min(max((16 * total).bit_length(), _FEWEST_BITS), _MOST_BITS)
    mask = np.uint32((1 << bits) - 1)
    seen = np.zeros(1 << bits, dtype=np.bool_)
    for hashes in index:
        seen[hashes & mask] = True
    least = grain.threshold * _SLACK
    for first, hashes, starts in _batches(texts, grain.size):
        hits = np.add.reduceat(seen[hashes & mask], starts[:-1], dtype=np.int64)
        for row in np.flatnonzero(hits >= least * np.diff(starts)):
            yield first + int(row), np.unique(hashes[starts[row] : starts[row + 1]])


def _hashed(texts: Sequence[str], size: int) -> Iterator[tuple[int, Hashes]]:
    """The set of each text's n-grams."""
    for first, hashes, starts in _batches(texts, size):
        for row, (start, end) in enumerate(pairwise(starts.tolist())):
            yield first + row, np.unique(hashes[start:end])


def _batches(
    texts: Sequence[str], size: int
) -> Iterator[tuple[int, Hashes, npt.NDArray[np.int64]]]:
    """(index of the first text, all n-grams of the batch, where each text's begin, and the end)."""
    for first in range(0, len(texts), _BATCH):
        # A text shorter than an n-gram is one n-gram.
        batch = [text.ljust(size, "\0") for text in texts[first : first + _BATCH]]
        joined = "".join(batch).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(joined, dtype=np.uint32)
        lengths = np.array([len(text) for text in batch], dtype=np.int64)
        ends = np.cumsum(lengths)
        inside = np.ones(len(codes), dtype=np.bool_)
        for back in range(1, size):
            inside[ends - back] = False
        starts = np.concatenate([[0], np.cumsum(lengths - size + 1)])
        yield first, _rolled(codes, size)[inside[: len(codes) - size + 1]], starts


def _rolled(codes: Hashes, size: int) -> Hashes:
    """A hash of every `size` codes in a row, texts' ends not minded."""
    count = len(codes) - size + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for shift in range(size):
        hashes *= _BASE
        hashes += codes[shift : shift + count]
    hashes ^= hashes >> _HALF
    hashes *= _MIX
    return (hashes >> _HALF).astype(np.uint32)


class _Dropped(dict[int, int | None]):
    """Code point -> None where it goes, found when it is first met."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.category(chr(code))[0] in "PZC" else code
        self[code] = kept
        return kept


_DROPPED = _Dropped()
