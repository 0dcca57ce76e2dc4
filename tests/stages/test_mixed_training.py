"""Several tasks at once, and masked language modelling beside them."""

import numpy as np
import pytest
import torch
from stage_runs import read_json
from training_bench import (
    LABELS,
    MASKED,
    MULTI,
    digests,
    part,
    with_data,
)

from harness.errors import DataError, StageError
from harness.stages import training
from harness.training.model import load_encoder
from harness.training.weights import apply_delta, embedding, read_delta

PAIRS = part("classification", LABELS)


@pytest.fixture
def bench(tmp_path):
    """A bench with data of several tasks."""
    return with_data(tmp_path)


def mix(multi=None, share=None):
    """The `mix` of a training's configuration."""
    text = None if share is None else {"settings": MASKED, "share": share}
    return {"multi_task": None if multi is None else {**MULTI, **multi}, "masked_lm": text}


def several(bench):
    """Three parts of different families."""
    return [
        (part(), [bench.questions]),
        (PAIRS, [bench.pairs]),
        (part("tagging", "data"), [bench.tags]),
    ]


def test_every_step_is_of_one_task(bench):
    """As many in all as the tasks have alone; the log says how they were shared out."""
    alone = [
        read_json(bench.train(f"alone{i}", [one]) / "training.json")["steps"]
        for i, one in enumerate(several(bench))
    ]
    out = bench.train("all", several(bench), stage="intermediate", mix=mix({}))
    log = read_json(out / "training.json")
    assert log["examples"] == 10 + 12 + 12
    assert log["steps"] == sum(alone) == sum(log["tasks"])
    assert min(log["tasks"]) > 0
    assert read_delta(out).heads == {}


def test_the_same_mixture_gives_the_same_bytes(bench):
    """Twice, with masked language modelling."""
    outs = [
        bench.train(
            f"all{i}", several(bench), stage="intermediate", mix=mix({}, 0.5), text=bench.text
        )
        for i in range(2)
    ]
    assert digests(outs[0]) == digests(outs[1])


def test_most_steps_ends_a_mixture(bench):
    """Five of the many that the tasks have."""
    out = bench.train("all", several(bench), mix=mix({"most_steps": 5}))
    assert read_json(out / "training.json")["steps"] == 5


@pytest.mark.parametrize(("heads", "count"), [("task", 3), ("family", 2)])
def test_tasks_of_a_family_and_labels_share_a_head(bench, heads, count):
    """Two classifications of the same labels, and one of tags."""
    parts = [(PAIRS, [bench.pairs]), (PAIRS, [bench.pairs]), several(bench)[2]]
    out = bench.train("all", parts, mix=mix({"heads": heads}))
    names = {name.split(".")[1] for name in read_delta(out).heads}
    assert names == {str(number) for number in range(count)}


def test_heads_of_other_labels_are_apart(bench):
    """One family, but the labels have another order."""
    parts = [(PAIRS, [bench.pairs]), (part("classification", LABELS[::-1]), [bench.pairs])]
    out = bench.train("all", parts, mix=mix({"heads": "family"}))
    assert {name.split(".")[1] for name in read_delta(out).heads} == {"0", "1"}


def test_the_first_part_is_what_a_finetuning_is_for(bench):
    """Predictions are made with its head and its labels."""
    parts = [(part("classification", LABELS, epochs=20), [bench.pairs]), several(bench)[2]]
    model = bench.train("all", parts, mix=mix({}))
    assert read_json(model / "labels.json") == LABELS
    bench.predict("out", bench.pairs, "classification", {"max_length": 32}, LABELS, model=model)


def test_masked_language_modelling_has_its_share(bench):
    """Six steps of the task and a share of 0.4: 6 / 0.6 = 10, four of them of text."""
    out = bench.train(
        "first", [(PAIRS, [bench.pairs])], stage="intermediate", mix=mix(None, 0.4), text=bench.text
    )
    log = read_json(out / "training.json")
    assert (log["steps"], log["tasks"]) == (10, [6, 4])


def test_masked_language_modelling_moves_every_row(bench):
    """The softmax has a gradient for rows that no text holds; none is trimmed or only scaled."""
    out = bench.train(
        "first", [(PAIRS, [bench.pairs])], stage="intermediate", mix=mix(None, 0.5), text=bench.text
    )
    before = load_encoder(bench.encoder)
    after = load_encoder(bench.encoder)
    delta = read_delta(out)
    apply_delta(after, delta)
    old, new = embedding(before).weight, embedding(after).weight
    assert delta.rows.tolist() == list(range(len(old)))
    spare = len(old) - 1
    assert not torch.allclose(new[spare], old[spare] * delta.scale, atol=1e-6)


def test_masked_language_modelling_is_never_trimmed(bench, monkeypatch):
    """A row less than all, and the stage refuses before its first step."""
    rows = len(embedding(load_encoder(bench.encoder)).weight)
    monkeypatch.setattr(training, "_vocabulary", lambda encoder, plan: np.arange(rows - 1))
    with pytest.raises(StageError, match=f"all {rows}: every one is trained"):
        bench.train("first", [(PAIRS, [bench.pairs])], mix=mix(None, 0.5), text=bench.text)


def test_masked_language_modelling_learns(bench):
    """Its own loss falls: the last texts are easier to complete than the first."""
    settings = {**MASKED, "batch_size": 8}
    chosen = {"multi_task": None, "masked_lm": {"settings": settings, "share": 0.95}}
    parts = [(part("classification", LABELS, epochs=4), [bench.pairs])]
    out = bench.train("first", parts, stage="intermediate", mix=chosen, text=bench.text)
    curve = [value for _, value in read_json(out / "training.json")["loss"]]
    assert np.mean(curve[-10:]) < 0.8 * np.mean(curve[:10])


def test_a_finetuning_follows_masked_language_modelling(bench):
    """From a full table to a trimmed one."""
    first = bench.train(
        "first", [(PAIRS, [bench.pairs])], stage="intermediate", mix=mix(None, 0.5), text=bench.text
    )
    model = bench.train("model", [(PAIRS, [bench.pairs])], intermediate=first)
    assert len(read_delta(model).rows) < len(read_delta(first).rows)
    short = {"max_length": 32}
    inputs = {"intermediate": first, "model": model}
    bench.predict("out", bench.pairs, "classification", short, LABELS, **inputs)


def test_no_text_is_an_error(bench):
    """A share of nothing can't be trained on."""
    with pytest.raises(DataError, match="at least one of masked_lm"):
        bench.train("first", [(PAIRS, [bench.pairs])], mix=mix(None, 0.5))
