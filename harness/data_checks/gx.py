"""Great Expectations, imported quietly and with its telemetry off; the only import of it.

Importing this module takes seconds: only a running `checks` stage does.
"""

from __future__ import annotations

import os
import warnings

# Read once, when the package is imported.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
with warnings.catch_warnings():
    # It still imports modules that the standard library has deprecated.
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations import expectations as gallery
    from great_expectations.core.metric_domain_types import MetricDomainTypes
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import (
        BatchExpectation,
        ColumnMapExpectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.metrics.map_metric_provider import (
        ColumnMapMetricProvider,
        MulticolumnMapMetricProvider,
        column_condition_partial,
        multicolumn_condition_partial,
    )
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
    from great_expectations.expectations.registry import get_expectation_impl

__all__ = [
    "BatchExpectation",
    "ColumnMapExpectation",
    "ColumnMapMetricProvider",
    "GreatExpectationsError",
    "MetricDomainTypes",
    "MulticolumnMapExpectation",
    "MulticolumnMapMetricProvider",
    "PandasExecutionEngine",
    "ProgressBarsConfig",
    "TableMetricProvider",
    "column_condition_partial",
    "gallery",
    "get_expectation_impl",
    "gx",
    "metric_value",
    "multicolumn_condition_partial",
]
