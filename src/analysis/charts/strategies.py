"""Pictures of the comparison of touch strategies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from analysis.charts.theme import (
    ACCENT,
    BOLD,
    INK,
    INK_2,
    INK_3,
    LINE_2,
    MARK,
    TEXT,
    TICK,
    WARN,
    Style,
    interval_mark,
    label_end,
    label_y_right,
    marker_of,
    zero_line,
)
from analysis.evidence import Estimate, Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "account_of_strategy",
    "lead_by_assumption",
    "profit_against_deletions",
    "profit_by_strategy",
    "short_and_long_run",
]

_ROW: Final = 36
_NARROW_ROW: Final = 52
_LATIN: Final = 7.6  # width of a Latin letter at 13 units; a Chinese one is as wide as high


def profit_by_strategy(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw each strategy's incremental profit as point and interval, with its chance of being best.

    Args:
        table: One row per strategy, highest first: strategy_zh, strategy_en, incremental_profit with interval
            (currency), confidence_level, p_best (0-1), grade, recommended.
        style: For whom.
    """
    names = table[f"strategy_{style.language}"].tolist()
    scale = style.scale(_ends(table, "incremental_profit"), "money")
    figure, axes = _rows(names, style=style, right=250)
    for y, row in enumerate(table.to_dict("records")):
        color = ACCENT if row["recommended"] else MARK
        estimate = _estimate(row, "incremental_profit")
        interval_mark(axes, y, estimate, color=color, factor=scale.factor)
        text = INK if color == MARK else color
        _name(axes, y, names[y], style=style, bold=bool(row["recommended"]))
        value, best = scale.text(row["incremental_profit"]), style.number(row["p_best"], "share")
        if style.narrow:
            _at(axes, style.width, y, f"{value}　{best}", style=style, color=text, bold=True, above=True)
            continue
        interval = scale.interval(estimate.ci_lower, estimate.ci_upper, language=style.language)
        _at(axes, 520, y, value, style=style, color=text, bold=True)
        _at(axes, 644, y, interval, style=style)
        _at(axes, 700, y, best, style=style)
    _money_axis(axes, _ends(table, "incremental_profit"), factor=scale.factor, zero=_zero(style))
    profit = style.text("增量利润", "Profit") + (f"，{scale.label}" if style.language == "zh" else f", {scale.label}")
    best_label = style.text("最优概率", "P(best)")
    if style.narrow:
        _head(axes, style.width, f"{profit}　{best_label}", style=style)
    else:
        for x, text in ((520, profit), (644, style.text("80% 区间", "80% interval")), (700, best_label)):
            _head(axes, x, text, style=style)
    return figure


def profit_against_deletions(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw profit against deletions, each with its interval, and the frontier as a line.

    Args:
        table: One row per strategy, fewest deletions first: strategy_zh, strategy_en, incremental_deletions and
            incremental_profit with intervals, confidence_level, on_frontier, recommended.
        style: For whom.
    """
    scale = style.scale(_ends(table, "incremental_profit"), "money")
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
        axes.plot(*at, **marker_of(Grade.PRIOR, color=color))
    zero_line(axes, vertical=False)
    ends = [value / scale.factor for value in _ends(table, "incremental_profit")]
    ticks = _ticks([*ends, 0.0], most=6)
    axes.set_ylim(min([*ends, 0]) - 0.06 * np.ptp([*ends, 0]), max([*ends, 0]) + 0.08 * np.ptp([*ends, 0]))
    far = max(1.0, float(table["incremental_deletions_ci_upper"].max()))
    axes.set_xlim(min(0.0, float(table["incremental_deletions_ci_lower"].min())) - 0.04 * far, far * 1.04)
    label_y_right(axes, ticks, [_tick(tick) for tick in ticks])
    places = _ticks([0.0, far], most=4 if style.narrow else 6)
    axes.set_xticks(places, labels=[_tick(place) for place in places], fontsize=TICK)
    down = style.text("多丢的好友，人 →", "more contacts lost →")
    axes.annotate(down, (1, 0), xycoords="axes fraction", xytext=(0, -26), **_CAPTION, va="top", ha="right")
    up = style.text("↑ 增量利润，", "↑ incremental profit, ") + scale.label
    axes.annotate(up, (0, 1), xycoords="axes fraction", xytext=(0, 8), **_CAPTION, va="bottom", ha="left")
    _label_points(axes, x, y, table, style=style)
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
    figure, axes = _rows(names, style=style, right=90)
    before = np.concatenate([[0.0], np.cumsum(amounts[:-1])[:-1], [0.0]]) / scale.factor
    for y, (start, amount) in enumerate(zip(before, amounts / scale.factor, strict=True)):
        last = y == len(amounts) - 1
        color = ACCENT if last and amount >= 0 else WARN if amount < 0 else MARK
        axes.barh(y, amount, left=start, height=0.42, color=color, zorder=2)
        _name(axes, y, names[y], style=style, bold=last)
        text = INK if color == MARK else color
        _at(axes, style.width, y, scale.text(amounts[y]), style=style, color=text, bold=True, above=style.narrow)
    corners = np.concatenate([before, before + amounts / scale.factor]) * scale.factor
    _money_axis(axes, corners.tolist(), factor=scale.factor, zero="")
    _head(axes, style.width, scale.label, style=style)
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
    figure, axes = style.canvas(
        390, left=58 if style.narrow else 66, right=200 if style.narrow else 330, top=50, bottom=10
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
        axes.annotate(text, (x, 1), xycoords="axes fraction", xytext=(0, 8), **_CAPTION, va="bottom", ha="center")
    axes.hlines(0, 0, 1, colors=INK, linewidth=1.25, zorder=1)
    unit = style.text("累计增量利润，", "cumulative profit, ") + scale.label
    axes.annotate(unit, (0, 1), xycoords=("figure fraction", "axes fraction"), xytext=(0, 26), **_CAPTION, ha="left")
    ends = table["profit_late"].to_numpy(dtype=float) / scale.factor
    for row, y in zip(table.to_dict("records"), _apart(ends, axes, least=20.0), strict=True):
        color = ACCENT if row["recommended"] else MARK
        points = [row["profit_early"] / scale.factor, row["profit_late"] / scale.factor]
        width = 2.5 if row["recommended"] else 1.5
        axes.plot([0, 1], points, color=color, linewidth=width, marker="o", markersize=6, clip_on=False, zorder=3)
        value, share = scale.text(row["profit_late"]), 0.92 if row["recommended"] else 1.0  # bold letters are wider
        text = _cut(f"{value}　{row[f'strategy_{style.language}']}", room=(180 if style.narrow else 305) * share)
        label_end(axes, 1, y, text, color=color if row["recommended"] else INK_2, bold=bool(row["recommended"]))
    for row, y in _extremes(table, factor=scale.factor):
        color = ACCENT if row["recommended"] else INK_2
        label_end(axes, 0, y, scale.text(row["profit_early"]), color=color, offset=(-8, 0), align="right")
    return figure


def lead_by_assumption(table: pd.DataFrame, *, style: Style) -> "Figure":
    """Draw the lead over the runner-up where each assumption is low (hollow) and where it is high (full).

    Args:
        table: One row per assumption, largest swing first: assumption_zh, assumption_en, lead_if_low, lead_if_high
            (currency), flips.
        style: For whom.
    """
    names = table[f"assumption_{style.language}"].tolist()
    both = [*table["lead_if_low"], *table["lead_if_high"]]
    scale = style.scale(both or [0.0], "money")
    figure, axes = _rows(names, style=style, right=130)
    for y, row in enumerate(table.to_dict("records")):
        low, high = row["lead_if_low"] / scale.factor, row["lead_if_high"] / scale.factor
        color = WARN if row["flips"] else MARK
        axes.hlines(y, min(low, high), max(low, high), colors=color, linewidth=3, zorder=2)
        axes.plot([low], [y], **marker_of(Grade.OBSERVATIONAL, color=color))
        axes.plot([high], [y], **marker_of(Grade.RANDOMISED, color=color))
        _name(axes, y, names[y], style=style, bold=bool(row["flips"]))
        if row["flips"]:
            text = style.text("赢家换人", "winner changes")
            _at(axes, style.width, y, text, style=style, color=WARN, bold=True, above=style.narrow)
    _money_axis(axes, both or [0.0], factor=scale.factor, zero=style.text("0 = 打平", "0 = level"))
    key = style.text("○ 假设偏低　● 假设偏高", "○ assumed low　● assumed high")
    if not style.narrow:
        _head(axes, style.width, scale.label, style=style)
    axes.annotate(key, (0, 0), xycoords="axes fraction", xytext=(0, -10), **_CAPTION, va="top", ha="left")
    return figure


_CAPTION: Final[dict[str, Any]] = {"textcoords": "offset points", "fontsize": TICK, "color": INK_3}


def _rows(names: Sequence[str], *, style: Style, right: float) -> "tuple[Figure, Axes]":
    """Return axes with one row per name: beside the marks, or above them on a phone."""
    row = _NARROW_ROW if style.narrow else _ROW
    widest = max((_width(name) for name in names), default=0.0)
    left = 12.0 if style.narrow else min(widest + 26, 290)
    edge = 12.0 if style.narrow else right
    # on a phone the heads of columns stand above the name of the zero line, not beside it
    top = 64 if style.narrow else 46
    figure, axes = style.canvas(row * max(len(names), 1) + top + 20, left=left, right=edge, top=top, bottom=20)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.set_yticks([])
    return figure, axes


def _name(axes: "Axes", y: float, name: str, *, style: Style, bold: bool) -> None:
    if style.narrow:
        text = _cut(name, room=200)
        _at(axes, 0, y, text, style=style, color=INK, bold=bold, above=True, align="left")
    else:
        _at(axes, 0, y, _cut(name, room=276), style=style, color=INK, bold=bold, align="left")


def _at(
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
        xytext=(0, 19 if above else 0),
        textcoords="offset points",
        ha=align,
        va="center",
        color=color,
        fontsize=TEXT,
        fontweight=weight,
        annotation_clip=False,
    )


def _head(axes: "Axes", x: float, text: str, *, style: Style) -> None:
    """Write the head of a column at x units, above the axis."""
    axes.annotate(
        text,
        (x / style.width, 1),
        xycoords=("figure fraction", "axes fraction"),
        xytext=(0, 40 if style.narrow else 22),
        **_CAPTION,
        ha="right",
        va="bottom",
    )


def _money_axis(axes: "Axes", values: Sequence[float], *, factor: float, zero: str) -> None:
    """Put ticks of money above the rows, a grid beneath the marks, and the zero line with its name."""
    shown = [value / factor for value in values] + [0.0]
    span = max(max(shown) - min(shown), 1e-9)
    # Room beside the zero line, for its name.
    axes.set_xlim(min(min(shown) - 0.04 * span, -0.16 * span), max(max(shown) + 0.04 * span, 0.16 * span))
    ticks = _ticks(shown, most=5)
    axes.set_xticks(ticks, labels=[_tick(tick) for tick in ticks], fontsize=TICK)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.grid(visible=True, axis="x")
    zero_line(axes, zero)


def _zero(style: Style) -> str:
    return style.text("0 = 不触达", "0 = no touch")


def _ticks(values: Sequence[float], *, most: int) -> list[float]:
    from matplotlib.ticker import MaxNLocator

    low, high = min(values), max(values)
    places = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(place) for place in places if low - 1e-9 <= place <= high + 1e-9]


def _tick(value: float) -> str:
    text = f"{abs(value):,.10g}"
    return f"\u2212{text}" if value < 0 else text


def _ends(table: pd.DataFrame, column: str) -> list[float]:
    return [*table[f"{column}_ci_lower"].dropna(), *table[f"{column}_ci_upper"].dropna(), *table[column]]


def _estimate(row: dict[Any, Any], column: str) -> Estimate:
    grade, lower = Grade(row.get("grade", "D")), row[f"{column}_ci_lower"]
    if np.isnan(lower):
        return Estimate(row[column], "money", grade=Grade.MEASURED)
    return Estimate(row[column], "money", lower, row[f"{column}_ci_upper"], row["confidence_level"], grade=grade)


def _width(text: str) -> float:
    """Return about how wide a text is, in units: to leave room before anything is drawn."""
    return sum(TEXT if ord(letter) > 0x2E80 else _LATIN for letter in text)


def _cut(text: str, *, room: float) -> str:
    while text and _width(text) > room:
        text = text.rstrip("…")[:-1] + "…"
    return text


def _apart(values: "np.ndarray[Any, Any]", axes: "Axes", *, least: float) -> list[float]:
    """Return heights for labels near their values, at least so many units from one another."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_window_extent().height or 1.0)
    order = np.argsort(-values, kind="stable")
    placed = values.astype(float).copy()
    ceiling = high
    for i in order:
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - least * unit
    floor = low
    for i in order[::-1]:
        placed[i] = max(placed[i], floor)
        floor = placed[i] + least * unit
    return [float(value) for value in placed]


def _extremes(table: pd.DataFrame, *, factor: float) -> list[tuple[dict[Any, Any], float]]:
    """Return the rows of the highest and the lowest early profit, for their labels."""
    early = table["profit_early"].to_numpy(dtype=float)
    places = {int(early.argmax()), int(early.argmin())}
    rows = table.to_dict("records")
    return [(rows[place], early[place] / factor) for place in sorted(places)]


def _label_points(
    axes: "Axes", x: "np.ndarray[Any, Any]", y: "np.ndarray[Any, Any]", table: pd.DataFrame, *, style: Style
) -> None:
    """Write each strategy's name beside its point where it covers neither point nor name."""
    axes.figure.canvas.draw()
    spots = axes.transData.transform(np.column_stack([x, y]))
    frame = axes.get_window_extent()
    taken = [(px - 7, py - 7, px + 7, py + 7) for px, py in spots]
    order = np.argsort(~table["recommended"].to_numpy(dtype=bool), kind="stable")
    for i in order:
        name = _cut(str(table[f"strategy_{style.language}"].iloc[i]), room=120 if style.narrow else 190)
        width, spot = _width(name), spots[i]
        dx, dy, align, box = _free_place(spot, width=width, taken=taken, frame=frame)
        taken.append(box)
        recommended = bool(table["recommended"].iloc[i])
        color = ACCENT if recommended else INK_2
        label_end(axes, x[i], y[i], name, color=color, bold=recommended, offset=(dx, dy), align=align)


def _free_place(
    spot: "np.ndarray[Any, Any]", *, width: float, taken: list[tuple[float, float, float, float]], frame: Any
) -> tuple[float, float, Any, tuple[float, float, float, float]]:
    """Return the first free place for a label around a point, or the last one tried."""
    places = [(10, dy, "left") for dy in (12, -12, 0)] + [(-10, dy, "right") for dy in (12, -12, 0)]
    places += [(8, dy, "left") for dy in (28, -28, 44, -44, 60, -60)]
    places += [(-8, dy, "right") for dy in (28, -28, 44, -44, 60, -60)]
    places = [*places[:6], *((0, dy, "center") for dy in (18, -18, 34, -34)), *places[6:]]
    found = None
    for dx, dy, align in places:
        left = spot[0] + dx - {"left": 0.0, "center": width / 2, "right": width}[align]
        box = (left, spot[1] + dy - 8, left + width, spot[1] + dy + 8)
        found = (dx, dy, align, box)
        inside = box[0] >= 0 and box[2] <= frame.x1 + 40 and box[1] >= frame.y0 and box[3] <= frame.y1 + 6
        if inside and not any(_overlap(box, other) for other in taken):
            break
    if found is None:
        return 10, 12, "left", (0, 0, 0, 0)
    return found


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
