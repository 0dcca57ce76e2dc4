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
    for index in np.flatnonzero(starts[1:] == starts[:-1]).tolist():
        raise DataError(
            where=f"example {examples[int(index)].id}",
            got="no window",
            expected="at least one",
            fix="Leave the example out of the data set.",
        )
    top = np.maximum.reduceat(best[:, 0], starts[:-1]) if len(examples) else np.empty(0)
    for index in np.flatnonzero(~np.isfinite(top)).tolist():
        mine = slice(int(starts[index]), int(starts[index + 1]))
        best[mine] = _exhaustive(start_logits, end_logits, windows, mine, settings)
        top[index] = best[mine, 0].max()
    # The first window of each example that holds its best score.
    equal = np.flatnonzero(best[:, 0] == top[windows.example])
    spans = best[equal[np.searchsorted(windows.example[equal], np.arange(len(examples)))]]
    least = np.minimum.reduceat(null, starts[:-1]) if len(examples) else np.empty(0)
    return [
        _no_answer(example, float(low)) if low > span[0] else _prediction(example, windows, span)
        for example, span, low in zip(examples, spans.tolist(), least.tolist(), strict=True)
    ]


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


def _prediction(example: QaExample, windows: Windows, span: Sequence[float]) -> Prediction:
    """The characters of (score, first, last), the last two being indices into `windows.ids`."""
    score, first, last = span
    start = int(windows.offsets[int(first), 0])
    end = int(windows.offsets[int(last), 1])
    return Prediction(
        id=example.id,
        text=example.context[start:end],
        score=score,
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
    count = min(count, values.shape[1])
    lowest = -np.partition(-values, count - 1, axis=1)[:, count - 1 : count]
    above, equal = values > lowest, values == lowest
    room = count - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= room))
    return np.nonzero(chosen)[1].reshape(len(values), count)


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
