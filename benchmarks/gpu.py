"""What a GPU makes of it: `python benchmarks/gpu.py FOLDER [SIDE...]`; a line of JSON for each.

XLM-R Large's own shapes with random weights (its size decides the speed, its values don't), TyDi
QA's English questions, 16 windows of at most 384 tokens a step, bf16, dropout on. FOLDER keeps the
two encoders that it writes.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from pathlib import Path

import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

HERE = Path(__file__).parent
ROUNDS = 4
TRAINING = ["products", "trainer_default", "trainer_best", "ours"]
QUICKER = ["ours_recorded", "ours_compiled", "ours_both"]
PREDICTION = ["trainer_predict", "ours_predict"]


def large(folder: Path, tokenizer: Path) -> Path:
    """An encoder of XLM-R Large's shape, with the embedded encoder's tokenizer."""
    if not (folder / "model.safetensors").is_file():
        config = XLMRobertaConfig(
            vocab_size=250_037,
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            intermediate_size=4096,
            max_position_embeddings=514,
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            pad_token_id=1,
        )
        torch.manual_seed(0)
        with torch.device("cuda"):
            model = XLMRobertaModel(config, add_pooling_layer=False)
        model.save_pretrained(folder)
        shutil.copy(tokenizer, folder / "tokenizer.json")
    return folder


def tell(figures: dict[str, object]) -> None:
    """A line of JSON."""
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def main(folder: Path) -> None:
    """Time every side, one after the other: each fills the GPU."""
    import material
    from sides import Side

    small = material.write_encoder(folder / "small")
    encoder = large(folder / "large", small / "tokenizer.json")
    chosen = sys.argv[2:] or TRAINING + QUICKER + PREDICTION
    tell({"gpu": torch.cuda.get_device_name(), "torch": torch.__version__})
    for name in chosen:
        started = time.perf_counter()
        side = Side(name, encoder, "cuda")
        ready = time.perf_counter() - started
        for _ in range(1 if name == "trainer_default" else ROUNDS):
            side.round()
        side.close()
        figures = {
            "side": name,
            "tokens_per_second": round(statistics.median(side.rates())),
            "rounds": [round(rate) for rate in side.rates()],
            "gib": round(side.peak(), 1),
            "seconds_until_the_first_round": round(ready, 1),
        }
        tell(figures)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main(Path(sys.argv[1]))
