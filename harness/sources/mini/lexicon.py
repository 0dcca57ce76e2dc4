"""Tags for the words of names, numbers and dates: what the templates leave open.

Where treebanks of a language differ, or say nothing, the choice is the simpler one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from harness.sources.mini.facts import facts
from harness.sources.mini.names import name
from harness.sources.mini.values import Fact, Value

TAGGED = ("en", "ar", "fi", "id", "ko", "ru", "te")

# Words inside names that aren't names.
_LINKS = {
    "&": "CCONJ",
    "ja": "CCONJ",
    "dan": "CCONJ",
    "и": "CCONJ",
    "మరియు": "CCONJ",
    "of": "ADP",
    "—": "PUNCT",
    "-": "PUNCT",
}
# Languages and weekdays are proper nouns here, elsewhere nouns; or adjectives that stand alone.
_OTHER_KINDS = {
    "language": {"en": "PROPN", "ar": "ADJ", "id": "PROPN", "ru": "ADJ", "te": "PROPN"},
    "weekday": {"en": "PROPN", "id": "PROPN"},
    "month": {"en": "PROPN", "id": "PROPN", "te": "PROPN"},
}
# What the word beside "krone" is: an adjective, or the country (in Finnish in the genitive).
_COUNTRY_OF_MONEY = {"fi": "PROPN", "id": "PROPN", "ko": "PROPN"}
_MONEY_FIRST = ("ar", "id")
_ARABIC_ADJECTIVE = re.compile(r".*(ي|ية)$")


def plain(fact: Fact) -> bool:
    """Whether the name of the fact's value is of so few words that the rules here are true of it.

    Currencies of one word or an adjective (or a country) and a noun; languages of one word.
    """
    names = {code: (name(fact.value, code) or "") for code in TAGGED}
    if fact.value.kind == "language":
        return all(len(text.split()) == 1 for text in names.values())
    if fact.value.kind != "currency":
        return True
    lengths = {len(text.split()) for text in names.values()}
    # "доллар США", "франк Джибути": the noun comes first there.
    return lengths <= {1, 2} and not names["ru"].split()[-1][0].isupper()


def parts_of_speech(value: Value, named: Sequence[str], language: str) -> list[str]:
    """UPOS of the words of a name in the citation form."""
    if value.kind in ("number", "code"):
        return ["NUM"] * len(named)
    if value.kind == "date":
        return [_in_a_date(word, language) for word in named]
    if value.kind in _OTHER_KINDS:
        return [_OTHER_KINDS[value.kind].get(language, "NOUN")] * len(named)
    if value.kind == "currency":
        return _money(named, language)
    return [_LINKS.get(word, "PROPN") for word in named]


def _in_a_date(word: str, language: str) -> str:
    if not any(letter.isalnum() for letter in word):
        return "PUNCT"
    if language == "fi" and word.endswith("."):
        return "ADJ"  # an ordinal
    if word[0].isdigit():
        return "NUM"
    return _OTHER_KINDS["month"].get(language, "NOUN")


def _money(named: Sequence[str], language: str) -> list[str]:
    if len(named) == 1:
        return ["NOUN"]
    first = language in _MONEY_FIRST
    word = named[1 if first else 0]
    beside = _COUNTRY_OF_MONEY.get(language, "ADJ")
    noun = language == "ar" and not _ARABIC_ADJECTIVE.fullmatch(word)
    if noun or word in _countries(language):
        beside = "PROPN"
    return ["NOUN", beside] if first else [beside, "NOUN"]


@cache
def _countries(language: str) -> frozenset[str]:
    return frozenset(name(Value("country", iso), language) or "" for iso in facts())


def categories(value: Value, named: Sequence[str], language: str) -> list[str]:
    """CCG categories of the words of an English name, after CCGbank: a noun and its modifiers."""
    del language  # there is but one
    if value.kind == "date":  # January 21 , 1999
        return ["N/N[num]", "N[num]", ",", "NP\\NP"]
    inner = {"&": "conj", "of": "(NP\\NP)/NP"}
    return [inner.get(word, "N/N") for word in named[:-1]] + ["N"]
