"""Is a text in its declared language? Judged by its script, and in Latin script by its words.

The words are some of the most frequent function words of each language that few others share.
Scripts are told from code points; Hindi and Marathi, or Russian and Bulgarian, aren't told apart.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

# Language -> class of its letters. Extended blocks are left out where a text can't consist of them.
_LATIN = "A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_ARABIC = "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff"
_CYRILLIC = "\u0400-\u052f"
_DEVANAGARI = "\u0900-\u097f"
_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff"
_OWN = {
    "ar": _ARABIC,
    "bg": _CYRILLIC,
    "bn": "\u0980-\u09ff",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "fa": _ARABIC,
    "he": "\u0590-\u05ff",
    "hi": _DEVANAGARI,
    "ja": _HAN + "\u3040-\u30ff",
    "ka": "\u10a0-\u10ff",
    "kk": _CYRILLIC,
    "ko": _HAN + "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3",
    "ml": "\u0d00-\u0d7f",
    "mr": _DEVANAGARI,
    "my": "\u1000-\u109f",
    "ru": _CYRILLIC,
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "th": "\u0e00-\u0e7f",
    "ur": _ARABIC,
    "zh": _HAN,
}
_WORDS = {
    "af": "die van het nie en vir sy wat hulle ook deur is",
    "de": "der und die den das von mit ist wurde des auf für sich nicht ein eine dem im",
    "en": "the of and was is to in that for with which by from as are what who",
    "es": "de la el los las que en del una por con se fue para es como su cuál qué",
    "et": "ja on oli ning see mis ta kui oma mille aasta",
    "eu": "eta da zen bat dira izan baina duen zuen",
    "fi": "ja on oli sekä joka että myös hän mutta mikä milloin kuka vuonna ovat",
    "fr": "le les des et est une dans du qui que pour au sur il par pas",
    "hu": "és az hogy egy volt nem meg ez mint csak",
    "id": "yang dan di dengan pada adalah dari untuk ini oleh dalam ke apa sebagai tidak merupakan",
    "it": "il di che della e per un una del non con sono nel gli",
    "jv": "ing lan kang sing iku saka karo kanthi",
    "ms": "yang dan di dengan pada ialah dari untuk ini oleh dalam telah",
    "nl": "de het van een en dat niet met voor zijn op werd",
    "pt": "de o que da do em uma os não com para foi dos as",
    "ro": "și de la în cu pe din care este mai pentru nu",
    "sw": "ya na wa kwa ni katika la za yake kama nchini mwaka cha hii alikuwa je",
    "tl": "ang ng sa mga na ay si ito nang",
    "tr": "ve bir bu da için olarak ile çok olan ne gibi",
    "vi": "của và là các có được trong một cho những năm người với không đã nào",
    "yo": "ni ti ati awọn si ó tí àti",
}
# A language is called foreign to a text only with this many more of its words than of the own.
_MARGIN = 4
# Too like each other to be told apart by a few words.
_KIN = (frozenset({"id", "ms", "jv"}), frozenset({"af", "nl"}))
_TOKEN = re.compile(r"[^\W\d_]+")
_FAMILIES = {
    name: re.compile(f"[{letters}]") for name, letters in {**_OWN, "Latin": _LATIN}.items()
}
_LETTER = re.compile(r"[^\W\d_]")


def known(language: str) -> bool:
    """Whether texts in `language` can be judged."""
    return language in _OWN or language in _WORDS


def foreign(text: str, language: str, votes: Counter[str] | None = None) -> str:
    """Why `text` isn't in `language`: its likely language or "another script"; "" where it may be.

    Half of the letters in the language's script are enough: questions name foreign people. A
    Latin text is foreign where another language has many more of its function words in it.

    Args:
        text: what is judged.
        language: as declared; one that is `known`.
        votes: `votes_of(text)`, where they are known.
    """
    letters = len(_LETTER.findall(text))
    own = len(_FAMILIES[language if language in _OWN else "Latin"].findall(text))
    if 2 * own < letters:
        return "another script"
    return outvoted(votes_of(text) if votes is None else votes, language)


def votes_of(text: str) -> Counter[str]:
    """Language -> how many words of `text` are among its function words."""
    votes: Counter[str] = Counter()
    for word in _TOKEN.findall(text.lower()):
        votes.update(_languages_of().get(word, ()))
    return votes


def outvoted(votes: Counter[str], language: str) -> str:
    """The language with far more votes than `language`, in Latin script; "" where there is none."""
    if not votes or language not in _WORDS:
        return ""
    best = max(votes, key=lambda name: (votes[name], name))
    kin = any({best, language} <= group for group in _KIN)
    return "" if kin or votes[best] < 2 * votes[language] + _MARGIN else best


@cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, words in _WORDS.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), name)
    return found
