"""Each family, trained and predicted through the stages on a tiny encoder."""

import pytest
from stage_runs import read_json
from training_bench import (
    LABELS,
    RETRIEVAL,
    SHORT,
    TAGS,
    Bench,
    choices,
    digests,
    pairs,
    part,
    sentences,
    tagged,
)

from harness.errors import DataError, StageError
from harness.records import read_predictions


@pytest.fixture
def bench(tmp_path):
    """A bench in an empty folder."""
    return Bench(tmp_path)


def answers(out, family, language="en"):
    """The predictions in one language."""
    return read_predictions(out / "predictions" / f"{language}.jsonl", family)


def test_classification_learns(bench):
    """Twenty epochs on twenty texts: the season gives the label away."""
    data = bench.data("train", pairs(20))
    model = bench.train("model", [(part("classification", LABELS, epochs=20), [data])])
    out = bench.predict("out", data, "classification", SHORT, LABELS, model=model)
    found = answers(out, "classification")
    assert [one.label for one in found] == [row.label for row in pairs(20)]
    assert {len(one.logits) for one in found} == {2}


def test_labels_go_by_name(bench):
    """A model that learnt the labels in one order answers a task that names them in another."""
    data = bench.data("train", pairs(20))
    model = bench.train("model", [(part("classification", LABELS, epochs=20), [data])])
    out = bench.predict("out", data, "classification", SHORT, LABELS[::-1], model=model)
    assert [one.label for one in answers(out, "classification")] == [r.label for r in pairs(20)]


def test_a_model_of_other_labels_is_refused(bench):
    """Its answers couldn't be right."""
    data = bench.data("train", pairs(8))
    model = bench.train("model", [(part("classification", LABELS), [data])])
    with pytest.raises(StageError, match="labels cold, warm; expected yes, no"):
        bench.predict("out", data, "classification", SHORT, ["yes", "no"], model=model)


def test_a_label_outside_the_set_is_refused(bench):
    """Never a silent zero."""
    data = bench.data("train", pairs(8))
    with pytest.raises(DataError, match="'warm'"):
        bench.train("model", [(part("classification", ["cold", "mild"]), [data])])


def test_multiple_choice_learns(bench):
    """Thirty epochs on twenty questions of two or three choices: "green" is right."""
    data = bench.data("train", choices(20))
    model = bench.train("model", [(part("multiple_choice", "index", epochs=30), [data])])
    out = bench.predict("out", data, "multiple_choice", SHORT, "index", model=model)
    found = answers(out, "multiple_choice")
    right = [int(a.label) == row.label for a, row in zip(found, choices(20), strict=True)]
    assert sum(right) >= 18
    assert [len(one.logits) for one in found] == [len(row.choices) for row in choices(20)]


def test_a_batch_of_choices_is_a_batch_of_questions(bench):
    """Ten questions of 25 choices in batches of four: three steps an epoch."""
    data = bench.data("train", choices(10))
    out = bench.train("model", [(part("multiple_choice", "index"), [data])])
    log = read_json(out / "training.json")
    assert (log["examples"], log["windows"], log["steps"]) == (10, 25, 6)


def test_tagging_learns(bench):
    """Twenty epochs on twenty sentences; the tags are those of the training data, sorted."""
    data = bench.data("train", tagged(20))
    model = bench.train("model", [(part("tagging", "data", epochs=20), [data])])
    assert read_json(model / "labels.json") == ["COLOUR", "WORD"]
    out = bench.predict("out", data, "tagging", TAGS, "data", model=model)
    found = [tag for one in answers(out, "tagging") for tag in one.tags]
    wanted = [tag for row in tagged(20) for tag in row.tags]
    assert sum(a == b for a, b in zip(found, wanted, strict=True)) >= 0.95 * len(wanted)


def test_retrieval_needs_no_training(bench):
    """Equal texts have equal vectors: every sentence finds its translation, in its language."""
    data = bench.data("bitext", sentences(10, "de") + sentences(6, "fi"))
    out = bench.predict("out", data, "retrieval", RETRIEVAL, "index")
    for language, count in (("de", 10), ("fi", 6)):
        found = answers(out, "retrieval", language)
        assert {one.id: one.mate for one in found} == {
            f"{language}-english-{i}": f"{language}-foreign-{i}" for i in range(count)
        }


def test_retrieval_sees_the_intermediate_training(bench):
    """The vectors are those of the trained encoder."""
    data = bench.data("bitext", sentences(10, "de"))
    train = bench.data("train", pairs(8))
    first = bench.train("first", [(part("classification", LABELS), [train])], stage="intermediate")
    plain = bench.predict("plain", data, "retrieval", {**RETRIEVAL, "layer": 2}, "index")
    after = bench.predict(
        "after", data, "retrieval", {**RETRIEVAL, "layer": 2}, "index", intermediate=first
    )
    scores = [[one.score for one in answers(out, "retrieval", "de")] for out in (plain, after)]
    assert digests(plain) != digests(after)
    assert scores[0] != scores[1]


def test_an_id_in_two_languages_is_refused(bench):
    """Its prediction couldn't be put into a language's file."""
    rows = sentences(2, "de")
    twice = [*rows, *(type(one)(**{**_fields(one), "language": "fi"}) for one in rows)]
    with pytest.raises(DataError, match="in de and in fi"):
        bench.predict("out", bench.data("bitext", twice), "retrieval", RETRIEVAL, "index")


def _fields(one):
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
