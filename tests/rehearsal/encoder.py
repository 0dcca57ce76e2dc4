"""XLM-R in small: 24 layers, 32 wide, with a unigram vocabulary trained on the world's text.

The files are named, laid out and filled as the real checkpoint's: weights under `roberta.`, with
its language-modelling head, pooler and position ids; the tokenizer with XLM-R's special tokens,
word marks and pairs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"
PIECES = 2000
LAYERS, WIDTH = 24, 32


def write_encoder(folder: Path, texts: Iterable[str]) -> dict[str, int]:
    """Write config.json, model.safetensors, tokenizer.json; returns what a pin says of their size.

    The weights don't depend on the texts, and both don't vary from call to call.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = _config(tokenizer.get_vocab_size())
    model = XLMRobertaForMaskedLM(config)
    _fill(model)
    tensors = _as_published(model)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    document = {**config.to_diff_dict(), "architectures": ["XLMRobertaForMaskedLM"]}
    (folder / "config.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    return {
        "parameters": sum(one.numel() for one in tensors.values() if one.is_floating_point()),
        "layers": LAYERS,
        "hidden_size": WIDTH,
        "vocabulary": config.vocab_size,
    }


def _config(vocabulary: int) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )


def _fill(model: XLMRobertaForMaskedLM) -> None:
    """Deviation 0.1: at 0.02 nothing of a token would be left above 24 layers this narrow."""
    rng = np.random.default_rng(24)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.from_numpy(rng.normal(0.0, 0.1, parameter.shape))
            is_norm = name.lower().endswith(("layernorm.weight", "layer_norm.weight"))
            parameter.copy_(noise * 0.1 + 1.0 if is_norm else noise)


def _as_published(model: XLMRobertaForMaskedLM) -> dict[str, torch.Tensor]:
    """The tensors of the real file: the tied decoder once, a pooler and position ids besides."""
    state = model.state_dict()
    tensors = {
        name: value.contiguous()
        for name, value in state.items()
        if not name.startswith("lm_head.decoder.") and not name.endswith("token_type_ids")
    }
    tensors["roberta.embeddings.position_ids"] = torch.arange(514)[None]
    tensors["roberta.pooler.dense.weight"] = torch.eye(WIDTH)
    tensors["roberta.pooler.dense.bias"] = torch.zeros(WIDTH)
    return tensors


def _tokenizer(texts: Iterable[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES,
        special_tokens=list(SPECIALS),
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return Tokenizer.from_str(json.dumps(_with_mask(json.loads(tokenizer.to_str()))))


def _with_mask(document: dict[str, Any]) -> dict[str, Any]:
    """The mask is the vocabulary's last piece and takes the space before it."""
    vocabulary = document["model"]["vocab"]
    place = len(vocabulary)
    vocabulary.append([MASK, 0.0])
    entry = {"single_word": False, "rstrip": False, "normalized": False, "special": True}
    added = {"id": place, "content": MASK, "lstrip": True}
    document["added_tokens"].append({**entry, **added})
    return document
