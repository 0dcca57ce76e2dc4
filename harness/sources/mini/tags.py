"""Tagged sentences: parts of speech (UDPOS), CCG categories, named entities (PAN-X)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from harness.sources.mini.draws import cycle, pool, shuffled
from harness.sources.mini.facts import members
from harness.sources.mini.lexicon import categories, parts_of_speech, plain
from harness.sources.mini.outlines import groups, seeded
from harness.sources.mini.passages import Sentence, fill, memberships, state
from harness.sources.mini.schemas import NER, UPOS
from harness.sources.mini.sizes import Sentences
from harness.sources.mini.values import Fact, Value
from harness.sources.mini.words import slots, templates, words

_DOCUMENT = 10  # sentences of CCGbank's
_SLOT = re.compile(r"\{(subject|value)(?::(.+))?\}")
# Kind of a value -> what PAN-X calls it; other names aren't entities there.
_ENTITIES = {"city": "LOC", "country": "LOC", "organisation": "ORG"}

Row = dict[str, Any]
Drawn = tuple[Fact, int]
"""A fact and the phrasing that states it."""


def udpos(purpose: str, recipe: Sentences, language: str) -> list[Row]:
    """Rows {tokens, pos_tags}; the sentences aren't the same in two languages."""
    rows = []
    for fact, phrasing in _drawn(f"{purpose} {language}", recipe, plain):
        tokens, tags = _tagged(fact, phrasing, language, "upos", parts_of_speech)
        rows.append({"tokens": tokens, "pos_tags": [UPOS.index(tag) for tag in tags]})
    return rows


def ccg(purpose: str, recipe: Sentences, language: str) -> list[Row]:
    """Rows {id, document, tokens, tags}, as .auto files say them; ten sentences a document."""
    first = hashlib.sha256(purpose.encode()).digest()[0] * 100
    rows = []
    for i, (fact, phrasing) in enumerate(_drawn(purpose, recipe, plain)):
        tokens, tags = _tagged(fact, phrasing, language, "ccg", categories)
        document = f"mini_{first + i // _DOCUMENT:05d}"
        name = f"{document}.{i % _DOCUMENT + 1}"
        rows.append({"id": name, "document": document, "tokens": tokens, "tags": tags})
    return rows


def panx(purpose: str, recipe: Sentences, language: str) -> list[Row]:
    """Rows {tokens, ner_tags, langs}; one sentence in three names an organisation.

    No sentence names a person: the fact base has none.
    """
    rows = []
    for sentence in _with_entities(f"{purpose} {language}", recipe, language):
        divided = words(sentence.text)
        kinds = {"subject": sentence.subject.value.kind, "value": sentence.value.value.kind}
        tags, inside = [], None
        for slot in slots(sentence, divided):
            entity = _ENTITIES.get(kinds[slot]) if slot else None
            tags.append(f"{'I' if slot == inside else 'B'}-{entity}" if entity else "O")
            inside = slot
        rows.append(
            {
                "tokens": [word for word, _ in divided],
                "ner_tags": [NER.index(tag) for tag in tags],
                "langs": [language] * len(tags),
            }
        )
    return rows


@cache
def _drawn(purpose: str, recipe: Sentences, fit: Callable[[Fact], bool]) -> tuple[Drawn, ...]:
    rng = seeded(f"mini: sentences of {purpose}")
    facts = [fact for fact in pool(recipe.group) if fit(fact)]
    chosen = cycle(rng, facts, recipe.rows)
    drawn = [(fact, int(rng.choice(recipe.phrasings))) for fact in chosen]
    return tuple(shuffled(rng, drawn))


def _with_entities(purpose: str, recipe: Sentences, language: str) -> Iterable[Sentence]:
    rng = seeded(f"mini: members of {purpose}")
    belonging = [fact for iso in groups()[recipe.group] for fact in members(iso)]
    for i, (fact, phrasing) in enumerate(_drawn(purpose, recipe, _any)):
        if i % 3:
            yield state(fact, phrasing, language)
        else:
            one = belonging[int(rng.integers(len(belonging)))]
            yield fill(memberships(language)[phrasing], one, language)


def _any(_: Fact) -> bool:
    return True


def _tagged(
    fact: Fact,
    phrasing: int,
    language: str,
    scheme: str,
    of_value: Callable[[Value, Sequence[str], str], list[str]],
) -> tuple[list[str], list[str]]:
    """The words of a sentence and, from the template and the names in it, their tags."""
    sentence = state(fact, phrasing, language)
    divided = words(sentence.text)
    places = slots(sentence, divided)
    values = {"subject": sentence.subject.value, "value": sentence.value.value}
    tags: list[str] = []
    for item in templates(scheme, language)[fact.relation][phrasing].split():
        found = _SLOT.fullmatch(item)
        if found is None:
            tags.append(item)
            continue
        slot, fixed = found.groups()
        named = [word for (word, _), at in zip(divided, places, strict=True) if at == slot]
        tags += [fixed] * len(named) if fixed else of_value(values[slot], named, language)
    assert len(tags) == len(divided), (sentence.text, tags)
    return [word for word, _ in divided], tags
