"""From matplotlib's SVG to a piece of the page: small, stable SVG in which text is text and colours are tokens."""

import json
import re
import xml.etree.ElementTree as ET  # parses matplotlib's own output only; pages parse with their own guard
from collections.abc import Mapping
from typing import Final

from analysis.errors import AnalysisError
from analysis.plain_text import visible

__all__ = ["TOLD", "small_svg"]

SVG: Final = "{http://www.w3.org/2000/svg}"
XLINK: Final = "{http://www.w3.org/1999/xlink}"
"""Names of elements and links as the parser writes them."""
TOLD: Final = "siyu:"
"""How the id of a group begins that ``theme.tell`` wrote on."""

PROPERTIES: Final = frozenset({
    "fill", "fill-opacity", "fill-rule", "font-size", "font-style", "font-weight", "opacity", "stroke",
    "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "stroke-opacity", "stroke-width", "text-anchor",
})  # fmt: skip
_DEFAULTS: Final = {
    ("stroke-linejoin", "miter"),
    ("stroke-dashoffset", "0"),
    ("stroke-width", "1"),
    ("font-weight", "400"),
    ("text-anchor", "start"),
}
_BOLD: Final = {("font-weight", "700"), ("font-weight", "bold")}
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\([^)]*\)")
_NUMBER: Final = re.compile(r"-?\d+\.\d+")


def small_svg(markup: str, *, prefix: str, tokens: Mapping[str, str]) -> str:
    """Return matplotlib's SVG as the page wants it.

    Styles become attributes (so a strict Content-Security-Policy can forbid inline styles), fonts go, each colour
    becomes ``var(--token)``, ids are prefixed and kept only where something refers to them; comments, metadata,
    width, height and groups that say nothing are gone.

    Args:
        markup: SVG written by matplotlib with ``svg.fonttype: none``.
        prefix: Of the ids: chart and width.
        tokens: Colour (lower-case hex) → token.

    Raises:
        AnalysisError: If a colour is no token.
    """
    root = ET.fromstring(visible(markup))  # noqa: S314  # matplotlib's own output; pages parse with their own guard
    return _serialise(_clean(root, prefix=prefix, tokens=tokens))


def _clean(root: ET.Element, *, prefix: str, tokens: Mapping[str, str]) -> ET.Element:
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    _tell(root)
    root.set("fill", "var(--ink-2)")  # matplotlib leaves black out
    _drop(root, {f"{SVG}metadata", f"{SVG}style"})
    for element in root.iter():
        _attributes(element, tokens)
    _drop_invisible(root)
    _ids(root, prefix=prefix)
    _flatten(root)
    _drop_empty_defs(root)
    return root


def _tell(root: ET.Element) -> None:
    """Turn what ``theme.tell`` wrote on a group into titles of its marks and the name of its series.

    One text is the whole group's; several are those of its marks in order, and left out where marks are missing
    (matplotlib draws none for a number that is not known).
    """
    for group in root.iter(f"{SVG}g"):
        if not group.get("id", "").startswith(TOLD):
            continue
        told = json.loads(group.attrib.pop("id").removeprefix(TOLD))
        if told["series"]:
            group.set("data-s", visible(told["series"]))
        texts = told["texts"]
        marks = list(group.iter(f"{SVG}use")) or [*group.findall(f"{SVG}path"), *group.findall(f"{SVG}g/{SVG}path")]
        targets = [group] if len(texts) == 1 else marks
        if len(texts) != len(targets):
            continue
        for target, text in zip(targets, texts, strict=True):
            title = ET.Element(f"{SVG}title")
            title.text = visible(text)
            target.insert(0, title)
        if targets == [group]:
            group.set("class", "pt")  # a group that says something is kept


def _drop(element: ET.Element, tags: set[str]) -> None:
    for child in list(element):
        if child.tag in tags:
            element.remove(child)
        else:
            _drop(child, tags)


def _drop_invisible(root: ET.Element) -> None:
    """Drop the empty rectangles behind figure and axes."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{SVG}path" and child.get("fill") == "none" and child.get("stroke", "none") == "none":
                parent.remove(child)


def _drop_empty_defs(root: ET.Element) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{SVG}defs" and len(child) == 0:
                parent.remove(child)


def _attributes(element: ET.Element, tokens: Mapping[str, str]) -> None:
    """Turn the style into attributes, drop fonts and defaults, name colours by their tokens, shorten numbers."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            _font(element, value)
        elif key in PROPERTIES and (key, value) not in _DEFAULTS:
            value = value.removesuffix("px")
            element.set(key, "600" if (key, value) in _BOLD else value)
    for key, value in list(element.attrib.items()):
        if key == "transform" and value.startswith("rotate(-0 "):
            element.attrib.pop(key)
        elif key in PROPERTIES:
            element.set(key, _COLOUR.sub(lambda found: _token(found.group(), tokens), value))
        elif key in ("d", "x", "y", "width", "height", "transform", "points", "cx", "cy", "r"):
            element.set(key, _shorten(value))


def _font(element: ET.Element, shorthand: str) -> None:
    """Keep size and weight of matplotlib's ``font: 600 13px 'DejaVu Sans'``; the family is the page's."""
    size = re.search(r"(\d+(?:\.\d+)?)px", shorthand)
    weight = re.match(r"(?:\w+ )*?(bold|[1-9]00)\b", shorthand)
    if size:
        element.set("font-size", size.group(1))
    if weight and weight.group(1) != "400":
        element.set("font-weight", "600" if weight.group(1) in ("bold", "700") else weight.group(1))


def _token(colour: str, tokens: Mapping[str, str]) -> str:
    token = tokens.get(colour.lower())
    if token is None:
        raise AnalysisError(
            f"A chart draws in {colour}, which is no colour of the page.",
            hint="use the constants of analysis.charts.theme: INK, MARK, ACCENT, WARN, …",
        )
    return f"var(--{token})"


def _shorten(value: str) -> str:
    """Write coordinates to a hundredth of a pixel."""
    return re.sub(
        r"\s+", " ", _NUMBER.sub(lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."), value)
    ).strip()


def _ids(root: ET.Element, *, prefix: str) -> None:
    """Keep only ids something refers to, prefixed: two drawings of many charts share one page."""
    used = set(re.findall(r"#([\w-]+)", " ".join(v for e in root.iter() for v in e.attrib.values())))
    for element in root.iter():
        if element.get("id") in used:
            element.set("id", f"{prefix}-{element.attrib['id']}")
        else:
            element.attrib.pop("id", None)
        for key, value in list(element.attrib.items()):
            if key in ("clip-path", "href", f"{XLINK}href") and "#" in value and not value.startswith("data:"):
                element.attrib.pop(key)
                element.set("href" if key.endswith("href") else key, value.replace("#", f"#{prefix}-", 1))


def _flatten(element: ET.Element) -> None:
    """Replace groups that say nothing by what is in them."""
    children: list[ET.Element] = []
    for child in list(element):
        _flatten(child)
        bare = child.tag == f"{SVG}g" and not child.attrib and not (child.text or "").strip()
        children.extend(list(child) if bare else [child])
    for child in list(element):
        element.remove(child)
    element.extend(children)


def _serialise(root: ET.Element) -> str:
    for element in root.iter():
        element.tail = None
        if element.tag not in (f"{SVG}text", f"{SVG}tspan", f"{SVG}title"):
            element.text = None
        element.tag = str(element.tag).removeprefix(SVG)
        for key in [k for k in element.attrib if k.startswith("{")]:
            element.set(key.rpartition("}")[2], element.attrib.pop(key))
    root.set("xmlns", SVG.strip("{}"))
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)
