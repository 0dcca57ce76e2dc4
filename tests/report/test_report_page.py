"""The page: self-contained, deterministic, escaped, well-formed, light."""

import itertools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from example import gain, no_better
from full_example import full

from harness.report.render import render_claim, render_run
from harness.report.terms import FLAGS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e{{ 7 * 7 }} $x^2$ \u4e2d'


class Page(HTMLParser):
    """Tags as they open and close; fails on the first one out of order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        """Note it; remember that it is open."""
        self.tags.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs)), f"an attribute of <{tag}> is given twice"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note it; nothing to close."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        """It must be the one that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep what a reader sees."""
        if data.strip() and self.open[-1] not in ("style", "title"):
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def claim_html():
    """The report of one scaled-down gain."""
    return render_claim(gain())


@pytest.fixture(scope="module")
def run_html():
    """The report of a run with two claims."""
    return render_run([gain(), no_better()])


def hostile():
    """A comparison whose free texts all try to leave their place."""
    comparison = gain()
    systems = tuple(one.model_copy(update={"label": HOSTILE}) for one in comparison.systems)
    named = comparison.encoder.model_copy(update={"title": HOSTILE, "facts": {HOSTILE: HOSTILE}})
    claim = comparison.claim.model_copy(update={"title": HOSTILE, "statement": HOSTILE})
    verdict = comparison.verdict.model_copy(update={"reasons": (HOSTILE,), "flags": (HOSTILE,)})
    artifacts = tuple(
        one.model_copy(update={"label": HOSTILE, "inputs": {HOSTILE: one.key}})
        for one in comparison.artifacts
    )
    data = tuple(
        one.model_copy(
            update={
                "title": HOSTILE,
                "files": {HOSTILE: HOSTILE},
                "outcomes": tuple(
                    check.model_copy(
                        update={
                            **dict.fromkeys(("name", "observed", "expected", "cause"), HOSTILE),
                            "rows": ({"id": HOSTILE, "text": HOSTILE},),
                        }
                    )
                    for check in one.outcomes
                ),
            }
        )
        for one in comparison.data
    )
    fields = ("training_id", "id", "training_text", "text")
    contamination = tuple(
        one.model_copy(
            update={
                **dict.fromkeys(("training", "against", "cause"), HOSTILE),
                "examples": tuple(
                    example.model_copy(update=dict.fromkeys(fields, HOSTILE))
                    for example in one.examples
                ),
            }
        )
        for one in comparison.contamination
    )
    return comparison.model_copy(
        update={
            "systems": systems,
            "encoder": named,
            "claim": claim,
            "verdict": verdict,
            "artifacts": artifacts,
            "data": data,
            "contamination": contamination,
            "command": HOSTILE,
        }
    )


def test_same_comparison_same_bytes_in_another_process(run_html):
    """Neither hash order nor a second drawing changes a byte."""
    code = (
        "import sys; from example import gain, no_better; "
        "from harness.report.render import render_run; "
        "sys.stdout.buffer.write(render_run([gain(), no_better()]).encode())"
    )
    paths = os.pathsep.join([str(HERE), str(HERE.parent.parent)])
    made = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "4321", "PYTHONPATH": paths},
        capture_output=True,
        check=True,
    )
    assert made.stdout == run_html.encode() == render_run([gain(), no_better()]).encode()


def test_first_line_says_scaled_down(claim_html):
    """Before anything else, a mini report says what it can't show."""
    skip, first = Page(claim_html).texts[:2]
    assert skip == "Skip to the verdict"
    assert first == (
        "This run is scaled down (profile mini): "
        "it can show a direction, never the paper\u2019s magnitude."
    )


def test_a_run_at_the_papers_scale_has_no_such_line():
    """The sentence belongs to scaled-down runs only."""
    html = render_claim(gain("SUBSTANTIAL", scaled_down=False))
    assert "never the paper\u2019s magnitude" not in html


def test_page_is_well_formed(run_html):
    """Every tag closes in order and no attribute comes twice."""
    assert len(Page(run_html).tags) > 500


def test_hostile_page_is_well_formed_and_inert():
    """Markup, template code, direction overrides and mathtext stay words."""
    html = render_run([hostile(), hostile()])
    tags = {tag for tag, _ in Page(html).tags}
    assert tags.isdisjoint({"script", "img"})
    assert not any(name.startswith("on") for _, attrs in Page(html).tags for name in attrs)
    assert "\u202e" not in html
    assert "{{ 7 * 7 }}" in html


def test_nothing_is_loaded_from_outside(run_html):
    """References go to the page itself, to inline data or to the provenance page."""
    for tag, attrs in Page(run_html).tags:
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            value = attrs.get(name, "#")
            here = value.startswith(("#", "data:")) or value.split("#")[0] == "provenance.html"
            assert here, (tag, name, value)
    assert re.search(r"@import|url\((?!#)", run_html) is None


def test_ids_are_unique_and_links_lead_somewhere(run_html):
    """With several claims in one page too."""
    tags = Page(run_html).tags
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {attrs["href"][1:] for _, attrs in tags if attrs.get("href", "").startswith("#")}
    assert links <= set(ids)


def test_every_picture_has_words(run_html):
    """An svg is named by its own label or by ids that exist."""
    tags = Page(run_html).tags
    ids = {attrs["id"] for _, attrs in tags if "id" in attrs}
    pictures = [attrs for tag, attrs in tags if tag == "svg"]
    assert len(pictures) == 2 * 7
    for attrs in pictures:
        assert attrs["role"] == "img"
        named = attrs.get("aria-labelledby", "").split()
        assert attrs.get("aria-label") or (len(named) == 2 and set(named) <= ids)


def test_page_is_light(claim_html):
    """One claim stays under 300 KB."""
    assert len(claim_html.encode()) < 300_000


def test_a_full_run_of_tydi_qa_weighs_at_most_three_megabytes():
    """5,077 items, three systems and seeds, and every item that a comparison records."""
    comparison = full()
    html = render_claim(comparison).encode()
    assert html.count(b'<li class="card ') == sum(len(one.shown) for one in comparison.items) == 180
    assert len(html) < 3_000_000


def test_policy_forbids_everything_but_inline_style(claim_html):
    """The page's own policy allows neither scripts nor the network."""
    policies = [
        attrs["content"]
        for tag, attrs in Page(claim_html).tags
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    ]


def test_headings_descend_by_one(run_html):
    """No rank is skipped on the way down."""
    ranks = [int(tag[1]) for tag, _ in Page(run_html).tags if re.fullmatch(r"h[1-6]", tag)]
    assert ranks[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(ranks))


def test_header_cells_have_a_scope(run_html):
    """Every th says what it heads."""
    assert all("scope" in attrs for tag, attrs in Page(run_html).tags if tag == "th")


def test_flags_are_explained(claim_html):
    """Each flag stands beside its sentence."""
    texts = Page(claim_html).texts
    assert texts[texts.index(FLAGS["PRIOR_DRIVEN"]) - 1] == "PRIOR_DRIVEN"


def test_numbers_carry_what_they_are(claim_html):
    """Scorer with version, items, seeds, level and evidence are on the page."""
    text = " ".join(Page(claim_html).texts)
    for words in (
        "Scorer squad_v1/1 on split dev of TyDi QA GoldP, 5,077 items",
        "(seed numbers 0 and 1)",
        "one-sided bounds at 95\u00a0% each",
        "arXiv 2010.12821v1, Table 16, row \u201cSTiLTs\u201d",
        "secondary: read in another paper that quotes it",
        "harness reproduce phang2020/tydiqa-english-gain --profile mini --seeds 2",
    ):
        assert words in text


def test_colours_follow_the_page(claim_html):
    """Charts use the page's variables, so that dark and print change them too."""
    body = claim_html.split("</style>")[1]
    assert "var(--here)" in body
    assert re.search(r"(fill|stroke): #", body) is None


def test_an_invalid_run_without_effects_still_has_a_page():
    """No verdict, no differences: the page says so and draws no difference."""
    comparison = gain("INVALID").model_copy(update={"effects": (), "training": ()})
    html = render_run([comparison, comparison])
    assert Page(html).texts.count("No verdict") == 4
    assert "claim-1-effects-title" not in html


def test_several_claims_begin_with_a_scoreboard(run_html):
    """The index stands above the first claim and links to each."""
    top = run_html.split("<article")[0]
    assert 'href="#claim-1"' in top
    assert 'href="#claim-2"' in top
    assert "<h1>Two claims, checked</h1>" in top


def test_no_comparison_is_refused():
    """A report of nothing is a bug of the caller."""
    with pytest.raises(ValueError, match="at least one comparison"):
        render_run([])


def test_imports_stay_light():
    """Importing the report reaches neither torch nor, before drawing, matplotlib."""
    code = (
        "import sys; import harness.report.render, harness.report.view; "
        "heavy = {'torch', 'transformers', 'matplotlib', 'scipy', 'pandas'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert made.stdout.strip() == "[]"


def test_nothing_is_taken_for_html_but_charts():
    """No template lifts the escaping; one function of ours, which draws charts, makes markup."""
    templates = [path.read_text(encoding="utf-8") for path in (ROOT / "report_templates").iterdir()]
    assert len(templates) >= 4
    lifted = re.compile(r"\|\s*safe\b|autoescape|Markup|\|\s*(tojson|xmlattr)\b")
    assert [text for text in templates if lifted.search(text)] == []
    modules = (ROOT / "harness").rglob("*.py")
    made = [path.name for path in modules if "Markup(" in path.read_text(encoding="utf-8")]
    assert made == ["figure.py"]
