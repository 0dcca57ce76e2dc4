"""The table of all generated sets: which configs and splits each has, in which languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from harness.sources.mini import (
    bitext,
    choices,
    inference,
    paraphrase,
    questions,
    schemas,
    sizes,
    tags,
    text,
)
from harness.sources.mini.names import LANGUAGES

Row = dict[str, Any]
Maker = Callable[[str, Any, str], list[Row]]
"""(purpose, recipe, language) -> rows; the purpose alone decides what is drawn."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split of one config."""

    make: Maker
    purpose: str
    recipe: Any
    """Of sizes.py."""
    languages: tuple[str, ...] = ("en",)
    """Of its rows, in this order."""
    count: int
    """Rows in each language."""


@dataclass(frozen=True, kw_only=True)
class MiniSet:
    """A generated data set: its Arrow types, and its parts by (config, split)."""

    schema: pa.Schema
    parts: Mapping[tuple[str, str], Part]


def _part(make: Maker, purpose: str, recipe: Any, *languages: str) -> Part:
    """A part that has as many rows as its recipe says."""
    if isinstance(recipe, sizes.Recipe):
        count = recipe.passages * (recipe.questions + (make is questions.squad_v2))
    else:
        count = 1 if isinstance(recipe, sizes.Mining) else recipe.rows
    return Part(
        make=make,
        purpose=purpose,
        recipe=recipe,
        languages=languages or ("en",),
        count=count,
    )


def _by_language(
    config: str, split: str, names: Mapping[str, str], make: Maker, purpose: str, recipe: Any
) -> dict[tuple[str, str], Part]:
    """A config for each language, called `config` with its name in place of {}."""
    return {
        (config.format(called), split): _part(make, purpose, recipe, code)
        for code, called in names.items()
    }


def _codes(*languages: str) -> dict[str, str]:
    return {code: code for code in languages}


_UD = {
    "en": "English",
    "ar": "Arabic",
    "fi": "Finnish",
    "id": "Indonesian",
    "ko": "Korean",
    "ru": "Russian",
    "te": "Telugu",
}

SETS: dict[str, MiniSet] = {
    # Question answering.
    "tydiqa": MiniSet(
        schema=schemas.QA,
        parts={
            ("secondary_task", "train"): _part(questions.tydiqa, "train", sizes.TARGET),
            ("secondary_task", "validation"): _part(
                questions.tydiqa, "validation", sizes.EVALUATION, *LANGUAGES
            ),
        },
    ),
    "squad": MiniSet(
        schema=schemas.QA,
        parts={
            ("plain_text", "train"): _part(questions.squad, "intermediate", sizes.INTERMEDIATE),
            ("plain_text", "validation"): _part(
                questions.squad, "squad validation", sizes.CHECK_INTERMEDIATE
            ),
        },
    ),
    "squad_v2": MiniSet(
        schema=schemas.QA,
        parts={
            ("squad_v2", "train"): _part(questions.squad_v2, "squad_v2 train", sizes.UNANSWERABLE),
            ("squad_v2", "validation"): _part(
                questions.squad_v2, "squad_v2 validation", sizes.CHECK_UNANSWERABLE
            ),
        },
    ),
    "squad_translated": MiniSet(
        schema=schemas.QA,
        parts=_by_language(
            "translated.{}",
            "train",
            _codes(*LANGUAGES[1:]),
            questions.translated,
            "intermediate",
            sizes.INTERMEDIATE,
        ),
    ),
    "xquad": MiniSet(
        schema=schemas.XQUAD,
        parts=_by_language(
            "xquad.{}",
            "validation",
            _codes("ar", "en", "ru"),
            questions.xquad,
            "xquad",
            sizes.PARALLEL,
        ),
    ),
    "mlqa": MiniSet(
        schema=schemas.MLQA,
        parts=_by_language(
            "MLQA.{0}.{0}", "test", _codes("ar", "en"), questions.squad, "mlqa", sizes.PARALLEL
        ),
    ),
    # Classification.
    "mnli": MiniSet(
        schema=schemas.MNLI,
        parts={
            ("mnli", "train"): _part(inference.mnli, "mnli train", sizes.MNLI),
            ("mnli", "validation_matched"): _part(
                inference.mnli, "mnli validation_matched", sizes.CHECK_MNLI
            ),
            ("mnli", "validation_mismatched"): _part(
                inference.mnli, "mnli validation_mismatched", sizes.CHECK_MNLI
            ),
        },
    ),
    "anli": MiniSet(
        schema=schemas.ANLI,
        parts={
            ("plain_text", f"{split}_{number}"): _part(
                inference.anli, f"anli {split} {number}", recipe
            )
            for split, rounds in {"train": sizes.ANLI, "dev": sizes.CHECK_ANLI}.items()
            for number, recipe in rounds.items()
        },
    ),
    "snli": MiniSet(
        schema=schemas.SNLI,
        parts={
            ("plain_text", "train"): _part(inference.snli, "snli train", sizes.SNLI),
            ("plain_text", "validation"): _part(
                inference.snli, "snli validation", sizes.CHECK_SNLI
            ),
        },
    ),
    "xnli": MiniSet(
        schema=schemas.SNLI,
        parts=_by_language(
            "{}", "test", _codes("ar", "en", "ru", "sw"), inference.pairs, "xnli", sizes.XNLI
        ),
    ),
    "qqp": MiniSet(
        schema=schemas.QQP,
        parts={
            ("qqp", "train"): _part(paraphrase.qqp, "qqp train", sizes.QQP),
            ("qqp", "validation"): _part(paraphrase.qqp, "qqp validation", sizes.CHECK_QQP),
        },
    ),
    "pawsx": MiniSet(
        schema=schemas.PAWSX,
        parts={
            ("en", "train"): _part(paraphrase.pawsx, "pawsx train", sizes.PAWSX),
            **_by_language(
                "{}",
                "test",
                _codes("en", "ko"),
                paraphrase.pawsx,
                "pawsx test",
                sizes.TEST_PAWSX,
            ),
        },
    ),
    # Multiple choice.
    "hellaswag": MiniSet(
        schema=schemas.HELLASWAG,
        parts={
            ("default", "train"): _part(choices.hellaswag, "hellaswag train", sizes.HELLASWAG),
            ("default", "validation"): _part(
                choices.hellaswag, "hellaswag validation", sizes.CHECK_HELLASWAG
            ),
        },
    ),
    "cosmosqa": MiniSet(
        schema=schemas.COSMOSQA,
        parts={
            ("default", "train"): _part(choices.cosmosqa, "cosmosqa train", sizes.COSMOSQA),
            ("default", "validation"): _part(
                choices.cosmosqa, "cosmosqa validation", sizes.CHECK_COSMOSQA
            ),
        },
    ),
    "commonsenseqa": MiniSet(
        schema=schemas.COMMONSENSEQA,
        parts={
            ("default", "train"): _part(
                choices.commonsenseqa, "commonsenseqa train", sizes.COMMONSENSEQA
            ),
            ("default", "validation"): _part(
                choices.commonsenseqa, "commonsenseqa validation", sizes.CHECK_COMMONSENSEQA
            ),
        },
    ),
    # Tagging.
    "ccg": MiniSet(
        schema=schemas.CCG,
        parts={
            ("auto", "train"): _part(tags.ccg, "ccg train", sizes.CCG),
            ("auto", "validation"): _part(tags.ccg, "ccg validation", sizes.CHECK_CCG),
        },
    ),
    "udpos": MiniSet(
        schema=schemas.UDPOS,
        parts={
            ("udpos.English", "train"): _part(tags.udpos, "udpos train", sizes.UDPOS),
            **_by_language("udpos.{}", "test", _UD, tags.udpos, "udpos test", sizes.TEST_UDPOS),
        },
    ),
    "panx": MiniSet(
        schema=schemas.PANX,
        parts={
            ("PAN-X.en", "train"): _part(tags.panx, "panx train", sizes.PANX),
            **_by_language(
                "PAN-X.{}", "test", _codes(*LANGUAGES), tags.panx, "panx test", sizes.TEST_PANX
            ),
        },
    ),
    # Retrieval and plain text.
    "tatoeba": MiniSet(
        schema=schemas.TATOEBA,
        parts=_by_language(
            "tatoeba.{}", "validation", bitext.ISO3, bitext.tatoeba, "tatoeba", sizes.TATOEBA
        ),
    ),
    "bucc": MiniSet(
        schema=schemas.BUCC,
        parts=_by_language("{}-en", "test", _codes("ru"), bitext.bucc, "bucc", sizes.BUCC),
    ),
    "wikipedia": MiniSet(
        schema=schemas.WIKIPEDIA,
        parts=_by_language(
            "20231101.{}",
            "train",
            _codes(*LANGUAGES),
            text.wikipedia,
            "wikipedia",
            sizes.WIKIPEDIA,
        ),
    ),
}
