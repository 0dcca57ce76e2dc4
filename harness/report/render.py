"""Comparisons -> HTML pages: no network, no script, equal input equal bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2

from harness.records import Comparison
from harness.report.material import difference, shared_deviations, shared_table
from harness.report.provenance_view import PROVENANCE_PAGE, provenance_sections, stages_table
from harness.report.scoreboard import scoreboard, shared_flags, summary
from harness.report.sentences import scale_line
from harness.report.terms import FLAGS, UNKNOWN_FLAG
from harness.report.view import Place, claim_view
from harness.report.words import count, readable
from harness.resources import resource_dir

INDEX = "index.html"
ITEMS = 400
"""Items that a page shows, at most, of all its claims."""

_ONE_CLAIM = {"claim": "h1", "section": "h2", "part": "h3", "least": "h4"}
_SEVERAL = {"claim": "h2", "section": "h3", "part": "h4", "least": "h5"}


def render_claim(comparison: Comparison) -> str:
    """The report of one claim.

    Raises:
        MachineError: the installation lacks its templates.
    """
    return render_run([comparison])


def render_run(comparisons: Sequence[Comparison]) -> str:
    """The report of a run on one page: a scoreboard if there are several claims, then each claim.

    Raises:
        ValueError: no comparison was given.
        MachineError: the installation lacks its templates.
    """
    _refuse_nothing(comparisons)
    several = len(comparisons) > 1
    idents = [f"claim-{place}" for place in range(1, len(comparisons) + 1)]
    shared = shared_deviations(comparisons)
    known = frozenset(difference(one) for one in shared)
    places = [Place(ident=one, shared=known, items=ITEMS // len(idents)) for one in idents]
    views = [claim_view(one, place) for one, place in zip(comparisons, places, strict=True)]
    return _page(
        "report.html",
        **_overview(comparisons, [f"#{one}" for one in idents]),
        title=_title(comparisons),
        claims=views,
        several=several,
        filters=max(view.filters for view in views),
        rank=_SEVERAL if several else _ONE_CLAIM,
    )


def render_site(comparisons: Sequence[Comparison], provenance: Mapping[str, Any]) -> dict[str, str]:
    """File name -> page: an index of the claims, a page for each, and the provenance.

    Raises:
        ValueError: no comparison was given.
        MachineError: the installation lacks its templates.
    """
    _refuse_nothing(comparisons)
    names = _page_names(comparisons)
    pages = {INDEX: _page("index.html", **_overview(comparisons, names), title=_title(comparisons))}
    for name, comparison in zip(names, comparisons, strict=True):
        view = claim_view(comparison, Place(ident="claim", items=ITEMS))
        pages[name] = _page(
            "report.html",
            title=view.title,
            scales=(view.scale,) if view.scale else (),
            claims=[view],
            several=False,
            filters=view.filters,
            rank=_ONE_CLAIM,
            index=INDEX,
        )
    pages[PROVENANCE_PAGE] = render_provenance(provenance, back=INDEX)
    return pages


def render_provenance(provenance: Mapping[str, Any], back: str = "report.html") -> str:
    """The page of times, machine, versions and revision that a report links to.

    Args:
        provenance: nested mappings of strings, numbers, booleans, None or lists of these.
        back: the page that it leads back to.
    """
    return _page(
        "provenance.html",
        sections=provenance_sections(provenance),
        stages=stages_table(provenance),
        back=back,
    )


def _overview(comparisons: Sequence[Comparison], addresses: Sequence[str]) -> dict[str, Any]:
    """What stands above several claims."""
    shared = shared_deviations(comparisons)
    papers = dict.fromkeys(one.paper.title for one in comparisons)
    scales = (scale_line(one) for one in comparisons)
    return {
        "papers": tuple(papers),
        "scales": tuple(dict.fromkeys(scale for scale in scales if scale)),
        "scoreboard": scoreboard(comparisons, addresses),
        "summary": summary(comparisons),
        "flags": tuple((flag, FLAGS.get(flag, UNKNOWN_FLAG)) for flag in shared_flags(comparisons)),
        "deviations": shared_table(shared) if shared else None,
    }


def _title(comparisons: Sequence[Comparison]) -> str:
    if len(comparisons) == 1:
        return comparisons[0].claim.title
    return f"{count(len(comparisons), 'claim')}, checked".capitalize()


def _page_names(comparisons: Sequence[Comparison]) -> list[str]:
    """A file for each claim, named after it; ids are somebody's words, names are not."""
    names: list[str] = []
    for place, one in enumerate(comparisons, start=1):
        name = re.sub("[^a-z0-9]+", "-", one.claim.id.lower()).strip("-")[:80] or "claim"
        taken = f"{name}.html" in (*names, INDEX, PROVENANCE_PAGE)
        names.append(f"{name}-{place}.html" if taken else f"{name}.html")
    return names


def _refuse_nothing(comparisons: Sequence[Comparison]) -> None:
    if not comparisons:
        raise ValueError("a report needs at least one comparison")


def _page(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**{"index": "", **values})


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
    return readable(value) if type(value) is str else value
