"""The folder that a run leaves behind: `PARTS` says what it holds.

Built beside its final place and renamed into it, so a crash leaves the old folder or the new one.
`run.json` names the sha256 of every other file, and of itself with that field empty. Only the
attestation isn't among them: it is made last, over `run.json`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.artifacts import PROVENANCE, Store, describe_os_errors
from harness.canonical import bytes_sha256, canonical_json, file_sha256
from harness.errors import MachineError, UsageError
from harness.evidence import CRATE
from harness.gold import write_gold
from harness.models import Family
from harness.plan import Plan
from harness.provenance import environment
from harness.records import Comparison
from harness.run_stages import Stages

RUN = "run.json"
_FRESH = ".harness-run-"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The HTML pages of a run, rendered elsewhere."""

    report: str
    provenance: Callable[[dict[str, Any]], str]
    """Renders what provenance.json holds."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a run folder is written from."""

    plan: Plan
    store: Store
    comparisons: Mapping[str, Comparison]
    """Claim -> its comparison, of the claims that have one."""
    pages: Pages

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What provenance.json holds, and its page shows."""
        return collect_provenance(self.plan, self.store)

    @cached_property
    def stages(self) -> Stages:
        """What the comparisons rest on, and they themselves."""
        keys = [self.plan.comparisons[name] for name in self.comparisons]
        return Stages.of_plan(self.plan.stages, keys)


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
    made = Made(plan=plan, store=store, comparisons=comparisons, pages=pages)
    with describe_os_errors(out, "--out"):
        out.parent.mkdir(parents=True, exist_ok=True)
        # A container's mounted folder can't be renamed: there, the contents are replaced.
        mounted = os.path.ismount(out)
        fresh = (out if mounted else out.parent) / f"{_FRESH}{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            _fill(fresh, made)
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


def comparison_text(comparisons: Iterable[Comparison]) -> str:
    """comparison.json."""
    dumps = [one.model_dump(mode="json") for one in comparisons]
    # Unsorted: the report shows facts in the order that they stand in here.
    return json_text({"format": 1, "comparisons": dumps}, sort=False)


def scores_text(comparisons: Iterable[Comparison]) -> str:
    """scores.json: every score of every claim."""
    claims = {
        one.claim.id: [
            score.model_dump(mode="json") for system in one.systems for score in system.scores
        ]
        for one in comparisons
    }
    return json_text({"format": 1, "claims": claims})


def stages_text(stages: Stages) -> str:
    """stages.json: every stage with its configuration."""
    dumps = [one.model_dump(mode="json") for one in stages.by_key.values()]
    # Unsorted: a comparison shows systems and data in the order that they have there.
    return json_text({"format": 1, "stages": dumps}, sort=False)


def json_text(value: Any, *, sort: bool = True) -> str:
    """The text of a JSON file of a run folder."""
    return json.dumps(value, ensure_ascii=False, sort_keys=sort, indent=1) + "\n"


def own_digest(run: Mapping[str, Any]) -> str:
    """What run.json says of itself: sha256 of its canonical JSON with that field empty.

    Raises:
        TypeError, ValueError: it has no canonical form.
    """
    return bytes_sha256(canonical_json({**run, "sha256": ""}))


def _write_predictions(folder: Path, made: Made) -> None:
    """<artifact>/<language>.jsonl."""
    for predict, _ in made.stages.evaluated.values():
        shutil.copytree(made.store.sound(predict.key) / "predictions", folder / predict.short)


def _write_gold(folder: Path, made: Made) -> None:
    """<artifact>/<language>.jsonl; of licensed rows <artifact>/digest.json."""
    for predict, examples in made.stages.evaluated.values():
        target = folder / examples.short
        if not target.exists():
            target.mkdir(parents=True)
            write = write_digest if made.stages.is_licensed(examples) else write_gold
            write(made.store.sound(examples.key), target, predict.config["family"])


def _write_material(folder: Path, made: Made) -> None:
    """<artifact>/<file>: what the comparisons say of trainings and data."""
    for one, names in made.stages.material():
        source = made.store.sound(one.key, names)
        target = folder / one.short
        target.mkdir(parents=True)
        for name in names:
            shutil.copyfile(source / name, target / name)


def _write_croissant(folder: Path, made: Made) -> None:
    """<data set>.json."""
    from harness.evidence import croissant

    folder.mkdir()
    for name, document in croissant.documents(made.stages, made.comparisons.values()).items():
        # Unsorted: Croissant's own tools write a document from the general to the particular.
        (folder / f"{name}.json").write_text(json_text(document, sort=False), encoding="utf-8")


def _write_crate(path: Path, made: Made) -> None:
    from harness.evidence.crate import crate

    times = {
        key: _json(made.store.sound(key, [PROVENANCE]) / PROVENANCE)
        for key in made.stages.by_key
        if made.store.has(key)
    }
    document = crate(path.parent, made.stages, made.comparisons, times)
    path.write_text(json_text(document, sort=False), encoding="utf-8")


def write_digest(examples: Path, folder: Path, family: Family) -> None:
    """Of rows whose licence forbids copies only what tells whether other rows are the same."""
    facts = {"family": family, "sha256": file_sha256(examples / "examples.jsonl")}
    (folder / "digest.json").write_text(json_text(facts), encoding="utf-8")


def _text(text: Callable[[Made], str]) -> Callable[[Path, Made], None]:
    def write(path: Path, made: Made) -> None:
        path.write_text(text(made), encoding="utf-8")

    return write


@dataclass(frozen=True, kw_only=True)
class Part:
    """A file of a run folder, or a folder in it."""

    name: str
    write: Callable[[Path, Made], None]
    """Writes it at the path that it gets; nothing where the run has none."""


# run.json comes last: it names the sha256 of every file of these.
PARTS: tuple[Part, ...] = (
    Part(
        name="comparison.json", write=_text(lambda made: comparison_text(made.comparisons.values()))
    ),
    Part(name="scores.json", write=_text(lambda made: scores_text(made.comparisons.values()))),
    Part(name="stages.json", write=_text(lambda made: stages_text(made.stages))),
    Part(name="predictions", write=_write_predictions),
    Part(name="gold", write=_write_gold),
    Part(name="material", write=_write_material),
    Part(name="croissant", write=_write_croissant),
    Part(name="report.html", write=_text(lambda made: made.pages.report)),
    Part(name="provenance.html", write=_text(lambda made: made.pages.provenance(made.provenance))),
    # Unsorted, as its page shows it.
    Part(
        name="provenance.json",
        write=_text(lambda made: json_text(made.provenance, sort=False)),
    ),
    # After what it describes.
    Part(name=CRATE, write=_write_crate),
)


def _fill(folder: Path, made: Made) -> None:
    from harness.evidence.attestation import attest

    for part in PARTS:
        part.write(folder / part.name, made)
    run: dict[str, Any] = {
        "format": 1,
        "claims": {name: made.plan.comparisons[name] for name in made.comparisons},
        "profile": made.plan.profile.id,
        "protocols": {name: one.protocol.id for name, one in made.comparisons.items()},
        "artifacts": list(made.stages.by_key),
        "files": {name: file_sha256(folder / name) for name in _names(folder)},
        "sha256": "",
    }
    run["sha256"] = own_digest(run)
    (folder / RUN).write_text(json_text(run), encoding="utf-8")
    # Over run.json and what it names, so not named there itself.
    attest(folder)


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


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_bytes())
    return value
