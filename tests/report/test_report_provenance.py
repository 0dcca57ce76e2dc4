"""The provenance page and the adjusted p-values."""

import pytest

from harness.report.holm import adjusted
from harness.report.provenance_view import provenance_sections
from harness.report.render import render_provenance


def test_nested_mappings_become_sections():
    """Bare values first, one section for each mapping, deeper ones by their path."""
    sections = provenance_sections(
        {"machine": {"cpu_model": "x", "memory": {"gib": 8}}, "seconds": 1.5, "ended": None}
    )
    assert sections == (
        ("This run", (("seconds", "1.5"), ("ended", "not known"))),
        ("Machine", (("cpu model", "x"), ("memory \u00b7 gib", "8"))),
    )


def test_provenance_page_escapes():
    """Names and values from the machine are words, never markup."""
    html = render_provenance({"<b>": {"<script>": "<script>", "dirty": True}})
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert ">yes<" in html


def test_holm_steps_down():
    """Sorted 0.01 0.03 0.04: times 3, 2, 1 = 0.03 0.06 0.04, the last raised to 0.06."""
    assert adjusted([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_holm_stops_at_one():
    """0.6 doubled is more than certainty."""
    assert adjusted([0.6, 0.7]) == [1.0, 1.0]
