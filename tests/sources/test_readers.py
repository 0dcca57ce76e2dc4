"""A row of each data set -> its examples."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import DataError
from harness.records import (
    ChoiceExample,
    PairExample,
    QaExample,
    Sentence,
    TagExample,
    TextExample,
)
from harness.sources.readers import READERS, Row, UnlabelledError, hashed, read
from harness.sources.schemas import SCHEMAS

NLI = ("entailment", "neutral", "contradiction")
SOUND: dict[str, dict[str, Any]] = {
    "squad": {
        "id": "q1",
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
        **{"id": "c1", "context": "It rained.", "question": "Why?", "label": 3},
        **{f"answer{place}": f"Because {place}." for place in range(4)},
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


def examples(name: str, labels: tuple[str, ...] = NLI, **changes: Any) -> list[Any]:
    """What the reader makes of its sound row, changed."""
    values = {**SOUND[name], **changes}
    return list(read(name, Row(id="c-test-5", language="en", values=values, labels=labels)))


def test_every_reader_has_columns_and_a_function() -> None:
    """One table each, with the same names."""
    assert set(READERS) == set(SCHEMAS) == set(SOUND)


def test_question() -> None:
    """The document is the title, else the context."""
    (one,) = examples("squad")
    assert one == QaExample(
        id="q1",
        language="en",
        document=hashed("Paris is in France."),
        context="Paris is in France.",
        question="Where?",
        answers=("France",),
        answer_starts=(12,),
    )
    assert examples("squad", title="Paris")[0].document == "Paris"
    assert examples("squad", answers={"text": [], "answer_start": []})[0].answers == ()


def test_pair() -> None:
    """The label by its name; without an id of its own, a stable one."""
    (one,) = examples("pair")
    document = hashed("It rains.")
    assert one == PairExample(
        id="c-test-5",
        language="en",
        document=document,
        first="It rains.",
        second="It is wet.",
        label="contradiction",
    )


def test_hellaswag() -> None:
    """The prompt is ctx_a; each choice begins with ctx_b, where there is one."""
    (one,) = examples("hellaswag")
    assert one == ChoiceExample(
        id="c-test-5",
        language="en",
        document="video~7",
        context="A man stands.",
        question="",
        choices=("He sits.", "He runs."),
        label=1,
    )
    assert examples("hellaswag", ctx_b="")[0].choices == ("sits.", "runs.")


def test_cosmosqa() -> None:
    """Four columns of answers."""
    (one,) = examples("cosmosqa")
    assert (one.id, one.context, one.question) == ("c1", "It rained.", "Why?")
    assert (one.choices[3], one.label) == ("Because 3.", 3)


def test_commonsenseqa() -> None:
    """The key is looked up among the row's own; there is no context."""
    (one,) = examples("commonsenseqa")
    assert (one.id, one.document, one.context) == ("k1", "rain", "")
    assert (one.question, one.choices, one.label) == ("Where is rain?", ("sky", "sea"), 1)


def test_tags() -> None:
    """By name; equal sentences are one document."""
    (one,) = examples("tags", ("VERB", "PRON"))
    document = hashed("It rains")
    assert one == TagExample(
        id="c-test-5",
        language="en",
        document=document,
        words=("It", "rains"),
        tags=("PRON", "VERB"),
    )


def test_ccgbank() -> None:
    """Tags are names already; the document is the article."""
    (one,) = examples("ccgbank")
    assert (one.id, one.document, one.tags) == ("w.1", "w", ("NP", "S\\NP"))


def test_tatoeba() -> None:
    """Two sentences without their line breaks, each the other's mate."""
    foreign, english = examples("tatoeba")
    assert foreign == Sentence(
        id="c-test-5-foreign",
        language="en",
        document="c-test-5",
        side="foreign",
        text="Es regnet.",
        mates=("c-test-5-english",),
    )
    assert (english.side, english.text) == ("english", "It rains.")
    assert english.mates == (foreign.id,)


def test_bucc() -> None:
    """Pairs count from 1; a sentence without a translation has no mate."""
    yes, rain, english = examples("bucc")
    assert (yes.text, yes.mates) == ("Ja.", ())
    assert (rain.side, rain.mates) == ("foreign", (english.id,))
    assert (english.side, english.mates) == ("english", (rain.id,))


def test_text() -> None:
    """An article."""
    (one,) = examples("text")
    text = "It rains.\nStill."
    assert one == TextExample(id="9", language="en", document="Rain", text=text)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pair", {"label": -1}),
        ("hellaswag", {"label": ""}),
        ("hellaswag", {"label": "-1"}),
        ("cosmosqa", {"label": -1}),
        ("commonsenseqa", {"answerKey": ""}),
        ("tags", {"tags": [1, -1]}),
    ],
)
def test_withheld_labels_are_told(name: str, changes: dict[str, Any]) -> None:
    """Never a label by default."""
    with pytest.raises(UnlabelledError):
        examples(name, **changes)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("pair", {"label": 3}, "row c-test-5: got label 3; expected one of 0 entailment, 1 neut"),
        ("pair", {"label": -2}, "got label -2"),
        ("tags", {"tags": [1, 3]}, "got label 3"),
        ("tags", {"tags": [1]}, "got 2 tokens, 1 tags; expected as many tags as tokens"),
        ("tags", {"tokens": [], "tags": []}, "got 0 tokens, 0 tags"),
        ("ccgbank", {"tags": ["N"]}, "row w.1: got 2 tokens, 1 tags"),
        ("hellaswag", {"label": "2"}, "got label 2; expected the place of one of 2 choices"),
        ("hellaswag", {"label": "one"}, "got label 'one'"),
        ("cosmosqa", {"label": 4}, "row c1: got label 4"),
        ("commonsenseqa", {"answerKey": "C"}, "row k1: got label 'C'"),
        ("bucc", {"gold": [[0, 1]]}, r"got gold pair \[0, 1\]"),
        ("bucc", {"gold": [[1, 2]]}, r"got gold pair \[1, 2\]"),
        ("bucc", {"gold": [[1]]}, r"got gold pair \[1\]"),
        ("squad", {"answers": {"text": ["a"], "answer_start": []}}, "got 1 answers, 0 starts"),
    ],
)
def test_unsound_rows_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    """With the row, what it holds and what was expected."""
    with pytest.raises(DataError, match=message):
        examples(name, **changes)
