"""Windows over the contexts of questions, after `run_squad.py` (Devlin et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from harness.errors import DataError, UsageError
from harness.records import QaExample
from harness.tasks import Features
from harness.tasks.encoding import Layout, encode_distinct, pair_layout, plain, stretch
from harness.tasks.spans import answer_tokens, check_answer, visible_offsets


@dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """The part of `models.ExtractiveQa` that shapes windows."""

    max_length: int
    doc_stride: int
    max_query_length: int


@dataclass(frozen=True, kw_only=True)
class QaSettings(WindowSettings):
    """The part of `models.ExtractiveQa` that shapes windows and answers."""

    max_answer_length: int
    n_best: int
    no_answer: bool = False
    """Some questions have no answer in their context."""


def window_settings(values: Mapping[str, Any]) -> WindowSettings:
    """Those of `values` (a stage's settings) that `WindowSettings` names."""
    return WindowSettings(**_present(WindowSettings, values))


def qa_settings(values: Mapping[str, Any]) -> QaSettings:
    """Those of `values` (a stage's settings) that `QaSettings` names."""
    return QaSettings(**_present(QaSettings, values))


def _present(settings: type[WindowSettings], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in settings.__dataclass_fields__ if name in values}


@dataclass(frozen=True, kw_only=True)
class Windows(Features):
    """Question, special tokens and a stretch of context: a window is a sequence and a unit."""

    example: np.ndarray
    """The example of each window, (windows,) int32, ascending."""
    offsets: np.ndarray
    """(tokens, 2) int32: characters of the context under each token, without surrounding white
    space; an empty range for questions, special tokens and white space."""
    context: np.ndarray
    """Position in the window of the first context token, (windows,) int32."""
    labels: np.ndarray
    """(windows, 2) int64: position in the window of the answer's first and last token; 0, the
    first special token, where the window holds no answer. All 0 outside training."""
    unreachable: int
    """Examples that have an answer but no window that holds all of it."""


def build_windows(
    examples: Sequence[QaExample], tokenizer: Tokenizer, settings: WindowSettings, training: bool
) -> Windows:
    """Cut every example into windows of at most `max_length` tokens.

    Windows start every `doc_stride` context tokens (or as many as a window holds, if fewer) until
    one reaches the context's end. Questions are cut at `max_query_length` tokens.

    Raises:
        DataError: an example without a visible character of context; in training, an answer that
            isn't at its offset.
        UsageError: no room for context beside the question.
    """
    plain(tokenizer)
    layout = pair_layout(tokenizer)
    contexts = _encode(tokenizer, [one.context for one in examples])
    questions = encode_distinct(tokenizer, [one.question for one in examples])
    build = _Builder(settings=settings, layout=layout)
    for index, example in enumerate(examples):
        ids, offsets = contexts[example.context]
        question = stretch(questions, index)[: settings.max_query_length]
        if not (offsets[:, 1] > offsets[:, 0]).any():
            raise _empty(example.id)
        span = _answer(example, offsets) if training else None
        build.add(index, question, ids, offsets, span)
        if training and example.answers and not build.last_reached:
            build.unreachable += 1
    return build.finish()


def _encode(tokenizer: Tokenizer, texts: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ids and visible offsets of each distinct text (contexts repeat from question to question)."""
    distinct = list(dict.fromkeys(texts))
    encodings: list[Encoding] = tokenizer.encode_batch(distinct, add_special_tokens=False)
    result = {}
    for text, encoding in zip(distinct, encodings, strict=True):
        offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        result[text] = (np.array(encoding.ids, dtype=np.int32), visible_offsets(text, offsets))
    return result


def _answer(example: QaExample, offsets: np.ndarray) -> tuple[int, int] | None:
    """First and last context token of the first answer, as run_squad trains on."""
    if not example.answers:
        return None
    answer, start = example.answers[0], example.answer_starts[0]
    check_answer(example.id, example.context, answer, start)
    return answer_tokens(offsets, start, start + len(answer))


def _empty(identifier: str) -> DataError:
    return DataError(
        where=f"example {identifier}",
        got="a context without a visible character",
        expected="a text that can hold an answer",
        fix="Leave the example out of the data set.",
    )


class _Builder:
    """Collects windows into flat arrays."""

    def __init__(self, *, settings: WindowSettings, layout: Layout) -> None:
        self.settings = settings
        self.before = np.array(layout.before, dtype=np.int32)
        self.between = np.array(layout.between, dtype=np.int32)
        self.after = np.array(layout.after, dtype=np.int32)
        self.special = layout.count()
        self.ids: list[np.ndarray] = []
        self.offsets: list[np.ndarray] = []
        self.example: list[int] = []
        self.context: list[int] = []
        self.labels: list[tuple[int, int]] = []
        self.unreachable = 0
        self.last_reached = False

    def add(
        self,
        index: int,
        question: np.ndarray,
        ids: np.ndarray,
        offsets: np.ndarray,
        span: tuple[int, int] | None,
    ) -> None:
        """All windows of one example."""
        head = np.concatenate([self.before, question, self.between])
        room = self._room(len(question))
        self.last_reached = False
        for start in window_starts(len(ids), room, self.settings.doc_stride):
            stop = min(start + room, len(ids))
            self.ids.append(np.concatenate([head, ids[start:stop], self.after]))
            placed = np.zeros((len(self.ids[-1]), 2), dtype=np.int32)
            placed[len(head) : len(head) + stop - start] = offsets[start:stop]
            self.offsets.append(placed)
            self.example.append(index)
            self.context.append(len(head))
            inside = span is not None and start <= span[0] and span[1] < stop
            shift = len(head) - start
            self.labels.append((span[0] + shift, span[1] + shift) if span and inside else (0, 0))
            self.last_reached |= inside

    def _room(self, question: int) -> int:
        """Context tokens that fit beside a question of so many tokens."""
        room = self.settings.max_length - question - self.special
        if room < 1:
            raise UsageError(
                where="settings.max_length",
                got=f"{self.settings.max_length} beside a question of {question} tokens",
                expected="room for context",
                fix="Raise max_length or lower max_query_length.",
            )
        return room

    def finish(self) -> Windows:
        """Everything collected."""
        lengths = [len(part) for part in self.ids]
        return Windows(
            ids=np.concatenate([*self.ids, np.empty(0, np.int32)]),
            bounds=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            units=np.arange(len(lengths) + 1),
            example=np.array(self.example, dtype=np.int32),
            offsets=np.concatenate([*self.offsets, np.empty((0, 2), np.int32)]),
            context=np.array(self.context, dtype=np.int32),
            labels=np.array(self.labels, dtype=np.int64).reshape(-1, 2),
            unreachable=self.unreachable,
        )


def window_starts(tokens: int, room: int, stride: int) -> range:
    """Where windows of `room` tokens start so that they cover `tokens`.

    E.g. 10 tokens, room 6, stride 3: 0 and 3 would end at 6 and 9, so 0, 3, 6.
    """
    step = min(stride, room)
    beyond = max(0, tokens - room)
    return range(0, -(-beyond // step) * step + 1, step)
