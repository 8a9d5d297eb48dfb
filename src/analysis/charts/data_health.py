"""Pictures of the data page."""

from typing import TYPE_CHECKING

import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    INK,
    MARK,
    TICK,
    Style,
    label_end,
    label_y_right,
    tell_points,
)
from analysis.numerals import format_date, format_month

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["orders_by_week"]

_GRID_LINES = 4


def orders_by_week(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw orders per week as a line, the last week marked.

    Args:
        table: One row per week, oldest first: week_ends_on (day), n_orders (orders).
        style: For whom.
    """
    figure, axes = style.canvas(240 if style.narrow else 280, top=24, right=8, bottom=30)
    counts = table["n_orders"].to_numpy()
    weeks = range(len(counts))
    axes.plot(weeks, counts, color=MARK, linewidth=2)
    told = [
        f"{style.text('到', 'to')} {format_date(day, language=style.language)}\n{style.number(float(n), 'orders')}"
        for day, n in zip(table["week_ends_on"], counts, strict=True)
    ]
    tell_points(axes, list(weeks), counts.tolist(), told)
    if len(counts):
        axes.plot([len(counts) - 1], [counts[-1]], marker="o", markersize=8, color=ACCENT, clip_on=False)
        text = style.text("最近一周 ", "last week ") + style.number(float(counts[-1]), "orders")
        # above the highest of the last weeks, so that the line does not run through it; left of the axis' numbers
        height = counts[-(len(counts) // 3 + 1) :].max()
        room = 8.0 * len(style.number(float(counts.max()), "orders", bare=True)) + 8
        label_end(axes, len(counts) - 1, height, text, color=ACCENT, bold=True, offset=(-room, 18), align="right")
    top = max(1.0, float(counts.max())) if len(counts) else 1.0
    axes.set_ylim(0, top * 1.15)
    axes.set_xlim(-0.5, len(counts) - 0.5)
    ticks = _round_ticks(top)
    label_y_right(axes, ticks, [style.number(tick, "orders", bare=True) for tick in ticks])
    places = _month_starts(table["week_ends_on"], at_most=3 if style.narrow else 6)
    labels = [format_month(table["week_ends_on"].iloc[i], language=style.language) for i in places]
    axes.set_xticks(places, labels=labels, fontsize=TICK)
    axes.axhline(0, color=INK, linewidth=1)
    return figure


def _round_ticks(top: float) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(nbins=_GRID_LINES, integer=True, steps=[1, 2, 2.5, 5, 10])
    return [float(tick) for tick in locator.tick_values(0, top) if 0 < tick <= top * 1.1]


def _month_starts(days: pd.Series, *, at_most: int) -> list[int]:
    """Return the positions of the first week of every month, or of every second, third… month."""
    months = [(day.year, day.month) for day in days]
    starts = [i for i in range(1, len(months)) if months[i] != months[i - 1]]
    return starts[:: max(1, -(-len(starts) // at_most))] if starts else []
