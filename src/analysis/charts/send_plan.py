"""Pictures of the send plan: touches by day and channel, and what happens to all customers."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import ACCENT, BOLD, INK, INK_2, INK_3, LINE_2, MARK, TEXT, TICK, Style, tell_each

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["customers_by_outcome", "touches_by_day"]

_SHADES: Final = (ACCENT, MARK, LINE_2, INK_2, INK_3)
_WEEKDAYS: Final = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}


def touches_by_day(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the planned touches of each day as a bar, one piece per channel, with the day's total.

    Args:
        table: One row per day and channel, days in order: ``day`` (ISO text), ``channel_zh``, ``channel_en``,
            ``n_touches``.
        style: For whom.
    """
    channels = list(dict.fromkeys(table[f"channel_{style.language}"]))
    days = list(dict.fromkeys(table["day"]))
    counts = table["n_touches"].to_numpy(dtype=float).reshape(len(days), len(channels))
    figure, axes = style.canvas(max(len(days), 1) * 36 + 48, left=84, right=64, top=40, bottom=8)
    left = np.zeros(len(days))
    for at, channel in enumerate(channels):
        color = _SHADES[at % len(_SHADES)]
        own = counts[:, at]
        bars = axes.barh(np.arange(len(days)), own, left=left, height=0.5, color=color, zorder=2)
        names = [f"{_day_name(day, style=style)}{style.text('，', ', ')}{channel}" for day in days]
        tell_each(bars, [style.told(name, ("", n or None, "touches")) for name, n in zip(names, own, strict=True)])
        left += own
    for y, day in enumerate(days):
        _beside(axes, y, _day_name(day, style=style))
        total = style.number(float(left[y]), "touches", bare=True)
        axes.annotate(
            total, (left[y], y), xytext=(8, 0), textcoords="offset points",
            va="center", fontsize=TEXT, fontweight=BOLD, color=INK, annotation_clip=False,
        )  # fmt: skip
    _key(axes, channels, style=style)
    axes.set_ylim(max(len(days), 1) - 0.5, -0.5)
    axes.set_xlim(0, max(float(left.max(initial=0.0)), 1.0))
    axes.set_axis_off()
    return figure


def customers_by_outcome(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw how many customers get something, and why the others do not.

    Args:
        table: One row per outcome, planned first: ``why_zh``, ``why_en``, ``n_customers`` (unknown where hidden),
            ``share_customers``, ``planned``.
        style: For whom.
    """
    names = table[f"why_{style.language}"].tolist()
    row = 46 if style.narrow else 34
    figure, axes = style.canvas(len(names) * row + 16, left=6 if style.narrow else 280, right=96, top=8, bottom=8)
    counts = table["n_customers"].astype("float64").fillna(0.0).to_numpy()
    for y, entry in enumerate(table.to_dict("records")):
        color = ACCENT if entry["planned"] else MARK
        low = 0.16 if style.narrow else 0.0
        bars = axes.barh(y + low, counts[y], height=0.3 if style.narrow else 0.46, color=color, zorder=2)
        known = None if pd.isna(entry["n_customers"]) else float(entry["n_customers"])
        tell_each(bars, [style.told(names[y], ("", known, "customers"))])
        if style.narrow:
            axes.annotate(
                names[y], (0, y - 0.06), xytext=(0, 2), textcoords="offset points",
                va="bottom", fontsize=TEXT, color=INK, annotation_clip=False,
            )  # fmt: skip
        else:
            _beside(axes, y, names[y])
        hidden = pd.isna(entry["n_customers"])
        said = "·" if hidden else style.number(float(counts[y]), "customers", bare=True)
        share = "" if hidden else f"  {style.number(float(entry['share_customers']), 'share')}"
        axes.annotate(
            f"{said}{share}", (counts[y], y + low), xytext=(8, 0), textcoords="offset points",
            va="center", fontsize=TEXT, color=color if entry["planned"] else INK_2,
            fontweight=BOLD if entry["planned"] else "normal", annotation_clip=False,
        )  # fmt: skip
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, max(float(counts.max(initial=0.0)), 1.0))
    axes.set_axis_off()
    return figure


def _beside(axes: "Axes", y: float, text: str) -> None:
    axes.annotate(
        text, (0, y), xytext=(-8, 0), textcoords="offset points",
        ha="right", va="center", fontsize=TEXT, color=INK, annotation_clip=False,
    )  # fmt: skip


def _key(axes: "Axes", channels: list[str], *, style: Style) -> None:
    """Name the channels above the first bar, each after a square of its colour."""
    x = 0.0
    for at, channel in enumerate(channels):
        color = _SHADES[at % len(_SHADES)]
        for text, shift, tone in (("■", 0.0, color), (channel, 16.0, INK_2)):
            axes.annotate(
                text, (0, 1), xycoords="axes fraction", xytext=(x + shift, 10), textcoords="offset points",
                va="bottom", fontsize=TICK, color=tone, annotation_clip=False,
            )  # fmt: skip
        x += 16 + len(channel) * (12.5 if style.language == "zh" else 6.6) + 18


def _day_name(day: str, *, style: Style) -> str:
    from datetime import date

    on = date.fromisoformat(day)
    name = _WEEKDAYS[style.language][on.weekday()]
    return f"{on.month}-{on.day:02d} {name}" if style.language == "zh" else f"{name} {on.day} {on:%b}"
