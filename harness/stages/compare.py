"""Stage `compare`: the scores of all systems and seeds -> the comparison with its verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from harness.models import Claim, Metric, Paper
from harness.records import (
    ArtifactRef,
    CheckOutcome,
    ClaimRef,
    Comparison,
    DataUse,
    Deviation,
    Effect,
    Lengths,
    Level,
    Named,
    Overlap,
    Score,
    SystemResult,
    TrainingRun,
)
from harness.stages.contract import StageContext
from harness.statistics import Circumstances, ItemScores, effect, judge, level

METRICS: tuple[Metric, ...] = get_args(Metric)
_PHASES: tuple[Literal["intermediate", "finetune"], ...] = ("intermediate", "finetune")


def run(context: StageContext) -> None:
    """Write `comparison.json` (records.Comparison).

    Raises:
        DataError: systems or seeds that weren't scored on the same items.
    """
    comparison = _Comparer(context, context.config["comparison"]).comparison()
    text = comparison.model_dump_json(indent=1)
    (context.out / "comparison.json").write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class _Comparer:
    context: StageContext
    facts: Mapping[str, Any]
    """What the plan knew before the run (harness/describe.py)."""

    def comparison(self) -> Comparison:
        facts = self.facts
        claim = Claim.model_validate(facts["claim"])
        items = {one["id"]: self._items(one["id"]) for one in facts["systems"]}
        levels = {name: self._levels(claim, name, scores) for name, scores in items.items()}
        effects = tuple(self._effects(claim, items))
        own = effects[: len(claim.compare.pairs())]
        judged = [one for system in levels.values() for one in system]
        circumstances = Circumstances(**facts["circumstances"])
        return Comparison(
            paper=_paper(Paper.model_validate(facts["paper"])),
            claim=_claim(claim, facts),
            profile=Named(id=facts["profile"]["id"], title=facts["profile"]["summary"]),
            scaled_down=facts["scaled_down"],
            protocol=_protocol(facts["protocol"]),
            encoder=_encoder(facts["encoder"]),
            command=facts["command"],
            languages=facts["languages"],
            missing_languages=facts["missing_languages"],
            seeds=facts["seeds"],
            precision=facts["precision"],
            systems=tuple(self._system(claim, one, levels[one["id"]]) for one in facts["systems"]),
            effects=effects,
            verdict=judge(claim.kind, own, judged, claim.verdict, circumstances),
            training=tuple(self._training()),
            data=tuple(self._data(use, one) for use, one in facts["data"].items()),
            contamination=tuple(self._contamination()),
            deviations=tuple(Deviation(**one) for one in facts["deviations"]),
            artifacts=tuple(ArtifactRef(**one) for one in facts["artifacts"]),
        )

    def _system(
        self, claim: Claim, facts: Mapping[str, Any], levels: tuple[Level, ...]
    ) -> SystemResult:
        return SystemResult(**facts, scores=tuple(self._scores(claim, facts["id"])), levels=levels)

    def _items(self, system: str) -> dict[Metric, ItemScores]:
        """Metric -> scores of every item, language -> (num_seeds, num_items)."""
        rows = [_by_language(self._folder("score", system, seed)) for seed in self.facts["seeds"]]
        documents = {name: [row["document"] for row in found] for name, found in rows[0].items()}
        return {
            metric: ItemScores(
                values={
                    name: np.array([[row[metric] for row in seed[name]] for seed in rows])
                    for name in documents
                },
                documents=documents,
            )
            for metric in METRICS
        }

    def _levels(
        self, claim: Claim, system: str, scores: Mapping[Metric, ItemScores]
    ) -> tuple[Level, ...]:
        return tuple(
            level(
                scores[metric],
                claim.reported.levels.get(system) if metric == claim.metric else None,
                claim.verdict,
                self.facts["scaled_down"],
                system=system,
                metric=metric,
            )
            for metric in _claims_first(claim)
        )

    def _effects(
        self, claim: Claim, items: Mapping[str, Mapping[Metric, ItemScores]]
    ) -> Iterator[Effect]:
        pairs = claim.compare.pairs()
        shown = [variant for variant in claim.variants if variant in items]
        pairs += tuple((variant, pairs[0][1]) for variant in shown)
        for treatment, other in pairs:
            yield effect(
                items[treatment],
                items[other],
                claim.verdict,
                names=(treatment, other),
                metric=claim.metric,
                reported=claim.reported.effect if (treatment, other) in pairs[:1] else None,
            )

    def _scores(self, claim: Claim, system: str) -> Iterator[Score]:
        for seed in self.facts["seeds"]:
            found = _json(self._folder("score", system, seed) / "scores.json")
            for language in self.facts["languages"]:
                values = found["languages"][language]
                for metric in _claims_first(claim):
                    yield Score(
                        system=system,
                        seed=seed,
                        task=claim.target,
                        language=language,
                        split=self.facts["data"]["evaluation"]["split"],
                        metric=metric,
                        scorer=found["scorer"],
                        value=values[metric],
                        items=values["items"],
                        predictions=self.context.input_keys[f"predict/{system}/{seed}"],
                    )

    def _training(self) -> Iterator[TrainingRun]:
        for system in self.facts["systems"]:
            for seed in self.facts["seeds"]:
                for phase in _PHASES:
                    role = f"{phase}/{system['id']}/{seed}"
                    if role in self.context.inputs:
                        yield self._training_run(system["id"], seed, phase, role)

    def _training_run(
        self, system: str, seed: int, phase: Literal["intermediate", "finetune"], role: str
    ) -> TrainingRun:
        done = _json(self.context.inputs[role] / "training.json")
        return TrainingRun(
            system=system,
            seed=seed,
            phase=phase,
            artifact=self.context.input_keys[role],
            examples=done["examples"],
            windows=done["windows"],
            steps=done["steps"],
            tokens=done["tokens"],
            loss=tuple((step, loss) for step, loss in done["loss"]),
        )

    def _data(self, use: str, facts: Mapping[str, Any]) -> DataUse:
        rows = _json(self.context.inputs[f"dataset/{use}"] / "dataset.json")
        checks = _json(self.context.inputs[f"checks/{use}"] / "checks.json")
        repairs = _json(self.context.inputs[f"examples/{use}"] / "repairs.json")
        lengths = _json(self.context.inputs["contamination"] / "lengths.json")
        outcomes = tuple(_outcome(one) for one in checks)
        return DataUse(
            **facts,
            use=use,
            files=rows["files"],
            rows=rows["rows"],
            languages=rows["languages"],
            repairs={"realigned": repairs["realigned"]},
            checks=_counts(outcomes),
            outcomes=outcomes,
            lengths=Lengths.model_validate(lengths[self.facts["roles"][use]]),
            artifact=self.context.input_keys[f"dataset/{use}"],
        )

    def _contamination(self) -> Iterator[Overlap]:
        """What was found, in the words of the report: uses in place of roles."""
        uses: dict[str, str] = {}
        for use, role in self.facts["roles"].items():
            uses[role] = f"{uses[role]}; {use}" if role in uses else use
        for one in _json(self.context.inputs["contamination"] / "contamination.json"):
            names = {"training": uses[one["training"]], "against": uses[one["against"]]}
            yield Overlap.model_validate({**one, **names})

    def _folder(self, stage: str, system: str, seed: int) -> Path:
        return self.context.inputs[f"{stage}/{system}/{seed}"]


def _outcome(check: Mapping[str, Any]) -> CheckOutcome:
    words = {name: _words(check.get(name, "")) for name in ("observed", "expected")}
    return CheckOutcome(
        name=check["name"],
        level=check["level"],
        passed=bool(check["passed"]),
        cause=check.get("cause", ""),
        rows=check.get("rows", ()),
        **words,
    )


def _counts(outcomes: Sequence[CheckOutcome]) -> dict[str, int]:
    """A failed check of level "error" ends the run before this stage."""
    wrong = Counter(one.level for one in outcomes if not one.passed)
    passed = len(outcomes) - wrong.total()
    noted = {"noted": wrong["info"]} if wrong["info"] else {}
    return {"passed": passed, "failed": wrong["error"], "warned": wrong["warning"], **noted}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _claims_first(claim: Claim) -> list[Metric]:
    return sorted(METRICS, key=lambda metric: metric != claim.metric)


def _by_language(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Items of a score artifact, in the order of the examples, which all systems share."""
    found: dict[str, list[dict[str, Any]]] = {}
    with (folder / "items.jsonl").open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            found.setdefault(row["language"], []).append(row)
    return found


def _paper(paper: Paper) -> Named:
    facts = {"authors": paper.authors, "venue": paper.venue}
    facts["arXiv"] = f"{paper.arxiv}{paper.arxiv_version}"
    return Named(id=paper.id, title=paper.title, facts=facts)


def _claim(claim: Claim, facts: Mapping[str, Any]) -> ClaimRef:
    note = f"; {claim.average.note}" if claim.average.note else ""
    return ClaimRef(
        id=facts["claim_id"],
        title=claim.title,
        statement=claim.statement,
        kind=claim.kind,
        target=claim.target,
        target_title=facts["target_title"],
        metric=claim.metric,
        average=f"Every language weighs the same{note}",
        source=claim.source,
    )


def _protocol(facts: Mapping[str, Any]) -> Named:
    settings = {key.replace("_", " "): _text(value) for key, value in facts["settings"].items()}
    about = {"version": str(facts["version"]), "source": facts["source"]}
    return Named(id=facts["id"], title=facts["summary"], facts={**about, **settings})


def _encoder(facts: Mapping[str, Any]) -> Named:
    keys = ("repo", "revision", "package", "package_version", "license", "parameters", "layers")
    about = {key.replace("_", " "): str(facts[key]) for key in keys if facts.get(key) is not None}
    hashes = {f"sha256 of {name}": sha for name, sha in facts["files"].items() if sha}
    return Named(id=facts["id"], title=facts["title"], facts={**about, **hashes})


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())
