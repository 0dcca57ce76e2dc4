"""Great Expectations' own Data Docs of one table: a page a suite, made when asked for.

The page is theirs: it takes its style sheets from the network, unlike everything else here.
"""

from __future__ import annotations

import warnings

import pyarrow as pa

# First: it turns the library's telemetry off.
from harness.data_checks import engine
from harness.data_checks.suites import Plan

with warnings.catch_warnings():
    # Deprecations inside the library, which its pinned version can't mend.
    warnings.simplefilter("ignore")
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView


def page(table: pa.Table, plan: Plan) -> str:
    """The rows checked again, as HTML.

    Args:
        table: the rows, before any repair.
        plan: what `suites.plan_checks` made for them; the gate comes first.
    """
    checks = (*plan.gate, *plan.checks)
    found = engine.validate(engine._frame(table), checks, str(plan.path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = ValidationResultsPageRenderer().render(found)
        return str(DefaultJinjaPageView().render(document))
