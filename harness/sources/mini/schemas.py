"""The Arrow types of the real data sets, with the metadata that the Hub's files have.

Sources: the Parquet files themselves where they were at hand (TyDi QA, XQuAD, UDPOS, Tatoeba), else
the features that each data set's page on the Hub declares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

UPOS = tuple(
    [
        "ADJ",
        "ADP",
        "ADV",
        "AUX",
        "CCONJ",
        "DET",
        "INTJ",
        "NOUN",
        "NUM",
        "PART",
        "PRON",
        "PROPN",
        "PUNCT",
        "SCONJ",
        "SYM",
        "VERB",
        "X",
    ]
)
NER = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
NLI = ("entailment", "neutral", "contradiction")
DUPLICATE = ("not_duplicate", "duplicate")
PARAPHRASE = ("0", "1")

_TEXT = pa.string()
_TEXTS = pa.list_(pa.string())
_NUMBER = pa.int64()
_NUMBERS = pa.list_(pa.int64())
# What datasets calls a column's type.
_DTYPES = {_TEXT: "string", _NUMBER: "int64", pa.int32(): "int32"}


def _value(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind):
        return {"feature": _value(kind.value_type), "_type": "List"}
    return {"dtype": _DTYPES[kind], "_type": "Value"}


def _classes(kind: pa.DataType, names: Sequence[str]) -> dict[str, Any]:
    one = {"names": list(names), "_type": "ClassLabel"}
    return {"feature": one, "_type": "List"} if pa.types.is_list(kind) else one


def _labelled(columns: Mapping[str, pa.DataType], names: Mapping[str, Sequence[str]]) -> pa.Schema:
    """Columns whose numbers have `names`, which the file's metadata then hold."""
    features = {
        column: _classes(kind, names[column]) if column in names else _value(kind)
        for column, kind in columns.items()
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(list(columns.items()), metadata=metadata)


def _pair(first: str, second: str, labels: Sequence[str], **others: pa.DataType) -> pa.Schema:
    before = {key: kind for key, kind in others.items() if key in ("id", "uid")}
    after = {key: kind for key, kind in others.items() if key not in before}
    columns = {**before, first: _TEXT, second: _TEXT, "label": _NUMBER, **after}
    return _labelled(columns, {"label": labels})


_ANSWERS = pa.struct([("text", _TEXTS), ("answer_start", pa.list_(pa.int32()))])
_ANSWERS_MLQA = pa.struct([("answer_start", pa.list_(pa.int32())), ("text", _TEXTS)])
_QUESTION = [("context", _TEXT), ("question", _TEXT)]

QA = pa.schema([("id", _TEXT), ("title", _TEXT), *_QUESTION, ("answers", _ANSWERS)])
XQUAD = pa.schema([("id", _TEXT), *_QUESTION, ("answers", _ANSWERS)])
MLQA = pa.schema([("id", _TEXT), ("title", _TEXT), *_QUESTION, ("answers", _ANSWERS_MLQA)])

MNLI = _pair("premise", "hypothesis", NLI, idx=pa.int32())
SNLI = _pair("premise", "hypothesis", NLI)
ANLI = _pair("premise", "hypothesis", NLI, uid=_TEXT, reason=_TEXT)
QQP = _pair("question1", "question2", DUPLICATE, idx=pa.int32())
PAWSX = _pair("sentence1", "sentence2", PARAPHRASE, id=pa.int32())

HELLASWAG = pa.schema(
    [
        ("ind", pa.int32()),
        *((name, _TEXT) for name in ("activity_label", "ctx_a", "ctx_b", "ctx")),
        ("endings", _TEXTS),
        *((name, _TEXT) for name in ("source_id", "split", "split_type", "label")),
    ]
)
COSMOSQA = pa.schema(
    [
        ("id", _TEXT),
        *_QUESTION,
        *((f"answer{i}", _TEXT) for i in range(4)),
        ("label", pa.int32()),
    ]
)
COMMONSENSEQA = pa.schema(
    [
        *((name, _TEXT) for name in ("id", "question", "question_concept")),
        ("choices", pa.struct([("label", _TEXTS), ("text", _TEXTS)])),
        ("answerKey", _TEXT),
    ]
)

UDPOS = _labelled({"tokens": _TEXTS, "pos_tags": _NUMBERS}, {"pos_tags": UPOS})
PANX = _labelled({"tokens": _TEXTS, "ner_tags": _NUMBERS, "langs": _TEXTS}, {"ner_tags": NER})
# What .auto files say, which are no table.
CCG = pa.schema([("id", _TEXT), ("document", _TEXT), ("tokens", _TEXTS), ("tags", _TEXTS)])

TATOEBA = pa.schema(
    [(name, _TEXT) for name in ("source_sentence", "target_sentence", "source_lang", "target_lang")]
)
BUCC = pa.schema([("sentence1", _TEXTS), ("sentence2", _TEXTS), ("gold", pa.list_(_NUMBERS))])
WIKIPEDIA = pa.schema([(name, _TEXT) for name in ("id", "url", "title", "text")])
