"""Pictures of the comparison of touch strategies: what each earns, in all, by tier, by entry, and as time goes by.

The frontier and the assumptions have files of their own; a page finds all of them here.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.charts.strategy_assumptions import lead_by_assumption, variation_by_assumption
from analysis.charts.strategy_frontier import frontier_by_frequency, profit_against_deletions
from analysis.charts.strategy_rows import (
    CAPTION,
    ends_of,
    money_axis,
    money_estimate,
    name_row,
    rows_of,
    wrapped,
    write_at,
    write_head,
    zero_name,
)
from analysis.charts.theme import (
    ACCENT,
    INK,
    INK_2,
    LINE_2,
    MARK,
    WARN,
    Style,
    interval_mark,
    label_end,
    tell,
    tell_points,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "account_of_strategy",
    "frontier_by_frequency",
    "lead_by_assumption",
    "profit_against_deletions",
    "profit_by_strategy",
    "profit_by_tier",
    "short_and_long_run",
    "variation_by_assumption",
]


def profit_by_strategy(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw each strategy's incremental profit as point and interval, with its chance of being best.

    Args:
        table: One row per strategy, highest first: strategy_zh, strategy_en, incremental_profit with interval
            (currency), confidence_level, p_best (0-1), grade, recommended.
        style: For whom.
    """
    names = table[f"strategy_{style.language}"].tolist()
    scale = style.scale(ends_of(table, "incremental_profit"), "money")
    figure, axes = rows_of(names, style=style, right=250)
    for y, row in enumerate(table.to_dict("records")):
        color = ACCENT if row["recommended"] else MARK
        estimate = money_estimate(row, "incremental_profit")
        interval_mark(axes, y, estimate, color=color, factor=scale.factor, style=style, name=names[y])
        text = INK if color == MARK else color
        name_row(axes, y, names[y], style=style, bold=bool(row["recommended"]))
        value, best = scale.text(row["incremental_profit"]), style.number(row["p_best"], "share")
        if style.narrow:
            write_at(axes, style.width, y, f"{value}　{best}", style=style, color=text, bold=True, above=True)
            continue
        interval = scale.interval(estimate.ci_lower, estimate.ci_upper, language=style.language)
        write_at(axes, 520, y, value, style=style, color=text, bold=True)
        write_at(axes, 644, y, interval, style=style)
        write_at(axes, 700, y, best, style=style)
    money_axis(axes, ends_of(table, "incremental_profit"), factor=scale.factor, zero=zero_name(style))
    profit = style.text("增量利润", "Profit") + (f"，{scale.label}" if style.language == "zh" else f", {scale.label}")
    best_label = style.text("最优概率", "P(best)")
    if style.narrow:
        write_head(axes, style.width, f"{profit}　{best_label}", style=style)
    else:
        for x, text in ((520, profit), (644, style.text("80% 区间", "80% interval")), (700, best_label)):
            write_head(axes, x, text, style=style)
    return figure


def account_of_strategy(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw a strategy's ledger as bars from entry to entry, down to its profit.

    Args:
        table: One row per entry, costs negative, the sum last: entry_zh, entry_en, amount (currency).
        style: For whom.
    """
    names = table[f"entry_{style.language}"].tolist()
    amounts = table["amount"].to_numpy(dtype=float)
    scale = style.scale(amounts.tolist(), "money")
    figure, axes = rows_of(names, style=style, right=90)
    before = np.concatenate([[0.0], np.cumsum(amounts[:-1])[:-1], [0.0]]) / scale.factor
    for y, (start, amount) in enumerate(zip(before, amounts / scale.factor, strict=True)):
        last = y == len(amounts) - 1
        color = ACCENT if last and amount >= 0 else WARN if amount < 0 else MARK
        (bar,) = axes.barh(y, amount, left=start, height=0.42, color=color, zorder=2)
        tell(bar, style.told(names[y], ("", amounts[y], "money")))
        name_row(axes, y, names[y], style=style, bold=last)
        text = INK if color == MARK else color
        write_at(axes, style.width, y, scale.text(amounts[y]), style=style, color=text, bold=True, above=style.narrow)
    corners = np.concatenate([before, before + amounts / scale.factor]) * scale.factor
    money_axis(axes, corners.tolist(), factor=scale.factor, zero="")
    write_head(axes, style.width, scale.label, style=style)
    return figure


def short_and_long_run(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw cumulative profit at the early checkpoint and at the horizon, one line per strategy.

    Args:
        table: One row per strategy: strategy_zh, strategy_en, profit_early, profit_late (currency), early_days,
            late_days, recommended.
        style: For whom.
    """
    both = [*table["profit_early"], *table["profit_late"]]
    scale = style.scale(both, "money")
    room = 178 if style.narrow else 300
    texts = [
        wrapped(f"{scale.text(row['profit_late'])}　{row[f'strategy_{style.language}']}", room=room)
        for row in table.to_dict("records")
    ]
    heights = [4.0 + 16.0 * (text.count("\n") + 1) for text in texts]
    height = max(390.0, 60 + sum(heights))
    figure, axes = style.canvas(
        height, left=58 if style.narrow else 66, right=200 if style.narrow else 330, top=50, bottom=10
    )
    low, high = min(0.0, *both) / scale.factor, max(0.0, *both) / scale.factor
    pad = 0.08 * max(high - low, 1e-9)
    axes.set_ylim(low - pad, high + pad)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    for x, days in ((0, table["early_days"].iloc[0]), (1, table["late_days"].iloc[0])):
        axes.axvline(x, color=MARK, linewidth=1, zorder=1)
        text = style.text(f"第 {days} 天", f"day {days}")
        axes.annotate(text, (x, 1), xycoords="axes fraction", xytext=(0, 8), **CAPTION, va="bottom", ha="center")
    axes.hlines(0, 0, 1, colors=INK, linewidth=1.25, zorder=1)
    unit = style.text("累计增量利润，", "cumulative profit, ") + scale.label
    axes.annotate(unit, (0, 1), xycoords=("figure fraction", "axes fraction"), xytext=(0, 26), **CAPTION, ha="left")
    ends = table["profit_late"].to_numpy(dtype=float) / scale.factor
    for row, text, y in zip(table.to_dict("records"), texts, _apart(ends, axes, heights=heights), strict=True):
        color = ACCENT if row["recommended"] else MARK
        points = [row["profit_early"] / scale.factor, row["profit_late"] / scale.factor]
        width = 2.5 if row["recommended"] else 1.5
        axes.plot([0, 1], points, color=color, linewidth=width, marker="o", markersize=6, clip_on=False, zorder=3)
        days = [style.text(f"第 {row[at]} 天", f"day {row[at]}:") for at in ("early_days", "late_days")]
        profits = zip(days, (row["profit_early"], row["profit_late"]), ("money", "money"), strict=True)
        tell_points(axes, [0, 1], points, [style.told(str(row[f"strategy_{style.language}"]), *profits)] * 2)
        bold = bool(row["recommended"])
        label_end(axes, 1, y, text, color=color if bold else INK_2, bold=bold, offset=(16, 0))
        _leader(axes, start=points[1], end=y)
    for row, y in _extremes(table, factor=scale.factor):
        color = ACCENT if row["recommended"] else INK_2
        label_end(axes, 0, y, scale.text(row["profit_early"]), color=color, offset=(-8, 0), align="right")
    return figure


def profit_by_tier(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw one strategy's incremental profit by tier of customers as point and interval.

    Args:
        table: One row per tier, highest first: tier_zh, tier_en, incremental_profit with interval (currency),
            confidence_level; a tier too small to show has missing numbers and is left out.
        style: For whom.
    """
    shown = table[table["incremental_profit"].notna()].reset_index(drop=True)
    names = shown[f"tier_{style.language}"].tolist()
    ends = ends_of(shown, "incremental_profit") or [0.0]
    scale = style.scale(ends, "money")
    figure, axes = rows_of(names, style=style, right=190)
    for y, row in enumerate(shown.to_dict("records")):
        estimate = money_estimate(row, "incremental_profit")
        interval_mark(axes, y, estimate, factor=scale.factor, style=style, name=names[y])
        name_row(axes, y, names[y], style=style, bold=False)
        value = scale.text(row["incremental_profit"])
        if style.narrow:
            write_at(axes, style.width, y, value, style=style, color=INK, bold=True, above=True)
            continue
        interval = scale.interval(estimate.ci_lower, estimate.ci_upper, language=style.language)
        write_at(axes, 580, y, value, style=style, color=INK, bold=True)
        write_at(axes, 700, y, interval, style=style)
    money_axis(axes, ends, factor=scale.factor, zero=zero_name(style))
    write_head(axes, style.width if style.narrow else 580, scale.label, style=style)
    if not style.narrow:
        write_head(axes, 700, style.text("80% 区间", "80% interval"), style=style)
    return figure


def _apart(values: "np.ndarray[Any, Any]", axes: "Axes", *, heights: Sequence[float]) -> list[float]:
    """Return places for labels near their values, none over another; heights in units."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_window_extent().height or 1.0)
    half = np.array(heights) * unit / 2
    order = np.argsort(-values, kind="stable")
    placed = values.astype(float).copy()
    ceiling = high
    for i in order:
        placed[i] = min(placed[i], ceiling - half[i])
        ceiling = placed[i] - half[i]
    floor = low
    for i in order[::-1]:
        placed[i] = max(placed[i], floor + half[i])
        floor = placed[i] + half[i]
    return [float(value) for value in placed]


def _leader(axes: "Axes", *, start: float, end: float) -> None:
    """Draw a thin line from a line's end to its label, which may have been moved."""
    from matplotlib.transforms import ScaledTranslation

    figure = axes.figure
    shift = ScaledTranslation(14 / 72, 0, figure.dpi_scale_trans)
    here, there = axes.transData.transform((1, start)), (axes.transData + shift).transform((1, end))
    back = axes.transData.inverted()
    (x0, y0), (x1, y1) = back.transform(here), back.transform(there)
    axes.plot([x0, x1], [y0, y1], color=LINE_2, linewidth=1, clip_on=False, zorder=1)


def _extremes(table: pd.DataFrame, *, factor: float) -> list[tuple[dict[Any, Any], float]]:
    """Return the rows of the highest and the lowest early profit, for their labels."""
    early = table["profit_early"].to_numpy(dtype=float)
    places = {int(early.argmax()), int(early.argmin())}
    rows = table.to_dict("records")
    return [(rows[place], early[place] / factor) for place in sorted(places)]
