"""Stage `compare`: the scores of all systems and seeds -> the comparison with its verdict."""

from __future__ import annotations

from harness.comparing import effects, items, material, named
from harness.comparing.source import Source
from harness.comparing.systems import read_systems, score_records
from harness.records import ArtifactRef, Comparison, Deviation, Named, SystemResult
from harness.stages.contract import StageContext


def run(context: StageContext) -> None:
    """Write `comparison.json` (records.Comparison).

    Raises:
        DataError: systems or seeds that weren't scored on the same items, or a metric that a
            target's scorer doesn't give.
    """
    source = Source(context.config["comparison"], context.inputs, context.input_keys)
    text = _comparison(source).model_dump_json(indent=1)
    (context.out / "comparison.json").write_text(text + "\n", encoding="utf-8")


def _comparison(source: Source) -> Comparison:
    facts, systems = source.facts, read_systems(source)
    own = effects.claimed_effects(source, systems)
    results = tuple(
        SystemResult(
            **one,
            scores=tuple(score_records(source, systems, one["id"])),
            levels=effects.levels(source, systems, one["id"]),
            chosen=dict(systems.chosen.get(one["id"], {})),
        )
        for one in facts["systems"]
    )
    levels = tuple(level for result in results for level in result.levels)
    return Comparison(
        paper=named.paper(facts["paper"]),
        claim=named.claim(source),
        profile=Named(id=facts["profile"]["id"], title=facts["profile"]["summary"]),
        scaled_down=facts["scaled_down"],
        protocol=named.protocol(facts["protocol"]),
        encoder=named.encoder(facts["encoder"]),
        command=facts["command"],
        languages=facts["languages"],
        missing_languages=facts["missing_languages"],
        seeds=facts["seeds"],
        precision=facts["precision"],
        systems=results,
        effects=(*own, *effects.variant_effects(source, systems)),
        verdict=effects.verdict(source, own, levels),
        training=tuple(material.trainings(source)),
        predictions=tuple(material.predictions(source)),
        items=items.changes(source, systems),
        data=tuple(material.data_uses(source)),
        contamination=tuple(material.overlaps(source)),
        deviations=tuple(Deviation(**one) for one in facts["deviations"]),
        artifacts=tuple(ArtifactRef(**one) for one in facts["artifacts"]),
    )
