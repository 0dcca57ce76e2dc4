"""`harness report RUN --site DIR`: an index, a page for each claim, and the provenance."""

import json

import pytest
from cli_runs import command_line, steer  # noqa: F401
from example import gain, no_better
from test_report_page import Page

from harness.report.render import render_claim, render_site

PROVENANCE = {"here": {"python": "3.11"}, "stages": {}}


@pytest.fixture
def run(tmp_path):
    """The run folder of two claims, as far as a site reads it."""
    folder = tmp_path / "run"
    folder.mkdir()
    claims = [one.model_dump(mode="json") for one in (gain(), no_better())]
    document = {"format": 1, "comparisons": claims}
    (folder / "comparison.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "provenance.json").write_text(json.dumps(PROVENANCE), encoding="utf-8")
    return folder


def links(html):
    """Where a page leads."""
    return {attrs["href"] for tag, attrs in Page(html).tags if tag == "a"}


def test_a_site_is_an_index_a_page_for_each_claim_and_the_provenance(cli, run):
    """Every link leads to a page of the site, and to an id that is there."""
    result = cli("report", run, "--site", "site")
    assert (result.status, result.out) == (0, "Site: site/index.html\n")
    pages = {path.name: path.read_text("utf-8") for path in run.parent.joinpath("site").iterdir()}
    assert set(pages) == {
        "index.html",
        "phang2020-tydiqa-english-gain.html",
        "phang2020-tydiqa-english-no-worse.html",
        "provenance.html",
    }
    for name, html in pages.items():
        for link in links(html):
            page, _, ident = link.partition("#")
            assert (page or name) in pages
            made = ident.startswith("made-")  # this run's provenance has no stage
            assert made or not ident or f'id="{ident}"' in pages[page or name]


def test_the_index_leads_to_each_claim_and_back(cli, run):
    """A scoreboard with a row for each."""
    pages = render_site([gain(), no_better()], PROVENANCE)
    index = pages["index.html"]
    for name in list(pages)[1:3]:
        assert name in links(index)
        assert "index.html" in links(pages[name])
    assert "Two claims: one same direction and one undecided." in " ".join(Page(index).texts)


def test_a_stage_of_a_claim_leads_to_its_provenance():
    """Every key of the chain of artifacts is a link to when and where it was made."""
    comparison = gain()
    stages = {f"{one.stage} {one.key[:12]}": {"seconds": 1} for one in comparison.artifacts}
    pages = render_site([comparison], {"stages": stages})
    ids = {attrs.get("id") for _, attrs in Page(pages["provenance.html"]).tags}
    (name,) = set(pages) - {"index.html", "provenance.html"}
    made = {link.partition("#")[2] for link in links(pages[name]) if "#made-" in link}
    assert made == {f"made-{one.key[:12]}" for one in comparison.artifacts} <= ids


def test_a_site_is_written_again_over_an_earlier_one(cli, run):
    """Pages of claims that the run no longer has go."""
    site = run.parent / "site"
    cli("report", run, "--site", site)
    document = json.loads((run / "comparison.json").read_bytes())
    document["comparisons"] = document["comparisons"][:1]
    (run / "comparison.json").write_text(json.dumps(document), encoding="utf-8")
    assert cli("report", run, "--site", site).status == 0
    assert {path.name for path in site.iterdir()} == {
        "index.html",
        "phang2020-tydiqa-english-gain.html",
        "provenance.html",
    }


@pytest.mark.parametrize("name", ["notes.txt", "index.html"])
def test_a_folder_of_something_else_is_left_alone(cli, run, name):
    """Somebody's page is no page of ours, whatever its name."""
    site = run.parent / "site"
    site.mkdir()
    (site / name).write_text("mine", encoding="utf-8")
    result = cli("report", run, "--site", site)
    assert result.status == 2
    assert f"got {name}, which no site of a run has" in result.err
    assert [path.read_text("utf-8") for path in site.iterdir()] == ["mine"]


def test_a_broken_provenance_ends_with_5(cli, run):
    """Nothing is written."""
    (run / "provenance.json").write_text("[]", encoding="utf-8")
    result = cli("report", run, "--site", "site")
    assert result.status == 5
    assert "expected the provenance that the run wrote" in result.err
    assert not (run.parent / "site").exists()


def test_claims_with_like_names_have_pages_of_their_own():
    """Ids that differ in what a file's name can't hold, or that are the index's."""
    claims = [
        gain().model_copy(update={"claim": gain().claim.model_copy(update={"id": name})})
        for name in ("a/b", "a-b", "../a b", "index", "\u4e2d")
    ]
    assert list(render_site(claims, {})) == [
        *("index.html", "a-b.html", "a-b-2.html", "a-b-3.html", "index-4.html", "claim.html"),
        "provenance.html",
    ]


def test_a_claims_page_says_what_its_report_says():
    """The same sections, with a way back."""
    pages = render_site([gain()], {})
    headings = [
        [text for text in Page(html).texts if text.startswith("What ")]
        for html in (pages["phang2020-tydiqa-english-gain.html"], render_claim(gain()))
    ]
    assert headings[0] == headings[1]
    assert len(headings[0]) > 4
