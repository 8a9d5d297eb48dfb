"""How the strategies' pictures are laid out: rows of names with numbers beside them, ticks, lines of text."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import BOLD, INK, INK_2, INK_3, TEXT, TICK, Style, zero_line
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "CAPTION",
    "ends_of",
    "money_axis",
    "money_estimate",
    "name_row",
    "round_ticks",
    "rows_of",
    "text_width",
    "tick_text",
    "wrapped",
    "write_at",
    "write_head",
    "zero_name",
]

CAPTION: Final[dict[str, Any]] = {"textcoords": "offset points", "fontsize": TICK, "color": INK_3}
_ROW: Final = 36
_NARROW_ROW: Final = 52
_NEVER_FIRST: Final = "，、。；：）」"
_LATIN: Final = 7.6  # width of a Latin letter at 13 units; a Chinese one is as wide as high


def rows_of(names: Sequence[str], *, style: Style, right: float) -> "tuple[Figure, Axes]":
    """Return axes with one row per name: beside the marks, or above them on a phone."""
    most = max((wrapped(name, room=_name_room(style)).count("\n") for name in names), default=0)
    row = (_NARROW_ROW if style.narrow else _ROW) + (16 if style.narrow else 4) * most
    widest = max((text_width(line) for name in names for line in wrapped(name, room=276).split("\n")), default=0.0)
    left = 12.0 if style.narrow else min(widest + 26, 290)
    edge = 12.0 if style.narrow else right
    # on a phone the heads of columns stand above the name of the zero line, not beside it
    top = 64 if style.narrow else 46
    # names of two lines stand above their marks: the first one must not reach the axis
    over = 12.0 * most if style.narrow else 0.0
    figure, axes = style.canvas(row * max(len(names), 1) + over + top + 20, left=left, right=edge, top=top, bottom=20)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5 - over / row)
    axes.set_yticks([])
    return figure, axes


def name_row(axes: "Axes", y: float, name: str, *, style: Style, bold: bool) -> None:
    """Write the name of row y at the left, or above its mark on a phone."""
    text = wrapped(name, room=_name_room(style))
    write_at(axes, 0, y, text, style=style, color=INK, bold=bold, above=style.narrow, align="left")


def _name_room(style: Style) -> float:
    return 212.0 if style.narrow else 276.0


def write_at(
    axes: "Axes",
    x: float,
    y: float,
    text: str,
    *,
    style: Style,
    color: str = INK_2,
    bold: bool = False,
    above: bool = False,
    align: str = "right",
) -> None:
    """Write a text at x units from the drawing's left edge, at row y or above it."""
    from matplotlib.transforms import blended_transform_factory

    figure = axes.figure
    place = blended_transform_factory(figure.transFigure, axes.transData)
    weight = BOLD if bold else 400
    axes.annotate(
        text,
        (x / style.width, y),
        xycoords=place,
        xytext=(0, 19 + 8 * text.count("\n") if above else 0),
        textcoords="offset points",
        ha=align,
        va="center",
        color=color,
        fontsize=TEXT,
        fontweight=weight,
        annotation_clip=False,
    )


def write_head(axes: "Axes", x: float, text: str, *, style: Style) -> None:
    """Write the head of a column at x units, above the axis."""
    axes.annotate(
        text,
        (x / style.width, 1),
        xycoords=("figure fraction", "axes fraction"),
        xytext=(0, 40 if style.narrow else 22),
        **CAPTION,
        ha="right",
        va="bottom",
    )


def money_axis(axes: "Axes", values: Sequence[float], *, factor: float, zero: str) -> None:
    """Put ticks of money above the rows, a grid beneath the marks, and the zero line with its name."""
    shown = [value / factor for value in values] + [0.0]
    span = max(max(shown) - min(shown), 1e-9)
    # Room beside the zero line, for its name.
    axes.set_xlim(min(min(shown) - 0.04 * span, -0.16 * span), max(max(shown) + 0.04 * span, 0.16 * span))
    widest = max(text_width(tick_text(round(value))) for value in shown) + 14
    ticks = round_ticks(shown, most=int(min(max(axes.get_window_extent().width / widest, 1), 5)))
    axes.set_xticks(ticks, labels=[tick_text(tick) for tick in ticks], fontsize=TICK)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes, zero)


def zero_name(style: Style) -> str:
    """Return what zero means where strategies are compared."""
    return style.text("0 = 不触达", "0 = no touch")


def ends_of(table: pd.DataFrame, column: str) -> list[float]:
    """Return all values of a column and all ends of their intervals."""
    return [*table[f"{column}_ci_lower"].dropna(), *table[f"{column}_ci_upper"].dropna(), *table[column]]


def money_estimate(row: dict[Any, Any], column: str) -> Estimate:
    """Return a row's amount with its interval; one without an interval is there by definition."""
    grade, lower = Grade(row.get("grade", "D")), row[f"{column}_ci_lower"]
    if np.isnan(lower):
        return Estimate(row[column], "money", grade=Grade.MEASURED)
    return Estimate(row[column], "money", lower, row[f"{column}_ci_upper"], row["confidence_level"], grade=grade)


def round_ticks(values: Sequence[float], *, most: int) -> list[float]:
    """Return round places within the values, at most about so many."""
    from matplotlib.ticker import MaxNLocator

    low, high = min(values), max(values)
    places = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(place) for place in places if low - 1e-9 <= place <= high + 1e-9]


def tick_text(value: float) -> str:
    """Return a tick as readers see it, with a minus sign."""
    text = f"{abs(value):,.10g}"
    return f"\u2212{text}" if value < 0 else text


def text_width(text: str) -> float:
    """Return about how wide a text is, in units: to leave room before anything is drawn."""
    return sum(TEXT if ord(letter) > 0x2E80 else _LATIN for letter in text)


def wrapped(text: str, *, room: float) -> str:
    """Return the text with line breaks where it is wider than the room: at spaces, or between Chinese letters."""
    lines = [""]
    for word in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s", text):
        fits = not lines[-1] or text_width(lines[-1] + word) <= room or word in _NEVER_FIRST
        if fits:
            lines[-1] += word
        else:
            lines.append("" if word.isspace() else word)
    return "\n".join(line.strip() for line in lines if line.strip())
