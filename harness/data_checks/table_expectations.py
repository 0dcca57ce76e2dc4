"""Own expectations about a whole table: each runs one survey of `surveys` over its rows.

A survey's finding carries the offending rows, and the likely cause where the rows show it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from harness.data_checks.gx import (
    BatchExpectation,
    MetricDomainTypes,
    PandasExecutionEngine,
    TableMetricProvider,
    metric_value,
)
from harness.data_checks.surveys import SURVEYS, Finding


class Survey(TableMetricProvider):
    """The finding of the survey that is called `survey`."""

    metric_name = "table.harness_survey"
    value_keys = ("survey", "arguments")

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805
        execution_engine: Any,
        metric_domain_kwargs: Any,
        metric_value_kwargs: Any,
        metrics: Any,  # noqa: ARG002
        runtime_configuration: Any,  # noqa: ARG002
    ) -> Finding:
        frame, _, _ = execution_engine.get_compute_domain(
            domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        return SURVEYS[metric_value_kwargs["survey"]](frame, **metric_value_kwargs["arguments"])


class ExpectSurveyToPass(BatchExpectation):
    """Expect a survey of the whole table to pass; see `surveys` for their names and arguments."""

    survey: str
    arguments: dict[str, Any]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.harness_survey",)
    success_keys: ClassVar[tuple[str, ...]] = ("survey", "arguments")

    def _validate(
        self,
        metrics: Any,
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        finding: Finding = metrics["table.harness_survey"]
        return {
            "success": finding.passed,
            "result": {
                "observed_value": finding.observed,
                "details": {
                    "expected": finding.expected,
                    "rows": list(finding.rows),
                    "cause": finding.cause,
                },
            },
        }


class ExpectRowCountToMatchPin(ExpectSurveyToPass):
    """Expect as many rows as the pin, or a partial mirror's mirror.yaml, says."""

    survey: str = "row_count"


class ExpectLanguageCountsToMatchPin(ExpectSurveyToPass):
    """Expect as many rows of each language as pin or mirror.yaml say, and no other language."""

    survey: str = "language_counts"


class ExpectAnswersInContext(ExpectSurveyToPass):
    """Expect every answer to occur in its context."""

    survey: str = "answers_in_context"


class ExpectAnswersAtOffset(ExpectSurveyToPass):
    """Expect the context to hold each answer at its offset, save for a declared number."""

    survey: str = "answers_at_offset"


class ExpectTextInItsLanguage(ExpectSurveyToPass):
    """Expect the script, and for Latin ones the function words, of a row's declared language."""

    survey: str = "text_in_its_language"


class ExpectCodeToNameLanguage(ExpectSurveyToPass):
    """Expect an id's prefix, or a column of language codes, to name the row's language."""

    survey: str = "code_names_language"


class ExpectLengthsWithin(ExpectSurveyToPass):
    """Expect the distribution of a column's lengths to lie inside stated bounds."""

    survey: str = "lengths_within"


class ExpectLabelsBalanced(ExpectSurveyToPass):
    """Expect no label to take more, and none less, than stated shares of the rows."""

    survey: str = "labels_balanced"


class ExpectConfigsParallel(ExpectSurveyToPass):
    """Expect translations of one set of questions to have equally many rows and the same ids."""

    survey: str = "configs_parallel"


class ExpectGoldPairsInRange(ExpectSurveyToPass):
    """Expect gold pairs to name sentences that exist, none of them twice."""

    survey: str = "gold_pairs_in_range"


class ExpectLabelOrder(ExpectSurveyToPass):
    """Expect tokens whose tag is known to have it: a shuffled label list shows there."""

    survey: str = "label_order"


class ExpectNoOtherColumns(ExpectSurveyToPass):
    """Expect no column besides those that are named."""

    survey: str = "no_other_columns"


class ExpectSentencesUnique(ExpectSurveyToPass):
    """Expect few sentences (or lists of tokens) of a language to occur twice."""

    survey: str = "sentences_unique"


class ExpectSidesToDiffer(ExpectSurveyToPass):
    """Expect few pairs whose two sides are the same."""

    survey: str = "sides_differ"
