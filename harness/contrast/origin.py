"""Where two runs of a claim differ in what they were made of: stages, deviations, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.contrast.numbers import Keys
from harness.differing import ABSENT, Difference, differences
from harness.records import Comparison
from harness.run_files import RunFiles
from harness.run_stages import StageRecord, Stages

# Of what the plan knew of a claim: what no other stage has in its own configuration.
_FACTS = (
    *("claim", "profile", "scaled_down", "seeds", "languages", "missing_languages", "best_of"),
    *("circumstances", "precision"),
)
# What always differs says nothing.
_TIMES = ("started", "ended", "seconds", "peak_memory_bytes", "label")

Changes = tuple[tuple[str, str, str], ...]
"""(what, left, right), in words."""


def stages(left: Stages, right: Stages, keys: Keys) -> dict[str, Any]:
    """Stages by the part that they play: which changed themselves, which only by their inputs.

    Stages of a kind that changed in the same way stand together.
    """
    a, b = _roles(left, keys[0]), _roles(right, keys[1])
    both = [role for role in a if role in b]
    changed: dict[tuple[str, Changes], list[str]] = {}
    inherited, same = [], []
    for role in both:
        if a[role].key == b[role].key:
            same.append(role)
            continue
        changes = tuple(_changes(a[role], b[role]))
        if changes:
            changed.setdefault((a[role].stage, changes), []).append(role)
        else:
            inherited.append(role)
    return {
        "same": len(same),
        "changed": [
            {"stage": stage, "roles": roles, "changes": _listed(changes)}
            for (stage, changes), roles in changed.items()
        ],
        "by_inputs_alone": inherited,
        "left_only": [role for role in a if role not in b],
        "right_only": [role for role in b if role not in a],
    }


def deviations(left: Comparison, right: Comparison) -> dict[str, list[dict[str, str]]]:
    """Deviations from the paper of one run alone."""
    a, b = left.deviations, right.deviations
    return {
        "left": [one.model_dump() for one in a if one not in b],
        "right": [one.model_dump() for one in b if one not in a],
    }


def provenance(left: RunFiles, right: RunFiles, keys: Keys) -> list[dict[str, Any]]:
    """Code, libraries and machines that differ, with the number of stages; times left out.

    The comparison's stage stands for the rest of the run: "here" is where the folder was written.
    """
    a, b = (run.json("provenance.json") for run in (left, right))
    found: Counter[tuple[str, str, str]] = Counter()
    for one in differences(a["here"], b["here"], path=("where the folder was written:",)):
        found[_in_words(one)] += 1
    roles = _roles(left.stages, keys[0]), _roles(right.stages, keys[1])
    for role, ours in roles[0].items():
        theirs = roles[1].get(role)
        if theirs is not None:
            made = (_made(a, ours), _made(b, theirs))
            found.update(_in_words(one) for one in differences(*made))
    return [
        {"what": what, "left": one, "right": other, "count": count}
        for (what, one, other), count in found.items()
    ]


def _roles(stages: Stages, comparison: str) -> dict[str, StageRecord]:
    """Part that it plays in the claim -> stage, the comparison last.

    A stage that a comparison doesn't read itself, its encoder for instance, goes by its kind.
    """
    found = {role: stages.by_key[key] for role, key in stages.by_key[comparison].inputs.items()}
    direct = {one.key for one in found.values()}
    others: Counter[str] = Counter()
    first: dict[str, StageRecord] = {}
    for key, one in stages.behind([comparison]).by_key.items():
        if key not in direct:
            others[one.stage] += 1
            number = others[one.stage]
            first[one.stage if number == 1 else f"{one.stage} {number}"] = one
    return {**first, **found}


def _changes(left: StageRecord, right: StageRecord) -> Iterator[tuple[str, str, str]]:
    if left.version != right.version:
        yield "version of the stage's code", str(left.version), str(right.version)
    a, b = (_configuration(one) for one in (left, right))
    yield from (_in_words(one) for one in differences(a, b))


def _configuration(stage: StageRecord) -> Mapping[str, Any]:
    if stage.stage != "compare":
        return stage.config
    facts = stage.config["comparison"]
    protocol = {name: facts["protocol"][name] for name in ("id", "version")}
    return {**{name: facts[name] for name in _FACTS}, "protocol": protocol}


def _made(provenance: Mapping[str, Any], stage: StageRecord) -> dict[str, Any]:
    found = provenance["stages"].get(f"{stage.stage} {stage.key[:12]}", {})
    return {name: value for name, value in found.items() if name not in _TIMES}


def _in_words(one: Difference) -> tuple[str, str, str]:
    return " ".join(one.path), _text(one.left), _text(one.right)


def _text(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items()) or "nothing"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    return str(value)


def _listed(changes: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"what": what, "left": one, "right": other} for what, one, other in changes]
