"""From logits to answers: the best span over all windows of a question."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import DataError
from harness.records import Prediction, QaExample
from harness.tasks.windows import QaSettings, Windows

_CHUNK = 512  # windows at a time: bounds the memory of the padded rectangles


def best_answers(
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    windows: Windows,
    examples: Sequence[QaExample],
    settings: QaSettings,
) -> list[Prediction]:
    """The best answer to each example, in the order of `examples`.

    In each window the `n_best` best starts meet the `n_best` best ends among the context tokens
    that hold a visible character; a span is valid if it ends no earlier than it starts and has at
    most `max_answer_length` tokens. The highest sum of logits wins, then the earliest window, start
    and end. Where no window of a question has a valid span among its best, all its spans are
    searched, so that there is always a span.

    With `settings.no_answer` the span stands against the null score: the logits of the first
    special token as a start and as an end, the smallest sum over the question's windows. Where
    that is higher than the span's, the answer is empty (run_squad's rule for SQuAD 2.0 with its
    threshold 0).

    Args:
        start_logits: (tokens,), as `windows.ids`.
        end_logits: (tokens,).
        windows: from `build_windows`.
        examples: those that `windows` was built from.
        settings: as for `build_windows`.

    Raises:
        DataError: an example without windows.
    """
    best = _best_of_windows(start_logits, end_logits, windows, settings)
    null = _null_scores(start_logits, end_logits, windows, settings)
    starts = np.searchsorted(windows.example, np.arange(len(examples) + 1))
    result = []
    for index, example in enumerate(examples):
        mine = slice(int(starts[index]), int(starts[index + 1]))
        found = best[mine]
        if not len(found):
            raise DataError(
                where=f"example {example.id}",
                got="no window",
                expected="at least one",
                fix="Leave the example out of the data set.",
            )
        if not np.isfinite(found[:, 0]).any():
            found = _exhaustive(start_logits, end_logits, windows, mine, settings)
        score, first, last = found[int(np.argmax(found[:, 0]))]
        if null[mine].min() > score:
            result.append(_no_answer(example, float(null[mine].min())))
        else:
            result.append(_prediction(example, windows, (score, int(first), int(last))))
    return result


def _null_scores(
    start_logits: np.ndarray, end_logits: np.ndarray, windows: Windows, settings: QaSettings
) -> np.ndarray:
    """How much each window says for "no answer", (windows,) float64; -inf where all have one."""
    first = windows.bounds[:-1]
    if not settings.no_answer:
        return np.full(len(first), -np.inf)
    scores: np.ndarray = start_logits[first].astype(np.float64) + end_logits[first]
    return scores


def _no_answer(example: QaExample, score: float) -> Prediction:
    return Prediction(id=example.id, text="", score=score, start=0, end=0)


def _prediction(example: QaExample, windows: Windows, span: tuple[float, int, int]) -> Prediction:
    """The span's own characters, `first` and `last` being indices into `windows.ids`."""
    score, first, last = span
    start, end = int(windows.offsets[first, 0]), int(windows.offsets[last, 1])
    return Prediction(
        id=example.id,
        text=example.context[start:end],
        score=float(score),
        start=start,
        end=end,
    )


def _best_of_windows(
    start_logits: np.ndarray, end_logits: np.ndarray, windows: Windows, settings: QaSettings
) -> np.ndarray:
    """(windows, 3) float64: score, index of the first and of the last token; -inf: none valid."""
    count = len(windows.bounds) - 1
    visible = windows.offsets[:, 1] > windows.offsets[:, 0]
    starts = np.where(visible, start_logits, -np.inf)
    ends = np.where(visible, end_logits, -np.inf)
    parts = [np.empty((0, 3))]
    for low in range(0, count, _CHUNK):
        bounds = windows.bounds[low : min(low + _CHUNK, count) + 1]
        first, last = _padded(starts, bounds), _padded(ends, bounds)
        parts.append(_best_pairs(first, last, settings) + _shift(bounds))
    return np.concatenate(parts)


def _shift(bounds: np.ndarray) -> np.ndarray:
    """What turns positions in a window into indices of tokens, (windows, 3)."""
    return np.stack([np.zeros(len(bounds) - 1), bounds[:-1], bounds[:-1]], axis=1)


def _padded(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(windows, longest) float64, -inf past a window's end."""
    lengths = np.diff(bounds)
    result = np.full((len(lengths), int(lengths.max())), -np.inf)
    result[np.arange(result.shape[1])[None] < lengths[:, None]] = values[bounds[0] : bounds[-1]]
    return result


def _best_pairs(starts: np.ndarray, ends: np.ndarray, settings: QaSettings) -> np.ndarray:
    """(windows, 3): score, start and end position of the best pair of n-best positions.

    Positions are put in ascending order, so that argmax takes the earliest of equal sums.
    """
    first, last = _top(starts, settings.n_best), _top(ends, settings.n_best)
    sums = np.take_along_axis(starts, first, 1)[:, :, None]
    sums = sums + np.take_along_axis(ends, last, 1)[:, None, :]
    tokens = last[:, None, :] - first[:, :, None] + 1
    sums = np.where((tokens >= 1) & (tokens <= settings.max_answer_length), sums, -np.inf)
    flat = sums.reshape(len(sums), -1)
    chosen = np.argmax(flat, axis=1)
    rows, width = np.arange(len(flat)), last.shape[1]
    return np.stack(
        [flat[rows, chosen], first[rows, chosen // width], last[rows, chosen % width]], axis=1
    )


def _top(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the `count` highest of each row, ascending; the earliest of equal values."""
    best: np.ndarray = np.argsort(-values, axis=1, kind="stable")[:, :count]
    best.sort(axis=1)
    return best


def _exhaustive(
    start_logits: np.ndarray,
    end_logits: np.ndarray,
    windows: Windows,
    mine: slice,
    settings: QaSettings,
) -> np.ndarray:
    """As `_best_of_windows` for the windows `mine`, over all their spans."""
    bounds = windows.bounds[mine.start : mine.stop + 1]
    whole = slice(int(bounds[0]), int(bounds[-1]))
    visible = windows.offsets[whole, 1] > windows.offsets[whole, 0]
    starts = np.where(visible, start_logits[whole], -np.inf)
    ends = np.where(visible, end_logits[whole], -np.inf)
    local = bounds - bounds[0]
    everything = QaSettings(**{**vars(settings), "n_best": int(np.diff(bounds).max())})
    pairs: np.ndarray = _best_pairs(_padded(starts, local), _padded(ends, local), everything)
    pairs += _shift(bounds)
    return pairs
