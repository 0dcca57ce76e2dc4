"""Test rows planted in training data, in every disguise; and what only looks like them."""

from dataclasses import replace
from hashlib import sha256

import pytest

from harness.data_checks.contamination import Part, survey
from harness.models import ContaminationRule
from harness.records import QaExample

RULE = ContaminationRule().model_dump(mode="json")
SENTENCES = [
    "The river rises in the eastern hills and runs for two hundred kilometres to the sea.",
    "Its largest tributary joins it near the old market town that gave the valley its name.",
    "A railway follows the left bank and was opened to traffic in the summer of 1874.",
    "Mills along the lower course ground corn until the great flood of the following century.",
    "Today most of the water is led through a tunnel to the power station below the dam.",
]
PASSAGE = " ".join(SENTENCES)


def example(number=0, **changes):
    """A question about the river, unlike any other number's."""
    sound = QaExample(
        id=f"q{number}",
        language="en",
        document=f"d{number}",
        context=f"{PASSAGE} {number}" if number == 0 else f"Number {number} is {number * 7919}.",
        question="When was the railway opened?" if number == 0 else f"What is {number * 104729}?",
        answers=("1874",),
        answer_starts=(0,),
    )
    return replace(sound, **changes)


def findings(training, evaluation, languages=("en",), **rule):
    """Kind -> (exact, near) of the comparisons that found something; training against test."""
    parts = {
        "target": Part(name="train", languages=languages, examples=training),
        "evaluation": Part(name="test", languages=languages, examples=evaluation),
    }
    return {
        one["by"]: (one["exact"], one["near"])
        for one in survey(parts, {**RULE, **rule})
        if not one["passed"]
    }


TEST = example()
OTHERS = [example(number) for number in range(1, 30)]


def planted(**changes):
    """The test row in the training data, with other id and document."""
    leaked = replace(TEST, **{"id": "other", "document": "elsewhere", **changes})
    return findings([*OTHERS, leaked], [TEST, example(99)])


def test_unlike_sets_have_nothing_in_common():
    """Not one comparison finds anything."""
    assert findings(OTHERS, [TEST, example(99)]) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"question": TEST.question.upper(), "context": TEST.context.lower()},
        {"question": "When was “the railway” opened ?!", "context": TEST.context.replace(".", ";")},
        {"context": "\n".join(TEST.context.split(" "))},
    ],
    ids=["exact", "re-cased", "re-punctuated", "re-spaced"],
)
def test_a_planted_test_row_is_found_exactly(changes):
    """After normalisation it is the same."""
    assert planted(**changes) == {"example": (1, 0), "context": (1, 0), "question": (1, 0)}


@pytest.mark.parametrize("place", range(5))
def test_a_planted_row_with_one_sentence_changed_is_found(place):
    """Wherever the sentence stands."""
    changed = list(SENTENCES)
    changed[place] = (
        "Nobody remembers who built the bridge at its mouth, or when, or for what toll."
    )
    found = planted(context=" ".join(changed))
    assert found == {"example": (0, 1), "context": (0, 1), "question": (1, 0)}


def test_a_question_with_a_slip_is_found_by_its_answer():
    """One letter, same context, same answer; with another answer it is another question."""
    asked = "When was the railway first opened to all the traffic of the land?"
    leaked = example(id="other", document="x", question=asked.replace("railway", "railways"))
    assert findings([leaked], [example(question=asked)])["example"] == (0, 1)
    elsewhere = replace(leaked, answers=("below the dam",))
    assert "example" not in findings([elsewhere], [example(question=asked)])


def test_another_question_about_a_test_context_is_a_warning():
    """Not the same example."""
    assert planted(question="Where does the water go today?") == {"context": (1, 0)}


def test_a_generic_question_is_only_told():
    """The same words about another passage."""
    assert planted(context="A tramway was opened in 1901.") == {"question": (1, 0)}


def test_an_article_that_both_have():
    """Other passages and questions of it."""
    shared = replace(OTHERS[3], document="d0")
    assert findings([*OTHERS, shared], [TEST]) == {"document": (1, 0)}


def test_an_article_of_another_language_is_another():
    """Numbers and titles may be the same by chance."""
    shared = replace(OTHERS[3], document="d0", language="de")
    assert findings([*OTHERS, shared], [TEST], languages=("en", "de")) == {}


def test_parallel_questions_share_ids():
    """A translation has no text in common with its source."""
    german = replace(OTHERS[3], id="q0", language="de")
    assert findings([german], [TEST], languages=("en", "de")) == {"id": (1, 0)}


def test_languages_that_were_not_declared():
    """By label: jiant's downloader wrote nine languages where English was asked for."""
    mixed = [example(n, language="en" if n % 9 else "te") for n in range(1, 46)]
    assert findings(mixed, [TEST]) == {"language": (5, 0)}


def test_languages_that_only_ids_tell():
    """All labelled English; two of three ids say otherwise."""
    names = ("english", "finnish", "swahili")
    mixed = [example(n, id=f"{names[n % 3]}-{n}-0") for n in range(1, 31)]
    assert findings(mixed, [TEST])["language"] == (20, 0)
    alone = [example(n, id=f"english--{n}-0") for n in range(1, 31)]
    assert "language" not in findings(alone, [TEST])


def test_languages_that_only_texts_tell():
    """Labelled English, written in Russian."""
    asked = [example(n, question=f"Когда построили мост номер {n}?") for n in range(1, 11)]
    assert findings([*OTHERS, *asked], [TEST])["language"] == (10, 0)


def test_levels_follow_the_rule():
    """A claim may accept what others refuse; between training sets little is wrong."""
    parts = {
        role: Part(name=role, languages=("en",), examples=[TEST])
        for role in ("intermediate 1", "evaluation", "target")
    }
    rule = {**RULE, "train_test": "warning", "context": "info"}
    found = {(one["training"], one["against"], one["by"]): one for one in survey(parts, rule)}
    levels = {key: one["level"] for key, one in found.items()}
    assert levels["target", "evaluation", "example"] == "warning"
    assert levels["target", "evaluation", "context"] == "info"
    assert levels["intermediate 1", "target", "example"] == "warning"
    assert levels["intermediate 1", "target", "document"] == "info"
    assert ("target", "intermediate 1", "example") not in found
    # Two training sets: languages, five comparisons with the test; and five with one another.
    assert len(found) == 2 * (1 + 5) + 5


def test_up_to_ten_examples_are_shown():
    """Twelve leaked rows, with both ids and texts."""
    rows = [example(number) for number in range(1, 13)]
    parts = {
        "target": Part(name="a", languages=("en",), examples=rows),
        "evaluation": Part(name="b", languages=("en",), examples=rows),
    }
    finding = next(one for one in survey(parts, RULE) if one["by"] == "example")
    assert (finding["exact"], finding["of"], len(finding["examples"])) == (12, 12, 10)
    first = finding["examples"][0]
    assert (first["training_id"], first["id"], first["similarity"]) == ("q1", "q1", 1.0)
    assert first["text"] == "What is 104729? | Number 1 is 7919."


def test_a_document_that_is_its_context_is_not_told_twice():
    """Where there is no title, stage `examples` names the document by its context."""
    named = replace(TEST, document=sha256(TEST.context.encode()).hexdigest()[:16])
    other = replace(named, id="x", question="Where does the water go today?")
    assert findings([other], [named]) == {"context": (1, 0)}
