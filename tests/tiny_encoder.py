"""A tiny random encoder and its tokenizer, written as a transformers folder: no network."""

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from harness.training.heads import new_head
from harness.training.model import TokenModel, load_encoder

TEXT = """the a river city of in lies which where what capital north south long is was king old
bridge tower built year castle hill lake sea winter summer red blue green"""
WORDS = TEXT.split()
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
VOCABULARY = {token: i for i, token in enumerate((*SPECIALS, "▁", *(f"▁{w}" for w in WORDS)))}
SPARE_ROWS = 20  # of the embedding, never used by a text


def tiny_tokenizer():
    """Words marked by a leading space, laid out `<s> A </s></s> B </s>` as XLM-R does."""
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def tiny_config(kind="bert", **changes):
    """Two layers, two heads, sixteen wide, 64 positions."""
    values = {
        "vocab_size": len(VOCABULARY) + SPARE_ROWS,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 66,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "type_vocab_size": 2,
    }
    config = BertConfig if kind == "bert" else XLMRobertaConfig
    return config(**{**values, **changes})


def write_tiny_encoder(folder, kind="bert", **changes):
    """Write config.json, model.safetensors and tokenizer.json; weights don't vary."""
    model = (BertModel if kind == "bert" else XLMRobertaModel)(
        tiny_config(kind, **changes), add_pooling_layer=False
    )
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.from_numpy(rng.normal(0.0, 0.2, parameter.shape))
            parameter.copy_(noise + (1.0 if name.endswith("LayerNorm.weight") else 0.0))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])  # takes a spare row
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@dataclass(frozen=True)
class Rows:
    """Sequences for the tests."""

    ids: np.ndarray
    bounds: np.ndarray


class Count:
    """A progress that counts."""

    def start(self, total, unit):
        """Remember the total."""
        self.total, self.done = total, 0

    def advance(self, done, **figures):
        """Count."""
        self.done += done


def token_model(folder, *, head="token"):
    """The encoder of a folder with a new head of two outputs, in evaluation mode."""
    encoder = load_encoder(folder)
    return TokenModel(encoder, [new_head(head, 2, encoder.config, 0)]).eval()
