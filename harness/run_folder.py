"""The folder that a run leaves behind: scores, comparison, predictions, gold, report, provenance.

Built beside its final place and renamed into it, so a crash leaves the old folder or the new one.
`run.json` names the sha256 of every other file, and of itself with that field empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.artifacts import PROVENANCE, Store, describe_os_errors
from harness.canonical import bytes_sha256, canonical_json, file_sha256
from harness.errors import MachineError, UsageError
from harness.models import Family
from harness.plan import Plan
from harness.provenance import environment
from harness.records import Comparison, read_examples

RUN = "run.json"
_FRESH = ".harness-run-"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The HTML pages of a run, rendered elsewhere."""

    report: str
    provenance: str


def write_run(
    out: Path,
    plan: Plan,
    store: Store,
    comparisons: Mapping[str, Comparison],
    pages: Pages,
) -> None:
    """Write the run folder of the claims that have a comparison.

    Raises:
        UsageError: `out` is a folder with other things in it, or a file.
        MachineError: disk full, no permission.
        VerificationError: the store holds something that isn't as it was written.
    """
    check_replaceable(out)
    with describe_os_errors(out, "--out"):
        out.parent.mkdir(parents=True, exist_ok=True)
        # A container's mounted folder can't be renamed: there, the contents are replaced.
        mounted = os.path.ismount(out)
        fresh = (out if mounted else out.parent) / f"{_FRESH}{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            _fill(fresh, plan, store, comparisons, pages)
            (_refill if mounted else _swap)(fresh, out)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def check_replaceable(out: Path) -> None:
    """Refuse to replace what isn't a run folder, or to write where that can't be.

    Raises:
        UsageError: `out` holds something else.
        MachineError: `out` can't be made where it is to lie.
    """
    if out.is_dir():
        others = [path for path in out.iterdir() if not path.name.startswith(_FRESH)]
        if not others or (out / RUN).is_file():
            return
    if out.exists():
        raise UsageError(
            where=f"--out {out}",
            got="something that is not a run folder",
            expected="a new folder, an empty one, or an earlier run's",
            fix="Name another --out; nothing was touched.",
        )
    with describe_os_errors(out, "--out"):
        home = next(path for path in out.absolute().parents if path.exists())
    if not (home.is_dir() and os.access(home, os.W_OK)):
        raise MachineError(
            where=f"--out {out}",
            got=f"{home}, where nothing can be written",
            expected="a folder that you may write",
            fix="Name another --out.",
        )


def collect_provenance(plan: Plan, store: Store) -> dict[str, Any]:
    """This machine and, for every finished stage of the plan, when and where it was made."""
    stages: dict[str, Any] = {}
    for planned in plan.stages:
        if store.has(planned.key):
            stages[f"{planned.stage} {planned.key[:12]}"] = {
                "label": planned.label,
                **_json(store.sound(planned.key, [PROVENANCE]) / PROVENANCE),
            }
    return {"here": environment(), "stages": stages}


def _fill(
    folder: Path,
    plan: Plan,
    store: Store,
    comparisons: Mapping[str, Comparison],
    pages: Pages,
) -> None:
    dumps = [comparison.model_dump(mode="json") for comparison in comparisons.values()]
    # Unsorted: the report shows facts in the order that they stand in here.
    _write_json(folder / "comparison.json", {"format": 1, "comparisons": dumps}, sort=False)
    _write_json(folder / "scores.json", {"format": 1, "claims": _scores(comparisons)})
    _copy_predictions(folder, plan, store, comparisons)
    (folder / "report.html").write_text(pages.report, encoding="utf-8")
    (folder / "provenance.html").write_text(pages.provenance, encoding="utf-8")
    _write_json(folder / "provenance.json", collect_provenance(plan, store))
    run: dict[str, Any] = {
        "format": 1,
        "claims": {name: plan.comparisons[name] for name in comparisons},
        "profile": plan.profile.id,
        "protocols": {name: one.protocol.id for name, one in comparisons.items()},
        "artifacts": [one.key for one in plan.stages],
        "files": {name: file_sha256(folder / name) for name in _names(folder)},
        "sha256": "",
    }
    run["sha256"] = bytes_sha256(canonical_json(run))
    _write_json(folder / RUN, run)


def _scores(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    return {
        name: [
            score.model_dump(mode="json")
            for system in comparison.systems
            for score in system.scores
        ]
        for name, comparison in comparisons.items()
    }


def _copy_predictions(
    folder: Path, plan: Plan, store: Store, comparisons: Mapping[str, Comparison]
) -> None:
    """predictions/<artifact>/<language>.jsonl and gold/<artifact>/<language>.jsonl."""
    stages = plan.by_key()
    for name in comparisons:
        for role, key in stages[plan.comparisons[name]].inputs.items():
            target = folder / "predictions" / key[:16]
            if not role.startswith("predict/") or target.exists():
                continue
            shutil.copytree(store.sound(key) / "predictions", target)
            examples = stages[stages[key].inputs["examples"]]
            gold = folder / "gold" / examples.key[:16]
            if not gold.exists():
                gold.mkdir(parents=True)
                licensed = stages[examples.inputs["dataset"]].config["source"]["kind"] == "files"
                write = write_digest if licensed else write_gold
                write(store.sound(examples.key), gold, stages[key].config["family"])


def write_gold(examples: Path, folder: Path, family: Family) -> None:
    """Ids, documents and references, a file for each language.

    No text but the answers: contexts and sentences may be somebody's.

    Args:
        examples: the folder of a finished `examples` stage.
        folder: where the files go; it exists.
        family: of the examples.
    """
    with contextlib.ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for one in read_examples(examples / "examples.jsonl", family):
            reference = _REFERENCES[family](one)
            if reference is None:
                continue
            if one.language not in files:
                path = folder / f"{one.language}.jsonl"
                stream = path.open("w", encoding="utf-8", newline="\n")
                files[one.language] = stack.enter_context(stream)
            row = {"id": one.id, "document": one.document, **reference}
            text = json.dumps(row, ensure_ascii=False, sort_keys=True)
            files[one.language].write(text + "\n")


def write_digest(examples: Path, folder: Path, family: Family) -> None:
    """Of rows whose licence forbids copies only what tells whether other rows are the same."""
    facts = {"family": family, "sha256": file_sha256(examples / "examples.jsonl")}
    _write_json(folder / "digest.json", facts)


def _mates(one: Any) -> dict[str, Any] | None:
    """Of the sentences that are looked up, those with a translation: the pairs to be found."""
    return {"mates": list(one.mates)} if one.side == "foreign" and one.mates else None


# Family -> what an example's prediction is compared with; None: nothing.
_REFERENCES: dict[Family, Callable[[Any], dict[str, Any] | None]] = {
    "extractive_qa": lambda one: {"answers": list(one.answers)},
    "classification": lambda one: {"label": one.label},
    "multiple_choice": lambda one: {"label": one.label},
    "tagging": lambda one: {"tags": list(one.tags)},
    "retrieval": _mates,
}


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _swap(fresh: Path, out: Path) -> None:
    """Put `fresh` where `out` is; the old one goes only when the new one stands."""
    old = out.parent / f".{out.name}-old-{os.getpid()}"
    if out.exists():
        os.rename(out, old)
    os.rename(fresh, out)
    shutil.rmtree(old, ignore_errors=True)


def _refill(fresh: Path, out: Path) -> None:
    """Move what is in `fresh` into `out`, run.json last: until then `verify` refuses the folder."""
    for path in out.iterdir():
        if path not in (fresh, out / RUN):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted(fresh.iterdir(), key=lambda one: one.name == RUN):
        os.replace(path, out / path.name)


def default_out(claims: Sequence[str], profile: str) -> Path:
    """runs/<claim or paper>-<profile>."""
    papers = {name.partition("/")[0] for name in claims}
    name = claims[0].partition("/")[2] if len(claims) == 1 else "-".join(sorted(papers))
    return Path("runs") / f"{name}-{profile}"


def _write_json(path: Path, value: Any, *, sort: bool = True) -> None:
    text = json.dumps(value, ensure_ascii=False, sort_keys=sort, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value
