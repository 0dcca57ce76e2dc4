"""Is a text plausibly in its language? Judged by script alone.

Languages that share a script (the Latin ones, or Hindi and Marathi) can't be told apart here.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_LATIN = (
    "af",
    "de",
    "en",
    "es",
    "et",
    "eu",
    "fi",
    "fr",
    "hu",
    "id",
    "it",
    "jv",
    "ms",
    "nl",
    "pt",
    "ro",
    "sw",
    "tl",
    "tr",
    "vi",
    "yo",
)
# Language -> RE2 classes of its letters (Unicode's Script property).
SCRIPTS: dict[str, str] = dict.fromkeys(_LATIN, r"\p{Latin}") | {
    "ar": r"\p{Arabic}",
    "bg": r"\p{Cyrillic}",
    "bn": r"\p{Bengali}",
    "el": r"\p{Greek}",
    "fa": r"\p{Arabic}",
    "he": r"\p{Hebrew}",
    "hi": r"\p{Devanagari}",
    "ja": r"\p{Han}|\p{Hiragana}|\p{Katakana}",
    "ka": r"\p{Georgian}",
    "kk": r"\p{Cyrillic}",
    "ko": r"\p{Hangul}|\p{Han}",
    "ml": r"\p{Malayalam}",
    "mr": r"\p{Devanagari}",
    "my": r"\p{Myanmar}",
    "ru": r"\p{Cyrillic}",
    "ta": r"\p{Tamil}",
    "te": r"\p{Telugu}",
    "th": r"\p{Thai}",
    "ur": r"\p{Arabic}",
    "zh": r"\p{Han}",
}
# Questions name foreign people and firms in Latin letters: half a question, a tenth of the rows.
SHARE_OF_LETTERS = 0.5
SHARE_OF_ROWS = 0.1


def implausible(table: pa.Table) -> dict[str, list[dict[str, str]]]:
    """Language -> the rows {id, text} whose question is mostly in another script.

    Only languages in which more than `SHARE_OF_ROWS` of the rows are so; a language that isn't in
    `SCRIPTS` isn't judged.

    Args:
        table: columns id, question, language.
    """
    doubtful = {}
    for code in sorted(set(table.column("language").to_pylist()) & set(SCRIPTS)):
        rows = table.filter(pc.equal(table.column("language"), code))
        question = pc.fill_null(rows.column("question"), "")
        letters = pc.count_substring_regex(question, r"\p{L}")
        own = pc.count_substring_regex(question, SCRIPTS[code])
        share = pc.multiply(pc.cast(letters, pa.float64()), SHARE_OF_LETTERS)
        foreign = rows.filter(pc.less(pc.cast(own, pa.float64()), share))
        if foreign.num_rows > SHARE_OF_ROWS * rows.num_rows:
            pairs = zip(
                foreign.column("id").to_pylist(),
                foreign.column("question").to_pylist(),
                strict=True,
            )
            doubtful[code] = [{"id": str(one), "text": str(text)} for one, text in pairs]
    return doubtful
