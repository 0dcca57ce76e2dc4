"""How long stages take on several devices at once: a model, from what the plan expects of each.

A stage that trains or predicts has a device of its own for its operations over the device's speed;
all others, starting a stage, and moving bytes count nothing. Of the stages whose inputs are there
the first of the plan's order starts, as in `run.execute` (list scheduling: Graham 1969,
doi:10.1137/0117039, at most twice as long as the best order).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from harness.graph import PlannedStage


def makespan(
    stages: Sequence[PlannedStage], speed: Mapping[str, float], devices: float = math.inf
) -> float:
    """Seconds until all `stages` are made; with endless devices that of the longest chain.

    Args:
        stages: in the plan's order; inputs that aren't among them are there already.
        speed: of each device, as `Cost.seconds` takes it.
        devices: how many, at least 1.
    """
    places = {one.key: place for place, one in enumerate(stages)}
    order = TopologicalSorter({one.key: set(one.inputs.values()) & set(places) for one in stages})
    order.prepare()
    now, ready, running = 0.0, list[int](), list[tuple[float, int]]()
    while order.is_active():
        for key in order.get_ready():
            heapq.heappush(ready, places[key])
        while ready and len(running) < devices:
            place = heapq.heappop(ready)
            heapq.heappush(running, (now + stages[place].cost.seconds(speed), place))
        now, place = heapq.heappop(running)
        order.done(stages[place].key)
    return now
