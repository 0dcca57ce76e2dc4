"""Made-up items in the languages of TyDi QA, as many as a full run records."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparing.shown import excerpt
from harness.records import Answer, ItemChanges, ShownItem

# Language -> question, sentence with the answer, answer, another answer.
TEXTS = {
    "ar": ("ما هي عاصمة فنلندا؟", "عاصمة فنلندا هي هلسنكي منذ عام 1812.", "هلسنكي", "توركو"),
    "bn": ("ফিনল্যান্ডের রাজধানী কী?", "ফিনল্যান্ডের রাজধানী হেলসিঙ্কি।", "হেলসিঙ্কি", "তুর্কু"),
    "en": ("What is Finland's capital?", "Finland's capital is Helsinki.", "Helsinki", "Turku"),
    "fi": ("Mikä on Suomen pääkaupunki?", "Suomen pääkaupunki on Helsinki.", "Helsinki", "Turku"),
    "id": ("Apa ibu kota Finlandia?", "Ibu kota Finlandia adalah Helsinki.", "Helsinki", "Turku"),
    "ko": ("핀란드의 수도는 어디인가?", "핀란드의 수도는 헬싱키이다.", "헬싱키", "투르쿠"),
    "ru": ("Какая столица Финляндии?", "Столица Финляндии — Хельсинки.", "Хельсинки", "Турку"),
    "sw": ("Mji mkuu wa Ufini ni upi?", "Mji mkuu wa Ufini ni Helsinki.", "Helsinki", "Turku"),
    "te": ("ఫిన్లాండ్ రాజధాని ఏది?", "ఫిన్లాండ్ రాజధాని హెల్సింకి.", "హెల్సింకి", "తుర్కు"),
}


def changes(
    pairs: Sequence[tuple[str, str]], sizes: dict[str, int], seeds: int, *, shown: int = 2
) -> tuple[ItemChanges, ...]:
    """For each pair and language `shown` gained items and as many lost."""
    return tuple(
        ItemChanges(
            treatment=treatment,
            baseline=baseline,
            target="tydiqa",
            language=code,
            both=size // 4,
            gained=size // 8,
            lost=size // 16,
            neither=size - size // 4 - size // 8 - size // 16,
            shown=tuple(
                item(code, number, seeds, gained=gained)
                for gained in (True, False)
                for number in range(shown)
            ),
        )
        for treatment, baseline in pairs
        for code, size in sizes.items()
    )


def item(code: str, number: int, seeds: int, *, gained: bool) -> ShownItem:
    """An item whose context is as long as excerpts get."""
    question, sentence, answer, other = TEXTS.get(code, TEXTS["en"])
    context = " ".join([sentence.replace(answer, other)] * 12 + [sentence] * 12)
    start = context.index(answer)
    piece, mark = excerpt(context, start, start + len(answer))
    right = tuple(Answer(text=answer, right=True) for _ in range(seeds))
    wrong = (
        Answer(text=answer, right=True),
        *(Answer(text=f"{other} {seed % 2}", right=False) for seed in range(1, seeds)),
    )
    return ShownItem(
        id=f"{code}--{734 * number + 51}-{int(gained)}",
        gained=gained,
        texts={"Question": question, "Context": piece},
        mark=mark,
        gold=(answer, f"{answer}."),
        treatment=right if gained else wrong,
        baseline=wrong if gained else right,
    )
