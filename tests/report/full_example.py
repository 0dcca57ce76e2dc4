"""A comparison as large as a full run of TyDi QA gives: 5,077 items, three systems and seeds."""

from __future__ import annotations

from typing import Any

from example import ITEMS, gain
from items_example import changes

from harness.comparing.items import MOST
from harness.records import Comparison

PAIRS = (("squad_v2", "baseline"), ("squad_v1", "baseline"))


def full() -> Comparison:
    """The gain with a third seed, its variant's difference, and all the items that fit."""
    document = _third_seed(gain("SUBSTANTIAL", scaled_down=False).model_dump(mode="json"))
    document["seeds"] = [0, 1, 2]
    (effect,) = document["effects"]
    document["effects"] = [effect, {**effect, "treatment": "squad_v1", "reported": None}]
    items = changes(PAIRS, ITEMS, 3, shown=MOST)
    document["items"] = [one.model_dump(mode="json") for one in items]
    return Comparison.model_validate(document)


def _third_seed(value: Any) -> Any:
    """Whatever there is of seed 1 once more, as of seed 2."""
    if isinstance(value, list):
        found = [_third_seed(one) for one in value]
        of_second = [one for one in found if isinstance(one, dict) and one.get("seed") == 1]
        return found + [{**one, "seed": 2} for one in of_second]
    if not isinstance(value, dict):
        return value
    found = {key: _third_seed(one) for key, one in value.items()}
    if "per_seed" in found:
        found["per_seed"] = [*found["per_seed"], found["value"]]
    return found
