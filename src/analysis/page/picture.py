"""Guard and small drawings: SVG that came out of a notebook is let in only if nothing in it can act."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from analysis.errors import AnalysisError
from analysis.evidence import Estimate, Grade

__all__ = ["interval_bar", "safe_svg", "sparkline"]

ELEMENTS: Final = frozenset({
    "circle", "clipPath", "defs", "desc", "ellipse", "g", "image", "line", "path", "polygon", "polyline", "rect", "svg",
    "text", "title", "tspan", "use",
})  # fmt: skip
ATTRIBUTES: Final = frozenset({
    "class", "clip-path", "cx", "cy", "d", "data-s", "dx", "dy", "fill", "fill-opacity", "fill-rule", "font-size",
    "font-style", "font-weight", "height", "href", "id", "image-rendering", "opacity", "points", "preserveAspectRatio",
    "r", "rx", "ry", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "transform", "viewBox", "width", "x", "x1",
    "x2", "y", "y1", "y2",
})  # fmt: skip
SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = re.compile(r"#[\w.:-]+|data:image/png;base64,[A-Za-z0-9+/=\s]+")
_VALUE: Final = re.compile(r"(?i)javascript:|expression\(|@import|url\((?!#)")
SPARK: Final = (132, 40)
BAR: Final = 320
END_ROOM: Final = 64.0  # an end's text is at most about so wide


def safe_svg(markup: str, *, label: str, kind: str) -> Markup:
    """Return an SVG fit for the page: known elements and attributes only, no script, no outside address.

    Args:
        markup: As the notebook's output carries it.
        label: What the picture shows, for ``aria-label``.
        kind: ``wide`` or ``narrow``: the class that lets the page show one of them.

    Raises:
        AnalysisError: If it is no SVG, or holds something that could act or call out.
    """
    if re.search(r"<!(?:DOCTYPE|ENTITY)", markup, re.IGNORECASE):
        raise AnalysisError("A picture declares entities; pages refuse it.")
    try:
        root = ET.fromstring(markup)  # noqa: S314  # entities were refused above
    except ET.ParseError as broken:
        raise AnalysisError(f"A picture is no SVG: {broken}.") from None
    for element in root.iter():
        _check(element)
        element.tag = str(element.tag).removeprefix(SVG)
        element.tail = None
        if element.tag not in ("text", "tspan", "title", "desc"):
            element.text = None
    if root.tag != "svg" or "viewBox" not in root.attrib:
        raise AnalysisError("A picture is no SVG with a viewBox.")
    root.attrib = {"class": kind, **root.attrib, "role": "img", "aria-label": label}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  # checked above, escaped by the serialiser


def _check(element: ET.Element) -> None:
    tag = str(element.tag).removeprefix(SVG)
    if tag not in ELEMENTS:
        raise AnalysisError(f"A picture holds <{tag[:40]}>; pages refuse it.")
    for name, value in element.attrib.items():
        if name not in ATTRIBUTES:
            raise AnalysisError(f"A picture holds the attribute '{name[:40]}'; pages refuse it.")
        if name == "data-s":
            continue  # the name of a series is data, and nothing reads it as an address
        refused = not _HREF.fullmatch(value) if name == "href" else _VALUE.search(value)
        if refused:
            raise AnalysisError(f"A picture refers to '{value[:40]}'; pages hold no address.")


def sparkline(history: list[float | None], *, worse: bool) -> Markup:
    """Return the history of a number as a line of 132 × 40, the last point marked; empty for fewer than 2 points."""
    points = [(i, v) for i, v in enumerate(history) if v is not None]
    if len(points) < 2:
        return Markup("")
    width, height = SPARK
    low, high = min(v for _, v in points), max(v for _, v in points)
    across = (width - 10) / max(len(history) - 1, 1)

    def place(index: int, value: float) -> tuple[str, str]:
        share = (value - low) / (high - low) if high > low else 0.5
        return _short(3 + index * across), _short(height - 6 - share * (height - 12))

    line = " ".join(f"{x} {y}" for x, y in (place(i, v) for i, v in points))
    x, y = place(*points[-1])
    colour = "bad" if worse else "hot"
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" aria-hidden="true" focusable="false">'
        '<path class="dim ln" d="M{line}"/><circle class="{c} full" cx="{x}" cy="{y}" r="3.5"/></svg>'
    ).format(w=width, h=height, line=line, c=colour, x=x, y=y)


def interval_bar(
    estimate: Estimate,
    *,
    low_text: str,
    high_text: str,
    accent: bool = True,
    span_of: Sequence[Estimate] = (),
) -> Markup:
    """Return an estimate as a line with its point, ends named, zero marked; empty without an interval.

    Args:
        estimate: What is drawn.
        low_text: Lower end as a text.
        high_text: Upper end as a text.
        accent: Whether it is the recommended one.
        span_of: Estimates that are drawn on the same axis, one below the other.
    """
    if estimate.ci_lower is None or estimate.ci_upper is None or estimate.value is None:
        return Markup("")
    width = BAR
    ends = [end for e in (estimate, *span_of) for end in (e.ci_lower, e.ci_upper) if end is not None]
    left, right = min(0.0, *ends), max(0.0, *ends)
    span = (right - left) or 1.0

    def at(value: float) -> str:
        return _short(8 + (value - left) / span * (width - 16))

    low, high = float(at(estimate.ci_lower)), float(at(estimate.ci_upper))
    apart = high - low < 2 * END_ROOM and low > END_ROOM and high < width - END_ROOM
    low_x = low - 2 if apart else min(low, width - 2 * END_ROOM)
    high_x = high + 2 if apart else max(high, 2 * END_ROOM)
    low_class, high_class = ("e", "s") if apart else ("s", "e")
    return Markup(
        '<svg class="mini" viewBox="0 {top} {w} {h}" aria-hidden="true" focusable="false">'
        '<path class="axis" d="M8 32L{end} 32"/><path class="zero" d="M{zero} 24L{zero} 40"/>'
        '<path class="{c} {iv}" d="M{low} 32L{high} 32"/>{point}'
        '<text class="{a1}" x="{x1}" y="14">{t1}</text><text class="{a2}" x="{x2}" y="14">{t2}</text></svg>'
    ).format(
        w=width,
        top=0 if low_text else 20,
        h=44 if low_text else 24,
        end=width - 8,
        zero=at(0.0),
        c="hot" if accent else "dim",
        iv="ivd" if estimate.grade is Grade.PRIOR else "iv",
        low=_short(low),
        high=_short(high),
        point=_point(at(estimate.value), estimate.grade, accent=accent),
        a1=low_class,
        a2=high_class,
        x1=_short(low_x),
        x2=_short(high_x),
        t1=low_text,
        t2=high_text,
    )


def _point(x: str, grade: Grade, *, accent: bool) -> Markup:
    colour = "hot" if accent else "dim"
    full = grade in (Grade.MEASURED, Grade.RANDOMISED)
    dot = Markup('<circle class="{c} {f}" cx="{x}" cy="32" r="5"/>').format(c=colour, f="full" if full else "open", x=x)
    if grade is not Grade.QUASI_EXPERIMENTAL:
        return dot
    return dot + Markup('<path class="{c} half" d="M{x} 27A5 5 0 0 0 {x} 37Z"/>').format(c=colour, x=x)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
