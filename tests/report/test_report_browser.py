"""The pages in a real browser: inert, self-contained, accessible, usable without a script."""

import re
from importlib.resources import files

import pytest
from chromium import Chromium, needs_chromium
from example import gain, no_better
from hostile import FEW, LONG, PORT, STRINGS, with_words
from systems_example import best_of

from harness.report.render import render_claim, render_provenance, render_run, render_site

pytestmark = needs_chromium

PROVENANCE = {
    "here": {"python": "3.11", "code": {"version": "0.1.0", "dirty": False}},
    "stages": {
        f"finetune {number:012x}": {
            "label": "English first",
            "started": "2026-01-01T00:00:00+00:00",
            "seconds": 12.5,
            "peak_memory_bytes": 2**31,
            "machine": {"cpu": "a processor"},
            "code": {"commit": "c" * 40, "dirty": True},
            "device": "cpu",
        }
        for number in range(3)
    },
}
# Everything but what is inside drawings, whose headings wrap with their words.
OUTLINE = """
(function walk(node) {
  if (node.localName === 'svg') return 'svg';
  return node.localName + '(' + [...node.children].map(walk).join(',') + ')';
})(document.documentElement)
"""
AXE = """
axe.run(document, {resultTypes: ['violations']%s}).then(found => found.violations
    .filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 200)).join(' | ')))
"""
SHOWN = "[...document.querySelectorAll('.card')].filter(one => one.offsetHeight > 0).length"


@pytest.fixture(scope="module")
def browser():
    """One browser for all pages."""
    with Chromium() as started:
        yield started


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page's HTML."""

    def _opened(html, **settings):
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        return browser.open(path, **settings)

    return _opened


@pytest.fixture(scope="module")
def run_html():
    """The report of a run with two claims."""
    return render_run([gain(), no_better()])


@pytest.fixture(scope="module")
def plain_outline(browser, tmp_path_factory):
    """The elements of the page whose words are harmless."""
    path = tmp_path_factory.mktemp("plain") / "page.html"
    path.write_text(render_claim(with_words(gain(), "x")), encoding="utf-8")
    return browser.open(path).evaluate(OUTLINE)


@pytest.mark.parametrize("closing", [False, True], ids=["all but closing", "closing"])
def test_nothing_of_somebodys_words_runs(opened, plain_outline, closing):
    """No dialog, no request, no script, and the elements of the page with harmless words."""
    words = "".join(one for name, one in STRINGS.items() if (name == "closing") == closing)
    page = opened(render_claim(with_words(gain(), words)))
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.dialogs == []
    assert [one for one in page.requests if not one.startswith(("file:", "data:"))] == []
    # A refused load or script would be told here.
    assert page.complaints == []
    assert page.evaluate(OUTLINE) == plain_outline


def test_somebodys_words_are_told_as_words(opened):
    """What would have run can be read, and what can't be seen is spelled out."""
    words = STRINGS["script"] + STRINGS["direction"]
    text = opened(render_claim(with_words(gain(), words))).evaluate("document.body.innerText")
    assert STRINGS["script"] in text
    assert "[U+202E]elbisrever" in text
    for hidden in ("\u202e", "\u2066", "\u0000", "\U000e0041"):
        assert hidden not in text


def test_a_string_of_a_megabyte_is_cut(opened):
    """The page stays one that opens, and says how long the string was."""
    html = render_claim(with_words(gain(), LONG, FEW))
    assert "[1,000,0" in html
    assert len(html.encode()) < 2_000_000
    short = opened(render_claim(with_words(gain(), "x", FEW))).evaluate(OUTLINE)
    assert opened(html).evaluate(OUTLINE) == short


def test_the_hostile_site_is_inert_too(opened):
    """Index and provenance; claims whose ids are words of somebody's."""
    words = STRINGS["handler"] + STRINGS["style"]
    claims = [with_words(one, words) for one in (gain(), no_better())]
    provenance = {words: {words: words}, "stages": {words: {"label": words, "machine": words}}}
    for name, html in render_site(claims, provenance).items():
        assert re.fullmatch(r"[a-z0-9-]+\.html", name)
        page = opened(html)
        assert (page.evaluate("typeof window.pwned"), page.dialogs) == ("undefined", [])
        assert all(one.startswith("file:") for one in page.requests)
        assert (
            page.evaluate(
                "document.querySelectorAll('script, img, iframe, link[rel=stylesheet]').length"
            )
            == 0
        )


def test_the_policy_would_stop_what_got_in(opened, run_html):
    """A second line: markup that some mistake let in neither runs nor loads."""
    smuggled = STRINGS["script"] + STRINGS["handler"] + f"<img src=http://127.0.0.1:{PORT}/x>"
    page = opened(run_html.replace('<main id="content">', f'<main id="content">{smuggled}'))
    assert page.evaluate("document.querySelectorAll('main img').length") == 2
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.dialogs == []
    assert any("Content Security Policy" in one for one in page.complaints)


def test_a_page_asks_for_nothing_but_itself(opened, run_html):
    """No fonts, no styles, no pictures."""
    page = opened(run_html)
    assert page.requests == [page.evaluate("location.href")]
    assert page.complaints == []


@pytest.mark.parametrize("what", ["claim", "targets", "index", "provenance"])
def test_axe_finds_nothing_serious(opened, what):
    """axe-core's rules, contrast in light and in dark among them."""
    pages = {
        "claim": lambda: render_claim(gain()),
        "targets": lambda: render_claim(best_of(targets=("pawsx", "bucc"))),
        "index": lambda: render_site([gain(), no_better()], {})["index.html"],
        "provenance": lambda: render_provenance(PROVENANCE),
    }
    page = opened(pages[what]())
    page.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + "; 0")
    assert page.evaluate(AXE % "") == []
    page.colours(dark=True)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert page.evaluate(AXE % ", runOnly: ['color-contrast']") == []


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_of_the_page(opened, run_html, width):
    """Wide tables scroll in their own frame."""
    page = opened(run_html, width=width)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_items_are_filtered_by_language_without_a_script(opened):
    """Arabic to begin with; a click on Bengali; the arrow keys to English; then only the gained."""
    page = opened(render_claim(gain()), scripts=False)
    assert page.evaluate(SHOWN) == 4
    click(page, ".pick-2")
    assert (
        page.evaluate(
            "[...document.querySelectorAll('.card')].filter(one => one.offsetHeight > 0)"
            ".map(one => one.querySelector('.words dd').lang)"
        )
        == ["bn"] * 4
    )
    page.press("ArrowRight", 39)
    assert page.evaluate("document.activeElement.className") == "pick-3"
    assert (
        page.evaluate(
            "[...document.querySelectorAll('.card')].find(one => one.offsetHeight > 0)"
            ".querySelector('.words dd').lang"
        )
        == "en"
    )
    click(page, ".pick-gained")
    assert page.evaluate(SHOWN) == 2


def click(page, selector):
    """In the middle of the first such element."""
    found = f"document.querySelector('{selector}')"
    page.evaluate(f"{found}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = page.evaluate(f"{found}.getBoundingClientRect().toJSON()")
    page.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_right_to_left_text_stands_right_to_left(opened):
    """The Arabic question; the English words around it keep their direction."""
    page = opened(render_claim(gain()))
    direction = "getComputedStyle(document.querySelector('{}')).direction"
    assert page.evaluate(direction.format("dd[lang=ar]")) == "rtl"
    assert page.evaluate(direction.format(".card-head")) == "ltr"
