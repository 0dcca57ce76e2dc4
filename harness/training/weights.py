"""A trained model as its difference from the encoder, and exact vocabulary trimming.

Two thirds and more of a multilingual encoder are word embeddings, of which a fine-tuning touches a
few thousand rows. The gradient of every other row is zero, so AdamW moves it only by its decoupled
weight decay: a factor that all of them share. Training the touched rows alone therefore gives the
full table's numbers, and an artifact needs only those rows and the factor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.errors import StageError
from harness.training.heads import PREFIX

_ROWS, _VALUES = "embedding.rows", "embedding.values"


@dataclass(frozen=True, kw_only=True)
class Delta:
    """What distinguishes a trained model from the encoder that its training started from."""

    tensors: dict[str, Tensor]
    """Every tensor of the encoder except the word embedding."""
    rows: Tensor
    """Rows of the word embedding that were trained, sorted, (rows,), int64."""
    values: Tensor
    """Their values, (rows, width)."""
    scale: float
    """Factor that weight decay put on all other rows."""
    heads: dict[str, Tensor]
    """`heads.<number>.<tensor>`; empty after an intermediate training."""


def embedding(encoder: nn.Module) -> nn.Embedding:
    """The encoder's word embedding."""
    table = encoder.get_input_embeddings()  # type: ignore[operator]
    assert isinstance(table, nn.Embedding)
    return table


def apply_delta(encoder: nn.Module, delta: Delta) -> None:
    """Turn `encoder`, as the training found it, into the trained encoder, in place.

    Of a model that was trained twice, the first training's delta is applied first.
    """
    table = embedding(encoder).weight
    state = encoder.state_dict()
    with torch.no_grad():
        for name, value in delta.tensors.items():
            state[name].copy_(value)
        table.mul_(delta.scale)
        table[delta.rows] = delta.values.to(table.dtype)


def trim(encoder: nn.Module, used: np.ndarray) -> np.ndarray:
    """Keep only the rows `used` of the word embedding, in place.

    The full table's memory is given back: transformers maps the encoder's file, all of which stays
    for as long as a tensor lies in it, so the other tensors move out.

    Args:
        encoder: any encoder that `embedding` knows.
        used: sorted unique token ids.

    Returns:
        (vocabulary,) int32: a token's id in the trimmed table, -1 where it has none.
    """
    full = embedding(encoder)
    remap = np.full(full.num_embeddings, -1, dtype=np.int32)
    remap[used] = np.arange(len(used), dtype=np.int32)
    pad = full.padding_idx
    kept = full.weight.detach()[torch.from_numpy(used)].clone()
    small = nn.Embedding(len(used), full.embedding_dim, _weight=kept)
    if pad is not None and remap[pad] >= 0:
        small.padding_idx = int(remap[pad])
    encoder.set_input_embeddings(small)  # type: ignore[operator]
    for one in (*encoder.parameters(), *encoder.buffers()):
        if one is not small.weight:
            one.data = one.detach().clone()
    return remap


def make_delta(
    encoder: nn.Module, used: np.ndarray, scale: float, heads: nn.ModuleList | None
) -> Delta:
    """The delta of a trained encoder against the encoder that it started from.

    Args:
        encoder: trained; its word embedding holds the rows `used`.
        used: sorted ids of these rows in the full table.
        scale: factor that this training's weight decay put on the other rows.
        heads: None leaves them out (a later training puts a new one on).
    """
    table = embedding(encoder).weight
    name = next(key for key, value in encoder.named_parameters() if value is table)
    tensors = {
        key: value.detach().cpu().contiguous()
        for key, value in encoder.state_dict().items()
        if key != name
    }
    kept = {} if heads is None else heads.state_dict()
    return Delta(
        tensors=tensors,
        rows=torch.from_numpy(used.astype(np.int64)),
        values=table.detach().cpu(),
        scale=scale,
        heads={f"{PREFIX}{key}": value.detach().cpu() for key, value in kept.items()},
    )


def write_delta(folder: Path, delta: Delta) -> None:
    """Write `delta.safetensors` and `model.json` into `folder`."""
    tensors = {**delta.tensors, **delta.heads, _ROWS: delta.rows, _VALUES: delta.values}
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, folder / "delta.safetensors"
    )
    text = json.dumps({"embedding_scale": delta.scale}, sort_keys=True)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")


def read_delta(folder: Path) -> Delta:
    """The delta that `write_delta` wrote.

    Raises:
        StageError: the folder isn't a model artifact.
    """
    try:
        tensors = load_file(folder / "delta.safetensors")
        facts: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        rows, values, scale = tensors.pop(_ROWS), tensors.pop(_VALUES), facts["embedding_scale"]
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise StageError(
            where="model artifact",
            got=f"{type(error).__name__}: {error}",
            expected="delta.safetensors with embedding rows, and model.json",
            fix="Remove the artifact from the store and run again.",
        ) from error
    heads = {name: tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
    return Delta(tensors=tensors, rows=rows, values=values, scale=float(scale), heads=heads)
