"""A stage that was interrupted ends with the bits of one that wasn't."""

import pytest
import torch
from stage_runs import DEVICE
from training_bench import (
    LABELS,
    MASKED,
    MULTI,
    RETRIEVAL,
    SHORT,
    digests,
    part,
    questions,
    sentences,
    with_data,
)

from harness.stages.contract import Resources
from harness.training import infer

PAIRS = part("classification", LABELS, accumulation=2)


class Stop:
    """A progress that interrupts after so many steps, and remembers how many it saw at once."""

    def __init__(self, after):
        self.after, self.moves = after, []

    def start(self, total, unit):
        """There are no more steps than that."""
        self.after = min(self.after, total)

    def advance(self, done, **figures):
        """Count; interrupt."""
        self.moves.append(done)
        if sum(self.moves) == self.after:
            raise KeyboardInterrupt


class StopAtThird(Stop):
    """A progress that interrupts while the third batch is finished: two have their shards."""

    def advance(self, done, **figures):
        """Count; interrupt."""
        self.moves.append(done)
        if len(self.moves) == 3:
            raise KeyboardInterrupt


class Count(Stop):
    """A progress that only counts."""

    def __init__(self):
        super().__init__(0)

    def advance(self, done, **figures):
        """Count."""
        self.moves.append(done)


@pytest.fixture
def bench(tmp_path):
    """A bench with data of several tasks."""
    return with_data(tmp_path)


def around(bench, progress, seconds=None, steps=1):
    """Checkpoints after every step, in one folder for all that follows."""
    resources = Resources(checkpoint_seconds=seconds, checkpoint_steps=steps)
    scratch = bench.root / "scratch"
    bench.around = {"scratch": scratch, "progress": progress, "resources": resources}


def trainings(bench):
    """Name -> arguments of a training."""
    multi = {"multi_task": MULTI, "masked_lm": None}
    text = {"multi_task": MULTI, "masked_lm": {"settings": MASKED, "share": 0.4}}
    several = [
        (part(accumulation=2), [bench.questions]),
        (PAIRS, [bench.pairs]),
        (part("tagging", "data"), [bench.tags]),
    ]
    return {
        "finetune": {"parts": [(part(), [bench.questions])]},
        "accumulation": {"parts": [(PAIRS, [bench.pairs])]},
        "intermediate": {"parts": [(PAIRS, [bench.pairs])], "stage": "intermediate"},
        "bf16": {"parts": [(PAIRS, [bench.pairs])], "precision": "bf16"},
        "multi-task": {"parts": several, "stage": "intermediate", "mix": multi},
        "masked": {"parts": several, "stage": "intermediate", "mix": text, "text": bench.text},
        "all": {
            "parts": several,
            "stage": "intermediate",
            "mix": text,
            "text": bench.text,
            "precision": "bf16",
        },
    }


@pytest.mark.parametrize(
    "kind", ["finetune", "accumulation", "intermediate", "bf16", "multi-task", "masked", "all"]
)
def test_a_training_goes_on_with_the_same_bits(bench, kind):
    """KeyboardInterrupt twice; what went before is not done again; every file is the same."""
    settings = trainings(bench)[kind]
    whole = bench.train("whole", **settings)
    for name, after in (("first", 2), ("second", 5)):
        around(bench, Stop(after))
        with pytest.raises(KeyboardInterrupt):
            bench.train(name, **settings)
    watch = Count()
    around(bench, watch)
    assert digests(bench.train("end", **settings)) == digests(whole)
    assert watch.moves[0] == 4
    assert set(watch.moves[1:]) == {1}


def test_a_training_goes_on_from_any_step(bench):
    """A crash after each of its steps, all in a row."""
    settings = trainings(bench)["finetune"]
    whole = bench.train("whole", **settings)
    for after in range(1, 100):
        stop = Stop(after)
        around(bench, stop)
        with pytest.raises(KeyboardInterrupt):
            bench.train(f"until{after}", **settings)
        if stop.after < after:
            break
    around(bench, Count())
    assert digests(bench.train("end", **settings)) == digests(whole)


@pytest.mark.parametrize(("seconds", "steps"), [(0.0, None), (None, 3), (60.0, None), (None, None)])
def test_when_checkpoints_are_written_changes_no_result(bench, seconds, steps):
    """After every step, every third, none."""
    settings = trainings(bench)["masked"]
    whole = bench.train("whole", **settings)
    around(bench, Count(), seconds, steps)
    assert digests(bench.train("watched", **settings)) == digests(whole)


def test_a_damaged_checkpoint_is_not_used(bench):
    """The one before it is: one step more is done again."""
    settings = trainings(bench)["finetune"]
    whole = bench.train("whole", **settings)
    around(bench, Stop(4))
    with pytest.raises(KeyboardInterrupt):
        bench.train("first", **settings)
    older, newest = sorted((bench.root / "scratch").iterdir())
    assert (int(older.name), int(newest.name)) == (2, 3)
    state = newest / "state.safetensors"
    damaged = bytearray(state.read_bytes())
    damaged[-1] ^= 1
    state.write_bytes(damaged)
    watch = Count()
    around(bench, watch)
    assert digests(bench.train("end", **settings)) == digests(whole)
    assert watch.moves[0] == 2


def test_no_sound_checkpoint_means_from_the_start(bench):
    """Both are cut off in the middle."""
    settings = trainings(bench)["finetune"]
    whole = bench.train("whole", **settings)
    around(bench, Stop(4))
    with pytest.raises(KeyboardInterrupt):
        bench.train("first", **settings)
    for folder in (bench.root / "scratch").iterdir():
        state = folder / "state.safetensors"
        state.write_bytes(state.read_bytes()[:1000])
    watch = Count()
    around(bench, watch)
    assert digests(bench.train("end", **settings)) == digests(whole)
    assert set(watch.moves) == {1}


def test_another_librarys_checkpoint_is_not_used(bench, monkeypatch):
    """Bits could differ."""
    settings = trainings(bench)["finetune"]
    around(bench, Stop(4))
    with pytest.raises(KeyboardInterrupt):
        bench.train("first", **settings)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    watch = Count()
    around(bench, watch)
    bench.train("end", **settings)
    assert set(watch.moves) == {1}


def predictions(bench):
    """Name -> what predicts into a folder of a given name."""
    rows = bench.data("rows", questions(24))
    model = bench.train("model", [(part(), [bench.questions])])
    classes = bench.train("classes", [(PAIRS, [bench.pairs])])
    sides = bench.data("sides", sentences(12, "de"))
    return {
        "questions": lambda out: bench.predict(out, rows, model=model),
        "bf16": lambda out: bench.predict(out, rows, model=model, precision="bf16"),
        "pairs": lambda out: bench.predict(
            out, bench.pairs, "classification", SHORT, LABELS, model=classes
        ),
        "retrieval": lambda out: bench.predict(out, sides, "retrieval", RETRIEVAL, "index"),
    }


@pytest.mark.parametrize("kind", ["questions", "bf16", "pairs", "retrieval"])
def test_a_prediction_goes_on_by_shard(bench, kind, monkeypatch):
    """Batches that a shard holds aren't run again; the files are the same."""
    monkeypatch.setitem(infer.TOKENS_PER_BATCH, DEVICE, 40)
    predict = predictions(bench)[kind]
    whole = predict("whole")
    stop = StopAtThird(0)
    around(bench, stop)
    with pytest.raises(KeyboardInterrupt):
        predict("first")
    assert len(sorted((bench.root / "scratch").iterdir())) == 2
    watch = Count()
    around(bench, watch)
    assert digests(predict("end")) == digests(whole)
    assert watch.moves[:2] == stop.moves[:2]
    assert len(sorted((bench.root / "scratch").iterdir())) == len(watch.moves)


def test_a_damaged_shard_is_run_again(bench, monkeypatch):
    """The second of two."""
    monkeypatch.setitem(infer.TOKENS_PER_BATCH, DEVICE, 40)
    predict = predictions(bench)["questions"]
    whole = predict("whole")
    around(bench, StopAtThird(0))
    with pytest.raises(KeyboardInterrupt):
        predict("first")
    second = sorted((bench.root / "scratch").iterdir())[1]
    (second / "state.safetensors").unlink()
    watch = Count()
    around(bench, watch)
    assert digests(predict("end")) == digests(whole)
    assert len(watch.moves) == len(sorted((bench.root / "scratch").iterdir()))
