"""Stages that take milliseconds, in place of those that read data and train.

A file in the folder given as `resources.mirror` (`--mirror`) steers them, so that keys stay as
they are: its name is a stage's (or `make`), its text an error class, `sleep`, `hold` (until the
file is gone), `leak`, `die`, `bug`, or `tell` (its checkpoints' interval, in the file `told`).
Every stage that runs adds its name to the file `log` there. `score` and `compare` stay the real
ones.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import errors
from harness.artifacts import Store
from harness.backends import Backend
from harness.costs import Cost
from harness.graph import PlannedStage
from harness.records import Prediction, QaExample, read_examples, write_rows
from harness.stages import contract
from harness.stages.contract import Progress, Resources, Silent, Stage, StageContext

QUESTIONS = 10
MAKE_STAGES = (Stage(name="make", version=1, reads=("value",), run="fake_stages:make"),)


def pipeline() -> tuple[Stage, ...]:
    """The real table of stages with everything before `score` faked; same names and versions."""
    real = ("score", "compare")
    return tuple(
        one if one.name in real else replace(one, run=f"fake_stages:{one.name}")
        for one in contract.STAGES
    )


def planned(value: str, *inputs: str) -> PlannedStage:
    """A stage of kind `make`; its key is its value spelt out to 64 digits, its inputs' likewise."""
    roles = {f"input{number}": key_of(name) for number, name in enumerate(inputs)}
    return PlannedStage(
        key=key_of(value),
        stage="make",
        version=1,
        label=value,
        config={"value": value},
        inputs=roles,
        cost=Cost(),
    )


def key_of(value: str) -> str:
    """A made-up key."""
    return value.encode().hex().ljust(64, "0")


def run_on(
    backend: Backend,
    stage: PlannedStage,
    store: Store,
    resources: Resources,
    progress: Progress | None = None,
) -> bool:
    """Run one stage to its end; True where it was made now, else what the stage raised."""
    backend.submit(stage, store, resources, lambda: progress or Silent())
    ended = backend.wait()
    assert ended.planned == stage
    if ended.error:
        raise ended.error
    return ended.made


def make(context: StageContext) -> None:
    """Write the value, then do what the file of that name says."""
    value = str(context.config["value"])
    (context.out / "value").write_text(value, encoding="utf-8")
    _steer(context, value)


def encoder(context: StageContext) -> None:
    """An encoder of nothing."""
    _steer(context, "encoder")
    _write(context.out / "config.json", {})


def dataset(context: StageContext) -> None:
    """Ten questions in each language that was asked for, English where none was."""
    _steer(context, "dataset")
    languages = context.config["languages"] or ["en"]
    facts = {
        "name": context.config["source"]["name"],
        "split": context.config["split"],
        "rows": QUESTIONS * len(languages),
        "languages": dict.fromkeys(languages, QUESTIONS),
        "files": {},
    }
    _write(context.out / "dataset.json", facts)


def checks(context: StageContext) -> None:
    """One check that passes."""
    _steer(context, "checks")
    _write(context.out / "checks.json", [{"name": "fake", "level": "error", "passed": True}])


def examples(context: StageContext) -> None:
    """The questions; every answer is `yes`."""
    _steer(context, "examples")
    facts = json.loads((context.inputs["dataset"] / "dataset.json").read_text("utf-8"))
    rows = [_question(language, i) for language in facts["languages"] for i in range(QUESTIONS)]
    write_rows(context.out / "examples.jsonl", rows)
    _write(context.out / "repairs.json", {"examples": len(rows), "realigned": 0, "dropped": {}})


def contamination(context: StageContext) -> None:
    """One comparison that finds nothing."""
    _steer(context, "contamination")
    finding = {"training": "target", "against": "evaluation", "by": "example", "level": "error"}
    finding |= {"passed": True, "exact": 0, "near": 0, "of": QUESTIONS}
    _write(context.out / "contamination.json", [finding])
    lengths = {"edges": [0], "counts": [QUESTIONS]}
    _write(context.out / "lengths.json", dict.fromkeys(context.config["sets"], lengths))


def intermediate(context: StageContext) -> None:
    """A training that will be worth three more right answers in ten."""
    _train(context, "intermediate")


def finetune(context: StageContext) -> None:
    """Four right answers in ten; more after an intermediate training."""
    _train(context, "finetune")


def predict(context: StageContext) -> None:
    """The first so many answers right, in every language."""
    _steer(context, "predict")
    right = json.loads((context.inputs["model"] / "model.json").read_text("utf-8"))["right"]
    folder = context.out / "predictions"
    folder.mkdir()
    by_language: dict[str, list[Prediction]] = {}
    for one in read_examples(context.inputs["examples"] / "examples.jsonl"):
        rows = by_language.setdefault(one.language, [])
        text = "yes" if len(rows) < right else "no"
        rows.append(Prediction(id=one.id, text=text, score=0.0, start=0, end=len(text)))
    for language, rows in by_language.items():
        write_rows(folder / f"{language}.jsonl", rows)
    _write(context.out / "predict.json", {"windows": 10, "tokens": 50, "beyond": 0})


def _train(context: StageContext, name: str) -> None:
    _steer(context, name)
    gain = _note(context, "gain") or "3"
    right = 4 + int(gain) * ("intermediate" in context.inputs)
    _write(context.out / "model.json", {"right": right})
    log = {"examples": 10, "windows": 10, "steps": 2, "tokens": 100, "loss": [[1, 2.0], [2, 1.0]]}
    _write(context.out / "training.json", log)


def _question(language: str, number: int) -> QaExample:
    return QaExample(
        id=f"{language}-{number}",
        language=language,
        document=f"{language}-{number}",
        context="yes",
        question="Is it?",
        answers=("yes",),
        answer_starts=(0,),
    )


_PAUSES = {"sleep": 60.0, "nap": 0.5}


def _steer(context: StageContext, name: str) -> None:
    folder = context.resources.mirror
    if folder is None:
        return
    with (folder / "log").open("a", encoding="utf-8") as log:
        log.write(name + "\n")
    what = _note(context, name)
    if what in _PAUSES:
        time.sleep(_PAUSES[what])
    elif what == "hold":
        _hold(context, name)
    elif what == "tell":
        _tell(context.resources, folder / "told")
    elif what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "KeyboardInterrupt":
        raise KeyboardInterrupt
    elif what == "leak":
        _leak()
    elif what == "bug":
        raise RuntimeError("a bug")
    elif what:
        raise getattr(errors, what)(where=name, got="a fault", expected="none", fix="Mend it.")


def _hold(context: StageContext, name: str) -> None:
    while _note(context, name):
        time.sleep(0.02)


def _tell(given: Resources, path: Path) -> None:
    path.write_text(f"{given.checkpoint_seconds} {given.checkpoint_steps}", encoding="utf-8")


def _leak() -> None:
    held = []
    while True:
        held.append(b"x" * (16 << 20))
        time.sleep(0.02)


def _note(context: StageContext, name: str) -> str | None:
    path = (context.resources.mirror or Path("missing")) / name
    return path.read_text("utf-8") if path.is_file() else None


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
