"""Reads every manifest into frozen models; errors name file, line, key, got and expected.

A manifest folder holds papers/<id>/paper.yaml with one file per claim beside it, protocols/,
profiles/, tasks.yaml, pins.yaml and machines.yaml. A user's own folder (`--manifests DIR`) is laid
over the project's: its papers, protocols and profiles come beside ours, its tasks and pins add to
ours.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from harness import yaml12
from harness.errors import ManifestError, UsageError
from harness.mistakes import explain, in_words
from harness.models import (
    Claim,
    DataSpec,
    Family,
    Machines,
    MachineSpeed,
    Model,
    Paper,
    Pins,
    Profile,
    Protocol,
    Task,
    Tasks,
)
from harness.resources import resource_dir
from harness.transcription import transcription_problems

M = TypeVar("M", bound=BaseModel)
_READ = (
    *("papers/*/*.yaml", "protocols/*.yaml", "profiles/*.yaml"),
    *("tasks.yaml", "pins.yaml", "machines.yaml"),
)


@dataclass(frozen=True, kw_only=True)
class Manifests:
    """Everything that the manifest folders say."""

    papers: Mapping[str, Paper]
    claims: Mapping[str, Claim]
    """Keyed by paper/claim."""
    protocols: Mapping[str, Protocol]
    profiles: Mapping[str, Profile]
    tasks: Mapping[str, Task]
    pins: Pins
    machines: Mapping[str, MachineSpeed]


def parse_model(model: type[M], path: Path) -> M:
    """The YAML file at `path` as a `model`.

    Raises:
        ManifestError: the first thing that is wrong, with file, line and key.
    """
    value, lines = yaml12.load(path)
    try:
        return model.model_validate(value, strict=False)
    except ValidationError as error:
        raise explain(error, model, path, lines) from error


def load_manifests(extra: Path | None = None, pins: Path | None = None) -> Manifests:
    """The project's manifests, with the user's folder `extra` and pin file over them.

    Raises:
        ManifestError: a file breaks a rule, or names something that no other file defines.
    """
    folders = [resource_dir("manifests"), *([extra] if extra else [])]
    if extra and not extra.is_dir():
        raise UsageError(
            where=f"--manifests {extra}",
            got="no such folder",
            expected="a folder with papers/, protocols/, ...",
            fix="Check the path.",
        )
    if extra:
        _refuse_strays(extra)
    manifests = Manifests(
        papers=_papers(folders),
        claims=_claims(folders),
        protocols=_by_id(Protocol, _files(folders, "protocols/*.yaml")),
        profiles=_by_id(Profile, _files(folders, "profiles/*.yaml")),
        tasks=_merged(parse_model(Tasks, path).tasks for path in _files(folders, "tasks.yaml")),
        pins=_pins(folders, pins),
        machines=_merged(
            parse_model(Machines, path).machines for path in _files(folders, "machines.yaml")
        ),
    )
    _check_references(manifests, folders)
    _check_overrides(manifests)
    return manifests


def select_claims(manifests: Manifests, patterns: Sequence[str]) -> tuple[str, ...]:
    """The claims that match the patterns, in manifest order, each once.

    Raises:
        UsageError: a pattern matches nothing; the nearest claim is suggested.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = fnmatch.filter(manifests.claims, pattern)
        if not matches:
            raise UsageError(
                where=f"claim `{pattern}`",
                got="no claim of that name",
                expected=_suggest(pattern, manifests.claims),
                fix="`harness list` shows them all.",
            )
        found |= dict.fromkeys(matches)
    return tuple(name for name in manifests.claims if name in found)


def choose(kind: str, name: str, known: Mapping[str, M]) -> M:
    """`known[name]`, or a UsageError that suggests the nearest name."""
    if name in known:
        return known[name]
    expected = _suggest(name, known)
    others = [other for other in known if f"`{other}`" not in expected]
    more = f"There are also {', '.join(others)}." if expected.endswith("perhaps") and others else ""
    raise UsageError(
        where=f"{kind} `{name}`",
        got=f"no {kind} of that name",
        expected=expected,
        fix=more or "Check the name.",
    )


def merge_override(base: M, values: Mapping[str, Any], where: str) -> M:
    """A protocol's settings with a profile's values in place of some.

    Raises:
        ManifestError: an override of a setting that doesn't exist, or of the wrong type.
    """
    try:
        return type(base).model_validate({**base.model_dump(exclude_none=True), **values})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ManifestError(
            where=f"{where}: overrides.{key}",
            got=repr(first["input"]),
            expected=in_words(first),
            fix=f"Settings are: {', '.join(type(base).model_fields)}.",
        ) from error


def _suggest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    return f"`{close[0]}`, perhaps" if close else f"one of {', '.join(names) or 'none'}"


def _files(folders: Sequence[Path], pattern: str) -> list[Path]:
    found = [sorted(folder.glob(pattern), key=lambda p: (p.parent, p.stem)) for folder in folders]
    return [path for paths in found for path in paths]


def _refuse_strays(folder: Path) -> None:
    """A file that nothing reads would pass for checked."""
    read = {path for pattern in _READ for path in folder.glob(pattern)}
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path not in read and not hidden:
            raise ManifestError(
                where=str(path),
                got="a manifest in a place that nothing reads",
                expected=f"one of {', '.join(_READ)}",
                fix="Move or rename it.",
            )


def _papers(folders: Sequence[Path]) -> dict[str, Paper]:
    papers = {}
    for path in _files(folders, "papers/*/paper.yaml"):
        paper = parse_model(Paper, path)
        _same_name(path, "id", paper.id, path.parent.name)
        papers[paper.id] = paper
    return papers


def _claims(folders: Sequence[Path]) -> dict[str, Claim]:
    claims: dict[str, Claim] = {}
    for path in _files(folders, "papers/*/*.yaml"):
        if path.name == "paper.yaml":
            continue
        claim = parse_model(Claim, path)
        _same_name(path, "id", claim.id, path.stem)
        for problem in transcription_problems(claim):
            raise ManifestError(
                where=_at(path, problem.key),
                got=problem.got,
                expected=problem.expected,
                fix="Type the number again from its source, or give its evidence "
                "`known_inconsistency: why`.",
            )
        claims[f"{path.parent.name}/{claim.id}"] = claim
    return claims


def _by_id(model: type[M], paths: Sequence[Path]) -> dict[str, M]:
    found: dict[str, M] = {}
    for path in paths:
        item = parse_model(model, path)
        name = str(getattr(item, "id", path.stem))
        _same_name(path, "id", name, path.stem)
        found[name] = item
    return found


def _same_name(path: Path, key: str, got: str, expected: str) -> None:
    if got != expected:
        raise ManifestError(
            where=_at(path, key),
            got=f"`{got}`",
            expected=f"`{expected}`, as the file or folder is called",
            fix="Rename one of the two.",
        )


def _at(path: Path, key: str) -> str:
    """File, line and key; the line of the nearest key above where that one isn't written out."""
    lines, at = yaml12.load(path)[1], tuple(key.split("."))
    while at not in lines:
        at = at[:-1]
    return f"{path}, line {lines[at]}: {key}"


def _merged(parts: Iterable[Mapping[str, M]]) -> dict[str, M]:
    merged: dict[str, M] = {}
    for part in parts:
        merged |= part
    return merged


def _pins(folders: Sequence[Path], replacement: Path | None) -> Pins:
    paths = [replacement] if replacement else _files(folders, "pins.yaml")
    parts = [parse_model(Pins, path) for path in paths]
    return Pins(
        format=1,
        datasets=_merged(part.datasets for part in parts),
        encoders=_merged(part.encoders for part in parts),
    )


def _check_references(manifests: Manifests, folders: Sequence[Path]) -> None:
    where = ", ".join(str(folder) for folder in folders)
    for user, kind, name, known in _references(manifests):
        if name not in known:
            raise ManifestError(
                where=f"{where}: {user}",
                got=f"{kind} `{name}`, which is not defined",
                expected=_suggest(name, known),
                fix=f"Define the {kind} or mend the name.",
            )


def settings_of(protocol: Protocol, profile: Profile | None, task: str, family: str) -> Model:
    """The values for `task`: its family's, its own of the protocol, then those of the profile.

    `task` and `family` are both "multi_task" for the training on several tasks at once.

    Raises:
        UsageError: the protocol says nothing about the family.
        ManifestError: an override that isn't a setting of the family, or has a wrong value.
    """
    base = getattr(protocol, family)
    if base is None:
        raise UsageError(
            where=f"protocol {protocol.id}",
            got=f"nothing about {family.replace('_', ' ')}",
            expected=f"settings for it: the task `{task}` is of that family",
            fix="Name another --protocol, or add the section to this one.",
        )
    steps = [(protocol.tasks.get(task, {}), f"protocol {protocol.id}: tasks.{task}")]
    for key in dict.fromkeys((family, task)) if profile else ():
        assert profile is not None
        steps.append((profile.overrides.get(key, {}), f"profile {profile.id}: {key}"))
    for values, where in steps:
        base = merge_override(base, values, where) if values else base
    found: Model = base
    return found


def _check_overrides(manifests: Manifests) -> None:
    """Try every override of every profile on every protocol that has the family."""
    for protocol in manifests.protocols.values():
        for task, family in _settable(manifests):
            if getattr(protocol, family) is not None:
                for profile in (None, *manifests.profiles.values()):
                    settings_of(protocol, profile, task, family)


def _settable(manifests: Manifests) -> Iterator[tuple[str, str]]:
    yield "multi_task", "multi_task"
    for name, task in manifests.tasks.items():
        yield name, task.family


Reference = tuple[str, str, str, Iterable[str]]


def _references(manifests: Manifests) -> Iterator[Reference]:
    """(who names it, what kind of thing, its name, the names that are defined)."""
    for full_name, claim in manifests.claims.items():
        yield from _claim_references(manifests, full_name, claim)
    for name, paper in manifests.papers.items():
        yield f"paper {name}", "encoder", paper.encoder, manifests.pins.encoders
    for name, profile in manifests.profiles.items():
        yield f"profile {name}", "encoder", profile.encoder, manifests.pins.encoders
        for task in profile.bind:
            yield f"profile {name}", "task", task, manifests.tasks
        for key in profile.overrides:
            yield f"profile {name}: overrides", "family or task", key, _override_keys(manifests)
    for name, protocol in manifests.protocols.items():
        for task in protocol.tasks:
            yield f"protocol {name}: tasks", "task", task, manifests.tasks
    for user, spec in _data_specs(manifests):
        yield user, "data set", spec.dataset, manifests.pins.datasets
        configs = manifests.pins.datasets[spec.dataset].configs
        for config in spec.configs:
            yield f"{user}: {spec.dataset}", "config", config, configs
            yield f"{user}: {spec.dataset} {config}", "split", spec.split, configs[config]


def _override_keys(manifests: Manifests) -> tuple[str, ...]:
    return (*get_args(Family), "multi_task", *manifests.tasks)


def _claim_references(manifests: Manifests, name: str, claim: Claim) -> Iterator[Reference]:
    user = f"claim {name}"
    yield user, "paper", name.split("/")[0], manifests.papers
    for target in claim.targets:
        yield user, "task", target, manifests.tasks
    yield user, "protocol", claim.protocol, manifests.protocols
    if claim.average.languages != "all":
        for language in claim.average.languages:
            known = manifests.tasks.get(claim.targets[0])
            yield user, "language", language, known.languages if known else ()
    for system in claim.systems.values():
        first = system.intermediate
        text = first.masked_lm if first else None
        for task in (*(first.tasks if first else ()), *([text.task] if text else ())):
            yield user, "task", task, manifests.tasks
    for profile in claim.verdict.required_rung:
        yield user, "profile", profile, manifests.profiles


def _data_specs(manifests: Manifests) -> Iterator[tuple[str, DataSpec]]:
    for name, task in manifests.tasks.items():
        for spec in (*(task.train or ()), *filter(None, [task.evaluation])):
            yield f"task {name}", spec
    for profile_name, profile in manifests.profiles.items():
        for name, bound in profile.bind.items():
            for spec in (*(bound.train or ()), *filter(None, [bound.evaluation])):
                yield f"profile {profile_name}: {name}", spec
