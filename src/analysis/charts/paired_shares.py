"""One row per group, two shares on one axis: how many customers it is, and how much revenue it brings."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import ACCENT, BOLD, INK, INK_2, MARK, PAPER, TEXT, TICK, Style, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["paired_shares"]

_ROW: Final = {False: 38, True: 54}
"""Height of a row by whether the drawing is narrow: there the label stands above."""

_LABELS: Final = {"zh": 150, "en": 190}
_LETTER: Final = 7.2


def paired_shares(table: pd.DataFrame, *, group: str, style: Style) -> "Figure":
    """Draw share of customers (hollow) and share of revenue (full) of each group, the largest by revenue in accent.

    Args:
        table: One row per group, in the order to be drawn: ``<group>_zh``, ``<group>_en``, ``share_customers`` and
            ``share_revenue`` (0-1; unknown where the group is too small to show).
        group: ``tier`` or ``segment``.
        style: For whom.
    """
    rows = len(table)
    names = table[f"{group}_{style.language}"].astype(str).tolist()
    left = 14 if style.narrow else _label_width(names, style)
    figure, axes = style.canvas(rows * _ROW[style.narrow] + 74, left=left, right=56, top=46, bottom=28)
    top = max(float(table[["share_customers", "share_revenue"]].astype("float64").max().max()), 0.05)
    shares = table[["share_customers", "share_revenue"]].astype("float64")
    richest = int(shares["share_revenue"].fillna(-1).to_numpy().argmax())
    for i, (name, customers, revenue) in enumerate(zip(names, *shares.to_numpy().T, strict=True)):
        _name(axes, i, name, bold=i == richest, style=style)
        if np.isnan(customers) or np.isnan(revenue):
            axes.annotate("·", (0, i), xytext=(10, 0), textcoords="offset points", va="center", color=INK_2)
            continue
        color = ACCENT if i == richest else MARK
        axes.hlines(i, min(customers, revenue), max(customers, revenue), colors=color, linewidth=2, zorder=2)
        told = style.told(
            name,
            (style.text("占客户", "share of customers"), customers, "share"),
            (style.text("占消费额", "share of revenue"), revenue, "share"),
        )
        for value, filled in ((customers, False), (revenue, True)):
            look = {"ms": 10, "mew": 2, "mec": color, "mfc": color if filled else PAPER}
            (point,) = axes.plot([value], [i], "o", clip_on=False, zorder=3, linestyle="none", **look)
            tell(point, told)
        _values(axes, i, customers, revenue, top=top, style=style, color=color)
    axes.set_ylim(rows - 0.45, -0.6)
    axes.set_xlim(0, top * 1.04)
    axes.set_yticks([])
    ticks = _ticks(top)
    axes.set_xticks(ticks, labels=[f"{100 * tick:g}%" for tick in ticks], fontsize=TICK)
    axes.grid(visible=True, axis="x")
    axes.axvline(0, color=INK, linewidth=1.25)
    key = style.text("○ 占客户    ● 占消费额", "○ share of customers    ● share of revenue")
    place = {"xy": (0, 1), "xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(key, xytext=(0, 22), fontsize=TEXT, color=INK_2, ha="left", va="bottom", **place)
    return figure


def _label_width(names: list[str], style: Style) -> float:
    letter = 13.5 if style.language == "zh" else _LETTER
    return min(max((len(name) for name in names), default=1) * letter + 24, 300)


def _name(axes: "Axes", row: int, name: str, *, bold: bool, style: Style) -> None:
    weight = BOLD if bold else 400
    if style.narrow:
        axes.annotate(
            _cut(name, 42 if style.language == "en" else 22),
            (0, row),
            xycoords=("axes fraction", "data"),
            xytext=(0, 10),
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize=TEXT,
            fontweight=weight,
            color=INK,
        )
        return
    axes.annotate(
        name,
        (0, row),
        xycoords=("axes fraction", "data"),
        xytext=(-14, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=TEXT,
        fontweight=weight,
        color=INK,
    )


def _values(axes: "Axes", row: int, customers: float, revenue: float, *, top: float, style: Style, color: str) -> None:
    """Write both numbers, the smaller one left of its point, so that close points do not hide them."""
    low, high = sorted((customers, revenue))
    ink = ACCENT if color == ACCENT else INK_2
    width = (style.width - (70 if style.narrow else 260)) / top
    room_left = low * width > 46
    right = _share(high)
    if not room_left:
        pair = [_share(value) for value in (customers, revenue)]
        right = " → ".join(pair)
    else:
        axes.annotate(
            _share(low),
            (low, row),
            xytext=(-10, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=TICK,
            color=ink,
        )
    axes.annotate(
        right,
        (high, row),
        xytext=(10, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=TICK,
        color=ink,
        fontweight=BOLD if color == ACCENT else 400,
    )


def _share(value: float) -> str:
    """One decimal for all: the column is read downwards."""
    return "<0.1%" if 0 < value < 0.0005 else f"{100 * value:.1f}%"


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _ticks(top: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top)
    return [float(tick) for tick in found if 0 <= tick <= top * 1.02]
