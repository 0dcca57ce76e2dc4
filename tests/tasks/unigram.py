"""A small Unigram tokenizer with XLM-R's normaliser, word marks and layout."""

from itertools import pairwise

from harness.sources.bert_folder import build_tokenizer
from harness.sources.embedded import Vocabulary

PIECES = (
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "<mask>",
    "▁",
    "▁the",
    "▁king",
    "▁play",
    "ing",
    "ed",
    "s",
    "ประเทศ",
    "ไทย",
    "▁كتاب",
    "كم",
    "的",
    "国",
)
IDS = {piece: place for place, piece in enumerate(PIECES)}
UNKNOWN = IDS["<unk>"]


def unigram_tokenizer():
    """Every piece is as likely as any other."""
    return build_tokenizer(
        Vocabulary(pieces=PIECES, scores=(-2.0,) * len(PIECES), bos=0, pad=1, eos=2, unk=3)
    )


def names(ids):
    """The pieces, with spaces between them."""
    return " ".join(PIECES[int(one)] for one in ids)


def rows(features):
    """The pieces of each sequence."""
    return [names(features.ids[start:end]) for start, end in pairwise(features.bounds)]
