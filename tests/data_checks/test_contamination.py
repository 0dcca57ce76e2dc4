"""Test rows planted in training data, in every disguise; and what only looks like them."""

from dataclasses import replace
from hashlib import sha256

import pytest

from harness.data_checks.contamination import survey
from harness.data_checks.parts import Part
from harness.models import ContaminationRule
from harness.records import ChoiceExample, PairExample, QaExample, TagExample, TextExample

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
        "target": Part.of(name="train", languages=languages, examples=training),
        "evaluation": Part.of(name="test", languages=languages, examples=evaluation),
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
        role: Part.of(name=role, languages=("en",), examples=[TEST])
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
        "target": Part.of(name="a", languages=("en",), examples=rows),
        "evaluation": Part.of(name="b", languages=("en",), examples=rows),
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


def pair(number, **changes):
    """A pair unlike any other number's."""
    sound = {"id": f"p{number}", "language": "en", "document": f"d{number}", "label": "neutral"}
    texts = {"first": f"Train {number * 7919} left.", "second": f"It had {number * 31} cars."}
    return PairExample(**{**sound, **texts, **changes})


def choice(number, **changes):
    """A question with two choices, unlike any other number's."""
    sound = {"id": f"c{number}", "language": "en", "document": f"d{number}", "label": 1}
    texts = {"context": f"Train {number * 7919} left.", "question": f"Why {number * 31}?"}
    choices = (f"No {number}.", f"Because of the {number * 17} cars.")
    return ChoiceExample(**{**sound, **texts, "choices": choices, **changes})


def tagged(number, **changes):
    """A sentence unlike any other number's."""
    words = (f"train{number * 7919}", f"left{number * 31}", "today")
    sound = {"id": f"t{number}", "language": "en", "document": f"d{number}", "words": words}
    return TagExample(**{**sound, "tags": ("NOUN", "VERB", "ADV"), **changes})


def article(number, *paragraphs, **changes):
    """An article of these paragraphs."""
    sound = {"id": f"a{number}", "language": "en", "document": f"Article {number}"}
    return TextExample(**{**sound, "text": "\n".join(paragraphs), **changes})


def across(training, families, evaluation, role="target", **rule):
    """Kind -> (exact, near, level) of what was found; `families` of training and evaluation."""
    test = Part.of(name="test", languages=["en"], examples=evaluation, family=families[1])
    parts = {
        role: Part.of(
            name="train", languages=["en"], examples=training, family=families[0], against=test
        ),
        "evaluation": test,
    }
    return {
        one["by"]: (one["exact"], one["near"], one["level"])
        for one in survey(parts, {**RULE, **rule})
        if not one["passed"]
    }


PAIRS, CHOICES, TAGS = ("classification",) * 2, ("multiple_choice",) * 2, ("tagging",) * 2


@pytest.mark.parametrize(
    ("families", "make", "leaked"),
    [
        (PAIRS, pair, {"first": "TRAIN 15838 left", "second": "it had 62 cars!"}),
        (CHOICES, choice, {"context": "train 15838 left", "question": "WHY 62?"}),
    ],
)
def test_a_planted_row_of_another_family_is_found(families, make, leaked):
    """A premise with its hypothesis; a context with its question and right answer."""
    other = make(2, id="other", document="x", **leaked)
    if make is choice:
        other = replace(other, choices=choice(2).choices)
    found = across([make(1), other], families, [make(2), make(3)])
    assert found == {
        "example": (1, 0, "error"),
        "context": (1, 0, "warning"),
        "question": (1, 0, "info"),
    }


def test_another_hypothesis_of_a_test_premise():
    """Three were written for each."""
    other = pair(1, first=pair(2).first)
    assert across([other], PAIRS, [pair(2)]) == {"context": (1, 0, "warning")}


def test_a_question_without_a_context_is_one():
    """Common sense questions: the same one with the same right answer, and with another."""
    asked = choice(2, context="", question="Where is the train that left today?")
    same = replace(asked, id="other", document="x")
    assert across([same], CHOICES, [asked])["example"] == (1, 0, "error")
    elsewhere = replace(same, choices=("On the moon.", "In a shed."))
    assert across([elsewhere], CHOICES, [asked]) == {"context": (1, 0, "warning")}


def test_single_sentences_with_tags_may_recur():
    """One of thirty: a warning. All of them: the test file was trained on."""
    test = [tagged(number) for number in range(30)]
    once = [tagged(99), replace(test[4], id="other", document="x")]
    assert across(once, TAGS, test) == {"context": (1, 0, "warning")}
    again = [replace(one, id=f"x{one.id}", document="x") for one in test]
    assert across(again, TAGS, test)["example"] == (30, 0, "error")


def test_sets_of_two_families():
    """A premise that is a test passage: NLI before question answering."""
    found = across([pair(1, first=TEST.context)], ("classification", "extractive_qa"), [TEST])
    assert found == {"context": (1, 0, "warning")}


def test_running_text_is_only_told():
    """Wikipedia holds the passages that questions were asked about; that is no leak."""
    text = article(1, "Rivers", "Nothing of it.", PASSAGE + " 0", document="d0")
    families = ("masked_lm", "extractive_qa")
    found = across([text, article(2, "Mountains")], families, [TEST], "intermediate 1")
    assert found == {"context": (1, 0, "info"), "document": (1, 0, "info")}
    near = " ".join([*SENTENCES[:4], "It was closed long ago and nobody remembers it."])
    found = across([article(3, "Rivers", near)], families, [TEST], "intermediate 1")
    assert found == {"context": (0, 1, "info")}


def test_running_text_isnt_held():
    """Of each article the first paragraph, and what could be like a test context."""
    test = Part.of(name="test", languages=[], examples=[TEST])
    texts = [article(n, f"Head {n}", "One " * 40, "Two " * 40) for n in range(3)]
    texts.append(article(9, "Rivers", "Three " * 40, PASSAGE))
    kept = Part.of(
        name="text", languages=["en"], examples=texts, family="masked_lm", against=test
    ).items
    assert [one.context for one in kept] == ["Head 0", "Head 1", "Head 2", "Rivers", PASSAGE]


def test_training_sets_are_compared_exactly():
    """Nearly the same pair in both is no news among a million."""
    texts = {"first": "The old train left the station.", "second": "It had many old blue cars."}
    parts = {
        role: Part.of(name=role, languages=["en"], examples=[one], family="classification")
        for role, one in {
            "evaluation": pair(1),
            "target": pair(2, **texts),
            "intermediate 1": pair(3, **{**texts, "second": "It had many old blues cars."}),
            "intermediate 2": pair(4, **texts),
        }.items()
    }
    found = {
        (one["training"], one["by"]): one["level"]
        for one in survey(parts, RULE)
        if one["against"] == "target" and not one["passed"] and one["training"] != "target"
    }
    assert found == {
        ("intermediate 1", "context"): "info",
        ("intermediate 2", "example"): "warning",
        ("intermediate 2", "context"): "info",
        ("intermediate 2", "question"): "info",
    }
