"""Matplotlib figures as inline SVG that belongs to the page: its colours, its fonts, its ids.

Figures are drawn with marker colours that stand for the page's CSS variables, so that one SVG
serves light, dark and print. The SVG is parsed and written again: ids are numbered in order of
appearance under the figure's own name, coordinates have two digits, and matplotlib's page-wide
`* {...}` style, metadata and comments go. Equal input gives equal bytes.
"""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.report.words import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400
"""User units of every figure; the page scales it."""

# Role -> the colour that stands for `var(--role)` until the SVG is rewritten.
COLOURS = {
    role: f"#0102{number:02x}"
    for number, role in enumerate(
        ("ink", "muted", "rule", "surface", "paper", "here", "margin", *(f"s{i}" for i in range(8)))
    )
}
_ROLES = {colour: role for role, colour in COLOURS.items()}

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 11.5,
    "figure.dpi": 72,
    "savefig.dpi": 72,
}
_LONGEST = 20_000
"""Characters of a description: many numbers, or somebody's words."""
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_FONT = re.compile(r"font(-family|-style|-variant|-stretch)?: [^;]*'[^;]*;?\s*")
_DECIMALS = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_GEOMETRY = frozenset(("d", "x", "y", "width", "height", "transform", "points"))
_DROPPED = frozenset(("metadata", "style"))


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's own defaults plus ours, whatever the user's matplotlibrc says."""
    import matplotlib

    settings: dict[Any, Any] = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith(("backend", "webagg", "toolbar", "interactive"))
    }
    with warnings.catch_warnings(), matplotlib.rc_context(settings | _SETTINGS):
        # Text stays text: the reader's fonts have the glyphs that DejaVu hasn't.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
        yield


def blank(height: float) -> Figure:
    """An empty figure, `WIDTH` x `height` user units."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH / 72, height / 72), frameon=False)


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes in user units from the figure's upper left corner, without a frame."""
    full = figure.get_figheight() * 72
    box = (left / WIDTH, 1 - (top + height) / full, width / WIDTH, height / full)
    made = figure.add_axes(box)
    made.patch.set_visible(False)
    for side in ("left", "right", "top"):
        made.spines[side].set_visible(False)
    made.spines["bottom"].set_color(COLOURS["rule"])
    made.tick_params(colors=COLOURS["muted"], length=3, labelsize=10.5)
    return made


def to_svg(figure: Figure, *, name: str, title: str, description: str) -> Markup:
    """The figure as an `<svg>` element with a text alternative.

    Args:
        figure: drawn inside `drawing()`, in the colours of `COLOURS`.
        name: prefix of every id; unique in the page, letters, digits and hyphens.
        title: what the picture shows.
        description: its numbers, in words.

    Raises:
        KeyError: the figure uses a colour that stands for no CSS variable.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())  # noqa: S314 - matplotlib's own output
    _strip(root)
    _rename_ids(root, name)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib |= {
        "class": "plot",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": f"{name}-{tag}"})
        element.text = readable(text, _LONGEST)
        root.insert(position, element)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - serialised, so escaped


def _strip(element: ET.Element) -> None:
    """Drop namespaces, metadata, styles and indents; map colours; shorten numbers."""
    element.tag = _local(element.tag)
    element.text = (element.text or "").strip() or None
    element.tail = None
    for child in list(element):
        if _local(child.tag) in _DROPPED:
            element.remove(child)
        else:
            _strip(child)
    element.attrib = {_local(key): value for key, value in element.attrib.items()}
    for key, value in element.attrib.items():
        if key == "style":
            element.attrib[key] = _COLOUR.sub(_variable, _FONT.sub(_size, value))
        elif key in _GEOMETRY:
            element.attrib[key] = " ".join(_DECIMALS.sub(_short, value).split())
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _variable(found: re.Match[str]) -> str:
    return f"var(--{_ROLES[found.group()]})"


def _size(found: re.Match[str]) -> str:
    """Keep the size (and weight) of a font, leave the family to the page."""
    sizes = re.findall(r"[\d.]+px", found.group())
    bold = "font-weight: 700; " if re.search(r"\b(bold|700)\b", found.group()) else ""
    return f"{bold}font-size: {sizes[0]}; " if sizes else bold


def _short(found: re.Match[str]) -> str:
    text = f"{float(found.group()):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _rename_ids(root: ET.Element, name: str) -> None:
    """Number the ids that something refers to, in order of appearance; drop the others."""
    used: dict[str, str] = {}
    for element in root.iter():
        for value in element.attrib.values():
            found = _REFERENCE.findall(value) + ([value[1:]] if value.startswith("#") else [])
            for old in found:
                used.setdefault(old, f"{name}-{len(used)}")
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.attrib["id"] = used[old]
        for key, value in element.attrib.items():
            if value.startswith("#"):
                element.attrib[key] = f"#{used[value[1:]]}"
            else:
                element.attrib[key] = _REFERENCE.sub(lambda m: f"url(#{used[m[1]]})", value)
