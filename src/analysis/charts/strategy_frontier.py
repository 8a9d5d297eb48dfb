"""Pictures of profit against contacts lost, and of the frontier that no strategy passes."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.charts.strategy_rows import CAPTION, ends_of, money_estimate, round_ticks, text_width, tick_text, wrapped
from analysis.charts.theme import (
    ACCENT,
    INK_2,
    LINE_2,
    MARK,
    TICK,
    Style,
    label_end,
    label_y_right,
    marker_of,
    tell,
    zero_line,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["frontier_by_frequency", "profit_against_deletions"]


def profit_against_deletions(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw profit against deletions, each with its interval, and the frontier as a line.

    Args:
        table: One row per strategy, fewest deletions first: strategy_zh, strategy_en, incremental_deletions and
            incremental_profit with intervals, confidence_level, on_frontier, recommended.
        style: For whom.
    """
    scale = style.scale(ends_of(table, "incremental_profit"), "money")
    figure, axes = style.canvas(360 if style.narrow else 380, left=10, right=46, top=30, bottom=44)
    lines = table[table["on_frontier"]]
    x, y = table["incremental_deletions"].to_numpy(), table["incremental_profit"].to_numpy() / scale.factor
    axes.plot(lines["incremental_deletions"], lines["incremental_profit"] / scale.factor, color=ACCENT, linewidth=1.5)
    for row in table.to_dict("records"):
        color = ACCENT if row["recommended"] else MARK
        low, high = (row[f"incremental_profit_ci_{end}"] / scale.factor for end in ("lower", "upper"))
        left, right = (row[f"incremental_deletions_ci_{end}"] for end in ("lower", "upper"))
        at = (row["incremental_deletions"], row["incremental_profit"] / scale.factor)
        thin = ACCENT if row["recommended"] else LINE_2
        if not np.isnan([low, left]).any():
            axes.vlines(at[0], low, high, colors=thin, linewidth=1, zorder=1)
            axes.hlines(at[1], left, right, colors=thin, linewidth=1, zorder=1)
        (point,) = axes.plot(*at, **marker_of(Grade.PRIOR, color=color))
        tell(point, _tradeoff(row, style=style))
    zero_line(axes, vertical=False)
    ends = [value / scale.factor for value in ends_of(table, "incremental_profit")]
    ticks = round_ticks([*ends, 0.0], most=6)
    axes.set_ylim(min([*ends, 0]) - 0.06 * np.ptp([*ends, 0]), max([*ends, 0]) + 0.08 * np.ptp([*ends, 0]))
    far = max(1.0, float(table["incremental_deletions_ci_upper"].max()))
    axes.set_xlim(min(0.0, float(table["incremental_deletions_ci_lower"].min())) - 0.04 * far, far * 1.04)
    label_y_right(axes, ticks, [tick_text(tick) for tick in ticks])
    places = round_ticks([0.0, far], most=4 if style.narrow else 6)
    axes.set_xticks(places, labels=[tick_text(place) for place in places], fontsize=TICK)
    down = style.text("多丢的好友，人 →", "more contacts lost →")
    axes.annotate(down, (1, 0), xycoords="axes fraction", xytext=(0, -26), **CAPTION, va="top", ha="right")
    up = style.text("↑ 增量利润，", "↑ incremental profit, ") + scale.label
    axes.annotate(up, (0, 1), xycoords="axes fraction", xytext=(0, 8), **CAPTION, va="bottom", ha="left")
    points = table.sort_values(["recommended", "on_frontier", "incremental_profit"], ascending=False, kind="stable")
    named = pd.DataFrame(
        {
            "text": points[f"strategy_{style.language}"],
            "x": points["incremental_deletions"],
            "y": points["incremental_profit"] / scale.factor,
            "recommended": points["recommended"],
        }
    )
    _label_points(axes, named, style=style, taken=list(zip(x, y, strict=True)))
    return figure


def _tradeoff(row: dict[Any, Any], *, style: Style) -> str:
    """Return what a pointer on a strategy shows: its name, profit and contacts lost, with intervals."""
    lost = Estimate(
        row["incremental_deletions"],
        "deletions",
        row["incremental_deletions_ci_lower"],
        row["incremental_deletions_ci_upper"],
        row["confidence_level"],
        Grade.PRIOR,
    )
    lines = [row[f"strategy_{style.language}"], style.estimate(money_estimate(row, "incremental_profit"))]
    return "\n".join([*lines, style.text("多丢 ", "contacts lost: ") + style.estimate(lost)])


def frontier_by_frequency(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the frontier of profit against deletions at several limits of touches a month, one line each.

    Args:
        table: One row per setting and strategy: most_per_month (missing: no limit), incremental_profit (currency),
            incremental_deletions, on_frontier.
        style: For whom.
    """
    lines = table[table["on_frontier"]]
    scale = style.scale(lines["incremental_profit"].tolist(), "money")
    figure, axes = style.canvas(360 if style.narrow else 340, left=10, right=46, top=30, bottom=44)
    tops = []
    settings = list(dict.fromkeys(table["most_per_month"].fillna(np.inf)))
    for place, most in enumerate(settings):
        own = lines[lines["most_per_month"].fillna(np.inf) == most].sort_values("incremental_deletions")
        last = place == len(settings) - 1
        color = ACCENT if last else MARK
        y = own["incremental_profit"] / scale.factor
        word = style.text("不限", "no limit") if np.isinf(most) else style.text(f"{most:.0f} 次", f"{most:.0f} a month")
        (line,) = axes.plot(own["incremental_deletions"], y, color=color, linewidth=2 if last else 1.5, zorder=2)
        tell(line, series=word)
        marks = {**marker_of(Grade.PRIOR, color=color), "markersize": 6}
        (points,) = axes.plot(own["incremental_deletions"], y, **marks)
        told = [
            f"{row.get(f'strategy_{style.language}', word)}\n{style.number(row['incremental_profit'], 'money')}"
            for row in own.to_dict("records")
        ]
        tell(points, *told, series=word)
        tops.append(
            {
                "text": word,
                "series": word,
                "x": own["incremental_deletions"].iloc[-1],
                "y": y.iloc[-1],
                "recommended": last,
            }
        )
    _plane(axes, x=lines["incremental_deletions"], y=lines["incremental_profit"] / scale.factor, style=style)
    up = style.text("↑ 30 天增量利润，", "↑ incremental profit in 30 days, ") + scale.label
    axes.annotate(up, (0, 1), xycoords="axes fraction", xytext=(0, 8), **CAPTION, va="bottom", ha="left")
    _label_points(
        axes,
        pd.DataFrame(tops[::-1]),
        style=style,
        taken=list(zip(lines["incremental_deletions"], lines["incremental_profit"] / scale.factor, strict=True)),
    )
    return figure


def _plane(axes: "Axes", *, x: "pd.Series[float]", y: "pd.Series[float]", style: Style) -> None:
    """Put ticks, grid and the name of the lower axis on a drawing of profit against deletions."""
    zero_line(axes, vertical=False)
    heights = [0.0, *y]
    span = max(float(np.ptp(heights)), 1e-9)
    axes.set_ylim(min(heights) - 0.06 * span, max(heights) + 0.10 * span)
    far = max(1.0, float(x.max()))
    axes.set_xlim(min(0.0, float(x.min())) - 0.04 * far, far * 1.25)  # room for names before the ticks
    ticks = round_ticks(heights, most=6)
    label_y_right(axes, ticks, [tick_text(tick) for tick in ticks])
    places = round_ticks([0.0, far], most=4 if style.narrow else 6)
    axes.set_xticks(places, labels=[tick_text(place) for place in places], fontsize=TICK)
    down = style.text("多丢的好友，人 →", "more contacts lost →")
    axes.annotate(down, (1, 0), xycoords="axes fraction", xytext=(0, -26), **CAPTION, va="top", ha="right")


def _label_points(axes: "Axes", points: pd.DataFrame, *, style: Style, taken: list[tuple[float, float]]) -> None:
    """Write each name beside its point, first ones first, where it covers nothing; else leave it out.

    A name keeps off points, other names and the labels of both axes.

    Args:
        axes: Where.
        points: One row per name: text, x, y, recommended; series, if it goes with one that readers can switch off.
        style: For whom.
        taken: More points that no name may cover.
    """
    axes.figure.canvas.draw()
    frame = axes.get_window_extent()
    marks = [*taken, *zip(points["x"], points["y"], strict=True)]
    boxes = [(px - 7, py - 7, px + 7, py + 7) for px, py in axes.transData.transform(np.array(marks))]
    written = [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]
    covered = [text.get_window_extent() for text in written if text.get_text()]
    boxes += [(box.x0, box.y0, box.x1, box.y1) for box in covered]
    for row in points.to_dict("records"):
        text = wrapped(str(row["text"]), room=118 if style.narrow else 190)
        lines = text.split("\n")
        size = (max(text_width(line) for line in lines), 16.0 * len(lines))
        spot = axes.transData.transform((row["x"], row["y"]))
        found = _free_place(spot, size=size, taken=boxes, frame=frame)
        if found is None:
            continue
        dx, dy, align, box = found
        boxes.append(box)
        color = ACCENT if row["recommended"] else INK_2
        bold = bool(row["recommended"])
        label = label_end(axes, row["x"], row["y"], text, color=color, bold=bold, offset=(dx, dy), align=align)
        if "series" in row:
            tell(label, series=row["series"])


def _free_place(
    spot: "np.ndarray[Any, Any]",
    *,
    size: tuple[float, float],
    taken: list[tuple[float, float, float, float]],
    frame: Any,
) -> tuple[float, float, Any, tuple[float, float, float, float]] | None:
    """Return the first free place for a label around a point; None if there is none."""
    width, high = size
    rise = 4 + high / 2
    near = [(10, dy, "left") for dy in (rise, -rise, 0)] + [(-10, dy, "right") for dy in (rise, -rise, 0)]
    near += [(0, dy, "center") for dy in (rise + 4, -rise - 4)]
    far = [
        (side * 8, sign * (rise + more), align)
        for more in (16, 32)
        for sign in (1, -1)
        for side, align in ((1, "left"), (-1, "right"))
    ]
    for dx, dy, align in [*near, *far]:
        left = spot[0] + dx - {"left": 0.0, "center": width / 2, "right": width}[align]
        box = (left, spot[1] + dy - high / 2, left + width, spot[1] + dy + high / 2)
        inside = box[0] >= 0 and box[2] <= frame.x1 + 40 and box[1] >= frame.y0 and box[3] <= frame.y1 + 6
        if inside and not any(_overlap(box, other) for other in taken):
            return dx, dy, align, box
    return None


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
