"""A few rows for each reader (`models.Reader`), in the columns and types of the real data sets.

What a pin says decides: its reader, its names for the columns, its labels, which rows may lack
one, which repairs it allows. Columns that no reader asks for but the real files have are listed
by data set; one that isn't there has just what its reader reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from harness.models import DatasetPin, SplitPin
from harness.sources.schemas import SCHEMAS
from rehearsal import texts
from rehearsal.texts import Statement, Word, drawn, sentence, topic, words

Row = dict[str, Any]
STATEMENTS = 2
"""Of a passage."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one language in one split."""

    dataset: str
    """The pin's name."""
    seed: str
    """Equal in data sets that are translations of each other."""
    pin: DatasetPin
    split: SplitPin
    config: str
    name: str
    """Of the split."""
    language: str
    rows: int

    @property
    def labels(self) -> Sequence[str]:
        """Names of the labels, or the tags."""
        return self.pin.labels

    def statement(self, row: int, place: int = 0) -> Statement:
        """The same in all languages."""
        return drawn(self.seed, self.name, row, place)


TEXT, SHORT = pa.string(), pa.int32()
# Columns that are stored narrower than their reader reads them.
NARROW = {"cosmosqa": {"label": SHORT}}
# Data set -> columns of its files that no reader reads, with a value for row n of a part.
BESIDES: dict[str, dict[str, tuple[pa.DataType, Callable[[Part, int, Row], Any]]]] = {
    "anli": {
        "uid": (TEXT, lambda part, n, row: f"{part.name}-{n}"),
        "reason": (TEXT, lambda part, n, row: ""),
    },
    "mnli": {"idx": (SHORT, lambda part, n, row: n)},
    "qqp": {"idx": (SHORT, lambda part, n, row: n)},
    "paws-x": {"id": (SHORT, lambda part, n, row: n + 1)},
    "hellaswag": {
        "ind": (SHORT, lambda part, n, row: n),
        "activity_label": (TEXT, lambda part, n, row: "Travelling"),
        "ctx": (TEXT, lambda part, n, row: f"{row['ctx_a']} {row['ctx_b']}"),
        "source_id": (TEXT, lambda part, n, row: f"world~{part.name}-{n}"),
        "split": (TEXT, lambda part, n, row: part.name),
        "split_type": (TEXT, lambda part, n, row: "indomain"),
    },
    "commonsenseqa": {"question_concept": (TEXT, lambda part, n, row: f"{part.name} {n}")},
    "panx": {
        "langs": (pa.list_(TEXT), lambda part, n, row: [part.language] * len(row["tokens"])),
    },
    "wikipedia": {
        "id": (TEXT, lambda part, n, row: str(n)),
        "url": (TEXT, lambda part, n, row: f"https://example.org/{part.language}/{n}"),
    },
}


def table(parts: Sequence[Part]) -> pa.Table:
    """The split's rows, with the schema metadata that the Hub's files carry."""
    pin, besides = parts[0].pin, BESIDES.get(parts[0].dataset, {})
    schema = SCHEMAS[pin.reader]
    kinds = {**schema.columns, **schema.optional, **NARROW.get(pin.reader, {})}
    rows = []
    for part in parts:
        for number, row in enumerate(READERS[pin.reader](part)):
            more = {name: value(part, number, row) for name, (_, value) in besides.items()}
            rows.append({pin.columns.get(name, name): value for name, value in row.items()} | more)
    renamed = {pin.columns.get(name, name): kind for name, kind in kinds.items()}
    columns = {name: besides[name][0] if name in besides else renamed[name] for name in rows[0]}
    found = pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))
    if not pin.labels or schema.named is None:
        return found
    named = pin.columns.get(schema.named, schema.named)
    return found.replace_schema_metadata(_features(columns, named, pin))


def passage(part: Part, row: int) -> list[str]:
    """Sentences about unrelated statements."""
    return [sentence(part.statement(row, place), part.language) for place in range(STATEMENTS)]


def _squad(part: Part) -> Iterator[Row]:
    for number in range(part.rows):
        said = part.statement(number, number % STATEMENTS)
        context = " ".join(passage(part, number))
        text = texts.answer(said, part.language)
        asked = topic(said, part.language)
        start = context.index(text, context.index(asked) + len(asked))
        yield {
            "id": _id(part, number),
            "title": f"{part.seed} {part.name} {number}",
            "context": context,
            "question": f"{asked}?",
            "answers": {"text": [text], "answer_start": [start]},
        } | _unlike(part, number, text, start)


def _unlike(part: Part, number: int, text: str, start: int) -> Row:
    """The first row is what the pin allows a repair for; the last has no answer where some have."""
    last = number == part.rows - 1
    if part.split.realign.max and number == 0:
        return {"answers": {"text": [text], "answer_start": [start + 1]}}
    if part.split.realign.unfound == "drop" and last:
        return {"answers": {"text": [f"{text} {text} {text}"], "answer_start": [start]}}
    if part.pin.no_answer and (last or number % 3 == 1):
        return {"answers": {"text": [], "answer_start": []}}
    return {}


def _id(part: Part, number: int) -> str:
    """Translations have the original's ids; where ids name languages, TyDi QA's form."""
    if part.pin.language.by != "id_prefix":
        return f"{part.seed}-{part.name}-{number}"
    names = {code: name for name, code in part.pin.language.names.items()}
    document = int(texts.generator(part.name, number).integers(1 << 60))
    return f"{names[part.language]}-{document}-{number}"


# Names of the label of two texts that say the same, and of two that don't.
SAME, OTHER = {"entailment", "duplicate", "1"}, {"contradiction", "not_duplicate", "0"}


def _pair(part: Part) -> Iterator[Row]:
    """By the label's name: the same statement, another one, or part of it beside another."""
    for number in range(part.rows):
        label = number % len(part.labels)
        said, other = part.statement(number), part.statement(number, 1)
        second = f"{topic(said, part.language)}; {topic(other, part.language)}."
        if part.labels[label] in SAME:
            second = sentence(said, part.language).replace(": ", " - ")
        elif part.labels[label] in OTHER:
            second = sentence(other, part.language)
        yield {"first": sentence(said, part.language), "second": second, "label": label}
    if part.pin.unlabelled == "drop":
        said = part.statement(part.rows)
        second = f"{topic(said, part.language)}."
        yield {"first": sentence(said, part.language), "second": second, "label": -1}


def _options(part: Part, number: int, count: int) -> tuple[list[str], int]:
    """So many languages of which the first statement names one, and that one's place."""
    said = [part.statement(number, place) for place in range(count)]
    right = number % count
    said.insert(right, said.pop(0))
    # With a number each, so that no two are the same.
    options = [f"{texts.answer(one, part.language)}, {n}" for n, one in enumerate(said)]
    return options, right


def _hellaswag(part: Part) -> Iterator[Row]:
    for number in range(part.rows):
        endings, right = _options(part, number, 4)
        said = part.statement(number)
        yield {
            "ctx_a": sentence(said, part.language),
            "ctx_b": topic(said, part.language) if number % 2 else "",
            "endings": endings,
            "label": str(right),
        }


def _cosmosqa(part: Part) -> Iterator[Row]:
    for number in range(part.rows):
        endings, right = _options(part, number, 4)
        yield {
            "id": f"{part.seed}-{part.name}-{number}",
            "context": " ".join(passage(part, number)),
            "question": f"{topic(part.statement(number), part.language)}?",
            **{f"answer{place}": text for place, text in enumerate(endings)},
            "label": right,
        }


def _commonsenseqa(part: Part) -> Iterator[Row]:
    for number in range(part.rows):
        options, right = _options(part, number, 5)
        keys = list("ABCDE")
        yield {
            "id": f"{part.seed}-{part.name}-{number}",
            "question": f"{topic(part.statement(number), part.language)}?",
            "choices": {"label": keys, "text": options},
            "answerKey": keys[right],
        }


# Kind of a word -> its tag, in the tag sets that are told by their names.
TAGS: dict[str, Callable[[Word], str]] = {
    "PROPN": lambda word: {
        "name": "PROPN",
        "number": "NUM",
        "noun": "NOUN",
        "and": "CCONJ",
        "mark": "PUNCT",
    }[word.kind],
    "B-LOC": lambda word: ("I-LOC" if word.inside else "B-LOC") if word.kind == "name" else "O",
}


def _tags(part: Part) -> Iterator[Row]:
    tag = next(one for name, one in TAGS.items() if name in part.labels)
    for number in range(part.rows):
        found = words(part.statement(number), part.language)
        yield {
            "tokens": [word.text for word in found],
            "tags": [part.labels.index(tag(word)) for word in found],
        }


def _tatoeba(part: Part) -> Iterator[Row]:
    """Both sides keep a trailing newline, as XTREME's files do."""
    for number in range(part.rows):
        said = part.statement(number)
        yield {
            "source_sentence": f"{sentence(said, part.language)}\n",
            "target_sentence": f"{sentence(said, 'en')}\n",
            "source_lang": part.config.rpartition(".")[2],
            "target_lang": "eng",
        }


def _bucc(part: Part) -> Iterator[Row]:
    """Every other foreign sentence has a translation; English has as many strangers again."""
    own = [part.statement(number) for number in range(2 * part.rows)]
    pairs = own[::2]
    strangers = [part.statement(number, 1) for number in range(part.rows)]
    yield {
        "sentence1": [sentence(one, part.language) for one in own],
        "sentence2": [sentence(one, "en") for one in [*pairs, *strangers]],
        "gold": [[2 * number + 1, number + 1] for number in range(len(pairs))],
    }


def _text(part: Part) -> Iterator[Row]:
    for number in range(part.rows):
        yield {
            "title": topic(part.statement(number), part.language),
            "text": "\n\n".join(passage(part, number)),
        }


READERS: Mapping[str, Callable[[Part], Iterator[Row]]] = {
    "squad": _squad,
    "pair": _pair,
    "hellaswag": _hellaswag,
    "cosmosqa": _cosmosqa,
    "commonsenseqa": _commonsenseqa,
    "tags": _tags,
    "tatoeba": _tatoeba,
    "bucc": _bucc,
    "text": _text,
}


def _features(columns: Mapping[str, pa.DataType], labelled: str, pin: DatasetPin) -> dict[str, str]:
    """The `huggingface` metadata of a file whose column `labelled` holds numbers of labels."""
    features: dict[str, Any] = {name: {"_type": "Value"} for name in columns}
    named = {"names": list(pin.labels), "_type": "ClassLabel"}
    is_list = pa.types.is_list(columns[labelled])
    features[labelled] = {"feature": named, "_type": "Sequence"} if is_list else named
    return {"huggingface": json.dumps({"info": {"features": features}})}
