"""Sound input of every form, for the targets to damage."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.models import Family

NLI = ("entailment", "neutral", "contradiction")
ROWS: dict[str, dict[str, Any]] = {
    "squad": {
        "id": "q1",
        "title": "Paris",
        "context": "Paris is in France.",
        "question": "Where?",
        "answers": {"text": ["France"], "answer_start": [12]},
    },
    "pair": {"first": "It rains.", "second": "It is wet.", "label": 2},
    "hellaswag": {
        "ctx_a": "A man stands.",
        "ctx_b": "He",
        "endings": ["sits.", "runs."],
        "label": "1",
        "source_id": "video~7",
    },
    "cosmosqa": {
        "id": "c1",
        "context": "It rained.",
        "question": "Why?",
        **{f"answer{place}": f"Because {place}." for place in range(4)},
        "label": 3,
    },
    "commonsenseqa": {
        "id": "k1",
        "question": "Where is rain?",
        "question_concept": "rain",
        "choices": {"label": ["A", "B"], "text": ["sky", "sea"]},
        "answerKey": "B",
    },
    "tags": {"tokens": ["It", "rains"], "tags": [1, 0]},
    "ccgbank": {"id": "w.1", "document": "w", "tokens": ["It", "rains"], "tags": ["NP", "S\\NP"]},
    "tatoeba": {"source_sentence": "Es regnet.\n", "target_sentence": "It rains.\n"},
    "bucc": {"sentence1": ["Ja.", "Es regnet."], "sentence2": ["It rains."], "gold": [[2, 1]]},
    "text": {"id": "9", "title": "Rain", "text": "It rains.\nStill."},
}
# Rows of the same forms without an answer or a label, as withheld test sets have them.
WITHHELD: dict[str, dict[str, Any]] = {
    **ROWS,
    "squad": {**ROWS["squad"], "title": " ", "answers": {"text": [], "answer_start": []}},
    "pair": {**ROWS["pair"], "label": -1},
    "hellaswag": {**ROWS["hellaswag"], "label": ""},
    "cosmosqa": {**ROWS["cosmosqa"], "label": -1},
    "commonsenseqa": {**ROWS["commonsenseqa"], "answerKey": ""},
    "tags": {"tokens": ["It", "rains"], "tags": [-1, -1]},
}
# The same columns under other names, as a pin may say.
RENAMED = {"pair": {"first": "premise", "second": "hypothesis"}, "tags": {"tags": "ner_tags"}}
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "Paris",
            "paragraphs": [
                {
                    "context": "Paris is in France.",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Where?",
                            "answers": [{"text": "France", "answer_start": 12}],
                        },
                        {"id": "q2", "question": "Who?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}
AUTO = (
    b"ID=wsj_0001.1 PARSER=GOLD NUMPARSE=1\n"
    b"(<T S[dcl] 0 2> (<L NP PRP PRP It NP>) (<L S[dcl]\\NP VBZ VBZ rains S[dcl]\\NP>) )\n"
    b"ID=wsj_0001.2 PARSER=GOLD NUMPARSE=1\n"
    b"(<L NP -LRB- -LRB- -LRB- NP>)\n"
)
# A second column's metadata is what `datasets` writes into the files of the Hub.
FEATURES = {"info": {"features": {"label": {"names": list(NLI), "_type": "ClassLabel"}}}}


def parquet(row: dict[str, Any], **options: Any) -> bytes:
    """A Parquet file of three such rows."""
    stream = io.BytesIO()
    table = pa.Table.from_pylist([row] * 3)
    table = table.replace_schema_metadata({b"huggingface": json.dumps(FEATURES).encode()})
    pq.write_table(table, stream, **options)
    return stream.getvalue()


GOLD_LINES: dict[str, tuple[tuple[bytes, bytes], Any]] = {
    "labels": ((b"entailment\nneutral\n", b"neutral\nneutral\n"), NLI),
    "tags": ((b"B-PER\nO\n\nO\n", b"B-PER\nI-PER\n\nO\n"), "data"),
    "pairs": ((b"de-1\ten-1\nde-2\ten-2\n", b"de-1\ten-1\nde-9\ten-2\n"), ()),
}


# Family -> scorers, an example, its prediction.
EXAMPLES: dict[Family, tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "extractive_qa": (
        ("squad_v1", "squad_v2", "mlqa"),
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "context": "Paris is in France.",
            "question": "Where?",
            "answers": ["France"],
            "answer_starts": [12],
        },
        {"id": "q1", "text": "France", "score": 1.5, "start": 12, "end": 18},
    ),
    "classification": (
        ("accuracy",),
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "first": "a",
            "second": "b",
            "label": "neutral",
        },
        {"id": "q1", "label": "neutral", "logits": [0.1, 0.9]},
    ),
    "multiple_choice": (
        ("accuracy",),
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "context": "a",
            "question": "",
            "choices": ["a", "b"],
            "label": 1,
        },
        {"id": "q1", "label": "1", "logits": [0.1, 0.9]},
    ),
    "tagging": (
        ("seqeval", "token_accuracy"),
        {
            "id": "q1",
            "language": "en",
            "document": "d",
            "words": ["Al", "is"],
            "tags": ["B-PER", "O"],
        },
        {"id": "q1", "tags": ["B-PER", "O"]},
    ),
    "retrieval": (
        ("bucc_f1", "accuracy"),
        {
            "id": "q1",
            "language": "de",
            "document": "d",
            "side": "foreign",
            "text": "Ja.",
            "mates": ["e1"],
        },
        {"id": "q1", "mate": "e1", "score": 1.1},
    ),
}
ENGLISH = {**EXAMPLES["retrieval"][1], "id": "e1", "side": "english", "mates": ["q1"]}
