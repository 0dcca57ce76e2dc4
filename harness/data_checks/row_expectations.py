"""Own expectations about single rows, where the gallery of Great Expectations has none.

Each is a map expectation with a metric of its own for pandas; defining it registers both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pandas as pd

from harness.data_checks.gx import (
    ColumnMapExpectation,
    ColumnMapMetricProvider,
    MulticolumnMapExpectation,
    MulticolumnMapMetricProvider,
    PandasExecutionEngine,
    column_condition_partial,
    multicolumn_condition_partial,
)
from harness.data_checks.texts import answers_are, is_kind, tags_are, text_is

# How a split without labels writes them.
WITHHELD = ("", "-1")


class TextRule(ColumnMapMetricProvider):
    """Which texts keep a rule of `texts.TEXT_RULES`."""

    condition_metric_name = "column_values.harness_text_rule"
    condition_value_keys = ("rule", "share")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, rule: str, share: float, **_: Any) -> Any:  # noqa: N805
        return _each(column, lambda value: text_is(rule, value, share))


class ExpectTextToBe(ColumnMapExpectation):
    """Expect every text of a column to keep a rule: not_blank, normalized, decoded, ..."""

    rule: str
    share: float = 1.0
    """Of the texts of a list, where the column holds lists."""
    map_metric: ClassVar[str] = "column_values.harness_text_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("rule", "share", "mostly")


class Kind(ColumnMapMetricProvider):
    """Which values are of a kind of `texts.KINDS`."""

    condition_metric_name = "column_values.harness_kind"
    condition_value_keys = ("kind",)

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, kind: str, **_: Any) -> Any:  # noqa: N805
        return _each(column, lambda value: is_kind(kind, value))


class ExpectValuesToBeOfKind(ColumnMapExpectation):
    """Expect every value of a column to be text, a number, a list of texts, ..."""

    kind: str
    map_metric: ClassVar[str] = "column_values.harness_kind"
    success_keys: ClassVar[tuple[str, ...]] = ("kind", "mostly")


class AnswersRule(ColumnMapMetricProvider):
    """Which answers keep a rule of `texts.answers_are`."""

    condition_metric_name = "column_values.harness_answers_rule"
    condition_value_keys = ("rule", "limit", "unless")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, rule: str, limit: int, unless: bool, **_: Any) -> Any:  # noqa: N805
        return _each(column, lambda value: unless or answers_are(rule, value, limit))


class ExpectAnswersToBe(ColumnMapExpectation):
    """Expect every row's answers to keep a rule: paired, given, not_blank, short."""

    rule: str
    limit: int = 0
    """Characters, for the rule `short`."""
    unless: bool = False
    """Nothing is expected: questions without an answer belong to the data set."""
    map_metric: ClassVar[str] = "column_values.harness_answers_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("rule", "limit", "unless", "mostly")


class TagsRule(ColumnMapMetricProvider):
    """Which rows' tags keep a rule of `texts.tags_are`."""

    condition_metric_name = "column_values.harness_tags_rule"
    condition_value_keys = ("rule", "labels")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: Any, rule: str, labels: list[str], **_: Any) -> Any:  # noqa: N805
        return _each(column, lambda value: tags_are(rule, value, labels))


class ExpectTagsToBe(ColumnMapExpectation):
    """Expect every row's tags to keep a rule: known, bio."""

    rule: str
    labels: list[str]
    map_metric: ClassVar[str] = "column_values.harness_tags_rule"
    success_keys: ClassVar[tuple[str, ...]] = ("rule", "labels", "mostly")


class EqualLengths(MulticolumnMapMetricProvider):
    """Which rows' lists are all equally long."""

    condition_metric_name = "multicolumn_values.harness_equal_lengths"

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        lengths = [_each_length(column_list[name]) for name in column_list.columns]
        return pd.concat([lengths[0] == other for other in lengths[1:]], axis=1).all(axis=1)


class ExpectListsToHaveEqualLengths(MulticolumnMapExpectation):
    """Expect the lists of a row, such as tokens and tags, to be equally long."""

    map_metric: ClassVar[str] = "multicolumn_values.harness_equal_lengths"


class LabelNamesChoice(MulticolumnMapMetricProvider):
    """Which rows' label names one of the row's choices, or says that it is withheld.

    A number or digits count them from 0; where choices have labels of their own, it is one of them.
    """

    condition_metric_name = "multicolumn_values.harness_label_names_choice"

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: Any, **_: Any) -> Any:  # noqa: N805
        labels, choices = (column_list[name] for name in column_list.columns)
        pairs = zip(labels, choices, strict=True)
        sound = [_names_choice(str(label).strip(), some) for label, some in pairs]
        return pd.Series(sound, index=column_list.index, dtype=bool)


class ExpectLabelToNameAChoice(MulticolumnMapExpectation):
    """Expect the first column to name one of the second column's choices, or to be withheld."""

    map_metric: ClassVar[str] = "multicolumn_values.harness_label_names_choice"


def _names_choice(label: str, choices: Any) -> bool:
    if label in WITHHELD:
        return True
    if isinstance(choices, dict):
        return list(choices["label"]).count(label) == 1
    return label.isdigit() and int(label) < len(choices)


def _each(column: Any, holds: Callable[[Any], bool]) -> Any:
    """`holds` of every value; of equal texts once (a context stands with several questions)."""
    known: dict[str, bool] = {}
    found = []
    for value in column:
        if not isinstance(value, str):
            found.append(holds(value))
            continue
        if value not in known:
            known[value] = holds(value)
        found.append(known[value])
    return pd.Series(found, index=column.index, dtype=bool)


def _each_length(column: Any) -> Any:
    lengths = [len(value) if isinstance(value, list) else -1 for value in column]
    return pd.Series(lengths, index=column.index)
