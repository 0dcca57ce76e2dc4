"""A run folder as a Provenance Run Crate 0.5: an RO-Crate that says how each file came about.

Profiles: https://w3id.org/ro/wfrun/{process,workflow,provenance}/0.5 over RO-Crate 1.1. It holds
times, so it belongs to provenance: two equal runs differ in it.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity, Dataset, File
from rocrate.rocrate import ROCrate

from harness import __version__
from harness.canonical import file_sha256
from harness.evidence import ATTESTATION
from harness.records import Comparison
from harness.run_stages import SHORT, Stages

WORKFLOW = "stages.json"
_WFRUN = "https://w3id.org/ro/wfrun"
_BIOSCHEMAS = "https://bioschemas.org/profiles"
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_PROFILES = {
    f"{_WFRUN}/process/0.5": "Process Run Crate",
    f"{_WFRUN}/workflow/0.5": "Workflow Run Crate",
    f"{_WFRUN}/provenance/0.5": "Provenance Run Crate",
    _WORKFLOW_CRATE: "Workflow RO-Crate",
}
_ENGINE, _RUN = "#harness", "#run"
_DATA, _REPORT = "#data", "#report"
_FOLDERS = ("predictions", "gold", "material")
"""An artifact each; those are shown whole."""
_RESULTS = ("report.html", "comparison.json", "scores.json")
_AS_WORKFLOW = {"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]}
Times = Mapping[str, Mapping[str, Any]]
"""Key of a stage -> its provenance: started, ended, seconds."""


def crate(
    folder: Path,
    stages: Stages,
    comparisons: Mapping[str, Comparison],
    times: Times,
) -> dict[str, Any]:
    """The metadata document of a folder in which all but run.json and the attestation lie.

    Args:
        folder: of the run.
        stages: that made it.
        comparisons: claim -> what was found.
        times: of the stages that are finished.
    """
    made = _Crate(folder, stages, times)
    made.root(comparisons)
    made.files()
    made.tools()
    made.actions()
    made.run()
    document: dict[str, Any] = made.crate.metadata.generate()
    graph = [{key: _single(value) for key, value in one.items()} for one in document["@graph"]]
    return {**document, "@graph": graph}


class _Crate:
    """The document while it grows; the order of calls is the order of its entities."""

    def __init__(self, folder: Path, stages: Stages, times: Times) -> None:
        self.folder, self.times = folder, times
        self.stages_run = [one for one in stages.by_key.values() if one.key in times]
        self.crate = ROCrate(gen_preview=False, version="1.1")
        profiles = ("https://w3id.org/ro/crate/1.1", _WORKFLOW_CRATE)
        self.crate.metadata["conformsTo"] = [_ref(one) for one in profiles]
        # The one term that the context of 1.1 is too old for.
        self.crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"

    def root(self, comparisons: Mapping[str, Comparison]) -> None:
        """The run as a whole."""
        verdicts = (f"{name}: {one.verdict.rung}" for name, one in comparisons.items())
        self._add("#licence", "CreativeWork", name="Each data set's own licence: see croissant/")
        for ident, name in _PROFILES.items():
            self._add(ident, "CreativeWork", name=name, version=ident.rpartition("/")[2])
        ended = max((str(one["ended"]) for one in self.times.values()), default="1970-01-01")
        root = self.crate.root_dataset
        root["name"] = f"Reproduction of {', '.join(comparisons)}"
        root["description"] = "; ".join(verdicts)
        root["datePublished"] = ended
        root["license"] = _ref("#licence")
        root["conformsTo"] = [_ref(one) for one in _PROFILES]

    def files(self) -> None:
        """What lies in the folder: files with their hashes, predictions and gold as folders."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name.partition("/")[0] not in _FOLDERS:
                facts = {"sha256": file_sha256(path), "contentSize": str(path.stat().st_size)}
                self._file(name, **(facts | _AS_WORKFLOW if name == WORKFLOW else facts))
            elif path.is_dir() and name.count("/") == 1:
                self.crate.add(
                    Dataset(self.crate, dest_path=f"{name}/", properties={"name": f"{name}/"})
                )
        self._file("run.json", description="The sha256 of every other file")
        self._file(ATTESTATION, description="in-toto attestation over run.json and the results")

    def tools(self) -> None:
        """The harness, its kinds of stages, and the plan as the workflow."""
        engine = {"name": "reproduction-harness", "softwareVersion": __version__}
        self._add(_ENGINE, "SoftwareApplication", **engine)
        language = {"name": "Plan of the reproduction harness", "alternateName": "harness plan"}
        self._add("#plan", "ComputerLanguage", **language)
        kinds = {one.stage: one.version for one in self.stages_run}
        for kind, number in kinds.items():
            facts = {"name": f"stage {kind}", "softwareVersion": str(number)}
            self._add(f"#stage-{kind}", "SoftwareApplication", **facts)
        for ident, name in ((_DATA, "data sets"), (_REPORT, "results")):
            self._add(
                ident,
                "FormalParameter",
                name=name,
                additionalType="File",
                conformsTo=_ref(f"{_BIOSCHEMAS}/FormalParameter/1.0-RELEASE"),
            )
        plan = self.crate.get(WORKFLOW)
        plan["version"] = __version__
        plan["conformsTo"] = _ref(f"{_BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE")
        plan["name"] = "The stages that lead from data to verdicts"
        plan["programmingLanguage"] = _ref("#plan")
        plan["hasPart"] = [_ref(f"#stage-{kind}") for kind in kinds]
        plan["step"] = [_ref(f"#step-{one.short}") for one in self.stages_run]
        plan["input"], plan["output"] = [_ref(_DATA)], [_ref(_REPORT)]
        self.crate.root_dataset["mainEntity"] = _ref(WORKFLOW)

    def actions(self) -> None:
        """Each stage: the step of the plan, its control by the harness, its run, its artifact."""
        for place, one in enumerate(self.stages_run, start=1):
            short = one.short
            self._add(
                f"#step-{short}",
                "HowToStep",
                name=one.label,
                position=str(place),
                workExample=_ref(f"#stage-{one.stage}"),
            )
            self._add(
                f"#control-{short}",
                "ControlAction",
                name=f"orchestrate {one.stage}: {one.label}",
                instrument=_ref(f"#step-{short}"),
                object=_ref(f"#action-{short}"),
            )
            self._add(
                f"#action-{short}",
                "CreateAction",
                name=f"{one.stage}: {one.label}",
                description=f"Stage {one.stage}, version {one.version}; key {one.key}",
                instrument=_ref(f"#stage-{one.stage}"),
                object=[_ref(self._artifact(key)) for key in dict.fromkeys(one.inputs.values())],
                result=_ref(self._artifact(one.key)),
                actionStatus="http://schema.org/CompletedActionStatus",
                **self._period([one.key]),
            )
            if self._artifact(one.key).startswith("#"):
                name = f"artifact {one.key[:12]} of {one.stage}: {one.label}"
                self._add(self._artifact(one.key), "CreativeWork", name=name, identifier=one.key)

    def run(self) -> None:
        """The whole run as one action, and the harness's own beside it."""
        keys = [one.key for one in self.stages_run]
        data = [one for one in self.crate.get_entities() if one.id.startswith("croissant/")]
        for one in data:
            one["exampleOfWork"] = _ref(_DATA)
        for name in _RESULTS:
            self.crate.get(name)["exampleOfWork"] = _ref(_REPORT)
        self._add(
            _RUN,
            "CreateAction",
            name="harness reproduce",
            description="All stages from data to verdicts, and the report",
            instrument=_ref(WORKFLOW),
            object=[_ref(one.id) for one in data],
            result=[_ref(name) for name in _RESULTS],
            actionStatus="http://schema.org/CompletedActionStatus",
            **self._period(keys),
        )
        self._add(
            "#engine-run",
            "OrganizeAction",
            name="walk the plan",
            instrument=_ref(_ENGINE),
            object=[_ref(f"#control-{key[:SHORT]}") for key in keys],
            result=_ref(_RUN),
            **self._period(keys),
        )
        actions = [_ref(_RUN), *(_ref(f"#action-{key[:SHORT]}") for key in keys)]
        self.crate.root_dataset["mentions"] = actions

    def _artifact(self, key: str) -> str:
        """Where a stage's artifact lies in the folder, or else an id for it."""
        lies = next(iter(self._folders(key)), None)
        return lies or f"#artifact-{key[:SHORT]}"

    def _folders(self, key: str) -> Iterator[str]:
        for kind in _FOLDERS:
            if (self.folder / kind / key[:SHORT]).is_dir():
                yield f"{kind}/{key[:SHORT]}/"

    def _period(self, keys: Sequence[str]) -> dict[str, str]:
        found = [self.times[key] for key in keys]
        return {
            "startTime": min(str(one["started"]) for one in found),
            "endTime": max(str(one["ended"]) for one in found),
        }

    def _file(self, name: str, **facts: Any) -> None:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        properties = {"name": name, "encodingFormat": kind, **facts}
        self.crate.add(File(self.crate, dest_path=name, properties=properties))

    def _add(self, ident: str, kind: str, **properties: Any) -> None:
        self.crate.add(ContextEntity(self.crate, ident, properties={"@type": kind, **properties}))


def _single(value: Any) -> Any:
    """The one value of a list of one, as RO-Crate asks for it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _ref(ident: str) -> dict[str, str]:
    return {"@id": ident}
