"""Pictures of the value page: forecast against actual, who is still alive, value by group, payback, next needs."""

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
    LINE_2,
    MARK,
    TEXT,
    TICK,
    WARN,
    ZERO,
    Style,
    interval_mark,
    label_y_right,
    tell,
    tell_each,
    tell_points,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["alive_grid", "clv_by_source", "clv_by_tier", "ltv_to_cac", "need_calendar", "tracking"]

_TOLD: Final = 40  # points of a line that show their value, at most about so many
_ROW: Final = 38
_NARROW_ROW: Final = 56
_LABELS: Final = 190
_VALUES: Final = 190
_DARKEST: Final = 0.6
"""Opacity of a cell of 100 %: ink on it stays readable."""


def tracking(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw cumulative repeat purchases by week: what came as a line in ink, the forecast in accent with its band.

    Args:
        table: One row per week: week_ends_on, in_calibration, actual, forecast with forecast_ci_lower and _upper.
        style: For whom.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = style.canvas(300 if style.narrow else 360, left=8, right=8, top=30, bottom=40)
    weeks = table["week"].to_numpy(dtype=float)
    axes.fill_between(weeks, table["forecast_ci_lower"], table["forecast_ci_upper"], color=ACCENT_SOFT, linewidth=0)
    for column, color, dashes, name in (
        ("forecast", ACCENT, (0, (5, 3)), style.text("预测", "forecast")),
        ("actual", INK, "solid", style.text("实际", "actual")),
    ):
        (line,) = axes.plot(weeks, table[column], color=color, linewidth=2, linestyle=dashes)
        tell(line, series=name)
        counts = table[column].to_numpy(dtype=float)
        told = [
            f"{style.text(f'第 {week:.0f} 周，', f'week {week:.0f}, ')}{name}\n{style.number(n, 'count')}"
            for week, n in zip(weeks, counts, strict=True)
        ]
        every = max(1, len(weeks) // _TOLD)
        tell_points(axes, weeks[::every].tolist(), counts[::every].tolist(), told[::every], series=name)
    top = float(max(table["forecast_ci_upper"].max(), table["actual"].max(), 1.0))
    axes.set(xlim=(0, weeks[-1] * (1.16 if style.narrow else 1.09)), ylim=(0, top * 1.06))  # room for the numbers
    marks = [mark for mark in MaxNLocator(nbins=4, integer=True).tick_values(0, top) if 0 < mark <= top * 1.06]
    label_y_right(axes, marks, [style.number(mark, "count") for mark in marks])
    ends = weeks[table["in_calibration"].to_numpy(dtype=bool)]
    if len(ends):
        axes.axvline(ends[-1], color=LINE_2, linewidth=1)
        left = ends[-1] > weeks[-1] * 0.5
        words = (
            style.text("左边用来拟合", "fitted to the left")
            if left
            else style.text("右边用来检验", "judged to the right")
        )
        axes.annotate(
            words,
            (ends[-1], 1),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if left else 6, -4),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
            color=INK_3,
            fontsize=TICK,
        )
    found = MaxNLocator(nbins=4 if style.narrow else 7, integer=True).tick_values(0, weeks[-1])
    places = [place for place in found if 0 < place <= weeks[-1]]
    axes.set_xticks(places, labels=[f"{place:.0f}" for place in places])
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xlabel(style.text("第几周（从第一天算起）", "Week, counted from the first day"), labelpad=6)
    key = style.text("— 实际　- - 预测（带：80% 区间）", "— actual   - - forecast (band: 80% interval)")
    _above(axes, key)
    return figure


def alive_grid(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw P(alive) by repeat purchases (rows) and days of silence (columns), darker where higher, customers beneath.

    Args:
        table: One row per cell: frequency_band_zh, silence_band_zh and _en, n_customers, p_alive (0-1; unknown where
            nobody is or the cell is hidden).
        style: For whom.
    """
    from matplotlib.patches import Rectangle

    row_of, column_of = (f"{axis}_band_{style.language}" for axis in ("frequency", "silence"))
    rows, columns = list(dict.fromkeys(table[row_of])), list(dict.fromkeys(table[column_of]))
    height = 66 if style.narrow else 52
    figure, axes = style.canvas(len(rows) * height + 58, left=8, right=0, top=50, bottom=8)
    margin = 0.0 if style.narrow else 1.05
    axes.set(xlim=(-margin, len(columns)), ylim=(len(rows), 0))
    axes.set_axis_off()
    for cell in table.to_dict("records"):
        x, y = columns.index(cell[column_of]), rows.index(cell[row_of])
        top, tall = (y + 0.34, 0.62) if style.narrow else (y + 0.03, 0.94)
        p = float(cell["p_alive"])
        known = not np.isnan(p)
        axes.add_patch(
            Rectangle(
                (x + 0.015, top), 0.97, tall, facecolor=ACCENT, alpha=_DARKEST * p**1.5 if known else 0.0, linewidth=0
            )
        )
        frame = Rectangle((x + 0.015, top), 0.97, tall, facecolor="none", edgecolor=LINE, linewidth=1)
        axes.add_patch(frame)
        n = cell["n_customers"]
        hidden = pd.isna(n)
        said = "·" if hidden else ("–" if not known else _rounded(p))
        axes.text(x + 0.5, top + tall * 0.36, said, ha="center", va="center", color=INK, fontweight=BOLD)
        if known:
            name = f"{cell[row_of]}{style.text('，', ', ')}{cell[column_of]}"
            alive = style.text("还在的概率", "still a customer:")
            tell(frame, style.told(name, (alive, p, "share"), ("", float(n), "customers")))
            count = style.number(float(n), "customers", bare=True)
            axes.text(x + 0.5, top + tall * 0.74, count, ha="center", va="center", color=INK, fontsize=TICK)
    for x, label in enumerate(columns):
        words = _two_lines(label) if style.narrow else label
        axes.text(x + 0.5, -0.08, words, ha="center", va="bottom", color=INK_2, fontsize=TICK, linespacing=1.15)
    for y, label in enumerate(rows):
        place = (0.02, y + 0.2) if style.narrow else (-margin, y + 0.5)
        axes.text(*place, label, color=INK_2, fontsize=TICK, va="center")
    title = style.text("多久没来 →", "days since the last order →")
    axes.annotate(
        title, (1, 1), xycoords="axes fraction", xytext=(-2, 34), textcoords="offset points", ha="right", va="bottom",
        color=INK_3, fontsize=TICK,
    )  # fmt: skip
    return figure


def clv_by_tier(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw CLV a head by tier, point and interval, with the number of customers.

    Args:
        table: One row per tier: tier_zh, tier_en, n_customers, clv_each with interval (currency), confidence_level.
        style: For whom.
    """
    return _values(table, table[f"tier_{style.language}"].astype(str).tolist(), style=style)


def clv_by_source(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw CLV a head by source of acquisition; see ``clv_by_tier``.

    Args:
        table: One row per source: source, n_customers, clv_each with interval (currency), confidence_level.
        style: For whom.
    """
    return _values(table, table["source"].astype(str).tolist(), style=style)


def ltv_to_cac(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw LTV : CAC by source with its interval, the line at 1, and the months to payback.

    Args:
        table: One row per source: source_zh, source_en, ltv_to_cac with interval (ratio), payback_months (unknown where
            not yet), months_seen, confidence_level.
        style: For whom.
    """
    names = table[f"source_{style.language}"].astype(str).tolist()
    figure, axes = _rows(len(names), style=style)
    highest = float(table[["ltv_to_cac", "ltv_to_cac_ci_upper"]].max().max())
    axes.set_xlim(0, max(highest * 1.05, 1.2) if np.isfinite(highest) else 1.2)
    for y, row in enumerate(table.to_dict("records")):
        estimate = _estimate(row, "ltv_to_cac", "ratio")
        low = estimate.ci_upper is not None and estimate.ci_upper < 1
        color = WARN if low else ACCENT if y == 0 else MARK
        interval_mark(axes, y + _drop(style), estimate, color=color, style=style, name=names[y])
        ratio = style.number(row["ltv_to_cac"], "ratio", bare=True)
        _row(axes, y, names[y], f"{ratio}　{_payback(row, style=style)}", style=style, bold=y == 0)
    axes.axvline(1, color=ZERO, linewidth=1.25, zorder=2)
    _x_axis(axes, lambda value: f"{value:g}")
    _above(axes, style.text("竖线：1 = 刚好回本", "line: 1 = just paid back"))
    return figure


def need_calendar(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the customers expected back first in each week, as bars with intervals.

    Args:
        table: One row per week: week_from_on, expected_buyers with interval (customers).
        style: For whom.
    """
    figure, axes = style.canvas(240 if style.narrow else 270, left=8, right=8, top=26, bottom=42)
    counts = table["expected_buyers"].to_numpy(dtype=float)
    lower, upper = (table[f"expected_buyers_ci_{end}"].to_numpy(dtype=float) for end in ("lower", "upper"))
    places = np.arange(len(table))
    for bar, row in zip(axes.bar(places, counts, width=0.72, color=MARK), table.to_dict("records"), strict=True):
        week = style.text("从 {} 起的一周", "week from {}").format(f"{pd.Timestamp(row['week_from_on']):%Y-%m-%d}")
        count = float(row["expected_buyers"])
        tell_each([bar], [style.told(week, ("", round(count) if np.isfinite(count) else None, "customers"))])
    axes.vlines(places, lower, upper, colors=INK, linewidth=1.5)
    top = float(max(upper.max(initial=1.0), 1.0))
    axes.set(ylim=(0, top * 1.14), xlim=(-0.6, len(table) - 0.4), yticks=[])
    every = 2 if style.narrow else 1
    for place in places[::every]:
        axes.annotate(
            style.number(round(counts[place]), "customers", bare=True),
            (place, upper[place]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=TICK,
            color=INK_2,
        )
    days = pd.to_datetime(table["week_from_on"])
    axes.set_xticks(places[::every], labels=[f"{day.month}-{day.day:02d}" for day in days.iloc[::every]])
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_xlabel(style.text("那一周的第一天", "First day of the week (month-day)"), labelpad=6)
    _above(axes, style.text("预计回来的客户数", "Customers expected back"))
    return figure


def _values(table: pd.DataFrame, names: list[str], *, style: Style) -> "Figure":
    scale = style.scale(table[["clv_each", "clv_each_ci_upper"]].to_numpy(dtype=float).ravel().tolist(), "money")
    figure, axes = _rows(len(names), style=style)
    highest = float(np.nan_to_num(table["clv_each_ci_upper"].to_numpy(dtype=float), nan=0.0).max(initial=0.0))
    axes.set_xlim(0, (highest * 1.05 or 1.0) / scale.factor)
    for y, row in enumerate(table.to_dict("records")):
        estimate = _estimate(row, "clv_each", "money")
        color = ACCENT if y == 0 else MARK
        interval_mark(axes, y + _drop(style), estimate, color=color, factor=scale.factor, style=style, name=names[y])
        said = style.number(row["clv_each"], "money")
        if not style.narrow:  # a phone has no room for both beside a long name
            said = f"{said}　{style.number(row['n_customers'], 'customers')}"
        _row(axes, y, names[y], said, style=style, bold=y == 0)
    _x_axis(axes, lambda value: f"{value:,.6g}")
    axes.axvline(0, color=ZERO, linewidth=1.25, zorder=2)
    _above(axes, style.text("人均未来毛利（现值），", "Future margin a head (present value), ") + scale.label)
    return figure


def _rows(n: int, *, style: Style) -> "tuple[Figure, Axes]":
    height = _NARROW_ROW if style.narrow else _ROW
    left, right = (10, 14) if style.narrow else (_LABELS, _VALUES)
    figure, axes = style.canvas(n * height + 66, left=left, right=right, top=34, bottom=28)
    axes.set(ylim=(n - 0.4, -0.6), yticks=[])
    return figure, axes


def _drop(style: Style) -> float:
    """How far the mark stands below the middle of its row: on a phone its name is above it."""
    return 0.2 if style.narrow else 0.0


def _row(axes: "Axes", y: int, name: str, said: str, *, style: Style, bold: bool) -> None:
    weight: Any = BOLD if bold else 400
    color = ACCENT if bold else INK
    if style.narrow:
        # beside the line at 0, not on it
        sides = (((0, y - 0.2), (5, 0), "left", name), ((1, y - 0.2), (0, 0), "right", said))
    else:
        sides = (((0, y), (8 - _LABELS, 0), "left", name), ((1, y), (_VALUES - 8, 0), "right", said))
    for place, offset, align, text in sides:
        axes.annotate(
            text,
            place,
            xycoords=("axes fraction", "data"),
            xytext=offset,
            textcoords="offset points",
            ha=align,
            va="center",
            color=color,
            fontweight=weight,
            fontsize=TEXT,
            annotation_clip=False,
        )


def _payback(row: Any, *, style: Style) -> str:
    """Say when the cost has come back: the month, or that it had not by the last one seen."""
    months, seen = row["payback_months"], row["months_seen"]
    if not pd.isna(months):
        return style.text(f"{months:.0f} 个月回本", f"paid back in month {months:.0f}")
    if pd.isna(row["ltv_to_cac"]):
        return style.text("没有花费", "no cost")
    return style.text(f"{seen:.0f} 个月没回本", f"not in {seen:.0f} months")


def _estimate(row: Any, name: str, unit: str) -> Estimate:
    lower, upper = (float(row[f"{name}_ci_{end}"]) for end in ("lower", "upper"))
    if np.isnan(lower) or np.isnan(upper):
        return Estimate(float(row[name]), unit, grade=Grade.OBSERVATIONAL)
    return Estimate(float(row[name]), unit, lower, upper, float(row["confidence_level"]), Grade.OBSERVATIONAL)


def _x_axis(axes: "Axes", words: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_xlim()
    ticks = [tick for tick in MaxNLocator(nbins=4, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    axes.set_xticks(ticks, labels=[words(tick) for tick in ticks])
    axes.grid(visible=True, axis="x")


def _above(axes: "Axes", text: str) -> None:
    axes.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", ha="left", va="bottom",
        color=INK_3, fontsize=TICK,
    )  # fmt: skip


def _rounded(p: float) -> str:
    return f"{p:.0%}" if p >= 0.005 or p == 0 else "<1%"


def _two_lines(label: str) -> str:
    """Break the head of a column before its last word."""
    if " 天" in label:
        return label.replace(" 天", "\n天", 1)
    first = label.split(" ", maxsplit=1)[0]
    short = f"≤{first} days" if label.endswith("or less") else label.replace("over ", ">", 1)
    return short.replace(" days", "\ndays", 1)
