"""Runs a suite on a table with Great Expectations; an expectation that raises has failed.

Works in memory: an ephemeral context, no network, no telemetry, nothing on stderr.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

# Importing the two modules registers what they define.
from harness.data_checks import row_expectations, table_expectations
from harness.data_checks.gx import ProgressBarsConfig, get_expectation_impl, gx
from harness.data_checks.suites import Check, Plan
from harness.errors import ManifestError

OWN = (row_expectations, table_expectations)
SHOWN = 10
_TEXT = 200
Result = dict[str, Any]


def run_plan(table: pa.Table, plan: Plan) -> list[Result]:
    """Every check's outcome, in the suite's order.

    Args:
        table: the rows, before any repair.
        plan: what `suites.plan_checks` made for them.

    Returns:
        One {name, level, passed, observed, expected, rows, cause} per check. `rows` holds up to
        ten offending {id, text}; `cause` is the likely reason of a failure, else "". Where a
        check of the gate fails, the others aren't made.

    Raises:
        ManifestError: the suite names an expectation that doesn't exist, or wrong arguments.
    """
    frame = _frame(table)
    results = _run(frame, plan, plan.gate)
    if all(one["passed"] for one in results):
        results += _run(frame, plan, plan.checks)
    return results


def validate(frame: Any, checks: Sequence[Check], where: str = "checks") -> Any:
    """Great Expectations' own result of `checks` on a pandas frame.

    The n-th check is known by `meta["check"] == n`: results come in another order.
    """
    expectations = [_expectation(check, number, where) for number, check in enumerate(checks)]
    with warnings.catch_warnings():
        # Deprecations inside the library, which its pinned version can't mend.
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.enable_analytics(False)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        definition = asset.add_batch_definition_whole_dataframe("rows")
        batch = definition.get_batch(batch_parameters={"dataframe": frame})
        suite = gx.ExpectationSuite(name="suite", expectations=expectations)
        shown = {"result_format": "SUMMARY", "partial_unexpected_count": SHOWN}
        return batch.validate(suite, result_format=shown)


def _run(frame: Any, plan: Plan, checks: Sequence[Check]) -> list[Result]:
    if not checks:
        return []
    found = validate(frame, checks, str(plan.path))
    numbered = {one.expectation_config.meta["check"]: one for one in found.results}
    return [_result(check, numbered[number], frame, plan) for number, check in enumerate(checks)]


def _expectation(check: Check, number: int, where: str) -> Any:
    try:
        kind = get_expectation_impl(check.type)
        return kind(**check.kwargs, meta={"check": number})
    except Exception as error:
        raise ManifestError(
            where=f"{where}: {check.name}",
            got=f"{check.type}: {' '.join(str(error).split())[:200]}",
            expected="a registered expectation with its own arguments",
            fix="Mend its type or kwargs.",
        ) from error


def _result(check: Check, found: Any, frame: Any, plan: Plan) -> Result:
    passed, result = bool(found.success), found.result or {}
    details = result.get("details") or {}
    raised = _raised(found.exception_info)
    cause = f"the check itself failed: {raised}" if raised else details.get("cause") or check.cause
    return {
        "name": check.name,
        "level": check.level,
        "passed": passed,
        "observed": raised or _observed(result),
        "expected": details.get("expected", check.expect),
        "rows": [] if passed else _rows(result, details, frame, plan),
        "cause": "" if passed else cause,
    }


def _observed(result: Mapping[str, Any]) -> Any:
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']} rows"
    return result.get("observed_value")


def _raised(info: Mapping[str, Any]) -> str:
    """What the expectation raised, in one line; "" where it raised nothing."""
    inner = [info] if "raised_exception" in info else list(info.values())
    for one in inner:
        if one.get("raised_exception"):
            return str(one.get("exception_message") or "an exception").splitlines()[0]
    return ""


def _rows(
    result: Mapping[str, Any], details: Mapping[str, Any], frame: Any, plan: Plan
) -> list[dict[str, str]]:
    if "rows" in details:
        return [
            {"id": _id(frame, row, plan), "text": text[:_TEXT]} for row, text in details["rows"]
        ]
    numbers = result.get("partial_unexpected_index_list") or []
    return [
        {"id": _id(frame, row, plan), "text": _text(frame, row, plan)} for row in numbers[:SHOWN]
    ]


def _id(frame: Any, row: int, plan: Plan) -> str:
    if plan.rows_by is None or plan.rows_by not in frame.columns:
        return f"row {row}"
    return str(frame[plan.rows_by].iloc[row])


def _text(frame: Any, row: int, plan: Plan) -> str:
    if plan.shows not in frame.columns:
        return ""
    value = frame[plan.shows].iloc[row]
    text = " ".join(map(str, value[:_TEXT])) if isinstance(value, list) else str(value)
    return text[:_TEXT]


def _frame(table: pa.Table) -> Any:
    """The rows as plain Python objects, equal texts shared: a null stays None, a list a list."""
    columns = {
        name: pd.Series(_objects(table.column(name)), dtype=object) for name in table.column_names
    }
    return pd.DataFrame(columns)


def _objects(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_string(column.type):
        return list(column.to_pylist())
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        if encoded.num_chunks != 1:
            return list(column.to_pylist())
        encoded = encoded.chunk(0)
    values = encoded.dictionary.to_pylist()
    return [None if at is None else values[at] for at in encoded.indices.to_pylist()]
