"""How every chart looks, and how a finished drawing becomes a piece of the page.

A chart is drawn twice, 700 and 328 units wide, 1 unit = 1 CSS pixel: text is 13, ticks are 12. Colours are
the page's tokens in their light values; ``to_svg`` replaces each by ``var(--token)``, so the page decides
about dark and print. Text stays text. One accent series, one warn series, everything else grey.
"""

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, Literal

from analysis.charts.svg import TOLD, small_svg
from analysis.checks import one_of
from analysis.errors import AnalysisError
from analysis.evidence import Grade
from analysis.numerals import LANGUAGES, Scale, common_scale, format_estimate, format_interval, format_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from analysis.evidence import Estimate

__all__ = [
    "ACCENT",
    "ACCENT_SOFT",
    "BOLD",
    "GRID",
    "INK",
    "INK_2",
    "INK_3",
    "LINE",
    "LINE_2",
    "MARK",
    "NARROW",
    "PAPER",
    "RASTERISE_ABOVE",
    "TEXT",
    "TICK",
    "TOKENS",
    "WARN",
    "WARN_SOFT",
    "WIDE",
    "ZERO",
    "Style",
    "draw",
    "drawing",
    "interval_mark",
    "label_end",
    "label_y_right",
    "marker_of",
    "scatter",
    "tell",
    "tell_each",
    "tell_points",
    "to_svg",
    "zero_line",
]

WIDE: Final = 700
NARROW: Final = 328
RASTERISE_ABOVE: Final = 2000

INK: Final = "#14202b"
INK_2: Final = "#44515d"
INK_3: Final = "#5f6b76"
LINE: Final = "#dde3e8"
LINE_2: Final = "#aab5bf"
ACCENT: Final = "#14559b"
ACCENT_SOFT: Final = "#dbe8f5"
MARK: Final = "#75828e"
GRID: Final = "#e7ecf0"
WARN: Final = "#a34406"
WARN_SOFT: Final = "#fbeade"
PAPER: Final = "#ffffff"
ZERO: Final = INK

TOKENS: Final = {
    INK: "ink",
    INK_2: "ink-2",
    INK_3: "ink-3",
    LINE: "line",
    LINE_2: "line-2",
    ACCENT: "accent",
    ACCENT_SOFT: "accent-soft",
    MARK: "mark",
    GRID: "grid",
    WARN: "warn",
    WARN_SOFT: "warn-soft",
    PAPER: "paper",
}
"""Colour of a drawing → token of the page. No other colour may be drawn."""

TEXT: Final = 13
TICK: Final = 12
BOLD: Final = 700  # the page shows 600; 700 is what the build machine's fonts have

_FONTS: Final = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "DejaVu Sans"]
_RC: Final[dict[str, Any]] = {
    "font.size": TEXT,
    "axes.labelsize": TICK,
    "axes.labelcolor": INK_3,
    "axes.edgecolor": LINE_2,
    "axes.linewidth": 1,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.bottom": False,
    "axes.spines.left": False,
    "axes.titlesize": TEXT,
    "axes.facecolor": "none",
    "xtick.labelsize": TICK,
    "ytick.labelsize": TICK,
    "xtick.color": INK_3,
    "ytick.color": INK_3,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 1,
    "text.color": INK_2,
    "text.parse_math": False,
    "text.usetex": False,
    "lines.linewidth": 2,
    "lines.color": MARK,
    "lines.scale_dashes": False,
    "lines.solid_capstyle": "butt",
    "patch.facecolor": MARK,
    "patch.linewidth": 0,
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "figure.edgecolor": "none",
    "savefig.transparent": True,
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
    "savefig.dpi": 72,
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "path.simplify": True,
}

_MARKERS: Final[dict[Grade, tuple[str, Any]]] = {
    Grade.MEASURED: ("full", "solid"),
    Grade.RANDOMISED: ("full", "solid"),
    Grade.QUASI_EXPERIMENTAL: ("left", "solid"),
    Grade.OBSERVATIONAL: ("none", "solid"),
    Grade.PRIOR: ("none", (0, (4, 3))),
}


@dataclass(frozen=True)
class Style:
    """For whom a chart is drawn: language, width (700 or 328) and currency."""

    language: str
    width: int = WIDE
    currency: str = "CNY"

    def __post_init__(self) -> None:
        one_of(self.language, allowed=LANGUAGES, what="language")
        if self.width not in (WIDE, NARROW):
            raise AnalysisError(f"A chart is {WIDE} or {NARROW} units wide, not {self.width}.")

    @cached_property
    def narrow(self) -> bool:
        """Whether this is the drawing for phones: labels stand above the bars."""
        return self.width == NARROW

    def text(self, zh: str, en: str) -> str:
        """Return the text in the chart's language."""
        return zh if self.language == "zh" else en

    def number(self, value: float | None, unit: str, *, bare: bool = False) -> str:
        """Return a number as the page writes it."""
        return format_value(value, unit, language=self.language, currency=self.currency, bare=bare)

    def estimate(self, estimate: "Estimate", *, bare: bool = False) -> str:
        """Return the number of an estimate as the page writes it."""
        return format_estimate(estimate, language=self.language, currency=self.currency, bare=bare)

    def told(self, name: str, *numbers: tuple[str, float | None, str]) -> str:
        """Return what a pointer on a mark shows: a name, and below it one line per number (label, value, unit).

        A number that is not known has no line; nothing is said if none is known.
        """
        lines = [
            f"{label} {self.number(float(value), unit)}".strip()
            for label, value, unit in numbers
            if value is not None and math.isfinite(value)
        ]
        return "\n".join([name, *lines]) if lines else ""

    def scale(self, values: Iterable[float | None], unit: str) -> Scale:
        """Return the one unit for all numbers of an axis: its ``label`` belongs into the subtitle or axis label."""
        return common_scale(values, unit, language=self.language, currency=self.currency)

    def canvas(self, height: float, *, rows: int = 1, columns: int = 1, **margins: float) -> "tuple[Figure, Any]":
        """Return a figure of this width and its axes, in units of one CSS pixel.

        Args:
            height: In units.
            rows: Rows of axes.
            columns: Columns of axes.
            margins: ``left``, ``right``, ``top``, ``bottom`` in units, and ``wspace``, ``hspace`` as matplotlib has
                them; left and right 8, top 8, bottom 28 where left out.

        Returns:
            The figure and one ``Axes``, or an array of them if there are several.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with drawing(self):
            figure = Figure(figsize=(self.width / 72, height / 72), dpi=72)
            FigureCanvasAgg(figure)
            edges = {"left": 8.0, "right": 8.0, "top": 8.0, "bottom": 28.0, **margins}
            axes = figure.subplots(
                rows,
                columns,
                gridspec_kw={
                    "left": edges["left"] / self.width,
                    "right": 1 - edges["right"] / self.width,
                    "bottom": edges["bottom"] / height,
                    "top": 1 - edges["top"] / height,
                    "wspace": edges.get("wspace", 0.2),
                    "hspace": edges.get("hspace", 0.2),
                },
            )
        return figure, axes


@contextmanager
def drawing(style: Style) -> Iterator[None]:
    """Set the look for what is drawn inside the block, and only there.

    ``draw`` calls a chart function inside it; a chart function itself need not.
    """
    import matplotlib as mpl
    from matplotlib import font_manager

    # which weights this machine's fonts lack is no news to an analyst, and would be printed under every chart
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    fonts = [name for name in _FONTS if name in installed]
    if style.language == "en":
        fonts.sort(key=lambda name: name != "DejaVu Sans")  # widths nearer to a reader's Latin font
    look: Any = {**_RC, "font.family": fonts or ["DejaVu Sans"]}  # a list: a missing glyph is taken from the next
    with mpl.rc_context(look):
        yield


def marker_of(grade: Grade, *, color: str = MARK) -> dict[str, Any]:
    """Return what ``Axes.plot`` needs to draw a point of that evidence: ● A and measured, ◐ B, ○ C and D."""
    fill, _ = _MARKERS[grade]
    return {
        "marker": "o",
        "markersize": 10,
        "markeredgewidth": 2,
        "markeredgecolor": color,
        "color": color,
        "markerfacecolor": PAPER if fill == "none" else color,
        "markerfacecoloralt": PAPER,
        "fillstyle": "full" if fill == "none" else fill,
        "linestyle": "none",
        "clip_on": False,
        "zorder": 4,
    }


def interval_mark(
    axes: "Axes",
    y: float,
    estimate: "Estimate",
    *,
    color: str = MARK,
    factor: float = 1.0,
    style: Style | None = None,
    name: str = "",
) -> None:
    """Draw an estimate as point and line at height ``y``; the marker tells the grade, D is dashed.

    Args:
        axes: Where.
        y: Position.
        estimate: Nothing is drawn if its value is not known.
        color: ``MARK``, or ``ACCENT`` for the recommended one, or ``WARN``.
        factor: What the values are divided by (``Scale.factor``).
        style: For whom, so that a pointer shows the number; nothing is shown without it.
        name: What the number is of, above it.
    """
    if not estimate.known or estimate.value is None:
        return
    told = _told(estimate, name, style) if style else ""
    if estimate.ci_lower is not None and estimate.ci_upper is not None:
        _, dashes = _MARKERS[estimate.grade]
        ends = (estimate.ci_lower / factor, estimate.ci_upper / factor)
        line = axes.hlines(y, *ends, colors=color, linewidth=3, linestyles=dashes, clip_on=False, zorder=3)
        if told:
            tell(line, told)
    (point,) = axes.plot([estimate.value / factor], [y], **marker_of(estimate.grade, color=color))
    if told:
        tell(point, told)


def _told(estimate: "Estimate", name: str, style: Style) -> str:
    interval = format_interval(estimate, language=style.language, currency=style.currency)
    return "\n".join(part for part in (name, style.estimate(estimate), interval) if part)


def zero_line(axes: "Axes", label: str = "", *, vertical: bool = True) -> None:
    """Draw the zero line in ink and name it ("0 = 现行做法") at its end."""
    if vertical:
        axes.axvline(0, color=ZERO, linewidth=1.25, zorder=2)
        place: dict[str, Any] = {
            "xy": (0, 1),
            "xycoords": ("data", "axes fraction"),
            "xytext": (0, 22),
            "ha": "center",
            "va": "bottom",
        }
    else:
        axes.axhline(0, color=ZERO, linewidth=1.25, zorder=2)
        place = {"xy": (0, 0), "xycoords": ("axes fraction", "data"), "xytext": (0, 3), "ha": "left", "va": "bottom"}
    if label:
        axes.annotate(label, textcoords="offset points", color=INK, fontsize=TICK, fontweight=BOLD, **place)


def label_end(
    axes: "Axes",
    x: float,
    y: float,
    text: str,
    *,
    color: str = INK_2,
    bold: bool = False,
    offset: tuple[float, float] = (6, 0),
    align: Literal["left", "center", "right"] = "left",
) -> "Text":
    """Write a label directly at a mark, so that no legend is needed."""
    return axes.annotate(
        text,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        ha=align,
        va="center",
        color=color,
        fontsize=TEXT,
        fontweight=BOLD if bold else 400,
        annotation_clip=False,
    )


def label_y_right(axes: "Axes", ticks: Sequence[float], labels: Sequence[str]) -> None:
    """Draw muted horizontal gridlines with their labels on the right, above the line."""
    axes.set_yticks(list(ticks), labels=[""] * len(ticks))
    axes.grid(visible=True, axis="y")
    for tick, label in zip(ticks, labels, strict=True):
        axes.annotate(
            label,
            (1, tick),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=INK_3,
            fontsize=TICK,
            annotation_clip=False,
        )


def scatter(axes: "Axes", x: Sequence[float], y: Sequence[float], *, color: str = MARK, size: float = 16) -> None:
    """Draw a scatter; above 2,000 points as a picture inside the drawing, so that the page stays small."""
    axes.scatter(x, y, s=size, c=color, linewidths=0, alpha=0.6, rasterized=len(x) > RASTERISE_ABOVE)


def tell(artist: Any, *texts: str, series: str = "") -> None:
    """Say what a pointer on a mark shows, and which series it belongs to, so that readers can switch that off.

    Args:
        artist: Of matplotlib: a line with markers, a scatter, a bar, a label.
        texts: One for all of it, or one per mark in the order they were drawn; lines are parted by line breaks.
        series: Name of the series, as readers see it; a label of the series carries it too.
    """
    artist.set_gid(TOLD + json.dumps({"texts": list(texts), "series": series}, ensure_ascii=False))


def tell_each(marks: Iterable[Any], texts: Iterable[str]) -> None:
    """Say what a pointer on each of several marks shows: bars, cells, points drawn one by one; empty: nothing."""
    for mark, text in zip(marks, texts, strict=True):
        if text:
            tell(mark, text)


def tell_points(
    axes: "Axes", x: Sequence[float], y: Sequence[float], texts: Sequence[str], *, series: str = ""
) -> None:
    """Lay invisible marks over a line, which show their values under a pointer; unknown points are left out."""
    known = [
        (a, b, text) for a, b, text in zip(x, y, texts, strict=True) if text and math.isfinite(a) and math.isfinite(b)
    ]
    if not known:
        return
    across, up, said = zip(*known, strict=True)
    (marks,) = axes.plot(
        across, up, linestyle="none", marker="o", markersize=8, color=MARK, markeredgewidth=0, alpha=0, clip_on=False
    )
    tell(marks, *said, series=series)


def draw(chart: Callable[..., "Figure"], table: Any, *, name: str, style: Style) -> str:
    """Call a chart function ``chart(table, style=style)`` in the house's look and return its drawing.

    Raises:
        AnalysisError: If a colour was drawn that is no token.
    """
    with drawing(style):
        return to_svg(chart(table, style=style), name=name, style=style)


def to_svg(figure: "Figure", *, name: str, style: Style) -> str:
    """Return a figure as SVG for the page; the same figure gives the same bytes.

    Text stays text without a font of its own, and each colour becomes ``var(--token)``.

    Args:
        figure: From ``Style.canvas``.
        name: Of the chart, unique on its page.
        style: The one it was drawn with.

    Raises:
        AnalysisError: If a colour was drawn that is no token.
    """
    import matplotlib as mpl

    salt = f"{name}-{style.width}"
    buffer = StringIO()
    with drawing(style), mpl.rc_context({"svg.hashsalt": salt}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")  # the reader's browser has it
        _settle_texts(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return small_svg(buffer.getvalue(), prefix=salt, tokens=TOKENS)


def _settle_texts(figure: "Figure") -> None:
    """No mathtext (a customer named $x$ stays $x$), nothing smaller than a tick, one bold."""
    from matplotlib.text import Text

    for text in figure.findobj(lambda artist: isinstance(artist, Text)):
        made: Any = text
        made.set_parse_math(False)
        if made.get_fontsize() < TICK:
            made.set_fontsize(TEXT if made.get_fontsize() == 10 else TICK)  # 10: made outside of the house's look
        if made.get_fontweight() in (600, "semibold", "demibold"):
            made.set_fontweight(BOLD)
