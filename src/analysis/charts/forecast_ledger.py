"""Pictures of the forecast ledger: bands against what came, over time; and where outcomes fell in their forecasts."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    ACCENT_SOFT,
    BOLD,
    INK,
    INK_2,
    INK_3,
    LINE,
    MARK,
    TEXT,
    TICK,
    WARN,
    ZERO,
    Style,
    tell_each,
)
from analysis.numerals import format_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bands_over_time", "where_outcomes_fell"]

_PANEL: Final = 132
_BAR: Final = {False: 12, True: 8}
"""Width of a bar by whether the drawing is narrow."""

_EVEN: Final = 0.2


def bands_over_time(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw every due forecast: its 80 % band as a bar on the day it fell due, what came as a point, a panel a kind.

    Args:
        table: One row per forecast: forecast_of_zh, forecast_of_en, due_on; band_low, band_high, outcome (as a share
            of the median: 0.1 is a tenth above); inside.
        style: For whom.
    """
    names = table[f"forecast_of_{style.language}"]
    kinds = list(dict.fromkeys(names))
    figure, panels = style.canvas(len(kinds) * _PANEL + 40, rows=max(len(kinds), 1), top=10, bottom=34, hspace=0.28)
    shown = table.assign(x=_places(table, names, style=style))
    days = shown["x"].to_numpy(dtype=float)
    room = max((days.max() - days.min()) * 0.06, 6.0)
    limits = (days.min() - room, days.max() + room * (2.4 if style.narrow else 1.6))
    for axes, kind in zip(np.atleast_1d(panels), kinds, strict=True):
        rows = shown[names == kind]
        axes.set(xlim=limits, yticks=[], xticks=[])
        _panel(axes, rows, name=kind, style=style)
    _dates(np.atleast_1d(panels)[-1], limits, style=style)
    return figure


def _places(table: pd.DataFrame, names: "pd.Series[str]", *, style: Style) -> np.ndarray[Any, Any]:
    """Return the day each forecast stands on; those of one kind that meet stand side by side."""
    day = (table["due_on"] - pd.Timestamp(0)).dt.days.astype(float)
    apart = max(float(day.max() - day.min()), 40.0) * (_BAR[style.narrow] + 2) / style.width
    keys = [names, (day // max(3.0, apart)).astype(int)]  # due within a few days: they would cover one another
    place, n = table.groupby(keys).cumcount(), table.groupby(keys)["due_on"].transform("size")
    return (day + (place - (n - 1) / 2) * apart).to_numpy(dtype=float)


def _panel(axes: "Axes", rows: pd.DataFrame, *, name: str, style: Style) -> None:
    numbers = rows[["band_low", "band_high", "outcome"]].to_numpy(dtype=float)
    reach = max(float(np.abs(numbers).max()) * 1.12, 0.02)
    axes.set_ylim(-reach, reach * (2.0 if style.narrow else 1.6))  # the name of the kind stands above the bars
    axes.axhline(0, color=ZERO, linewidth=1, zorder=1)
    for row in rows.to_dict("records"):
        band = axes.vlines(
            row["x"],
            row["band_low"],
            row["band_high"],
            colors=ACCENT_SOFT,
            linewidth=_BAR[style.narrow],
            zorder=2,
        )
        color = ACCENT if row["inside"] else WARN
        (point,) = axes.plot([row["x"]], [row["outcome"]], "o" if row["inside"] else "D", ms=6, color=color, zorder=4)
        tell_each((band, point), [_told(row, name=name, style=style)] * 2)
    inside = int(rows["inside"].sum())
    said = style.text(f"{len(rows)} 次中 {inside} 次", f"{inside} of {len(rows)} inside")
    top: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top", "fontsize": TEXT}
    axes.annotate(name, (0, 1), xytext=(0, 0), ha="left", color=INK, fontweight=BOLD, **top)
    place = {"xytext": (0, -16), "ha": "left"} if style.narrow else {"xytext": (0, 0), "ha": "right"}
    axes.annotate(said, (0 if style.narrow else 1, 1), color=INK_2, **{**top, **place})
    for share in (-_tick(reach), _tick(reach)):
        axes.axhline(share, color=LINE, linewidth=1, zorder=0)
        axes.annotate(
            f"{share * 100:+.0f}%".replace("-", "\u2212"), (1, share), xycoords=("axes fraction", "data"),
            xytext=(0, 2), textcoords="offset points", ha="right", va="bottom", color=INK_3, fontsize=TICK,
        )  # fmt: skip


def _told(row: dict[Any, Any], *, name: str, style: Style) -> str:
    """Return what a pointer on a forecast shows: what it was of, when it fell due, its band and what came."""
    low, high, outcome = (
        f"{row[end] * 100:+.0f}%".replace("-", "\u2212") for end in ("band_low", "band_high", "outcome")
    )
    band = style.text(f"80% 区间 {low} 至 {high}", f"80% interval {low} to {high}")
    came = style.text(f"实际 {outcome}", f"came {outcome}")
    return "\n".join([name, format_date(row["due_on"].date(), language=style.language), band, came])


def _tick(reach: float) -> float:
    """Return the round share that is drawn as a line above and below zero."""
    return next((step for step in (1.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02) if step <= reach * 0.9), 0.01)


def _dates(axes: "Axes", limits: tuple[float, float], *, style: Style) -> None:
    """Write a few dates below the last panel."""
    wanted = 3 if style.narrow else 6
    first, last = (pd.Timestamp(0) + pd.Timedelta(days=round(end)) for end in limits)
    edge = (last - first) * (0.14 if style.narrow else 0.06)  # a date near the edge would be cut off
    months = pd.date_range(first + edge, last - edge, freq="MS")
    days = months[:: max(-(-len(months) // wanted), 1)] if len(months) > 2 else pd.DatetimeIndex([first, last])
    places = [(day - pd.Timestamp(0)).days for day in days]
    labels = [format_date(day.date(), language=style.language) for day in days]
    axes.set_xticks(places, labels=labels, fontsize=TICK)
    if len(months) <= 2:
        left, right = axes.get_xticklabels()
        left.set_horizontalalignment("left")
        right.set_horizontalalignment("right")


def where_outcomes_fell(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw how many outcomes fell in each fifth of their forecast: honest forecasts fill all alike.

    Args:
        table: One row per fifth: pit_from, pit_to (0-1), n_forecasts, share (0-1).
        style: For whom.
    """
    figure, axes = style.canvas(200, top=30, bottom=42)
    shares = table["share"].to_numpy(dtype=float)
    bars = axes.bar(np.arange(len(table)), shares, width=0.86, color=MARK)
    axes.axhline(_EVEN, color=INK, linewidth=1.25, linestyle=(0, (5, 3)))
    axes.set(ylim=(0, max(shares.max(initial=0.0), _EVEN) * 1.3), yticks=[])
    for place, (share, n) in enumerate(zip(shares, table["n_forecasts"], strict=True)):
        axes.annotate(
            str(int(n)), (place, share), xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
            color=INK_2, fontsize=TICK,
        )  # fmt: skip
    words = style.text("远低于预测|偏低|居中|偏高|远高于预测", "far below|below|middle|above|far above").split("|")
    axes.set_xticks(np.arange(len(table)), labels=words, fontsize=TICK)
    counted = zip(words, table["n_forecasts"], shares, strict=True)
    tell_each(bars, [style.told(word, ("", float(n), "count"), ("", share, "share")) for word, n, share in counted])
    axes.annotate(
        style.text("次数；虚线 = 诚实的预测", "forecasts; dashed: what honest ones show"), (0, 1),
        xycoords="axes fraction", xytext=(0, 10), textcoords="offset points", ha="left", va="bottom", color=INK_3,
        fontsize=TICK,
    )  # fmt: skip
    return figure
