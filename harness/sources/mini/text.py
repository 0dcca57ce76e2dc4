"""Plain articles about countries, for masked language modelling."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from harness.sources.mini.draws import one, shuffled
from harness.sources.mini.outlines import SENTENCE_PHRASINGS, known, seeded
from harness.sources.mini.passages import named, say
from harness.sources.mini.sizes import Rows
from harness.sources.mini.values import Value

Row = dict[str, Any]


def wikipedia(purpose: str, recipe: Rows, language: str) -> list[Row]:
    """Rows {id, url, title, text}: all that is known of a country; parallel over languages."""
    rng = seeded(f"mini: articles of {purpose}")
    facts_of = known(recipe.group)
    rows = []
    for i, iso in enumerate(shuffled(rng, sorted(facts_of))[: recipe.rows], start=1):
        title = named(Value("country", iso), language)
        facts = shuffled(rng, sorted(facts_of[iso].values()))
        text = " ".join(say(fact, one(rng, range(SENTENCE_PHRASINGS)), language) for fact in facts)
        # No article of Wikipedia's, so none of its addresses.
        url = f"https://{language}.example.org/wiki/{quote(title.replace(' ', '_'))}"
        rows.append({"id": str(i), "url": url, "title": title, "text": text})
    return rows
