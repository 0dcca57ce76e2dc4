"""A trained model as its difference from the encoder, and exact vocabulary trimming.

Two thirds and more of a multilingual encoder are word embeddings, of which a fine-tuning touches a
few thousand rows. The gradient of every other row is zero, so AdamW moves it only by its decoupled
weight decay: a factor that all of them share. Training the touched rows alone therefore gives the
full table's numbers, and an artifact needs only those rows and the factor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.errors import StageError

_ROWS, _VALUES = "embedding.rows", "embedding.values"
_HEAD = ("head.weight", "head.bias")


@dataclass(frozen=True, kw_only=True)
class Delta:
    """What distinguishes a trained model from its encoder."""

    tensors: dict[str, Tensor]
    """Every tensor of the encoder except the word embedding."""
    rows: Tensor
    """Rows of the word embedding that were trained, sorted, (rows,), int64."""
    values: Tensor
    """Their values, (rows, width)."""
    scale: float
    """Factor that weight decay put on all other rows."""
    head: dict[str, Tensor]
    """`head.weight` (outputs, width) and `head.bias` (outputs,); empty after intermediate."""


def embedding(encoder: nn.Module) -> nn.Embedding:
    """The encoder's word embedding."""
    table = encoder.get_input_embeddings()  # type: ignore[operator]
    assert isinstance(table, nn.Embedding)
    return table


def apply_delta(encoder: nn.Module, delta: Delta) -> None:
    """Turn `encoder`, as loaded, into the trained encoder, in place."""
    table = embedding(encoder).weight
    state = encoder.state_dict()
    with torch.no_grad():
        for name, value in delta.tensors.items():
            state[name].copy_(value)
        table.mul_(delta.scale)
        table[delta.rows] = delta.values.to(table.dtype)


def trim(encoder: nn.Module, used: np.ndarray) -> np.ndarray:
    """Keep only the rows `used` of the word embedding, in place.

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
    return remap


def make_delta(
    encoder: nn.Module,
    used: np.ndarray,
    scale: float,
    head: nn.Linear | None,
    previous: Delta | None,
) -> Delta:
    """The delta of a trained, trimmed encoder against the encoder that it started from.

    Args:
        encoder: trained; its word embedding holds the rows `used`.
        used: sorted ids of these rows in the full table.
        scale: factor that this training's weight decay put on the other rows.
        head: None leaves it out (a later training puts a new one on).
        previous: the delta that was applied before this training; the result includes it.
    """
    table = embedding(encoder).weight
    name = next(key for key, value in encoder.named_parameters() if value is table)
    tensors = {
        key: value.detach().cpu().contiguous()
        for key, value in encoder.state_dict().items()
        if key != name
    }
    named = (
        {f"head.{key}": value.detach().cpu() for key, value in head.state_dict().items()}
        if (head is not None)
        else {}
    )
    mine = Delta(
        tensors=tensors,
        rows=torch.from_numpy(used.astype(np.int64)),
        values=table.detach().cpu(),
        scale=scale,
        head=named,
    )
    return mine if previous is None else _after(previous, mine)


def _after(first: Delta, second: Delta) -> Delta:
    """Both trainings as one delta: the union of rows, the product of factors."""
    old = ~torch.isin(first.rows, second.rows)
    rows = torch.cat([first.rows[old], second.rows])
    values = torch.cat([first.values[old] * second.scale, second.values])
    order = torch.argsort(rows)
    return replace(second, rows=rows[order], values=values[order], scale=first.scale * second.scale)


def write_delta(folder: Path, delta: Delta) -> None:
    """Write `delta.safetensors` and `model.json` into `folder`."""
    tensors = {**delta.tensors, **delta.head, _ROWS: delta.rows, _VALUES: delta.values}
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
    head = {name: tensors.pop(name) for name in _HEAD if name in tensors}
    return Delta(tensors=tensors, rows=rows, values=values, scale=float(scale), head=head)
