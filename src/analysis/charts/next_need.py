"""Pictures of the next need: how many will buy in which week, and whether the dates fell as forecast."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import INK, INK_2, INK_3, LINE_2, MARK, TICK, WARN, ZERO, Style, tell_each

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["need_calendar", "pit_histogram"]

_MOST_CATEGORIES: Final = 5
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ROW: Final = 62.0
_FIRST_ROW: Final = 150.0
_HEAD: Final = 26.0


def need_calendar(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw expected buyers by week, all of them above, then a row per category on one scale; lines are intervals.

    Args:
        table: One row per category (``category`` empty for all, which come first) and ``week``: category_zh,
            category_en, week_from_on (date), expected_buyers with expected_buyers_ci_lower and _upper (customers;
            missing where hidden).
        style: For whom.
    """
    everybody, rest = table[table["category"] == ""], table[table["category"] != ""]
    names = list(dict.fromkeys(rest["category"]))[:_MOST_CATEGORIES]
    heights = [_FIRST_ROW, *([_ROW] * len(names))]
    figure, axes = style.canvas(sum(heights) + 40, top=4, bottom=30)
    total = sum(heights)
    axes.set(xlim=(0.5, float(table["week"].max()) + 0.5), ylim=(total, 0), yticks=[])
    most = float(np.nanmax(rest["expected_buyers_ci_upper"].to_numpy(float), initial=1.0))
    top = float(np.nanmax(everybody["expected_buyers_ci_upper"].to_numpy(float), initial=1.0))
    floor = 0.0
    for place, height in enumerate(heights):
        rows = everybody if place == 0 else rest[rest["category"] == names[place - 1]]
        floor += height
        _week_bars(axes, rows, floor=floor, height=height - _HEAD, most=top if place == 0 else most, style=style)
        _row_title(axes, rows, at=floor - height + 14, first=place == 0, style=style)
    weeks = everybody["week"].to_numpy(int)
    starts = pd.to_datetime(everybody["week_from_on"])
    step = 1 if len(weeks) <= (4 if style.narrow else 10) else int(np.ceil(len(weeks) / (4 if style.narrow else 10)))
    axes.set_xticks(weeks[::step] - 0.46, labels=[_day(day, style) for day in starts.iloc[::step]])
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("left")
    return figure


def _week_bars(axes: "Axes", rows: pd.DataFrame, *, floor: float, height: float, most: float, style: Style) -> None:
    """Draw one row of weeks: a bar to the expected number, a line over its interval, the number where there is room."""
    scale = height / most
    numbered = height > 100 and not style.narrow
    for row in rows.to_dict("records"):
        week, value = float(row["week"]), float(row["expected_buyers"])
        if np.isnan(value):
            continue
        bars = axes.bar([week], [-value * scale], bottom=floor, width=0.92, color=LINE_2)
        name = _day(pd.Timestamp(row["week_from_on"]), style)
        label = str(row[f"category_{style.language}"]) if row["category"] else ""
        tell_each(bars, [style.told(name, (label, round(value), "customers"))])
        ends = [floor - float(row[f"expected_buyers_ci_{end}"]) * scale for end in ("lower", "upper")]
        axes.vlines(week, ends[0], ends[1], colors=INK_2, linewidth=2, zorder=3)
        if numbered:
            text = style.number(round(value), "customers", bare=True)
            axes.annotate(
                text, (week - 0.42, floor), xytext=(0, 4), textcoords="offset points", fontsize=TICK, color=INK
            )
    axes.hlines(floor, 0.5, float(rows["week"].max()) + 0.5, colors=ZERO, linewidth=1)


def _row_title(axes: "Axes", rows: pd.DataFrame, *, at: float, first: bool, style: Style) -> None:
    sum_of = float(rows["expected_buyers"].sum(min_count=1))
    name = style.text("每周预计首次购买的客户", "Customers expected to buy, by week of their first purchase")
    if first and style.narrow:
        name = style.text("每周预计购买的客户", "Customers expected to buy, by week")
    if not first:
        name = str(rows[f"category_{style.language}"].iloc[0])
    axes.annotate(name, (0, at), xycoords=("axes fraction", "data"), va="center", color=INK, fontweight=600)
    if not (first and style.narrow):
        total = style.number(round(sum_of) if not np.isnan(sum_of) else None, "customers", bare=True)
        axes.annotate(
            style.text(f"合计 {total}", f"{total} in all"),
            (1, at),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            color=INK_3,
            fontsize=TICK,
        )


def _day(day: pd.Timestamp, style: Style) -> str:
    return style.text(f"{day.month}月{day.day}日", f"{day.day}\u00a0{_MONTHS[day.month - 1]}")


def pit_histogram(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw where in their forecast distributions the dates fell; honest is one level, between the lines of luck.

    Args:
        table: One row per tenth, earliest first: pit_from, pit_to, share, expected_share, luck_lower, luck_upper (0-1).
        style: For whom.
    """
    figure, axes = style.canvas(240 if style.narrow else 260, top=26, bottom=46)
    share, start = table["share"].to_numpy(float), table["pit_from"].to_numpy(float)
    width = float(table["pit_to"].iloc[0] - table["pit_from"].iloc[0])
    low, high = (table[f"luck_{end}"].to_numpy(float) for end in ("lower", "upper"))
    within = (share >= low) & (share <= high)
    bars = axes.bar(start, share, width=width * 0.94, align="edge", color=[MARK if ok else WARN for ok in within])
    tenths = [f"{a:.0%}–{a + width:.0%}" for a in start]
    tell_each(bars, [style.told(tenth, ("", one, "share")) for tenth, one in zip(tenths, share, strict=True)])
    expected = float(table["expected_share"].iloc[0])
    axes.axhspan(float(low[0]), float(high[0]), facecolor="none", edgecolor=INK_2, linewidth=1, linestyle=(0, (4, 3)))
    axes.axhline(expected, color=ZERO, linewidth=1.25, zorder=3)
    axes.axhline(0, color=INK, linewidth=1)
    top = max(float(np.nanmax(share, initial=0.0)), float(high[0])) * 1.18
    axes.set(xlim=(0, 1), ylim=(0, top), yticks=[])
    axes.set_xticks(
        [0.0, 0.5, 1.0],
        labels=[
            style.text("比预测早", "earlier"),
            style.text("中间一天", "middle day forecast"),
            style.text("比预测晚", "later"),
        ],
    )
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[-1].set_horizontalalignment("right")
    axes.annotate(
        style.text(
            f"买了的人，每格应有 {expected:.0%}；虚线之间是运气",
            f"Share of buyers; honest: {expected:.0%} each, dashed: luck",
        ),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 8),
        textcoords="offset points",
        va="bottom",
        color=INK_3,
        fontsize=TICK,
    )
    return figure
