"""The stages intermediate, finetune and predict on a tiny encoder."""

import json

import pytest
from tiny_encoder import WORDS, write_tiny_encoder

from harness.canonical import file_sha256
from harness.errors import DataError, StageError, UsageError
from harness.records import QaExample, read_predictions, write_rows
from harness.stages import predict, training
from harness.stages.contract import Resources, StageContext
from harness.training.weights import read_delta

WINDOWS = {"max_length": 32, "doc_stride": 8, "max_query_length": 6}
QA = {**WINDOWS, "max_answer_length": 4, "n_best": 5}
SETTINGS = {
    **WINDOWS,
    "learning_rate": 0.01,
    "epochs": 2,
    "batch_size": 4,
    "accumulation": 1,
    "warmup": {"fraction": 0.1, "steps": None},
    "weight_decay": 0.01,
    "decay_exempt": ["bias", "LayerNorm"],
    "adam_epsilon": 1e-8,
    "clip_norm": 1.0,
}


class Quiet:
    """A progress that nobody looks at."""

    def start(self, total, unit):
        """Nothing."""

    def advance(self, done, **figures):
        """Nothing."""


def examples(count, language="en", salt=0):
    """Questions after one of the words of a text of 30 or so; the answer follows "king"."""
    rows = []
    for i in range(count):
        words = [WORDS[(i * 7 + j * (salt + 3)) % len(WORDS)] for j in range(20 + i % 12)]
        words = [word for word in words if word != "king"]
        place = (i * 5) % (len(words) - 1)
        words.insert(place, "king")
        start = len(" ".join(words[: place + 1])) + 1
        rows.append(
            QaExample(
                id=f"{language}-{i}",
                language=language,
                document=f"{language}-{i // 2}",
                context=" ".join(words),
                question="which is the king",
                answers=(words[place + 1],),
                answer_starts=(start,),
            )
        )
    return rows


@pytest.fixture
def bench(tmp_path):
    """Folders of an encoder and of examples, and a way to run a stage on them."""
    return Bench(tmp_path)


class Bench:
    """Runs stages in a temporary folder."""

    def __init__(self, root):
        """Write the encoder and three sets of examples."""
        self.root = root
        self.encoder = write_tiny_encoder(root / "encoder")
        self.train = self.data("train", examples(10))
        self.other = self.data("other", examples(8, salt=1))
        self.dev = self.data("dev", examples(5, "fi", 2) + examples(4, "ko", 3))

    def data(self, name, rows):
        """A finished `examples` artifact."""
        (self.root / name).mkdir()
        write_rows(self.root / name / "examples.jsonl", rows)
        return self.root / name

    def run(self, stage, name, settings=SETTINGS, precision="fp32", **inputs):
        """Run a stage function; returns the folder that it wrote."""
        out = self.root / name
        out.mkdir()
        config = {"settings": settings, "seed": 0, "precision": precision, "threads": 1}
        stage(
            StageContext(
                config=config,
                inputs={"encoder": self.encoder, **inputs},
                input_keys={},
                out=out,
                resources=Resources(),
                progress=Quiet(),
            )
        )
        return out


def digests(folder):
    """Relative path -> sha256 of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): file_sha256(path) for path in files}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_run_gives_the_same_bytes(bench, precision):
    """Training and prediction twice, into two folders."""
    models = [
        bench.run(training.finetune, f"model{i}", precision=precision, examples=bench.train)
        for i in range(2)
    ]
    assert digests(models[0]) == digests(models[1])
    answers = [
        bench.run(predict.run, f"out{i}", QA, precision, model=models[i], examples=bench.dev)
        for i in range(2)
    ]
    assert digests(answers[0]) == digests(answers[1])


def test_finetune_writes_a_delta_with_a_head(bench):
    """delta.safetensors, model.json, training.json and nothing else; the loss fell."""
    out = bench.run(training.finetune, "model", {**SETTINGS, "epochs": 20}, examples=bench.train)
    assert set(digests(out)) == {"delta.safetensors", "model.json", "training.json"}
    log = json.loads((out / "training.json").read_text("utf-8"))
    assert (log["examples"], log["unreachable"]) == (10, 0)
    assert log["steps"] == 20 * -(-log["windows"] // 4)
    assert log["loss"][-1][0] == log["steps"]
    assert log["loss"][-1][1] < log["loss"][0][1]
    assert read_delta(out).head["head.weight"].shape == (2, 16)


def test_tokens_are_counted_without_padding(bench):
    """Two epochs see each window's tokens twice."""
    out = bench.run(training.finetune, "model", examples=bench.train)
    seen = json.loads((out / "training.json").read_text("utf-8"))["tokens"]
    model = out
    read = bench.run(predict.run, "out", QA, model=model, examples=bench.train)
    assert seen == 2 * json.loads((read / "predict.json").read_text("utf-8"))["tokens"]


def test_intermediate_training_keeps_no_head(bench):
    """And can't be predicted with."""
    out = bench.run(training.intermediate, "first", examples=bench.other)
    assert read_delta(out).head == {}
    with pytest.raises(StageError, match="no head"):
        bench.run(predict.run, "out", QA, model=out, examples=bench.dev)


def test_finetune_starts_from_the_intermediate_result(bench):
    """The same examples and seed from another start give another model, over more rows."""
    first = bench.run(training.intermediate, "first", examples=bench.other)
    short = bench.data("short", examples(2))
    alone = read_delta(bench.run(training.finetune, "alone", examples=short))
    after = read_delta(bench.run(training.finetune, "after", examples=short, intermediate=first))
    earlier = read_delta(first)
    name = "encoder.layer.0.output.dense.weight"
    assert not (alone.tensors[name] == after.tensors[name]).all()
    assert set(after.rows.tolist()) == set(alone.rows.tolist()) | set(earlier.rows.tolist())
    assert after.scale == pytest.approx(alone.scale * earlier.scale)


def test_every_question_is_answered_in_its_language_file(bench):
    """In the order of the examples, each text the context's own characters."""
    model = bench.run(training.finetune, "model", examples=bench.train)
    out = bench.run(predict.run, "out", QA, model=model, examples=bench.dev)
    wanted = examples(5, "fi", 2) + examples(4, "ko", 3)
    assert sorted(path.name for path in (out / "predictions").iterdir()) == ["fi.jsonl", "ko.jsonl"]
    found = [
        one
        for language in ("fi", "ko")
        for one in read_predictions(out / "predictions" / f"{language}.jsonl")
    ]
    assert [one.id for one in found] == [one.id for one in wanted]
    for one, example in zip(found, wanted, strict=True):
        assert one.text == example.context[one.start : one.end] == one.text.strip() != ""


def test_training_learns_what_it_saw(bench):
    """Sixty epochs on ten questions: most answers come back word for word."""
    settings = {**SETTINGS, "epochs": 60}
    model = bench.run(training.finetune, "model", settings, examples=bench.train)
    out = bench.run(predict.run, "out", QA, model=model, examples=bench.train)
    found = read_predictions(out / "predictions" / "en.jsonl")
    right = [one.text == row.answers[0] for one, row in zip(found, examples(10), strict=True)]
    assert sum(right) >= 8


def test_no_examples_are_an_error(bench):
    """Neither training nor prediction runs on nothing."""
    nothing = bench.data("nothing", [])
    with pytest.raises(DataError, match="training examples: got no rows"):
        bench.run(training.finetune, "model", examples=nothing)
    with pytest.raises(DataError, match="evaluation examples: got no rows"):
        bench.run(predict.run, "out", QA, model=nothing, examples=nothing)


def test_windows_beyond_the_encoder_are_refused(bench):
    """The tiny encoder has 66 positions."""
    with pytest.raises(UsageError, match="at most 66"):
        bench.run(training.finetune, "model", {**SETTINGS, "max_length": 128}, examples=bench.train)
