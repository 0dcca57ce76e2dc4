"""The vocabulary of a verdict, explained: rungs, flags, and how a banner shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.models import Kind, Rung
from harness.records import Comparison

Tone = Literal["good", "direction", "open", "bad", "none"]


@dataclass(frozen=True, kw_only=True)
class RungWords:
    """How a rung looks and what it means."""

    title: str
    tone: Tone
    """Colour and icon shape of the banner; the title says the same in words."""
    meaning: str


RUNGS: dict[Rung, RungWords] = {
    "QUANTITATIVE": RungWords(
        title="Reproduced, size included",
        tone="good",
        meaning="The gain, its size and both systems' own scores agree with the printed numbers.",
    ),
    "SUBSTANTIAL": RungWords(
        title="Reproduced in substance",
        tone="good",
        meaning="The effect is there, and a substantial share of its size is established.",
    ),
    "DIRECTION": RungWords(
        title="Same direction",
        tone="direction",
        meaning="The sign of the effect is established; its size isn’t.",
    ),
    "INCONCLUSIVE": RungWords(
        title="Undecided",
        tone="open",
        meaning="The interval is too wide to decide either way.",
    ),
    "CONTRADICTED": RungWords(
        title="Contradicted",
        tone="bad",
        meaning="The interval rules out what the claim says.",
    ),
    "INVALID": RungWords(
        title="No verdict",
        tone="none",
        meaning="A data check, a pin or a stage failed, or seeds are missing: nothing is judged.",
    ),
}

_SMALLER = RungWords(
    title="Size contradicted",
    tone="bad",
    meaning="The sign agrees with the paper; the interval rules out the share of the size that the "
    "rule asks for.",
)
_NONE_BETTER: dict[Rung, RungWords] = {
    "SUBSTANTIAL": RungWords(
        title="Reproduced in substance",
        tone="good",
        meaning="Every difference is established to be below the margin that the claim allows.",
    ),
    "DIRECTION": RungWords(
        title="Agrees at this scale",
        tone="direction",
        meaning="Every difference is below the margin that the claim allows, in a run that is too "
        "small to say more.",
    ),
}

_ORDER: dict[Rung, RungWords] = {
    "DIRECTION": RungWords(
        title="Same order",
        tone="direction",
        meaning="Each is established to be above the next; by how much isn’t.",
    ),
    "CONTRADICTED": RungWords(
        title="Order contradicted",
        tone="bad",
        meaning="One that the claim puts first is established to be below the next.",
    ),
    "INCONCLUSIVE": RungWords(
        title="Undecided",
        tone="open",
        meaning="For at least one neighbouring pair the interval is too wide to decide.",
    ),
}
_ENOUGH: dict[Rung, RungWords] = {
    "DIRECTION": RungWords(
        title="Same direction",
        tone="direction",
        meaning="As many alternatives as the claim asks for are established to be better.",
    ),
}
_LADDERS: dict[Kind, tuple[Rung, ...]] = {
    "gain": ("DIRECTION", "SUBSTANTIAL", "QUANTITATIVE"),
    "direction": ("DIRECTION",),
    "no_better": ("DIRECTION", "SUBSTANTIAL"),
    "ordering": ("DIRECTION",),
    "aggregate": ("DIRECTION", "SUBSTANTIAL", "QUANTITATIVE"),
}

FLAGS: dict[str, str] = {
    "SMALLER": "The sign is right, but the gain is surely less than the share of the paper’s size "
    "that the rule asks for.",
    "EXCEEDS": "The gain is surely larger than the paper’s by more than the rule’s margin.",
    "LEVELS_DIFFER": "The systems' own scores don’t agree with the paper’s, so the difference may "
    "have come about in another way; a weak baseline inflates a gain.",
    "SINGLE_SEED": "One training run per system: chance between runs can’t be told from the "
    "effect, and the verdict can’t go above SUBSTANTIAL.",
    "PRIOR_DRIVEN": "With so few seeds the width of the interval rests more on the rule’s "
    "assumption about the spread between runs than on the spread that was seen.",
    "SEEDS_ADDED": "Seeds were added after a look at the result; the interval was widened to make "
    "up for the second look.",
    "PROTOCOL_DEVIATION": "Hyper-parameters or evaluation rules differ from the paper’s; the "
    "table of differences lists them.",
    "PAPER_VARIANCE_UNKNOWN": "The paper doesn’t say how far its numbers vary between runs; they "
    "are taken as single runs.",
    "SCALED_DOWN": "A small encoder and little data: the run can show a direction, never the "
    "paper’s magnitude.",
    "UNVERIFIED_EVIDENCE": "The reported number was not read in the paper or in one that quotes "
    "it, so only the sign is judged.",
    "HASH_ON_FIRST_USE": "The digest of some data was recorded at the first download instead of "
    "being known beforehand.",
    "TRANSCRIPTION_DOUBT": "A reported number fails an arithmetic check against the paper’s other "
    "numbers and is kept with its reason.",
}

UNKNOWN_FLAG = "No explanation of this flag is recorded."


def rung_words(comparison: Comparison) -> RungWords:
    """How this verdict looks and what it means for its kind of claim."""
    verdict = comparison.verdict
    own: dict[Rung, RungWords] = {}
    if comparison.claim.kind == "no_better":
        own = _NONE_BETTER
    elif comparison.claim.kind == "ordering":
        own = _ORDER
    elif verdict.rule.at_least is not None:
        own = _ENOUGH
    if verdict.rung in own:
        return own[verdict.rung]
    if verdict.rung == "CONTRADICTED" and "SMALLER" in verdict.flags:
        return _SMALLER
    return RUNGS[verdict.rung]


def sign_only(comparison: Comparison) -> bool:
    """Whether the verdict judges the sign alone (the rule’s retention counts as 0)."""
    return comparison.scaled_down or "UNVERIFIED_EVIDENCE" in comparison.verdict.flags


def reachable(comparison: Comparison) -> tuple[tuple[Rung, bool], ...]:
    """The rungs of the claim’s kind, lowest first, each with whether this run could reach it."""
    signs = sign_only(comparison)
    ladder = _LADDERS[comparison.claim.kind]
    return tuple((rung, rung == "DIRECTION" or not signs) for rung in ladder)
