"""The paper, claim, protocol and encoder of a comparison, as a report shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.comparing.source import Source
from harness.models import Paper
from harness.records import ClaimRef, Named


def paper(facts: Mapping[str, Any]) -> Named:
    """The publication."""
    found = Paper.model_validate(facts)
    about = {"authors": found.authors, "venue": found.venue}
    about["arXiv"] = f"{found.arxiv}{found.arxiv_version}"
    return Named(id=found.id, title=found.title, facts=about)


def claim(source: Source) -> ClaimRef:
    """The claim, with the rule of its mean in words."""
    found = source.claim
    several = len(found.targets) > 1
    rule = "Every task weighs the same, and in it every language" if several else ""
    note = f"; {found.average.note}" if found.average.note else ""
    return ClaimRef(
        id=source.facts["claim_id"],
        title=found.title,
        statement=found.statement,
        kind=found.kind,
        targets=source.facts["targets"],
        metric=found.metric,
        average=f"{rule or 'Every language weighs the same'}{note}",
        source=found.source,
    )


def protocol(facts: Mapping[str, Any]) -> Named:
    """The protocol with the settings that were used; of several families each under its name."""
    about = {"version": str(facts["version"]), "source": facts["source"]}
    families: Mapping[str, Mapping[str, Any]] = facts["settings"]
    for family, settings in families.items():
        before = f"{family}: " if len(families) > 1 else ""
        about |= {f"{before}{key}".replace("_", " "): _text(settings[key]) for key in settings}
    return Named(id=facts["id"], title=facts["summary"], facts=about)


def encoder(facts: Mapping[str, Any]) -> Named:
    """The encoder with its pin."""
    keys = ("repo", "revision", "package", "package_version", "license", "parameters", "layers")
    about = {key.replace("_", " "): str(facts[key]) for key in keys if facts.get(key) is not None}
    hashes = {f"sha256 of {name}": sha for name, sha in facts["files"].items() if sha}
    return Named(id=facts["id"], title=facts["title"], facts={**about, **hashes})


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
