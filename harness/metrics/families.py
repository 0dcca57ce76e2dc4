"""The scores of one language's predictions, item by item: one function a task family.

An item is a question, a text, a sentence, or a sentence that was looked up. The mean over a
language's items is its score. Beside its own metrics every family gives `score`, XTREME's figure of
a task: (EM + F1) / 2, or the one metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.metrics import known_scorer, load_aligned_scorer, load_items, load_scorer
from harness.metrics.bitext import Pair, best_threshold, extract
from harness.metrics.bitext import items as pair_items
from harness.models import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What is scored at once; examples and predictions are the family's records."""

    scorer: str
    labels: Sequence[str]
    """The labels that there may be; empty where only the data know."""
    language: str
    examples: Sequence[Any]
    predictions: Sequence[Any]

    @property
    def where(self) -> str:
        """Names the set in errors."""
        return f"{self.scorer}, language {self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The scores of one language."""

    items: Sequence[Any]
    """The examples that are items, in their order."""
    values: Mapping[str, Sequence[float]]
    """Metric -> points of each item; linearised ones may lie outside 0-100."""
    figures: Mapping[str, float]
    """Metric -> points, and what else is said of the language."""


def score_language(family: Family, one: Language) -> Scored:
    """The scores of one language.

    Raises:
        DataError: examples and predictions don't match one to one (of mined pairs: a pair of
            unknown sentences, of one side, or twice), a label that there isn't, or no items.
    """
    return FAMILIES[family](one)


def _answers(one: Language) -> Scored:
    """Texts against gold answers."""
    _by_id(one.examples, f"examples, language {one.language}")
    texts = {id_: row.text for id_, row in _predictions(one).items()}
    gold = {example.id: example.answers for example in one.examples}
    found = load_scorer(one.scorer)(gold, texts, one.language)
    figures = {"em": found.em, "f1": found.f1, "score": (found.em + found.f1) / 2}
    rows = [found.items[example.id] for example in one.examples]
    values = {"em": [100 * row.em for row in rows], "f1": [100 * row.f1 for row in rows]}
    values["score"] = [(em + f1) / 2 for em, f1 in zip(values["em"], values["f1"], strict=True)]
    return Scored(items=one.examples, values=values, figures=figures)


def _labels(one: Language) -> Scored:
    """The name of a label against that of another."""
    return _aligned(one, lambda example: example.label, lambda row: row.label)


def _choices(one: Language) -> Scored:
    """The place of the chosen text against that of the right one."""
    for example, row in zip(one.examples, _in_order(one, one.examples), strict=True):
        places = [str(place) for place in range(len(example.choices))]
        for label in (str(example.label), row.label):
            _check_label(label, places, f"{one.where}, id {row.id}")
    return _aligned(one, lambda example: str(example.label), lambda row: row.label)


def _tags(one: Language) -> Scored:
    """A tag for each word."""
    return _aligned(one, lambda example: example.tags, lambda row: row.tags)


def _sentences(one: Language) -> Scored:
    """Sentences looked up for their one translation, or pairs mined."""
    if known_scorer(one.scorer).reads == "pairs":
        return _mined(one)
    sides = _sides(one)
    looked_up = {sides[row.id] for row in one.predictions} or {"foreign"}
    for row in one.predictions:
        if len(looked_up) > 1 or sides[row.mate] in looked_up:
            raise _refused(one.where, f"{row.mate} for {row.id}", "sentences of the other side")
    items = [example for example in one.examples if example.side in looked_up]
    for example in items:
        if len(example.mates) != 1:
            got = f"{len(example.mates)} translations of {example.id}"
            raise _refused(one.where, got, "one of each sentence that is looked up")
    return _aligned(one, lambda example: example.mates[0], lambda row: row.mate, items)


def _mined(one: Language) -> Scored:
    """Pairs of sentences, of which those above the best threshold count."""
    sides = _sides(one)
    margins: dict[Pair, float] = {}
    for row in one.predictions:
        pair = (row.id, row.mate) if sides[row.id] == "foreign" else (row.mate, row.id)
        if pair in margins or sides[row.id] == sides[row.mate]:
            got = f"the pair {' '.join(pair)}{' twice' if pair in margins else ''}"
            raise _refused(one.where, got, "each pair once, of sentences of both sides")
        margins[pair] = row.score
    items = [example for example in one.examples if example.side == "foreign"]
    gold = {(example.id, mate) for example in items for mate in example.mates}
    threshold = best_threshold(margins, gold)
    found = extract(margins, threshold)
    f1 = load_aligned_scorer(one.scorer)(list(gold), list(found), one.where)["f1"]
    values = pair_items([example.id for example in items], gold, found, one.where)
    return Scored(
        items=items,
        values={"f1": values, "score": values},
        figures={"f1": f1, "score": f1, "threshold": threshold},
    )


FAMILIES: dict[Family, Callable[[Language], Scored]] = {
    "extractive_qa": _answers,
    "classification": _labels,
    "multiple_choice": _choices,
    "tagging": _tags,
    "retrieval": _sentences,
}


def _aligned(
    one: Language,
    gold: Callable[[Any], Any],
    answer: Callable[[Any], Any],
    items: Sequence[Any] | None = None,
) -> Scored:
    """What has one gold label, or tags, and one prediction for each item."""
    chosen = one.examples if items is None else items
    expected = [gold(example) for example in chosen]
    found = [answer(row) for row in _in_order(one, chosen)]
    if one.labels:
        for example, *both in zip(chosen, expected, found, strict=True):
            for label in (label for value in both for label in _each(value)):
                _check_label(label, one.labels, f"{one.where}, id {example.id}")
    metric = known_scorer(one.scorer).metric
    assert metric is not None
    score = load_aligned_scorer(one.scorer)(expected, found, one.where)[metric]
    values = load_items(one.scorer)(expected, found, one.where)
    return Scored(
        items=chosen,
        values={metric: values, "score": values},
        figures={metric: score, "score": score},
    )


def _each(value: str | Sequence[str]) -> Sequence[str]:
    return (value,) if isinstance(value, str) else value


def _in_order(one: Language, items: Sequence[Any]) -> list[Any]:
    """The prediction for each item; raises DataError where one is missing or unknown."""
    known, found = _by_id(items, f"examples, language {one.language}"), _predictions(one)
    for names, others, what in ((known, found, "no prediction"), (found, known, "no example")):
        lacking = [id_ for id_ in names if id_ not in others]
        if lacking:
            more = ", ..." if len(lacking) > 5 else ""
            got = f"{what} for {len(lacking)} ids: {', '.join(lacking[:5])}{more}"
            raise _refused(one.where, got, "one prediction for each item, and no others")
    return [found[example.id] for example in items]


def _predictions(one: Language) -> dict[str, Any]:
    return _by_id(one.predictions, f"predictions, language {one.language}")


def _by_id(rows: Iterable[Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        if row.id in found:
            raise DataError(
                where=where,
                got=f"id {row.id} twice",
                expected="each id once",
                fix="The file is not what its stage wrote: run `harness store verify`.",
            )
        found[row.id] = row
    return found


def _sides(one: Language) -> dict[str, str]:
    """Sentence -> its side; raises DataError for a prediction of sentences that there aren't."""
    known = _by_id(one.examples, f"examples, language {one.language}")
    for row in one.predictions:
        for id_ in (row.id, row.mate):
            if id_ not in known:
                raise _refused(one.where, f"the unknown sentence {id_}", "ids of the examples")
    return {id_: example.side for id_, example in known.items()}


def _check_label(label: str, known: Sequence[str], where: str) -> None:
    if label not in known:
        raise _refused(where, f"the label `{label}`", f"one of {', '.join(known)}")


def _refused(where: str, got: str, expected: str) -> DataError:
    fix = "Predictions and examples must be of the same set: run `harness store verify`."
    return DataError(where=where, got=got, expected=expected, fix=fix)
