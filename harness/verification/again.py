"""Makes scores and comparisons again, by the stages' own code, from the files of a run folder.

All in a scratch folder: the stages see checked copies and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.canonical import file_sha256
from harness.errors import DataError, HarnessError, MachineError, UsageError
from harness.gold import gold_line, read_gold, unknown
from harness.models import Family
from harness.models.base import RelativePath
from harness.records import write_rows
from harness.run_files import RunFiles, first_mistake, parsed, unsound
from harness.run_stages import MATERIAL, SCORES, StageRecord
from harness.stages import compare, contract, score
from harness.stages.contract import Resources, Silent, StageContext
from harness.verification.results import LackingError

_PATH: TypeAdapter[str] = TypeAdapter(RelativePath)
T = TypeVar("T")


@dataclass
class Again:
    """A run folder and what was made of it again; each thing once, an error too."""

    files: RunFiles
    brought: Mapping[str, Path]
    """Licensed data set -> the user's folder with it."""
    scratch: Path
    manifests: Path | None = None
    """The user's own, laid over the project's."""
    key: Path | None = None
    """Of the public key that has to have signed the folder."""
    made: dict[str, Any] = field(default_factory=dict)

    def comparison(self, stage: StageRecord) -> Any:
        """The document of a claim's comparison.

        Raises:
            VerificationError: the folder's files make none.
            LackingError: some of it isn't here.
        """
        return self._once(stage.key, lambda: self._compared(stage))

    def scores(self, stage: StageRecord) -> Path:
        """A folder with items.jsonl and scores.json of a stage `score`; raises likewise."""
        path: Path = self._once(stage.key, lambda: self._scored(stage))
        return path

    def gold(self, examples: StageRecord, family: Family) -> Path:
        """A folder with examples.jsonl: as far as scorers read it; raises likewise."""
        path: Path = self._once(examples.key, lambda: self._examples(examples, family))
        return path

    def is_at_hand(self, examples: StageRecord) -> bool:
        """Whether the answers are in the folder, or the user brought them."""
        stages = self.files.stages
        if not stages.is_licensed(examples):
            return True
        return str(stages.source(examples)["name"]) in self.brought

    def _once(self, key: str, make: Callable[[], T]) -> T:
        if key not in self.made:
            try:
                self.made[key] = make()
            except MachineError:
                raise
            except HarnessError as error:
                self.made[key] = error
            # A forged document may lead the code that reads it anywhere.
            except Exception as error:
                found = f"what makes no sense ({type(error).__name__}: {error})"
                self.made[key] = unsound(f"stage {key[:12]}", found, "what a run writes")
        if isinstance(self.made[key], HarnessError):
            raise self.made[key]
        result: T = self.made[key]
        return result

    def _compared(self, stage: StageRecord) -> Any:
        stages = self.files.stages.by_key
        inputs = {}
        for role, key in stage.inputs.items():
            one = stages[key]
            inputs[role] = self.scores(one) if one.stage == "score" else self._material(one)
        out = self._judged(compare.run, stage, inputs, f"claim of stage {stage.key[:12]}")
        return json.loads((out / "comparison.json").read_bytes())

    def _material(self, stage: StageRecord) -> Path:
        """What a comparison reads of a stage other than a score."""
        evaluated = self.files.stages.evaluated
        folder = self._folder(stage)
        for name in MATERIAL.get(stage.stage, ()):
            self._copy(f"material/{stage.short}/{name}", folder / name)
        for predict, examples in evaluated.values():
            family: Family = predict.config["family"]
            if predict.key == stage.key:
                return self._predictions(stage, family)
            if examples.key == stage.key:
                return self.gold(stage, family)
        return folder

    def _scored(self, stage: StageRecord) -> Path:
        stages = self.files.stages.by_key
        examples, predict = stages[stage.inputs["examples"]], stages[stage.inputs["predictions"]]
        if not self.is_at_hand(examples):
            return self._stored_scores(stage)
        family: Family = stage.config["family"]
        inputs = {
            "examples": self.gold(examples, family),
            "predictions": self._predictions(predict, family),
        }
        return self._judged(score.run, stage, inputs, f"predictions/{predict.short}")

    def _judged(
        self,
        function: Callable[[StageContext], None],
        stage: StageRecord,
        inputs: Mapping[str, Path],
        where: str,
    ) -> Path:
        """`_run`, where whatever the stage refuses is a fault of the folder."""
        try:
            return self._run(function, stage, inputs, Resources())
        except LackingError:
            raise
        except (DataError, UsageError) as error:
            raise unsound(where, f"{error.where}: {error.got}", error.expected) from error

    def _stored_scores(self, stage: StageRecord) -> Path:
        """Of licensed rows: as they are, after their mean over items was taken again."""
        folder = self._folder(stage)
        for name in SCORES:
            self._copy(f"material/{stage.short}/{name}", folder / name)
        sums: dict[tuple[str, str], list[float]] = {}
        for line in (folder / "items.jsonl").read_bytes().splitlines():
            row = json.loads(line)
            for metric, value in row["values"].items():
                sums.setdefault((row["language"], metric), []).append(value)
        languages = json.loads((folder / "scores.json").read_bytes())["languages"]
        for (language, metric), values in sums.items():
            mean, told = math.fsum(values) / len(values), languages[language][metric]
            if not math.isclose(mean, told, rel_tol=1e-9, abs_tol=1e-9):
                where, got = f"material/{stage.short}/scores.json", f"{language} {metric} {told}"
                raise unsound(where, got, f"{mean}, the mean of items.jsonl")
        return folder

    def _predictions(self, stage: StageRecord, family: Family) -> Path:
        """A folder with the predictions, each line of which is one."""
        folder = self._folder(stage)
        target = folder / "predictions"
        if target.exists():
            return folder
        target.mkdir()
        for name in self.files.below(f"predictions/{stage.short}"):
            with (target / name.rpartition("/")[2]).open("wb") as stream:
                for line, _ in self.files.predictions(name, family):
                    stream.write(line + b"\n")
        return folder

    def _examples(self, stage: StageRecord, family: Family) -> Path:
        if not self.is_at_hand(stage):
            return self._unknown(stage, family)
        if self.files.stages.is_licensed(stage):
            return self._brought(stage)
        folder, before = self._folder(stage), f"gold/{stage.short}"
        rows = (
            _gold_row(line, family, name.rpartition("/")[2].removesuffix(".jsonl"), f"{name}, {n}")
            for name in self.files.below(before)
            for n, line in enumerate(self.files.lines(name), start=1)
        )
        write_rows(folder / "examples.jsonl", rows)
        return folder

    def _unknown(self, stage: StageRecord, family: Family) -> Path:
        """Items of which only what was scored is known."""
        scored = next(
            one
            for one in self.files.stages.by_key.values()
            if one.stage == "score" and one.inputs["examples"] == stage.key
        )
        name = f"material/{scored.short}/items.jsonl"
        rows = (parsed(line, name) for line in self.files.lines(name))
        known = (unknown(one["id"], one["document"], family, one["language"]) for one in rows)
        folder = self._folder(stage)
        write_rows(folder / "examples.jsonl", known)
        return folder

    def _brought(self, stage: StageRecord) -> Path:
        """The examples of the user's own copy, if they are those that the digest is of."""
        # Imported here: what reads tables is slow to load, and few runs need it.
        from harness.stages import dataset, examples

        rows = self.files.stages.by_key[stage.inputs["dataset"]]
        for one in rows.config["source"]["files"].values():
            _PATH.validate_python(one["file"])
        resources = Resources(files=self.brought)
        read = self._run(dataset.run, rows, {}, resources)
        made = self._run(examples.run, stage, {"dataset": read}, resources)
        name = f"gold/{stage.short}/digest.json"
        if file_sha256(made / "examples.jsonl") != self.files.json(name)["sha256"]:
            raise unsound(name, "the digest of other rows", "that of the data you brought")
        return made

    def _run(
        self,
        function: Callable[[StageContext], None],
        stage: StageRecord,
        inputs: Mapping[str, Path],
        resources: Resources,
    ) -> Path:
        here = contract.stage(stage.stage).version
        if here != stage.version:
            raise LackingError(
                where=f"stage {stage.stage} {stage.key[:12]} ({stage.label})",
                got=f"made by version {stage.version} of the stage; this is version {here}",
                expected="the same version",
                fix="Verify with the harness that made the run (provenance.json names its commit).",
            )
        out = self._folder(stage)
        context = StageContext(
            config=stage.config,
            inputs=inputs,
            input_keys=stage.inputs,
            out=out,
            scratch=self.scratch / "unused",
            resources=resources,
            progress=Silent(),
        )
        function(context)
        return out

    def _folder(self, stage: StageRecord) -> Path:
        folder = self.scratch / stage.key
        folder.mkdir(exist_ok=True)
        return folder

    def _copy(self, name: str, target: Path) -> None:
        data = self.files.whole(name)
        for line in data.splitlines() if name.endswith(".jsonl") else [data]:
            parsed(line, name)
        target.write_bytes(data)


def _gold_row(line: bytes, family: Family, language: str, where: str) -> Any:
    try:
        example = read_gold(parsed(line, where), family, language)
    except ValidationError as error:
        raise unsound(where, first_mistake(error), "a gold answer") from error
    except (KeyError, TypeError, ValueError) as error:
        raise unsound(where, str(error), "a gold answer") from error
    if gold_line(example, family).encode() != line:
        raise unsound(where, "another form of the same values", "rows as a run writes them")
    return example
