"""Matplotlib figures turned into SVG of the page."""

import pytest

from harness.report.figure import COLOURS, axes, blank, drawing, to_svg


def drawn(colour, text="x"):
    """A line and a word in `colour`."""
    with drawing():
        figure = blank(100)
        plot = axes(figure, 50, 10, 300, 60)
        plot.plot((0, 1), (0, 1), color=colour)
        plot.text(0, 0, text, color=colour)
        return str(to_svg(figure, name="f", title="T", description="D"))


def test_colours_become_variables():
    """A role's colour is written as the CSS variable of that name."""
    assert "stroke: var(--here)" in drawn(COLOURS["here"])


def test_a_colour_without_a_role_is_refused():
    """A colour that no theme could change is a bug of the chart."""
    with pytest.raises(KeyError, match="ff0000"):
        drawn("#ff0000")


def test_no_page_wide_style_and_no_date():
    """What matplotlib adds to a stand-alone file stays out of the page."""
    svg = drawn(COLOURS["ink"])
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert "font-family" not in svg


def test_text_is_text_and_no_formula():
    """Labels stay readable words, dollar signs and colour-like words included."""
    assert ">$a_b$ #ff0000 &lt;b&gt;<" in drawn(COLOURS["ink"], "$a_b$ #ff0000 <b>")


def test_same_figure_same_bytes():
    """Ids don't depend on what was drawn before."""
    assert drawn(COLOURS["ink"]) == drawn(COLOURS["ink"])
