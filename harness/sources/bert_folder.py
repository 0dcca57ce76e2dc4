"""Write an embedded encoder as the folder that transformers' `AutoModel` reads.

Every byte follows from the file alone: the same input gives the same folder, whatever version of
transformers is installed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from harness.sources.embedded import EmbeddedEncoder, Sizes, Vocabulary, tensor_shapes

_MASK = "<mask>"
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS = {"w": "weight", "b": "bias"}


def write_bert_folder(encoder: EmbeddedEncoder, out: Path) -> None:
    """Write config.json, model.safetensors, tokenizer.json and the tokenizer's settings into `out`.

    The weights are the 4-bit ones in single precision; there is no pooler, so a model loads
    without it (`add_pooling_layer=False`, as heads for tagging and question answering do).
    """
    tensors: dict[str, NDArray[Any]] = {
        bert_name(name): np.ascontiguousarray(encoder.tensor(name))
        for name in tensor_shapes(encoder.sizes)
    }
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    vocabulary = encoder.vocabulary
    _write_json(out / "config.json", _config(encoder.sizes, vocabulary))
    text = build_tokenizer(vocabulary).to_str(pretty=False)
    (out / "tokenizer.json").write_text(text, encoding="utf-8", newline="\n")
    special = _special_tokens(vocabulary)
    _write_json(out / "special_tokens_map.json", special)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": encoder.sizes.positions,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    _write_json(out / "tokenizer_config.json", settings | special)


def bert_name(name: str) -> str:
    """The name that BertModel gives the tensor `name` of the file."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_PARTS[part]}.{_KINDS[kind]}"


def build_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """XLM-R's tokenizer: Unigram over words that begin with "▁"; `<s> A </s></s> B </s>`.

    NMT + NFKC is SentencePiece's `nmt_nfkc`, which the file repeats as a table: they agree on all
    code points but U+FF5E and U+1F23B. Splitting at white space before Metaspace makes a
    run of spaces count as one (SentencePiece's remove_extra_whitespaces) and keeps the space
    before a word out of the word's offsets.
    """
    pieces = vocabulary.pieces
    model = Unigram(
        list(zip(pieces, vocabulary.scores, strict=True)),
        unk_id=vocabulary.unk,
        byte_fallback=False,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = pieces[vocabulary.bos], pieces[vocabulary.eos]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, vocabulary.bos), (eos, vocabulary.eos)],
    )
    tokenizer.add_special_tokens(
        [
            AddedToken(token, lstrip=token == _MASK, normalized=False, special=True)
            for token in dict.fromkeys(_special_tokens(vocabulary).values())
        ]
    )
    return tokenizer


def _special_tokens(vocabulary: Vocabulary) -> dict[str, str]:
    pieces = vocabulary.pieces
    bos, eos = pieces[vocabulary.bos], pieces[vocabulary.eos]
    roles = {"bos_token": bos, "pad_token": pieces[vocabulary.pad], "eos_token": eos}
    roles |= {"unk_token": pieces[vocabulary.unk], "cls_token": bos, "sep_token": eos}
    return roles | ({"mask_token": _MASK} if _MASK in pieces else {})


def _config(sizes: Sizes, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.ffn,
        "hidden_act": "gelu",
        "vocab_size": sizes.vocab,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": sizes.epsilon,
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "bos_token_id": vocabulary.bos,
        "eos_token_id": vocabulary.eos,
        "pad_token_id": vocabulary.pad,
        "dtype": "float32",
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
