"""Single texts, answers and tags: each rule holds and breaks."""

from __future__ import annotations

from typing import Any

import pytest

from harness.data_checks.languages import foreign
from harness.data_checks.texts import answers_are, is_kind, tags_are, text_is

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize(
    ("rule", "sound", "unsound"),
    [
        ("not_blank", "a", " \n"),
        ("normalized", "\u00e9", "e\u0301"),
        ("composed", "\u00e9", "e\u0301"),
        ("composed", "\u0958", "\u1112\u1161\u11ab"),
        ("decoded", "Ã la carte «É»", "cafÃ©"),
        ("decoded", "naïve", "na\ufffdve"),
        ("decoded", "it's", "itâ€™s"),
        ("visible", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0645", "a\u200bb"),
        ("no_control", "a\tb\n", "a\x00b"),
        ("no_mark", "a\ufeff", "\ufeffa"),
    ],
)
def test_text_rule(rule: str, sound: str, unsound: str) -> None:
    """A list keeps a rule where all its texts do."""
    assert text_is(rule, sound)
    assert not text_is(rule, unsound)
    assert text_is(rule, [sound, sound])
    assert not text_is(rule, [sound, unsound])


@pytest.mark.parametrize(
    ("kind", "sound", "unsound"),
    [
        ("text", "1", 1),
        ("number", 1, True),
        ("texts", ["a"], "a"),
        ("numbers", [1], [1.0]),
        ("answers", {"text": ["a"], "answer_start": [0]}, {"text": "a", "answer_start": 0}),
        ("answers", {"text": None, "answer_start": None}, {"text": ["a"]}),
    ],
)
def test_kind(kind: str, sound: Any, unsound: Any) -> None:
    """Python's types, as Arrow gives them."""
    assert is_kind(kind, sound)
    assert not is_kind(kind, unsound)


@pytest.mark.parametrize(
    ("rule", "sound", "unsound"),
    [
        ("paired", {"text": ["a"], "answer_start": [0]}, {"text": ["a"], "answer_start": []}),
        ("given", {"text": ["a"], "answer_start": [0]}, {"text": [], "answer_start": []}),
        ("not_blank", {"text": ["a"], "answer_start": [0]}, {"text": [" "], "answer_start": [0]}),
        ("short", {"text": ["abc"], "answer_start": [0]}, {"text": ["abcd"], "answer_start": [0]}),
    ],
)
def test_answers_rule(rule: str, sound: dict[str, Any], unsound: dict[str, Any]) -> None:
    """With a limit of three characters."""
    assert answers_are(rule, sound, 3)
    assert not answers_are(rule, unsound, 3)


@pytest.mark.parametrize(
    ("tags", "valid"),
    [([0, 1, 2, 0], True), ([1, 1], True), ([2], False), ([1, 4], False), ([0, 2], False)],
)
def test_bio(tags: list[int], valid: bool) -> None:
    """An I- follows a B- or I- of its own type."""
    assert tags_are("bio", tags, LABELS) == valid


@pytest.mark.parametrize("tags", [[5], [-1], ["O"], [None]])
def test_tag_outside_the_labels(tags: list[Any]) -> None:
    """Neither known nor valid."""
    assert not tags_are("known", tags, LABELS)
    assert not tags_are("bio", tags, LABELS)


@pytest.mark.parametrize(
    ("text", "language", "likely"),
    [
        ("The king of the hill was in the house and the dog is from the town", "en", ""),
        ("The king of the hill was in the house and the dog is from the town", "fi", "en"),
        ("Der Hund und die Katze wurden von dem Mann mit der Frau auf das Feld", "en", "de"),
        ("Это столица Франции", "ru", ""),
        ("Это столица Франции", "de", "another script"),
        ("Paris는 어느 나라의 수도입니까?", "ko", ""),
        ("1998", "te", ""),
        ("Paris", "sw", ""),
    ],
)
def test_foreign(text: str, language: str, likely: str) -> None:
    """By script, then by function words; short texts are given the benefit of the doubt."""
    assert foreign(text, language) == likely


def test_a_share_of_a_lists_texts() -> None:
    """One sentence of half a million may be blank; one of two is half of them."""
    assert text_is("not_blank", ["a", "b", " ", "c"], 0.75)
    assert not text_is("not_blank", ["a", " "], 0.75)
    assert not text_is("not_blank", [], 0.75)


@pytest.mark.parametrize(
    ("choices", "sound"),
    [
        ({"label": ["A", "B"], "text": ["x", "y"]}, True),
        ({"label": ["A"], "text": ["x", "y"]}, False),
        ({"label": [], "text": []}, False),
        ({"text": ["x"]}, False),
        (["x"], False),
    ],
)
def test_choices_are_as_many_labels_as_texts(choices: object, sound: bool) -> None:
    """Neither list empty."""
    assert is_kind("choices", choices) == sound
