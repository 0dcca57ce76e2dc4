"""Comparisons -> one self-contained HTML page: no network, no script, equal input equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2

from harness.records import Comparison
from harness.report.material import difference, shared_deviations, shared_table
from harness.report.provenance_view import provenance_sections
from harness.report.scoreboard import scoreboard, shared_flags, summary
from harness.report.terms import FLAGS, UNKNOWN_FLAG
from harness.report.view import claim_view
from harness.report.words import count, visible
from harness.resources import resource_dir


def render_claim(comparison: Comparison) -> str:
    """The report of one claim.

    Raises:
        MachineError: the installation lacks its templates.
    """
    return render_run([comparison])


def render_run(comparisons: Sequence[Comparison]) -> str:
    """The report of a run: a scoreboard if there are several claims, then each claim.

    Raises:
        ValueError: no comparison was given.
        MachineError: the installation lacks its templates.
    """
    if not comparisons:
        raise ValueError("a report needs at least one comparison")
    idents = [f"claim-{place}" for place in range(1, len(comparisons) + 1)]
    shared = shared_deviations(comparisons)
    known = frozenset(difference(one) for one in shared)
    views = [claim_view(one, ident, known) for one, ident in zip(comparisons, idents, strict=True)]
    several = len(views) > 1
    page = _environment().get_template("report.html")
    return page.render(
        title=f"{count(len(views), 'claim')}, checked".capitalize() if several else views[0].title,
        claims=views,
        several=several,
        scales=tuple(dict.fromkeys(view.scale for view in views if view.scale)),
        scoreboard=scoreboard(comparisons, idents) if several else None,
        summary=summary(comparisons) if several else "",
        flags=tuple((flag, FLAGS.get(flag, UNKNOWN_FLAG)) for flag in shared_flags(comparisons)),
        deviations=shared_table(shared) if shared else None,
        # Heading ranks: the page's own title comes first where there are several claims.
        rank={"claim": "h2", "section": "h3", "part": "h4"}
        if several
        else {"claim": "h1", "section": "h2", "part": "h3"},
    )


def render_provenance(provenance: Mapping[str, Any]) -> str:
    """The page of times, machine, versions and revision that a report links to.

    Args:
        provenance: nested mappings of strings, numbers, booleans, None or lists of these.
    """
    page = _environment().get_template("provenance.html")
    return page.render(sections=provenance_sections(provenance))


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_dir("report_templates")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalize,
    )


def _finalize(value: Any) -> Any:
    """Other people's words never carry control or direction characters into the page."""
    return visible(value) if type(value) is str else value
