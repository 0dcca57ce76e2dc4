"""The stages intermediate, finetune and predict on question answering and a tiny encoder."""

import pytest
import torch
from stage_runs import read_json
from training_bench import Bench, digests, part, questions

from harness.errors import DataError, StageError, UsageError
from harness.records import read_predictions
from harness.training.model import load_encoder
from harness.training.weights import apply_delta, read_delta


@pytest.fixture
def bench(tmp_path):
    """A bench with questions."""
    made = Bench(tmp_path)
    made.ours = made.data("train", questions(10))
    made.other = made.data("other", questions(8, salt=1))
    made.dev = made.data("dev", questions(5, "fi", 2) + questions(4, "ko", 3))
    return made


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_run_gives_the_same_bytes(bench, precision):
    """Training and prediction twice, into two folders."""
    models = [
        bench.train(f"model{i}", [(part(), [bench.ours])], precision=precision) for i in range(2)
    ]
    assert digests(models[0]) == digests(models[1])
    answers = [
        bench.predict(f"out{i}", bench.dev, precision=precision, model=models[i]) for i in range(2)
    ]
    assert digests(answers[0]) == digests(answers[1])


def test_finetune_writes_a_delta_with_a_head(bench):
    """A delta, its log, its labels and nothing else; the loss fell."""
    out = bench.train("model", [(part(epochs=20), [bench.ours])])
    names = {"delta.safetensors", "labels.json", "model.json", "training.json"}
    assert set(digests(out)) == names
    log = read_json(out / "training.json")
    assert (log["examples"], log["unreachable"]) == (10, 0)
    assert log["steps"] == 20 * -(-log["windows"] // 4)
    assert log["loss"][-1][0] == log["steps"]
    assert log["loss"][-1][1] < log["loss"][0][1]
    assert "tasks" not in log
    assert read_json(out / "labels.json") == []
    assert read_delta(out).heads["heads.0.output.weight"].shape == (2, 16)


def test_tokens_are_counted_without_padding(bench):
    """Two epochs see each window's tokens twice."""
    model = bench.train("model", [(part(), [bench.ours])])
    seen = read_json(model / "training.json")["tokens"]
    read = bench.predict("out", bench.ours, model=model)
    assert seen == 2 * read_json(read / "predict.json")["tokens"]


def test_sets_of_a_task_are_one_after_the_other(bench):
    """Two folders of a part train as one that holds both."""
    both = bench.data("both", questions(10) + questions(8, salt=1))
    apart = bench.train("apart", [(part(), [bench.ours, bench.other])])
    together = bench.train("together", [(part(), [both])])
    assert digests(apart) == digests(together)


def test_intermediate_training_keeps_no_head(bench):
    """And can't be predicted with."""
    out = bench.train("first", [(part(), [bench.other])], stage="intermediate")
    assert read_delta(out).heads == {}
    assert not (out / "labels.json").exists()
    with pytest.raises(StageError, match="no head"):
        bench.predict("out", bench.dev, model=out)


def test_finetune_starts_from_the_intermediate_result(bench):
    """Of the same training another model; both deltas name only the rows that they touched."""
    first = bench.train("first", [(part(), [bench.other])], stage="intermediate")
    short = bench.data("short", questions(2))
    alone = read_delta(bench.train("alone", [(part(), [short])]))
    after = read_delta(bench.train("after", [(part(), [short])], intermediate=first))
    name = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(alone.tensors[name], after.tensors[name])
    assert after.rows.tolist() == alone.rows.tolist()
    assert after.scale == alone.scale


def test_prediction_goes_through_both_trainings(bench):
    """The deltas, one after the other, are what prediction answers with; one alone isn't."""
    first = bench.train("first", [(part(epochs=8), [bench.other])], stage="intermediate")
    short = bench.data("short", questions(2))
    model = bench.train("model", [(part(epochs=8), [short])], intermediate=first)
    whole = bench.predict("whole", bench.ours, intermediate=first, model=model)
    half = bench.predict("half", bench.ours, model=model)
    assert digests(whole) != digests(half)
    encoder = load_encoder(bench.encoder)
    for folder in (first, model):
        apply_delta(encoder, read_delta(folder))
    merged = bench.root / "merged"
    encoder.save_pretrained(merged)
    (merged / "tokenizer.json").write_bytes((bench.encoder / "tokenizer.json").read_bytes())
    bench.encoder = merged
    again = bench.predict("again", bench.ours, model=_unchanged(model, bench.root / "unchanged"))
    assert digests(again) == digests(whole)


def _unchanged(model, folder):
    """The model's artifact with a table that it no longer scales."""
    folder.mkdir()
    for name in ("delta.safetensors", "labels.json"):
        (folder / name).write_bytes((model / name).read_bytes())
    (folder / "model.json").write_text('{"embedding_scale": 1.0}\n', "utf-8")
    return folder


def test_every_question_is_answered_in_its_language_file(bench):
    """In the order of the examples, each text the context's own characters."""
    model = bench.train("model", [(part(), [bench.ours])])
    out = bench.predict("out", bench.dev, model=model)
    wanted = questions(5, "fi", 2) + questions(4, "ko", 3)
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
    model = bench.train("model", [(part(epochs=60), [bench.ours])])
    out = bench.predict("out", bench.ours, model=model)
    found = read_predictions(out / "predictions" / "en.jsonl")
    right = [one.text == row.answers[0] for one, row in zip(found, questions(10), strict=True)]
    assert sum(right) >= 8


def test_no_examples_are_an_error(bench):
    """Neither training nor prediction runs on nothing."""
    nothing = bench.data("nothing", [])
    with pytest.raises(DataError, match="training examples: got no rows"):
        bench.train("model", [(part(), [nothing])])
    with pytest.raises(DataError, match="evaluation examples: got no rows"):
        bench.predict("out", nothing, model=nothing)


def test_windows_beyond_the_encoder_are_refused(bench):
    """The tiny encoder has 66 positions."""
    with pytest.raises(UsageError, match="at most 66"):
        bench.train("model", [(part(max_length=128), [bench.ours])])
