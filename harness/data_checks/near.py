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
    return Index(known, grain).like(texts)


class Index:
    """The n-grams of texts, asked for those that are nearly another text."""

    def __init__(self, known: Sequence[str], grain: Grain) -> None:
        """Hash every text of `known`, normalised."""
        self._known, self._grain = known, grain
        sets = [hashes for _, hashes in _hashed(known, grain.size)]
        self._starts = np.concatenate([[0], np.cumsum([len(one) for one in sets], dtype=np.int64)])
        self._hashes = np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint32)
        self._bits = _Bits(self._hashes)

    def like(self, texts: Sequence[str]) -> list[tuple[int, int, float]]:
        """What `near` returns of `texts`."""
        found = list(self._candidates(texts))
        return sorted(self._verified(texts, found)) if found else []

    def may_be_like(self, texts: Sequence[str]) -> list[int]:
        """Places of the texts that could be nearly a known one; all others can't."""
        return [place for place, _ in self._candidates(texts)]

    def _candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Hashes]]:
        """Texts of whose n-grams enough occur anywhere in the index.

        Similarity t of A and B means that at least t of A's n-grams are B's.
        """
        if not len(self._hashes):
            return
        for first, hashes, starts in _batches(texts, self._grain.size):
            for row in np.flatnonzero(self._bits.enough(hashes, starts, self._grain)):
                yield first + int(row), np.unique(hashes[starts[row] : starts[row + 1]])

    def _verified(
        self, texts: Sequence[str], found: Sequence[tuple[int, Hashes]]
    ) -> Iterator[tuple[int, int, float]]:
        # Imported here: they bring scipy.
        from datasketch import MinHash, MinHashLSH

        grain = self._grain
        width = grain.bands * grain.rows
        settings = {"num_perm": width, "seed": _SEED, "hashfunc": int}
        table = MinHashLSH(num_perm=width, params=(grain.bands, grain.rows))
        # A table of all known texts would take kilobytes for each; most can't be like these.
        asked_for = _Bits(np.concatenate([hashes for _, hashes in found]))
        places = np.flatnonzero(asked_for.enough(self._hashes, self._starts, grain)).tolist()
        sketches = MinHash.generator((self._of(place).tolist() for place in places), **settings)
        for place, sketch in zip(places, sketches, strict=True):
            table.insert(place, sketch)
        asked = MinHash.generator((hashes.tolist() for _, hashes in found), **settings)
        for (place, hashes), sketch in zip(found, asked, strict=True):
            for other in table.query(sketch):
                its = self._of(other)
                shared = len(np.intersect1d(hashes, its, assume_unique=True))
                similarity = shared / (len(hashes) + len(its) - shared)
                if similarity >= grain.threshold and texts[place] != self._known[other]:
                    yield place, other, similarity

    def _of(self, place: int) -> Hashes:
        return self._hashes[self._starts[place] : self._starts[place + 1]]


class _Bits:
    """Which hashes there are: may say "known" wrongly and never "unknown"."""

    def __init__(self, hashes: Hashes) -> None:
        bits = min(max((16 * len(hashes)).bit_length(), _FEWEST_BITS), _MOST_BITS)
        self._mask = np.uint32((1 << bits) - 1)
        self._seen = np.zeros(1 << bits, dtype=np.bool_)
        self._seen[hashes & self._mask] = True

    def enough(
        self, hashes: Hashes, starts: npt.NDArray[np.int64], grain: Grain
    ) -> npt.NDArray[np.bool_]:
        """Of which texts, each from one start to the next, enough hashes are there."""
        hits = np.add.reduceat(self._seen[hashes & self._mask], starts[:-1], dtype=np.int64)
        return hits >= grain.threshold * _SLACK * np.diff(starts)


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
