"""Do scores, estimates and verdicts follow from predictions and gold?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.differing import Difference, differences
from harness.records import Comparison, Score
from harness.run_files import parsed
from harness.run_stages import StageRecord
from harness.verification.again import Again
from harness.verification.results import LackingError, Outcome

TOLERANCE = 1e-9
"""Between a number and the same made again, relative to the larger and to 1: processors and
libraries may round the last digits in another way."""


def scores(again: Again, outcome: Outcome) -> None:
    """Every score of a system that was trained: metric, items, scorer, value."""
    for claim, comparison, stage in _claims(again):
        for system in comparison.systems:
            for one in system.scores:
                role = f"{one.system}/{one.seed}/{one.task}"
                # A best-of has the scores of others; they are part of the estimates.
                if f"score/{role}" in stage.inputs:
                    outcome.compared += 1
                    _check_score(again, outcome, f"{claim}: {_name(one)}", one, stage)


def estimates(again: Again, outcome: Outcome) -> None:
    """Levels of systems and effects of pairs."""
    _compare(again, outcome, lambda path, _: path[0] == "effects" or path[2:3] == ("levels",))
    for _, comparison, _ in _claims(again):
        outcome.compared += len(comparison.effects)
        outcome.compared += sum(len(one.levels) for one in comparison.systems)


def verdicts(again: Again, outcome: Outcome) -> None:
    """Rung, flags and reasons."""
    _compare(again, outcome, lambda path, _: path[0] == "verdict")
    outcome.compared += len(again.files.comparisons)


def all_else(again: Again, outcome: Outcome) -> None:
    """Paper, claim, protocol, encoder, trainings, data, deviations, artifacts."""
    outcome.compared += len(again.files.comparisons)

    def other(path: tuple[str, ...], stage: StageRecord) -> bool:
        if path[0] == "items":
            return not _is_text(path, stage) and not _is_unknown(again, path, stage)
        if path[2:3] == ("scores",):
            # `scores` tells of those that a system was given; here only what else there is.
            return not _is_given(path, stage)
        return path[0] not in ("effects", "verdict") and path[2:3] != ("levels",)

    _compare(again, outcome, other)


def _claims(again: Again) -> Iterator[tuple[str, Comparison, StageRecord]]:
    files = again.files
    for claim, comparison in files.comparisons.items():
        key = files.run.claims.get(claim)
        if key in files.stages.by_key:
            yield claim, comparison, files.stages.by_key[str(key)]


def _name(one: Score) -> str:
    return f"{one.system}, seed {one.seed}, {one.task} {one.language}, {one.metric}"


def _check_score(
    again: Again, outcome: Outcome, subject: str, told: Score, stage: StageRecord
) -> None:
    role = f"{told.system}/{told.seed}/{told.task}"
    scored = again.files.stages.by_key[stage.inputs[f"score/{role}"]]
    examples = again.files.stages.by_key[scored.inputs["examples"]]
    if not again.is_at_hand(examples):
        outcome.lacks(_licensed(str(again.files.stages.source(examples)["name"])))
    try:
        path = again.scores(scored) / "scores.json"
    except LackingError as error:
        outcome.lacks(error)
        return
    found = parsed(path.read_bytes(), path.name)
    values = found["languages"].get(told.language, {})
    recorded = told.model_dump(include={"scorer", "items", "value", "predictions"})
    made = {
        "scorer": found["scorer"],
        "items": values.get("items"),
        "value": values.get(told.metric),
        "predictions": stage.inputs.get(f"predict/{role}"),
    }
    for one in differences(recorded, made, tolerance=TOLERANCE):
        outcome.differs(subject, _in_words(one.path[0], one))


def _is_text(path: tuple[str, ...], stage: StageRecord) -> bool:
    """A text that an item shows: of the data, which the folder doesn't hold."""
    if path[4:5] in (("texts",), ("mark",)):
        return True
    target = path[1].split(", ")[2]
    family = stage.config["comparison"]["families"].get(target)
    # Tags are shown with their words, and found sentences by their text.
    return family in ("tagging", "retrieval") and (path[4:5] == ("gold",) or path[-1] == "text")


def _is_unknown(again: Again, path: tuple[str, ...], stage: StageRecord) -> bool:
    """An item of licensed rows, of which nobody brought the answers."""
    target = path[1].split(", ")[2]
    of = [key for role, key in stage.inputs.items() if role.endswith(f"/{target}")]
    evaluated = again.files.stages.evaluated
    return any(key in evaluated and not again.is_at_hand(evaluated[key][1]) for key in of)


def _is_given(path: tuple[str, ...], stage: StageRecord) -> bool:
    """A value of a score that is there both times, of a system with stages of its own."""
    trained = any(role.startswith(f"score/{path[1]}/") for role in stage.inputs)
    return trained and len(path) > _SCORE


_SCORE = 4
"""Length of the path of a score: systems, which, scores, which."""


def _compare(
    again: Again, outcome: Outcome, shown: Callable[[tuple[str, ...], StageRecord], bool]
) -> None:
    for claim, comparison, stage in _claims(again):
        try:
            made = again.comparison(stage)
        except LackingError as error:
            outcome.lacks(error)
            continue
        recorded = comparison.model_dump(mode="json")
        things: dict[str, list[Difference]] = {}
        for one in differences(recorded, made, tolerance=TOLERANCE):
            if shown(one.path, stage):
                things.setdefault(_thing(one.path), []).append(one)
        for thing, found in things.items():
            first = found[0]
            more = f" (and {len(found) - 1} more of its values)" if len(found) > 1 else ""
            at = first.path[_depth(first.path) :]
            outcome.differs(f"{claim}: {thing}", _in_words(" ".join(at), first) + more)


_THINGS = {"effects": "effect of", "training": "training", "data": "data", "systems": "system"}


def _depth(path: tuple[str, ...]) -> int:
    """How much of the path names the thing that a value is of."""
    if path[2:3] == ("levels",) or path[2:3] == ("scores",):
        return 4
    return 2 if path[0] in _THINGS else 1


def _thing(path: tuple[str, ...]) -> str:
    if path[2:3] in (("levels",), ("scores",)):
        return f"{path[2][:-1]} of {' '.join(path[3:4])}"
    return f"{_THINGS[path[0]]} {' '.join(path[1:2])}" if path[0] in _THINGS else path[0]


def _in_words(what: str, one: Difference) -> str:
    return f"{what} recorded {_value(one.left)}, made again {_value(one.right)}".strip()


def _value(value: Any) -> str:
    text = repr(value) if not isinstance(value, str) else f"“{value}”"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _licensed(name: str) -> LackingError:
    return LackingError(
        where=f"gold of {name}",
        got="licensed: the folder holds its digest, and what was scored item by item",
        expected="your own copy",
        fix=f"with `--files {name}=DIR` its scores are made again too",
    )
